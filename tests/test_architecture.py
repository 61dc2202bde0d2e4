"""The direction of imports, and who may know what: read from the code itself."""

import ast
from pathlib import Path

import pytest

import skcoreset

PACKAGE = Path(skcoreset.__file__).parent

# From the ground up: a module imports from lower floors only, or from its own room.
FLOORS = [
    {"_wrapped.compat", "_memory", "_parallel"},
    {"_network"},
    {"_codec"},
    {"_errors"},
    {"_importance", "_sensitivity"},
    {"_training"},
    {"_methods"},
    {"_promise"},
    {"_plan"},
    {"_compress", "_wrapped"},
    {"displays", "_sparse_mlp"},
    {"_compressor"},
    {"_certify", "bounds", "export", "model_selection"},
    {"__init__"},
]
FLOOR_OF = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path):
    """The module, or the folder, that a file is in."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return room_named(parts)


def room_named(parts):
    dotted = ".".join(parts[:2])
    return dotted if dotted in FLOOR_OF else parts[0]


def imports_of(path):
    """Pairs of the module imported from, in full, and the names."""
    package = ("skcoreset", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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


def test_no_module_imports_a_private_name_of_another(path):
    for module, names in imports_of(path):
        if module.split(".")[0] == "skcoreset":
            private = [
                name
                for name in names
                if is_private(name)
                and name not in FLOOR_OF
                and "_methods" not in module
            ]
            assert not private, f"{private} from {module}"


def test_private_names_of_scikit_learn_are_in_one_module(path):
    if path.stem == "compat":
        return
    for module, names in imports_of(path):
        if module.split(".")[0] == "sklearn":
            private = list(filter(is_private, [*module.split("."), *names]))
            assert not private, f"{private} from {module}"


def test_private_attributes_of_the_compressor_stay_in_its_module(path):
    if path.stem == "_compressor":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            is_compressor = node.value.id in ("compressor", "estimator")
            assert not (is_compressor and is_private(node.attr)) or (
                path.stem == "compat" and node.attr.startswith("_init_callback")
            ), f"line {node.lineno}: {node.value.id}.{node.attr}"


def test_every_room_has_a_floor():
    assert {room_of(path) for path in MODULES} == set(FLOOR_OF)
