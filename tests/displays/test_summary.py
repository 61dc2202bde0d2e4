"""The summary in a notebook: read back from the HTML."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from skcoreset import CoresetCompressor
from skcoreset._promise.certificate import Certificate
from skcoreset.displays import html_summary

COEFS = [np.ones((4, 3)), np.ones((3, 2))]
THIN = [np.eye(4, 3), np.zeros((3, 2))]
CERTIFICATE = Certificate(
    0.1,
    0.2,
    "conformal",
    "relative",
    True,
    n_validation=50,
    share_over_epsilon=0.1,
    statistic=0.1,
    limit=0.2,
)
PATH = {
    "density": np.array([1.0, 0.5, 0.01]),
    "statistic": np.array([0.02, 0.1, 0.4]),
    "chosen": np.array([False, True, False]),
}


def as_tree(html):
    return ElementTree.fromstring(html.replace("&rarr;", "to"))


def test_every_layer_has_its_edges():
    tree = as_tree(html_summary(0.5, COEFS, THIN, CERTIFICATE))
    rows = [[cell.text for cell in row] for row in tree.iter("tr")][1:]
    assert rows == [
        ["4 to 3", "3 of 12", None, "25.0%"],
        ["3 to 2", "0 of 6", None, "0.0%"],
    ]
    bars = [list(svg)[1].get("width") for svg in tree.iter("svg")]
    assert bars == ["25", "0"]


def test_path_has_its_choice_and_its_limit():
    tree = as_tree(html_summary(0.5, COEFS, THIN, CERTIFICATE, PATH))
    (circle,) = tree.iter("circle")
    (line,) = tree.iter("polyline")
    points = [
        tuple(map(float, point.split(","))) for point in line.get("points").split()
    ]
    assert len(points) == 3
    # the density grows to the right, and the number that decides upwards
    assert points == sorted(points)
    assert (float(circle.get("cx")), float(circle.get("cy"))) == points[1]
    _, limit = tree.iter("line")
    heights = [y for _, y in points]
    assert heights[0] < float(limit.get("y1")) < heights[1] < heights[2]
    *_, svg = tree.iter("svg")
    _, _, width, height = map(float, svg.get("viewBox").split())
    assert all(0 < x < width and 0 < y < height for x, y in points)
    assert "The chosen one has 50.00% of the edges" in svg.get("aria-label")


@pytest.mark.parametrize("path", [None, PATH | {"statistic": np.full(3, np.nan)}])
def test_path_is_not_drawn_where_nothing_was_measured(path):
    tree = as_tree(html_summary(0.5, COEFS, THIN, CERTIFICATE, path))
    assert not list(tree.iter("polyline"))


def test_names_of_classes_are_escaped():
    certificate = Certificate(
        0.0,
        0.2,
        "conformal",
        "classwise",
        True,
        n_validation=50,
        share_over_epsilon=0.1,
        statistic=0.1,
        limit=0.2,
        share_by_class={"a": 0.0},
        not_covered=("<script>alert('1')</script>",),
    )
    html = html_summary(0.5, COEFS, THIN, certificate)
    assert "<script" not in html
    first, _ = as_tree(html).iter("p")
    assert "<script>alert('1')</script>" in first.find("b").tail


def test_certificate_is_shown_whole():
    html = html_summary(0.5, COEFS, THIN, CERTIFICATE)
    first, second = as_tree(html).iter("p")
    assert f"{first.find('b').tail.strip()} {second.text}" == str(CERTIFICATE)


def test_summary_needs_nothing_from_elsewhere():
    html = html_summary(0.5, COEFS, THIN, CERTIFICATE, PATH)
    assert not re.search(r"http|url\(|src=|href=|class=|<style|<script", html)


def test_notebook_shows_the_path_only_of_what_was_chosen(mlp, digits):
    X, y, X_new, _ = digits

    def drawn(compressor):
        parser = HTMLParser()
        tags = []
        parser.handle_starttag = lambda tag, attributes: tags.append(tag)
        parser.feed(compressor._repr_html_())
        return "polyline" in tags

    compressor = CoresetCompressor(mlp, method="magnitude", epsilon=0.1)
    assert drawn(compressor.fit(X_new))
    assert not drawn(compressor.fine_tune(X, y, n_epochs=1))
    assert not drawn(compressor.set_params(density=0.6, epsilon=None).fit(X_new))
