import numpy as np
import pytest

from skcoreset import CoresetCompressor, PathPromisesDisplay, path_promises

pytestmark = pytest.mark.usefixtures("plt")


@pytest.mark.parametrize("error", ["relative", "prediction"])
def test_band_and_sparsest_network_that_passes(error, mlp, digits, legend_of):
    compressor = CoresetCompressor(mlp, method="magnitude", error=error, delta=0.5)
    X = digits[2]
    promises = path_promises(compressor, X[:200], X[200:], confidence=0.9)
    epsilon = 0.8 if error == "relative" else None
    display = PathPromisesDisplay.from_promises(promises, epsilon=epsilon)
    np.testing.assert_array_equal(
        display.line_.get_ydata(), promises.share_over(epsilon)
    )
    upper = promises.upper_share(epsilon)
    assert display.band_.get_datalim(display.ax_.transData).y1 == upper.max()
    sparsest = promises.density[upper <= 0.5][-1]
    assert display.passing_.get_xdata()[0] == sparsest
    counted = {"relative": r"error over $\varepsilon$ = 0.8"}
    counted = counted.get(error, "predictions that change")
    assert legend_of(display.ax_)[0] == f"held-out rows: {counted}"
    assert "all together with 90% confidence" in legend_of(display.ax_)[1]


def test_no_network_passes(plt):
    _, ax = plt.subplots()
    density, share = np.array([0.5, 0.2]), np.array([0.2, 0.3])
    display = PathPromisesDisplay(density, share, share + 0.1, 0.1, 0.9).plot(ax=ax)
    assert display.passing_ is None and display.ax_ is ax
