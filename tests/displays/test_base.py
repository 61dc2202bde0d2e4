import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skcoreset import (
    CompressionPathDisplay,
    CoresetCompressor,
    InputDensityDisplay,
    LayerDensityDisplay,
    NetworkDisplay,
    SensitivityDisplay,
)

pytestmark = pytest.mark.usefixtures("plt")


def displays_of(compressor, X):
    return [
        CompressionPathDisplay.from_estimator(compressor),
        LayerDensityDisplay.from_estimator(compressor),
        SensitivityDisplay.from_estimator(compressor, X),
        InputDensityDisplay.from_estimator(compressor),
        NetworkDisplay.from_estimator(compressor),
    ]


def test_axes_are_the_users_or_new(compressor, digits, plt):
    _, ax = plt.subplots()
    display = LayerDensityDisplay.from_estimator(compressor, ax=ax)
    assert display.ax_ is ax and display.figure_ is ax.figure
    for display in displays_of(compressor, digits[2][:50]):
        again = display.plot()
        assert again is display
        assert display.ax_ is not ax
        assert display.figure_ is display.ax_.figure
        display.figure_.draw_without_rendering()


def test_pipelines_are_seen_through(mlp, digits):
    X = digits[2]
    half = FunctionTransformer(lambda X: X / 2)
    pipeline = make_pipeline(half, mlp)
    options = dict(method="magnitude", density=0.6, random_state=0)
    through = CoresetCompressor(pipeline, **options).fit(2 * X)
    alone = CoresetCompressor(mlp, **options).fit(X)
    np.testing.assert_array_equal(
        SensitivityDisplay.from_estimator(through, 2 * X[:50]).sensitivities,
        SensitivityDisplay.from_estimator(alone, X[:50]).sensitivities,
    )
    np.testing.assert_array_equal(
        InputDensityDisplay.from_estimator(through).n_kept,
        InputDensityDisplay.from_estimator(alone).n_kept,
    )
    assert len(InputDensityDisplay.from_estimator(through).feature_names) == 64


def test_original_may_be_trained_inside(digits):
    X, y = digits[:2]
    compressor = CoresetCompressor(
        MLPClassifier((8,), max_iter=5), method="magnitude", density=0.3, random_state=0
    )
    with pytest.warns(Warning):
        compressor.fit(X, y)
    for display in displays_of(compressor, X[:50]):
        display.figure_.draw_without_rendering()


def test_not_fitted(mlp, digits):
    compressor = CoresetCompressor(mlp)
    for display in (
        CompressionPathDisplay,
        LayerDensityDisplay,
        InputDensityDisplay,
        NetworkDisplay,
    ):
        with pytest.raises(NotFittedError):
            display.from_estimator(compressor)
    with pytest.raises(NotFittedError):
        SensitivityDisplay.from_estimator(compressor, digits[0])


def test_other_estimators_are_refused(mlp):
    with pytest.raises(TypeError, match="is needed; got MLPClassifier"):
        NetworkDisplay.from_estimator(mlp)
