import sys
import warnings

import matplotlib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skcoreset import (
    CompressionPathDisplay,
    CoresetCompressor,
    InputDensityDisplay,
    LayerDensityDisplay,
    SensitivityDisplay,
)
from skcoreset._sensitivity import sensitivity

from .conftest import fitted

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def compressor(mlp, digits):
    return CoresetCompressor(
        mlp, method="magnitude", epsilon=0.3, delta=0.2, random_state=0
    ).fit(digits[2][:500])


def displays_of(compressor, X):
    return [
        CompressionPathDisplay.from_estimator(compressor),
        LayerDensityDisplay.from_estimator(compressor),
        SensitivityDisplay.from_estimator(compressor, X),
        InputDensityDisplay.from_estimator(compressor),
    ]


def test_axes_are_the_users_or_new(compressor, digits):
    _, ax = plt.subplots()
    display = LayerDensityDisplay.from_estimator(compressor, ax=ax)
    assert display.ax_ is ax and display.figure_ is ax.figure
    for display in displays_of(compressor, digits[2][:50]):
        again = display.plot()
        assert again is display
        assert display.ax_ is not ax
        assert display.figure_ is display.ax_.figure
        display.figure_.draw_without_rendering()


def test_path_is_the_compressors(compressor):
    display = CompressionPathDisplay.from_estimator(compressor, color="black")
    path = compressor.path_
    for line, name in zip(display.lines_, ["error_q99", "error_q90", "error_q50"]):
        np.testing.assert_array_equal(line.get_xdata(), path["density"])
        np.testing.assert_array_equal(line.get_ydata(), path[name])
        assert line.get_color() == "black"
    assert display.chosen_.get_xdata()[0] == compressor.density_
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels[-1] == r"$\varepsilon$ = 0.3"
    assert display.score_ax_ is None


def test_path_with_scores(compressor, mlp, digits):
    X, y = digits[2:]
    display = CompressionPathDisplay.from_estimator(compressor, X, y)
    assert display.scores == (mlp.score(X, y), compressor.score(X, y))
    assert tuple(display.score_ax_.lines[0].get_ydata()) == display.scores
    display.figure_.draw_without_rendering()


def test_path_of_predictions_and_of_the_theorem(mlp, digits):
    X = digits[2]
    compressor = CoresetCompressor(
        mlp, method="magnitude", error="prediction", delta=0.1, random_state=0
    ).fit(X)
    display = CompressionPathDisplay.from_estimator(compressor)
    (line,) = display.lines_
    np.testing.assert_array_equal(
        line.get_ydata(), compressor.path_["share_over_epsilon"]
    )
    compressor.set_params(method="corenet", error="relative", guarantee="theoretical")
    with pytest.warns(UserWarning, match="theorem"):
        compressor.fit(X)
    display = CompressionPathDisplay.from_estimator(compressor)
    display.figure_.draw_without_rendering()


def test_layers(compressor, mlp):
    display = LayerDensityDisplay.from_estimator(compressor)
    assert display.shapes == [(64, 32), (32, 16), (16, 10)]
    assert sum(display.n_kept) == sum(coef.nnz for coef in compressor.coefs_)
    widths = [bar.get_width() for bar in display.bars_]
    assert widths[0] == compressor.coefs_[0].nnz / mlp.coefs_[0].size
    assert widths[-1] == pytest.approx(compressor.density_)


def test_layers_that_had_no_edges():
    display = LayerDensityDisplay([0, 3], [0, 4], [(2, 2), (2, 2)]).plot()
    widths = [bar.get_width() for bar in display.bars_]
    assert widths == [0, 0.75, 0.75]


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
            fitted(estimator, frame, y), method="magnitude", density=0.5, random_state=0
        ).fit(frame)
        display = InputDensityDisplay.from_estimator(compressor)
        names = ["pca0", "pca1", "pca2"] if len(display.n_kept) == 3 else list("abcd")
        assert list(display.feature_names) == names
    display = InputDensityDisplay.from_estimator(compressor, feature_names=list("efgh"))
    texts = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert texts == list("efgh")
    nameless = CoresetCompressor(
        fitted(mlp, X[:, 20:24], y), method="magnitude", density=0.5, random_state=0
    ).fit(X[:, 20:24])
    display = InputDensityDisplay.from_estimator(nameless)
    assert list(display.feature_names) == ["x0", "x1", "x2", "x3"]


def test_pipelines_are_seen_through(mlp, digits):
    X = digits[2]
    half = FunctionTransformer(lambda X: X / 2)
    pipeline = make_pipeline(half, mlp)
    options = dict(method="magnitude", density=0.3, random_state=0)
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
    for display in (CompressionPathDisplay, LayerDensityDisplay, InputDensityDisplay):
        with pytest.raises(NotFittedError):
            display.from_estimator(compressor)
    with pytest.raises(NotFittedError):
        SensitivityDisplay.from_estimator(compressor, digits[0])


def test_matplotlib_is_asked_for_when_drawing_only(compressor, monkeypatch):
    path, certificate = compressor.path_, compressor.certificate_
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    display = CompressionPathDisplay(path, certificate)
    with pytest.raises(ImportError, match="requires matplotlib"):
        display.plot()


def test_path_without_a_bound(mlp, digits):
    # too few held-out rows to say anything at this density
    compressor = CoresetCompressor(
        mlp, method="magnitude", density=0.5, random_state=0
    ).fit(digits[2][:20])
    assert compressor.certificate_.epsilon == np.inf
    display = CompressionPathDisplay.from_estimator(compressor)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert not any("varepsilon" in label for label in labels)


def test_path_of_nothing_to_drop(mlp, digits):
    compressor = CoresetCompressor(mlp, method="magnitude", density=1.0)
    compressor.fit(digits[2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = CompressionPathDisplay.from_estimator(compressor)
    low, high = display.ax_.get_xlim()
    assert low < 1 < high < 2
