import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from skcoreset import CompressionPathDisplay, CoresetCompressor

pytestmark = pytest.mark.usefixtures("plt")


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


def test_path_is_the_compressors(compressor, legend_of):
    display = CompressionPathDisplay.from_estimator(compressor, color="black")
    path = compressor.path_
    for line, name in zip(display.lines_, ["error_q99", "error_q90", "error_q50"]):
        np.testing.assert_array_equal(line.get_xdata(), path["density"])
        np.testing.assert_array_equal(line.get_ydata(), path[name])
        assert line.get_color() == "black"
    np.testing.assert_array_equal(display.statistic_.get_ydata(), path["statistic"])
    assert display.chosen_.get_xdata()[0] == compressor.density_
    assert r"$\varepsilon$ = 0.1" in legend_of(display.ax_)
    assert display.ax_.get_title() == ""


def test_path_says_why_the_next_network_was_refused(legend_of):
    display = CompressionPathDisplay(*walk()).plot()
    limit, chosen, refused = legend_of(display.decision_ax_)
    assert limit == r"limit: $\delta$ = 0.1"
    assert chosen == r"chosen: 0.08 $\leq$ 0.1"
    assert refused == "refused: 0.13 > 0.1"
    assert display.refused_.get_xydata().tolist() == [[0.2, 0.13]]
    last = CompressionPathDisplay(*walk(chosen=3, delta=0.2)).plot()
    assert last.refused_ is None
    assert len(legend_of(last.decision_ax_)) == 2


@pytest.mark.parametrize(
    ("error", "differ"),
    [("relative", r"over $\varepsilon$"), ("prediction", "that change")],
)
def test_path_names_what_decides(error, differ):
    display = CompressionPathDisplay(*walk(error=error)).plot()
    assert display.decision_ax_.get_ylabel() == (
        f"Share of rows {differ}\n(this network or the one before)"
    )


def test_path_with_a_confidence_compares_p_values(legend_of):
    display = CompressionPathDisplay(*walk(confidence=0.9)).plot()
    assert legend_of(display.decision_ax_)[0] == "limit: 1 - confidence = 0.1"
    assert display.decision_ax_.get_ylabel() == "p-value"


def test_path_shares_the_axes_that_it_is_given(compressor, plt):
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


def test_path_of_errors_that_count_rows(legend_of):
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


def test_path_without_a_bound(legend_of):
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


def test_matplotlib_is_asked_for_when_drawing_only(compressor, monkeypatch):
    path, certificate = compressor.path_, compressor.certificate_
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    display = CompressionPathDisplay(path, certificate)
    with pytest.raises(ImportError, match="requires matplotlib"):
        display.plot()
