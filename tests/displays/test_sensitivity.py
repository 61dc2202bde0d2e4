import numpy as np
import pytest

from skcoreset import SensitivityDisplay
from skcoreset._sensitivity import sensitivity

pytestmark = pytest.mark.usefixtures("plt")


@pytest.mark.parametrize("layer", [-1, 3, None])
def test_layers_that_are_not_there(layer, compressor, digits):
    with pytest.raises(ValueError, match=f"layer={layer}.* 0 to 2"):
        SensitivityDisplay.from_estimator(compressor, digits[2], layer=layer)


@pytest.mark.parametrize("layer", [0, 2])
def test_sensitivities(layer, compressor, mlp, digits):
    X = digits[2][:50]
    display = SensitivityDisplay.from_estimator(compressor, X, layer=layer)
    A = X
    for coef, intercept in zip(mlp.coefs_[:layer], mlp.intercepts_):
        A = np.maximum(A @ coef + intercept, 0)
    expected = sensitivity(A, mlp.coefs_[layer])
    np.testing.assert_allclose(display.sensitivities, expected, rtol=1e-5)
    largest = display.lines_[0].get_ydata()
    assert len(largest) == len(mlp.coefs_[layer])
    assert (np.diff(largest) <= 0).all()
