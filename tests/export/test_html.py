"""The page: what its JavaScript computes, what it promises, and what it escapes."""

import base64
import json
import re
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skcoreset import CoresetCompressor, path_promises
from skcoreset._errors import ERRORS, standard_deviations
from skcoreset._network import Network
from skcoreset._parallel import serial_map
from skcoreset._plan import Plan
from skcoreset._promise.judge import Judge
from skcoreset._promise.simultaneous import SimultaneousBounds
from skcoreset._promise.target import Target
from skcoreset._wrapped import network_of
from skcoreset.export import html as html_module
from skcoreset.export import to_html

from ..conftest import fitted, may_collapse

# magnitude is fast, and loses classes; how good networks are is tested elsewhere
pytestmark = may_collapse

DENSITIES = [0.5, 0.2, 0.05]
SCRIPT = """
const {html, rows} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const part = id => html.match(new RegExp(`id="${id}">([^]*?)</script>`))[1];
const data = JSON.parse(part("data"));
const names = ["readNetwork", "activations", "activateOutput", "predicted", "ERRORS",
               "inputs"];
const page = new Function(`${part("core")}; return {${names}}`)();
(async () => {
  const out = [];
  for (const point of data.points) {
    const layers = await page.readNetwork(point, data.bits);
    out.push(rows.map(row => {
      const values = page.activations(layers, page.inputs(row, data), data.activation);
      const f = Array.from(values.at(-1));
      const n = data.classes ? data.classes.length : 0;
      const p = page.activateOutput(f, data.outActivation, n);
      return {f, p, predicted: page.predicted(p, data)};
    }));
  }
  const error = page.ERRORS[data.error];
  const errors = out.at(-1).map((row, i) => error(row.f, out[0][i].f, data));
  console.log(JSON.stringify({out, errors}));
})();
"""

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")


def run_page(html, X):
    """What the page's own script computes of rows, point by point."""
    rows = np.asarray(X, dtype=float).tolist()
    process = subprocess.run(
        ["node", "-e", SCRIPT],
        input=json.dumps({"html": html, "rows": rows}),
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(process.stdout)
    points = [
        {key: np.array([row[key] for row in rows]) for key in ("f", "p")}
        | {"predicted": [row["predicted"] for row in rows]}
        for rows in result["out"]
    ]
    return points, result["errors"]


class Page(HTMLParser):
    """Text of the page by the element that it is in, and addresses it refers to."""

    def __init__(self, html):
        super().__init__()
        self.text, self.tags, self.addresses, self.where = {}, [], [], ""
        self.feed(html)
        self.data = json.loads(self.text["data"])

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.where = attributes.get("id", tag)
        self.addresses += [attributes[a] for a in ("src", "href") if a in attributes]

    def handle_data(self, text):
        self.text[self.where] = self.text.get(self.where, "") + text


def networks_of(html):
    """The networks in a page, read anew."""
    data = Page(html).data
    for point in data["points"]:
        content = zlib.decompress(base64.b64decode(point["weights"]))
        coefs, intercepts = [], []

        def take(n, dtype):
            nonlocal content
            size = n * np.dtype(dtype).itemsize
            array, content = np.frombuffer(content[:size], dtype), content[size:]
            return array

        for n_in, n_out in pairwise(point["widths"]):
            kept = np.unpackbits(
                take(-(-n_in * n_out // 8), np.uint8), count=n_in * n_out
            )
            kept = kept.reshape(n_in, n_out).astype(bool)
            coef = np.zeros((n_in, n_out), np.float32)
            if data["bits"] == 8:
                steps = take(n_out, "<f4")
                coef[kept] = take(kept.sum(), np.int8)
                coef *= steps
            else:
                coef[kept] = take(kept.sum(), "<f4")
            coefs.append(coef)
            intercepts.append(take(n_out, "<f4"))
        assert not content
        yield Network(
            tuple(coefs), tuple(intercepts), data["activation"], data["outActivation"]
        )


def walk(compressor, X, densities=DENSITIES):
    """The networks of a compressor's method, each from scratch."""
    network = network_of(compressor.original_estimator_).to_dense()
    seed = np.random.RandomState(compressor.random_state).randint(2**31, size=4)
    plan = Plan(
        compressor.method,
        Target(compressor.certificate_.error),
        prune_neurons=False,
        seed=tuple(seed.tolist()),
    )
    yield network
    for density in densities:
        family = plan.method.open(network, X, plan, serial_map)
        yield family.at(int(density * network.n_edges))


@pytest.fixture(scope="module")
def compressor(mlp, digits):
    return CoresetCompressor(mlp, density=0.2, random_state=0).fit(digits[2])


@pytest.fixture(scope="module")
def ranked(mlp, digits):
    """A compressor whose path takes no time."""
    options = {"method": "magnitude", "density": 0.2, "random_state": 0}
    return CoresetCompressor(mlp, **options).fit(digits[2])


@pytest.fixture(scope="module")
def page(compressor, digits):
    _, _, X, _ = digits
    return to_html(compressor, X[:400], X[400:], densities=DENSITIES)


@needs_node
def test_script_predicts_as_python_does(mlp, page, digits):
    X = np.vstack([digits[2], digits[0]])[:1000]
    points, _ = run_page(page, X)
    probabilities = mlp.predict_proba(X)
    np.testing.assert_allclose(points[0]["p"], probabilities, atol=1e-5)
    # in single precision two classes may tie that do not in double
    tie = np.diff(np.sort(probabilities)[:, -2:])[:, 0] < 1e-6
    assert tie.sum() < 5
    predicted = np.ravel(points[0]["predicted"])
    np.testing.assert_array_equal(predicted[~tie], mlp.predict(X)[~tie])
    for point, network in zip(points, networks_of(page), strict=True):
        F = network.astype(np.float64).forward(X)
        np.testing.assert_allclose(point["f"], F, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(point["predicted"], network.labels(F))


def test_networks_are_those_of_the_path(compressor, page, digits):
    X = digits[2]
    for shown, walked in zip(networks_of(page), walk(compressor, X[:400]), strict=True):
        np.testing.assert_array_equal(shown.forward(X), walked.forward(X))
        assert shown.n_edges <= walked.n_edges


OTHERS = {
    "regressor": (
        MLPRegressor(hidden_layer_sizes=(9,), activation="tanh"),
        lambda y: y.astype(float),
    ),
    "outputs": (
        MLPRegressor(hidden_layer_sizes=(9,)),
        lambda y: np.column_stack([y, 3 - y]).astype(float),
    ),
    "binary": (MLPClassifier((9,), activation="logistic"), lambda y: y > 1),
    "labels": (MLPClassifier((9, 5)), lambda y: np.column_stack([y > 0, y > 1])),
}


@pytest.fixture(scope="module", params=OTHERS)
def other(request):
    """A Pipeline with another kind of output on the wines."""
    estimator, target = OTHERS[request.param]
    X, y = load_wine(return_X_y=True)
    estimator.set_params(max_iter=200, random_state=0)
    pipeline = make_pipeline(StandardScaler(), estimator)
    fitted(pipeline, X[::2], target(y)[::2])
    compressor = CoresetCompressor(pipeline, method="magnitude", density=0.5).fit(X)
    return compressor, X, to_html(compressor, X[::2], X[1::2], densities=[0.5])


@needs_node
def test_script_predicts_every_kind_of_output(other):
    compressor, X, html = other
    pipeline = compressor.original_estimator_
    point, *_ = run_page(html, X)[0]
    predictions = pipeline.predict(X)
    if hasattr(pipeline, "predict_proba"):
        np.testing.assert_allclose(point["p"], pipeline.predict_proba(X), atol=1e-6)
        predicted = np.zeros(point["p"].shape, dtype=bool)
        for row, outputs in zip(predicted, point["predicted"]):
            row[outputs] = True
        if predictions.ndim == 1:
            predicted = compressor.classes_[predicted.argmax(axis=1)]
        np.testing.assert_array_equal(predicted, predictions)
    else:
        expected = predictions.reshape(len(X), -1)
        np.testing.assert_allclose(point["p"], expected, rtol=1e-5, atol=1e-5)


@needs_node
@pytest.mark.parametrize("error", ERRORS)
def test_script_measures_every_error(error, mlp, digits):
    _, _, X, _ = digits
    compressor = CoresetCompressor(
        mlp,
        method="magnitude",
        density=0.2,
        error=error,
        delta=0.3,
        random_state=0,
    )
    html = to_html(compressor.fit(X), X[:400], X[400:], densities=[0.1])
    _, errors = run_page(html, X)
    F, F_hat = (network.astype(float).forward(X) for network in networks_of(html))
    scale = standard_deviations(network_of(mlp).forward(X[:400]))
    expected = ERRORS[error].measure(F_hat, F, "softmax", scale)
    assert np.count_nonzero(expected)
    np.testing.assert_allclose(errors, expected, rtol=1e-6)


@pytest.mark.parametrize("confidence", [None, 0.9])
@pytest.mark.parametrize("error", ["relative", "prediction", "classwise"])
def test_what_is_promised_of_a_point_lets_the_choice_reach_it(
    error, confidence, mlp, digits
):
    _, _, X, _ = digits
    compressor = CoresetCompressor(
        mlp,
        method="uniform",
        density=0.2,
        error=error,
        delta=0.2,
        confidence=confidence,
        random_state=0,
    ).fit(X)
    html = to_html(compressor, X[:400], X[400:], densities=DENSITIES)
    network, *path = walk(compressor, X[:400])

    def chosen(epsilon, delta):
        """Number and certificate of the network that is chosen on the path."""
        target = Target(error, epsilon, delta, confidence)
        plan = Plan("uniform", target, classes=mlp.classes_)
        judge = Judge(network, X[:400], X[400:], plan)
        verdict = judge(network)
        for candidate in path:
            following = judge(candidate, after=verdict)
            if not following.passes:
                break
            verdict = following
        return verdict.number, judge.certificate(verdict)

    for i, point in enumerate(Page(html).data["points"]):
        epsilon, delta = float(point["epsilon"]), float(point["delta"])
        if delta == 1:
            # which promises nothing
            continue
        index, certificate = chosen(epsilon, delta)
        assert index >= i
        if i and error == "relative":
            # three digits are rounded up
            assert chosen(0.99 * epsilon, delta)[0] < i
        elif i and delta > 0.01:
            assert chosen(epsilon, 0.99 * delta)[0] < i
        if index == i:
            assert point["sentence"] == str(certificate)
            assert point["promise"] == certificate.promise


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("error", ["relative", "prediction"])
def test_promises_that_hold_together(error, mlp, digits):
    _, _, X, _ = digits
    compressor = CoresetCompressor(
        mlp,
        method="uniform",
        density=0.2,
        error=error,
        delta=0.2,
        confidence=0.9,
        random_state=0,
    ).fit(X)
    options = {"densities": DENSITIES, "simultaneous": True}
    data = Page(to_html(compressor, X[:400], X[400:], **options)).data
    assert data["together"] is True
    promises = path_promises(compressor, X[:400], X[400:], densities=DENSITIES)
    # one more is counted here: the dense network, which may have to be rounded
    rows, target = promises.bounds.rows, promises.bounds.target
    bounds = SimultaneousBounds(rows, target, len(data["points"]))
    for point, errors in zip(data["points"][1:], promises.errors):
        words = f"for {len(data['points'])} networks"
        assert words in point["sentence"]
        if error == "relative":
            smallest = bounds.smallest_epsilon(errors, 0.2)
            assert smallest <= float(point["epsilon"]) <= 1.01 * smallest
        else:
            smallest = bounds.upper_share(errors > 0)
            assert smallest <= float(point["delta"]) <= 1.01 * smallest
        assert point["promise"].startswith("With 90% confidence, ")
    compressor = compressor.set_params(confidence=None)
    with pytest.raises(ValueError, match="simultaneous=True needs a confidence"):
        to_html(compressor, X[:400], X[400:], **options)


def test_same_answers_are_counted(page, digits):
    _, _, X, _ = digits
    data = Page(page).data
    assert data["nRows"] == len(X[400:])
    dense, *_ = networks = list(networks_of(page))
    for point, network in zip(data["points"], networks, strict=True):
        labels = [each.labels(each.forward(X[400:])) for each in (dense, network)]
        assert point["same"] == (labels[0] == labels[1]).sum()
    assert data["points"][0]["same"] == data["nRows"] > data["points"][-1]["same"]


@needs_node
def test_large_page_has_fewer_bits_and_says_so(ranked, digits):
    _, _, X, _ = digits
    page = to_html(ranked, X[:400], X[400:], densities=DENSITIES)
    options = {"densities": DENSITIES, "max_size": len(page) - 5000}
    html = to_html(ranked, X[:400], X[400:], **options)
    assert len(html) <= options["max_size"]
    data = Page(html).data
    assert data["bits"] == 8
    assert data["points"][0]["density"] == 1
    for shown, exact in zip(networks_of(html), networks_of(page)):
        for coef, exact_coef in zip(shown.coefs, exact.coefs):
            step = abs(exact_coef).max(axis=0) / 127
            assert (abs(coef - exact_coef) <= 0.501 * step).all()
    dense = next(networks_of(html))
    labels = dense.labels(dense.forward(X[400:]))[:, 0]
    same = labels == ranked.estimator.predict(X[400:])
    assert data["points"][0]["same"] == same.sum()
    labels = dense.labels(dense.astype(float).forward(X))[:, 0]
    agreement = (labels == ranked.estimator.predict(X)).mean()
    assert html.comparison.agreement == agreement
    assert f"{agreement:.2%} of {len(X)} rows" in data["compared"]
    assert "rounded to 8 bits" in data["about"]
    for point, network in zip(run_page(html, X)[0], networks_of(html), strict=True):
        np.testing.assert_allclose(point["f"], network.forward(X), rtol=1e-4, atol=1e-4)


def test_densest_points_go_first_where_the_page_is_too_large(ranked, digits):
    _, _, X, _ = digits

    def page_of(max_size):
        html = to_html(ranked, X[:400], X[400:], densities=DENSITIES, max_size=max_size)
        return len(html), Page(html).data["points"]

    size, points = page_of(10**6)
    while len(points) > 2:
        smaller, fewer = page_of(size - 1)
        assert smaller < size
        assert [p["density"] for p in fewer] in (
            [p["density"] for p in points],
            [1.0, *(p["density"] for p in points[2:])],
        )
        size, points = smaller, fewer
    with pytest.raises(ValueError, match=rf"max_size={size - 1} is too small"):
        page_of(size - 1)


def test_page_of_every_kind_is_compared(other):
    compressor, X, html = other
    comparison = html.comparison
    assert comparison.n_rows == len(X)
    is_classifier = hasattr(compressor, "classes_")
    assert comparison.agreement == (1 if is_classifier else None)
    assert comparison.errors.max() < 1e-5
    options = {"densities": [0.5], "max_size": len(html) - 1}
    rounded = to_html(compressor, X[::2], X[1::2], **options)
    assert Page(rounded).data["bits"] == 8
    assert rounded.comparison.errors.max() > comparison.errors.max()


def test_page_that_differs_warns(ranked, digits, monkeypatch):
    X = digits[2]
    monkeypatch.setattr(
        html_module,
        "_single_precision",
        lambda network: (network.with_weights(-network.weights), b""),
    )
    with pytest.warns(UserWarning, match="The page differs from the original: pred"):
        to_html(ranked, X[:400], X[400:], densities=[0.1])


def test_one_class_has_a_page(digits):
    X = digits[2]
    mlp = MLPClassifier((4,), max_iter=5)
    fitted(mlp, digits[0], np.full(len(digits[0]), "only"))
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.5).fit(X)
    html = to_html(compressor, X[:400], X[400:], densities=[0.5])
    assert Page(html).data["outputs"] == ["only"]
    assert html.comparison.agreement == 1


@pytest.mark.parametrize(
    ("make", "shape", "heading"),
    [
        (MLPClassifier, "auto", "Draw something.* changes its mind"),
        (MLPClassifier, None, "Choose the features.* changes its mind"),
        (MLPRegressor, "auto", "Draw something.* predicts something else"),
    ],
)
def test_heading_says_what_to_do(make, shape, heading, digits):
    X = digits[2]
    mlp = fitted(make(hidden_layer_sizes=(4,), max_iter=5), *digits[:2])
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.5).fit(X)
    html = to_html(compressor, X[:400], X[400:], densities=[0.5], image_shape=shape)
    assert re.search(heading, Page(html).text["h1"])
    assert ("images" in Page(html).data["symbols"]) == (shape == "auto")


def test_examples_of_values_range_from_small_to_large(other):
    compressor, X, html = other
    examples = Page(html).data["examples"]
    assert len(examples) == 10
    if hasattr(compressor, "classes_"):
        return
    F = compressor.original_estimator_.predict(X[1::2]).reshape(len(X[1::2]), -1)
    shown = compressor.original_estimator_.predict(examples).reshape(10, -1)[:, 0]
    assert (np.diff(shown) > -0.01 * np.ptp(F[:, 0])).all()
    np.testing.assert_allclose(
        [shown[0], shown[-1]], [F[:, 0].min(), F[:, 0].max()], rtol=0.01, atol=0.01
    )


def test_names_are_escaped():
    pytest.importorskip("pandas")
    X, y = load_wine(return_X_y=True, as_frame=True)
    names = ["</script><b>\"quoted\" & 'so'", "<!--", "plain"]
    X = X.rename(columns={"alcohol": names[0], "ash": names[1]})
    y = np.array(names)[y]
    mlp = MLPClassifier((5,), solver="lbfgs", max_iter=50, random_state=0)
    compressor = CoresetCompressor(
        fitted(make_pipeline(StandardScaler(), mlp), X, y),
        method="magnitude",
        density=0.5,
    ).fit(X)
    plain = Page(to_html(compressor, X, X))
    page = Page(to_html(compressor, X, X, title=names[0]))
    assert page.tags == plain.tags
    assert page.text["h1"].strip() == page.text["title"].strip() == names[0]
    assert sorted(page.data["classes"]) == sorted(names)
    assert page.data["features"] == list(X.columns)


def test_page_needs_nothing_from_elsewhere(page):
    assert Page(page).addresses == []
    assert not re.search(r"https?:|import |fetch\(|url\(", page)


def test_page_of_the_digits_is_small(ranked, digits):
    _, _, X, _ = digits
    assert len(to_html(ranked, X[:400], X[400:])) < 150_000


def test_page_begins_with_the_density_of_the_compressor(page):
    data = Page(page).data
    assert data["points"][data["start"]]["density"] == pytest.approx(0.2, rel=0.01)


def test_file_is_the_page(ranked, digits, tmp_path):
    _, _, X, _ = digits
    page = to_html(ranked, X[:400], X[400:], file=tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == page


def test_few_bits_and_refinement_are_those_of_the_compressor(mlp, digits):
    _, _, X, _ = digits
    options = {"density": 0.2, "random_state": 0}
    few = CoresetCompressor(mlp, method="magnitude", bits=2, **options).fit(X)
    for network in list(networks_of(to_html(few, X[:400], X[400:], densities=[0.2])))[
        1:
    ]:
        assert all(len(np.unique(coef[coef != 0])) <= 4 for coef in network.coefs)
    ranked = CoresetCompressor(mlp, refine=False, **options).fit(X)
    html = to_html(ranked, X[:400], X[400:], densities=[0.2])
    dense, thinned = networks_of(html)
    for coef, original in zip(thinned.coefs, dense.coefs):
        np.testing.assert_array_equal(coef[coef != 0], original[coef != 0])


def test_image_is_told_from_a_table(page, ranked, digits):
    _, _, X, _ = digits
    data = Page(page).data
    assert data["shape"] == [8, 8]
    assert (data["paper"], data["ink"]) == (0, 1)
    assert data["frame"]["height"] == 8
    rows = X[:400], X[400:]
    table = Page(to_html(ranked, *rows, densities=[0.1], image_shape=None)).data
    assert table["shape"] is None
    assert len({tuple(map(str, row)) for row in table["examples"]}) == 10
    wide = to_html(ranked, *rows, densities=[0.1], image_shape=(4, 16))
    assert Page(wide).data["shape"] == [4, 16]


def test_dark_figures_on_bright_paper(mlp, digits):
    _, _, X, _ = digits
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=5))
    fitted(pipeline, 255 * (1 - digits[0]), digits[1])
    dark = 255 * (1 - X)
    compressor = CoresetCompressor(pipeline, method="magnitude", density=0.5).fit(dark)
    data = Page(to_html(compressor, dark[:400], dark[400:], densities=[0.5])).data
    assert (data["paper"], data["ink"]) == (255, 0)
    np.testing.assert_allclose(
        dark * data["slope"] + data["shift"],
        pipeline[0].transform(dark),
        rtol=1e-4,
        atol=1e-4,
    )


def test_inputs_are_shown_where_steps_do_more_than_scale():
    rng = np.random.default_rng(0)
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"colour": rng.choice(["red", "blue"], 200)})
    mlp = MLPClassifier((4,), solver="lbfgs", max_iter=50, random_state=0)
    pipeline = fitted(
        make_pipeline(OneHotEncoder(sparse_output=False), mlp), X, X["colour"]
    )
    compressor = CoresetCompressor(pipeline, method="magnitude", density=0.5).fit(X)
    data = Page(to_html(compressor, X, X, densities=[0.5])).data
    assert data["features"] == ["colour_blue", "colour_red"]
    assert data["limits"] == [[0, 1], [0, 1]]
    assert data["steps"] == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"densities": [0.5, 1.5]}, r"densities=\[0.5, 1.5\] are not all in \(0, 1\)"),
        ({"densities": [1e-9]}, "leave none of 2720 edges, or all"),
        ({"image_shape": (8, 9)}, r"image_shape=\(8, 9\) has 72 pixels.* 64 features"),
        ({"max_size": 0}, "max_size == 0, must be >= 1"),
    ],
)
def test_bad_options_are_refused(options, message, ranked, digits):
    _, _, X, _ = digits
    with pytest.raises(ValueError, match=message):
        to_html(ranked, X[:400], X[400:], **options)


def test_too_few_held_out_rows_are_refused(ranked, digits):
    _, _, X, _ = digits
    with pytest.raises(ValueError, match=r"delta=0.05 .* are missing"):
        to_html(ranked, X, X[:5])


DOC_PAGE = Path(__file__).parents[2] / "doc" / "_static" / "digits.html"


@pytest.mark.skipif(not DOC_PAGE.exists(), reason="installed without the documentation")
def test_page_of_the_documentation_is_made_from_the_template_as_it_is(page):
    def without_contents(html):
        html = re.sub(r'id="data">.*', 'id="data">', html)
        return re.sub(r"<(title|h1)>.*", "", html)

    shown = DOC_PAGE.read_text(encoding="utf-8")
    assert without_contents(shown) == without_contents(page)
