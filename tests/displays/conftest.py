import pytest

from skcoreset import CoresetCompressor


@pytest.fixture
def plt():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    yield pyplot
    pyplot.close("all")


@pytest.fixture
def legend_of():
    """Read the labels of a legend."""
    return lambda ax: [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture(scope="session")
def compressor(mlp, digits):
    return CoresetCompressor(
        mlp,
        method="magnitude",
        error="relative",
        epsilon=0.1,
        delta=0.2,
        random_state=0,
    ).fit(digits[2][:500])
