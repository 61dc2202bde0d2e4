import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skcoreset import CoresetCompressor, InputDensityDisplay

from ..conftest import fitted

pytestmark = pytest.mark.usefixtures("plt")


def test_inputs_are_an_image_where_they_are_pixels(compressor):
    display = InputDensityDisplay.from_estimator(compressor)
    image = display.image_.get_array()
    assert image.shape == (8, 8) and display.bars_ is None
    assert image.sum() == compressor.coefs_[0].nnz
    display.plot(image_shape=(4, 16))
    assert display.image_.get_array().shape == (4, 16)
    display.plot(image_shape=None)
    assert display.image_ is None
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_array_equal(widths, display.n_kept)


# four pixels say little of ten digits
@pytest.mark.filterwarnings("ignore:The compressed network:UserWarning")
def test_inputs_have_names(digits):
    pd = pytest.importorskip("pandas")
    X, y = digits[:2]
    frame = pd.DataFrame(X[:, 20:24], columns=list("abcd"))
    mlp = MLPClassifier((5,), max_iter=5, random_state=0)
    trained = FrozenEstimator(fitted(clone(mlp), frame, y))
    for estimator in [
        clone(mlp),
        make_pipeline(clone(mlp)),
        make_pipeline(StandardScaler(), clone(mlp)),
        make_pipeline(StandardScaler(), make_pipeline(PCA(3), clone(mlp))),
        make_pipeline(FunctionTransformer(), trained),
    ]:
        compressor = CoresetCompressor(
            fitted(estimator, frame, y), method="magnitude", density=0.9, random_state=0
        ).fit(frame[:300])
        display = InputDensityDisplay.from_estimator(compressor)
        names = ["pca0", "pca1", "pca2"] if len(display.n_kept) == 3 else list("abcd")
        assert list(display.feature_names) == names
    display = InputDensityDisplay.from_estimator(compressor, feature_names=list("efgh"))
    texts = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert texts == list("efgh")
    nameless = CoresetCompressor(
        fitted(mlp, X[:, 20:24], y), method="magnitude", density=0.9, random_state=0
    ).fit(X[:300, 20:24])
    display = InputDensityDisplay.from_estimator(nameless)
    assert list(display.feature_names) == ["x0", "x1", "x2", "x3"]
