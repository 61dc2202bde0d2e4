import sys
import warnings
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from scipy import sparse
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
    NetworkDisplay,
    SensitivityDisplay,
)
from skcoreset._sensitivity import sensitivity

from ..conftest import fitted

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def walk(chosen=2, confidence=None, error="relative", delta=0.1):
    """A path of four networks and a certificate of the chosen one."""
    statistic = np.array([0.01, 0.04, 0.08, 0.13])
    path = {
        "density": np.array([1.0, 0.5, 0.3, 0.2]),
        "error_q50": np.array([0.0, 0.02, 0.05, 0.1]),
        "error_q90": np.array([0.0, 0.04, 0.09, 0.2]),
        "error_q99": np.array([0.0, 0.1, 0.2, 5.0]),
        "share_over_epsilon": np.array([0.0, 0.03, 0.05, 0.12]),
        "statistic": statistic,
        "chosen": np.arange(4) == chosen,
    }
    certificate = SimpleNamespace(
        error=error,
        epsilon=0.1,
        delta=delta,
        confidence=confidence,
        limit=delta if confidence is None else 1 - confidence,
        statistic=statistic[chosen],
    )
    return path, certificate


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


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
        NetworkDisplay.from_estimator(compressor),
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
    np.testing.assert_array_equal(display.statistic_.get_ydata(), path["statistic"])
    assert display.chosen_.get_xdata()[0] == compressor.density_
    assert r"$\varepsilon$ = 0.3" in legend_of(display.ax_)
    assert display.ax_.get_title() == ""


def test_path_says_why_the_next_network_was_refused():
    display = CompressionPathDisplay(*walk()).plot()
    limit, chosen, refused = legend_of(display.decision_ax_)
    assert limit == r"limit: $\delta$ = 0.1"
    assert chosen == r"chosen: 0.08 $\leq$ 0.1"
    assert refused == "refused: 0.13 > 0.1"
    assert display.refused_.get_xydata().tolist() == [[0.2, 0.13]]
    last = CompressionPathDisplay(*walk(chosen=3, delta=0.2)).plot()
    assert last.refused_ is None
    assert len(legend_of(last.decision_ax_)) == 2


def test_path_with_a_confidence_compares_p_values():
    display = CompressionPathDisplay(*walk(confidence=0.9)).plot()
    assert legend_of(display.decision_ax_)[0] == "limit: 1 - confidence = 0.1"
    assert "p" in display.decision_ax_.get_ylabel()


def test_path_shares_the_axes_that_it_is_given(compressor):
    figure, axes = plt.subplots(1, 2, layout="constrained")
    inside = CompressionPathDisplay(*walk()).plot(ax=axes[0])
    free = CompressionPathDisplay(*walk()).plot(ax=plt.figure().add_axes((0, 0, 1, 1)))
    figure.draw_without_rendering()
    for display in (inside, free):
        above = display.ax_.get_position()
        below = display.decision_ax_.get_position()
        np.testing.assert_allclose([above.x0, above.x1], [below.x0, below.x1])
        assert below.y1 < above.y0
    assert inside.decision_ax_.get_position().x1 < axes[1].get_position().x0


def test_path_with_scores(compressor, mlp, digits):
    X, y = digits[2:]
    display = CompressionPathDisplay.from_estimator(compressor, X, y)
    assert display.scores == (mlp.score(X, y), compressor.score(X, y))
    before, after = display.scores
    assert (
        display.ax_.get_title() == f"Accuracy: {before:.3f} before, {after:.3f} after"
    )


def test_path_of_errors_that_count_rows():
    path, certificate = walk(error="prediction")
    display = CompressionPathDisplay(path, certificate).plot()
    (line,) = display.lines_
    np.testing.assert_array_equal(line.get_ydata(), path["share_over_epsilon"])
    assert r"$\delta$ = 0.1" in legend_of(display.ax_)


@pytest.mark.parametrize("density", [0.3, None])
def test_path_where_nothing_was_compared(density, mlp, digits):
    guarantee = "conformal" if density else "theoretical"
    compressor = CoresetCompressor(
        mlp, method="corenet", density=density, guarantee=guarantee, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        compressor.fit(digits[2])
    display = CompressionPathDisplay.from_estimator(compressor)
    assert display.decision_ax_ is display.statistic_ is display.refused_ is None
    assert display.ax_.get_xlabel() == "Edges kept"
    display.figure_.draw_without_rendering()


def test_network_has_a_line_for_every_edge_and_a_dot_for_every_neuron(compressor, mlp):
    display = NetworkDisplay.from_estimator(compressor)
    for coefs, edges, neurons in zip(
        (mlp.coefs_, compressor.coefs_), display.edges_, display.neurons_
    ):
        n_edges = sum(sparse.csr_array(coef).nnz for coef in coefs)
        assert len(edges.get_segments()) == n_edges
        n_neurons = coefs[0].shape[0] + sum(coef.shape[1] for coef in coefs)
        assert len(neurons.get_offsets()) == n_neurons
    texts = [text.get_text() for text in display.ax_.texts]
    assert f"before: {64 * 32 + 32 * 16 + 16 * 10:,} edges" in texts
    assert any(text.startswith(f"after: {n_edges:,} edges, ") for text in texts)
    # the classes, beside each network
    assert sum(text == "7" for text in texts) == 2


def test_network_lines_join_the_neurons_of_their_edges():
    coefs = [np.array([[1.0, 0.0], [0.0, -2.0]]), np.array([[0.0], [3.0]])]
    lines = NetworkDisplay(coefs, coefs).plot().edges_[0]
    first, second, third = lines.get_segments()
    # the two of the first layer by strength, the second at the height where it ends
    assert first[0, 1] > second[0, 1]
    np.testing.assert_array_equal(second[1], third[0])
    assert third[1, 1] == pytest.approx(0)
    blue, orange = lines.get_colors()[[0, 1], :3]
    assert not np.array_equal(blue, orange)
    np.testing.assert_array_equal(lines.get_colors()[2, :3], blue)


def test_network_lines_of_sorted_neurons_do_not_cross():
    # a chain from every input to the mirrored neuron
    mirror = np.eye(5)[::-1]
    display = NetworkDisplay([mirror, mirror], [mirror, mirror]).plot()
    for segment in display.edges_[0].get_segments():
        assert segment[0, 1] == pytest.approx(segment[1, 1])


def test_large_networks_are_drawn_at_one_rate(compressor):
    coefs = [np.ones((40, 20)), np.ones((20, 3))]
    fewer = [np.ones((40, 10)), np.ones((10, 3))]
    display = NetworkDisplay(coefs, fewer).plot(max_neurons=10)
    sizes = [len(edges.get_segments()) for edges in display.edges_]
    assert sizes == [10 * 10 + 10 * 3, 10 * 5 + 5 * 3]
    assert "at most 10 of a layer" in legend_of(display.ax_)[-1]
    for max_neurons, error in [(0, ValueError), (2.5, TypeError)]:
        with pytest.raises(error, match="max_neurons"):
            NetworkDisplay.from_estimator(compressor, max_neurons=max_neurons)


def test_networks_without_edges_are_pale_dots():
    empty = [np.zeros((3, 2)), np.zeros((2, 1))]
    display = NetworkDisplay(empty, empty, input_names=["a", "b", "c"]).plot()
    assert display.edges_[0].get_segments() == []
    assert (display.neurons_[0].get_alpha() < 1).all()
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts.count("a") == 1
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


def test_matplotlib_is_asked_for_when_drawing_only(compressor, monkeypatch):
    path, certificate = compressor.path_, compressor.certificate_
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    display = CompressionPathDisplay(path, certificate)
    with pytest.raises(ImportError, match="requires matplotlib"):
        display.plot()


def test_path_without_a_bound():
    path, certificate = walk()
    certificate.epsilon = np.inf
    display = CompressionPathDisplay(path, certificate).plot()
    assert not any("varepsilon" in label for label in legend_of(display.ax_))


def test_path_of_nothing_to_drop():
    path, certificate = walk(chosen=0)
    path = {name: values[:1] for name, values in path.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = CompressionPathDisplay(path, certificate).plot()
    low, high = display.ax_.get_xlim()
    assert low < 1 < high < 2
