import pytest

from skcoreset import LayerDensityDisplay

pytestmark = pytest.mark.usefixtures("plt")


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
