"""The page in a headless Chromium: what people see when they draw and drag."""

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor
from skcoreset.export import to_html

from ..conftest import fitted, may_collapse
from .browser import CHROMIUM, DRIVER, browser

pytestmark = [
    may_collapse,
    pytest.mark.skipif(
        not (DRIVER and CHROMIUM), reason="chromedriver or Chromium is missing"
    ),
]
DENSITIES = [0.5, 0.2, 0.05]
TEXT = "return document.getElementById('{}').textContent"
BARS = "return [...document.querySelectorAll('.{} span')].map(s => s.textContent)"


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


def page_of(compressor, X, X_val, path):
    page = to_html(compressor, X, X_val, file=path, densities=DENSITIES)
    return page, path.as_uri()


@pytest.fixture(scope="module")
def drawing(mlp, digits, tmp_path_factory):
    """A classroom's page."""
    X = digits[2]
    options = {"method": "magnitude", "density": 0.2, "error": "prediction"}
    compressor = CoresetCompressor(mlp, random_state=0, **options).fit(X)
    path = tmp_path_factory.mktemp("pages") / "drawing.html"
    return page_of(compressor, X[:400], X[400:], path)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    pytest.importorskip("pandas")
    X, y = load_wine(return_X_y=True, as_frame=True)
    mlp = MLPClassifier((12,), max_iter=200, random_state=0)
    pipeline = fitted(make_pipeline(StandardScaler(), mlp), X[::2], y[::2])
    compressor = CoresetCompressor(pipeline, method="magnitude", density=0.5).fit(X)
    path = tmp_path_factory.mktemp("pages") / "table.html"
    return (pipeline, X, *page_of(compressor, X[::2], X[1::2], path))


def slide(chromium, number):
    chromium.run(
        f"const slider = document.getElementById('slider'); slider.value = {number};"
        "slider.dispatchEvent(new Event('input'));"
    )


def test_nothing_is_said_of_an_empty_canvas(chromium, drawing):
    chromium.open(drawing[1], 1400, 1000)
    assert chromium.run(TEXT.format("verdict")).startswith(("Both say", "The thinned"))
    chromium.run("document.getElementById('clear').click()")
    for number in range(len(DENSITIES) + 1):
        slide(chromium, number)
        assert chromium.run(TEXT.format("verdict")).startswith("Draw something")
        assert set(chromium.run(BARS.format("bar"))) == {""}
        assert chromium.run("return document.querySelectorAll('.best').length") == 0


def test_what_is_drawn_is_answered(chromium, drawing):
    chromium.open(drawing[1], 1400, 1000)
    chromium.run("document.getElementById('clear').click()")
    left, top, width, height = chromium.run(
        "const box = document.getElementById('pad').getBoundingClientRect();"
        "return [box.left, box.top, box.width, box.height].map(Math.round)"
    )
    places = [(left + width // 2, top + height * k // 10) for k in range(2, 9)]
    chromium.drag(places)
    seen = np.array(chromium.run("return [...features]")).reshape(8, 8)
    # a stroke from top to bottom
    assert (seen[:, 3:5].sum(axis=1) > 0.5).all()
    assert seen[:, [0, 1, 6, 7]].sum() == 0
    slide(chromium, 0)
    assert chromium.run(TEXT.format("verdict")).startswith("Both say")
    shares = chromium.run(BARS.format("dense"))
    assert shares == chromium.run(BARS.format("small"))
    assert len(shares) == 10 and all(share.endswith("%") for share in shares)


def test_slider_thins_the_network_and_says_how_often_it_agrees(chromium, drawing):
    page, address = drawing
    chromium.open(address, 1400, 1000)
    edges = []
    for number in range(len(DENSITIES) + 1):
        slide(chromium, number)
        now = chromium.run(TEXT.format("now"))
        edges.append(int(now.split()[0].replace(",", "")))
        same = chromium.run(TEXT.format("same"))
        point = chromium.run(f"return data.points[{number}]")
        assert f"dense network on {point['same']} of 497 held-out images." in same
        if number:
            assert point["promise"] in chromium.run(TEXT.format("words"))
            assert f"δ\xa0=\xa0{point['delta']}" in now
    assert edges == sorted(edges, reverse=True)
    assert "whose answer may change" in chromium.run(TEXT.format("symbols"))
    assert str(page.comparison) in chromium.run(TEXT.format("compared"))


def test_outputs_are_labelled(chromium, drawing, table):
    chromium.open(drawing[1], 420, 900)
    assert chromium.run("return outputLabels()") == list("0123456789")
    chromium.open(table[-1], 420, 900)
    assert chromium.run("return outputLabels()") == list("012")


def test_table_shows_what_the_pipeline_predicts(chromium, table):
    pipeline, X, _, address = table
    chromium.open(address, 1400, 1000)
    slide(chromium, 0)
    for _ in range(3):
        chromium.run("document.getElementById('example').click()")
        row = chromium.run("return [...features]")
        shown = chromium.run(BARS.format("dense"))
        expected = pipeline.predict_proba(X.iloc[:1].assign(**dict(zip(X, row))))[0]
        for text, share in zip(shown, expected, strict=True):
            assert text == ("< 0.1%" if share < 0.001 else f"{100 * share:.1f}%")
    symbols = chromium.run(TEXT.format("symbols"))
    assert "ε (epsilon)" in symbols and "δ (delta)" in symbols


@pytest.mark.parametrize("width", [1400, 420])
@pytest.mark.parametrize("dark", [False, True])
def test_page_fits_the_window(width, dark, chromium, drawing, table):
    for address in (drawing[1], table[-1]):
        chromium.open(address, width, 900, dark)
        assert chromium.run("return document.getElementById('failure').hidden")
        assert chromium.run(
            "const page = document.documentElement;"
            "return page.scrollWidth <= page.clientWidth"
        )
        background = chromium.run("return getComputedStyle(document.body).background")
        assert ("rgb(255, 255, 255)" in background) == (not dark)


def test_picture_is_drawn(chromium, drawing):
    chromium.open(drawing[1], 1400, 1000)
    assert chromium.picture().startswith(b"\x89PNG")
    n_colours = chromium.run(
        "const canvas = document.getElementById('drawing');"
        "const image = canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data;"
        "return new Set(new Uint32Array(image.buffer)).size"
    )
    assert n_colours > 100
