"""The rules of the package's design: read from the code itself, or tried out."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import ast
import subprocess
from copy import deepcopy
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import skcoreset
from skcoreset import CoresetCompressor, bounds, certify, export
from skcoreset._errors import ERRORS
from skcoreset._importance import _draw_targets
from skcoreset._network import ACTIVATIONS, activate_output, labels
from skcoreset._training import FitLabels
from skcoreset.bounds.corenet import _margins

from .conftest import may_collapse, random_network

PACKAGE = Path(skcoreset.__file__).parent
ROOT = PACKAGE.parent

# From the ground up: a module imports from lower floors only, or from its own room.
FLOORS = [
    {"_wrapped.compat", "_memory", "_parallel", "_version"},
    {"_network"},
    {"_wrapped"},
    {"_codec"},
    {"_errors"},
    {"_importance", "_sensitivity"},
    {"_training"},
    {"_methods"},
    {"_promise"},
    {"_plan"},
    {"_compress", "_size"},
    {"displays", "_sparse_mlp"},
    {"_compressor"},
    {"_certify", "_path_promises", "_verify"},
    {"bounds", "convert", "export", "model_selection"},
    {"__init__"},
]
FLOOR_OF = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}

# Rooms that compute: of scikit-learn they may use its tools for arrays.
NUMERICAL = {
    *("_network", "_codec", "_errors", "_importance", "_sensitivity"),
    *("_training", "_methods", "_plan", "_compress", "_size"),
}

# What the root of the repository holds, beside dot files.
TOP_LEVEL = {
    *("skcoreset", "tests", "doc", "examples"),
    *("pyproject.toml", "README.rst", "LICENSE", "CITATION.cff"),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path):
    """The module, or the folder, that a file is in."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return room_named(parts)


def room_named(parts):
    dotted = ".".join(parts[:2])
    return dotted if dotted in FLOOR_OF else parts[0]


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path):
    """Pairs of the module imported from, in full, and the names."""
    package = ("skcoreset", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, []
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield module, [alias.name for alias in node.names]


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


@pytest.fixture(params=MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def path(request):
    return request.param


# Imports


def test_imports_go_down(path):
    room = room_of(path)
    for module, names in imports_of(path):
        if module.split(".")[0] != "skcoreset":
            continue
        _, *rest = module.split(".")
        for other in [room_named(rest)] if rest else names:
            assert other == room or FLOOR_OF[other] < FLOOR_OF[room], (
                f"{room} imports from {other}"
            )


def test_every_room_has_a_floor():
    assert {room_of(path) for path in MODULES} == set(FLOOR_OF)


def test_no_module_imports_a_private_name_of_another(path):
    for module, names in imports_of(path):
        if module.split(".")[0] == "skcoreset":
            private = [
                name for name in names if is_private(name) and name not in FLOOR_OF
            ]
            assert not private, f"{private} from {module}"


def test_private_names_of_scikit_learn_are_in_one_module(path):
    if path.stem == "compat":
        return
    for module, names in imports_of(path):
        if module.split(".")[0] == "sklearn":
            private = list(filter(is_private, [*module.split("."), *names]))
            assert not private, f"{private} from {module}"


def test_numerical_rooms_know_no_estimators(path):
    if room_of(path) not in NUMERICAL:
        return
    for module, _ in imports_of(path):
        if module.split(".")[0] == "sklearn":
            assert module.startswith("sklearn.utils"), module


# Private attributes

# Methods of named tuples, whose underscore keeps them apart from the fields.
OF_NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}


def private_attributes(tree):
    """Names of the private attributes that a module gives its own objects."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                yield name
            case ast.ClassDef(body=body):
                for statement in body:
                    match statement:
                        case ast.FunctionDef(name=name):
                            yield name
                        case ast.AnnAssign(target=ast.Name(id=name)):
                            yield name
                        case ast.Assign(targets=targets):
                            yield from (t.id for t in targets if hasattr(t, "id"))


def foreign_attributes(source):
    """Private attributes, with their lines, that a module did not define itself."""
    tree = ast.parse(source)
    own = {*private_attributes(tree), *OF_NAMED_TUPLES}
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and is_private(node.attr)
        and node.attr not in own
    ]


def test_private_attributes_stay_in_their_module(path):
    if room_of(path).startswith("_wrapped"):
        return  # the one room that knows what scikit-learn keeps private
    assert not foreign_attributes(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source, n_foreign",
    [
        ("def f(x):\n    return x._hidden", 1),
        ("def f(x):\n    x.y._hidden()", 1),
        ("class A:\n    def _f(self): ...\ndef g(a):\n    a._f()", 0),
        ("class A:\n    def f(self):\n        self._x = 1\ndef g(a):\n    a._x", 0),
        ("class A:\n    _x: int = 0\ndef g(a):\n    a._x", 0),
        ("def f(x):\n    return x.__dict__, x._replace(y=1)", 0),
    ],
)
def test_foreign_attributes_are_found(source, n_foreign):
    assert len(foreign_attributes(source)) == n_foreign


# Training

# Calls that change weights.
TRAINING = {"train", "fit", "fine_tune", "match", "partial_fit"}


def own_nodes(function):
    """Nodes of a function, without those of functions in it."""
    for node in ast.iter_child_nodes(function):
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            yield from own_nodes(node)


def training_generators(source):
    """Names of the generators that call for training."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            nodes = list(own_nodes(function))
            yields = any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in nodes)
            decorators = {ast.unparse(each) for each in function.decorator_list}
            calls = {
                getattr(node.func, "attr", getattr(node.func, "id", None))
                for node in nodes
                if isinstance(node, ast.Call)
            }
            if yields and "contextmanager" not in decorators and calls & TRAINING:
                yield function.name


def test_no_generator_trains(path):
    assert not list(training_generators(path.read_text(encoding="utf-8")))


def test_training_generators_are_found():
    assert list(training_generators("def f():\n    x.train()\n    yield")) == ["f"]
    assert not list(training_generators("def f():\n    x.train()\n    return 1"))
    assert not list(training_generators("def f():\n    g = lambda: x.fit()\n    yield"))


# Choices by name

OTHER = "of_somebody_else"


@pytest.fixture
def other_activation(monkeypatch, mlp):
    """A network with an activation that somebody adds to the table, and forgets."""
    monkeypatch.setitem(ACTIVATIONS, OTHER, ACTIVATIONS["relu"])
    changed = deepcopy(mlp)
    changed.activation = OTHER
    return changed


def to_html(mlp, X):
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.5, delta=0.5)
    return export.to_html(compressor.fit(X[:100]), X[:100], X[100:200])


def to_onnx(mlp, X):
    skl2onnx = pytest.importorskip("skl2onnx")
    from skcoreset.export.onnx import register_converter

    register_converter()
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.5, delta=0.5)
    return skl2onnx.to_onnx(compressor.fit(X[:100]), X[:1])


def occam_bound(mlp, X):
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.05, delta=0.5)
    y = np.arange(100) % 10
    return bounds.occam_bound(compressor.fit(X[:100]), X[:100], y, densities=[0.05])


DOORS = [
    pytest.param(lambda mlp, X: export.dump(mlp, BytesIO()), id="file"),
    pytest.param(lambda mlp, X: export.to_c(mlp, X), id="C"),
    pytest.param(to_html, id="page"),
    pytest.param(to_onnx, id="ONNX"),
    pytest.param(occam_bound, id="Occam bound"),
]

# A lookup in a table is as loud as a message.
LOUD = ValueError, KeyError


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("door", DOORS)
def test_an_activation_that_is_not_handled_is_refused(door, other_activation, digits):
    with pytest.raises(LOUD, match=OTHER):
        door(other_activation, digits[2])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("method", ["refined", "magnitude", "neurons", "corenet"])
def test_an_activation_of_the_table_is_computed_or_refused(
    method, mlp, other_activation, digits
):
    X = digits[2][:200]
    options = {"method": method, "density": 0.5, "random_state": 0}
    expected = CoresetCompressor(mlp, **options).fit(X).transform(X)
    try:
        compressor = CoresetCompressor(other_activation, **options).fit(X)
    except LOUD as error:
        assert OTHER in str(error)
    else:
        np.testing.assert_array_equal(compressor.transform(X), expected)


@pytest.fixture
def magnitude(mlp, digits):
    """A compressor whose error is in the table."""
    compressor = CoresetCompressor(
        mlp, method="magnitude", error="relative", epsilon=0.2, delta=0.2
    )
    return compressor.fit(digits[2][:200])


@may_collapse
def test_an_error_that_is_in_no_table_is_refused(magnitude, mlp, digits):
    X = digits[2]
    with pytest.raises(ValueError, match=OTHER):
        clone(magnitude).set_params(error=OTHER).fit(X)
    with pytest.raises(ValueError, match=OTHER):
        certify(mlp, magnitude, X, error=OTHER)


@may_collapse
def test_an_error_that_the_page_cannot_compute_is_refused(
    monkeypatch, magnitude, digits
):
    X = digits[2]
    monkeypatch.setitem(ERRORS, OTHER, ERRORS["absolute"])
    magnitude.certificate_ = replace(magnitude.certificate_, error=OTHER)
    magnitude.error = OTHER
    with pytest.raises(ValueError, match=OTHER):
        export.to_html(magnitude, X[:200], X[200:400])


# The repository


def test_top_level_of_the_repository():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone of the repository")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    names = {line.split("/")[0] for line in listed.splitlines()}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


@pytest.mark.parametrize(
    "use",
    [
        lambda n, P: activate_output(P, n.out_activation),
        lambda n, P: labels(P, n.out_activation),
        lambda n, P: _draw_targets(P, n.out_activation, np.random.default_rng(0)),
        lambda n, P: _margins(P, P > 0.5, n),
        lambda n, P: FitLabels(n, P, P > 0.5).is_wrong(P),
        lambda n, P: FitLabels(n, P, P, gce_power=1)._chance_to_be_right(P, P),
    ],
)
def test_an_output_activation_that_is_not_handled_is_refused(use):
    network = replace(random_network([3, 3]), out_activation=OTHER)
    with pytest.raises(ValueError, match=f"out_activation='{OTHER}' is not supported"):
        use(network, np.full((4, 3), 0.25))
