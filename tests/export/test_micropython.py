"""Modules for MicroPython: equal to their computation in NumPy, bit for bit."""

import ast

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset.export import to_c, to_micropython

from ..conftest import fitted
from .c.test_export import networks, rounded_to
from .micropython_port import PACKAGE, has_port, results

pytestmark = pytest.mark.filterwarnings("ignore:The integer network differs")

KEYS = [
    "relu",
    "3 bits",
    "3 bits, odd",
    "8 bits, odd",
    "tanh",
    "logistic, binary",
    "identity, multilabel",
    "tanh, one value",
    "logistic, two values",
    "exponential",
]

needs_port = pytest.mark.skipif(not has_port(), reason=f"no node with {PACKAGE}")


@pytest.fixture(scope="module")
def digit_networks():
    return networks()


@pytest.fixture(scope="module")
def X():
    return load_digits().data / 16


def module_of(program):
    module = {}
    exec(program.source, module)
    return module


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("scale", [1 / 16, np.linspace(0.4, 1, 64) / 16], ids=str)
def test_module_gives_what_numpy_gives(key, scale, digit_networks, X):
    if key not in digit_networks:
        pytest.skip("no Poisson loss in this scikit-learn")
    program = to_micropython(digit_networks[key], X, input_scale=scale)
    module = module_of(program)
    rows = X[::60]
    U = program.readings(rows).tolist()
    sums = [module["sums"](row) for row in U]
    np.testing.assert_array_equal(sums, program.network.sums(rows))
    y = np.array([module["predict"](row) for row in U])
    # MicroPython has floats of its own
    same = np.testing.assert_array_equal
    if not program.is_classifier:
        same = np.testing.assert_allclose
    same(y, program.predict(rows), **{} if program.is_classifier else {"rtol": 2e-4})
    reading = [module["reading"](i, value) for i, value in enumerate(rows[0])]
    assert np.abs(np.subtract(reading, U[0])).max() <= 1
    assert module["reading"](3, -9) == 0 and module["reading"](3, 1e9) == 255


def test_the_network_is_that_of_c(digit_networks, X):
    program = to_micropython(digit_networks["relu"], X, input_scale=1 / 16)
    in_c = to_c(digit_networks["relu"], X, input_scale=1 / 16)
    np.testing.assert_array_equal(program.transform(X), in_c.transform(X))
    assert program.agreement == in_c.agreement > 0.99
    assert not hasattr(program, "predict_proba")


def test_readings_of_12_bits_after_a_scaler(X):
    counts = np.rint(4095 * X)
    pipeline = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(8,), random_state=0)
    )
    fitted(pipeline, counts, X @ np.arange(64))
    program = to_micropython(pipeline, counts, input_scale=1, input_bits=12)
    module = module_of(program)
    sums = [module["sums"](row) for row in counts[:30].astype(int).tolist()]
    np.testing.assert_array_equal(sums, program.network.sums(counts[:30]))
    assert "integers from 0 to 4095" in module["__doc__"]


def test_classes_that_have_no_literal_are_numbers(digit_networks, X):
    one = fitted(MLPClassifier((4,), max_iter=2, random_state=0), X, np.full(1797, "a"))
    program = to_micropython(one, X, input_scale=1 / 16)
    assert module_of(program)["predict"]([0] * 64) == "a"
    one.classes_ = np.array([b"a"], dtype=object)
    program = to_micropython(one, X, input_scale=1 / 16)
    assert module_of(program)["predict"]([0] * 64) == 0


def test_source_is_small_ascii_and_imports_nothing(digit_networks, X, tmp_path):
    program = to_micropython(digit_networks["3 bits"], X, input_scale=1 / 16)
    program.save(tmp_path / "network.py")
    assert (tmp_path / "network.py").read_bytes() == program.source.encode("ascii")
    assert max(map(len, program.source.splitlines())) <= 120
    nodes = list(ast.walk(ast.parse(program.source)))
    assert not any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in nodes)
    # layers of one format share tables, and functions that nothing calls are left out
    assert program.source.count("LEVELS0 = ") == 1 and "LEVELS1" not in program.source
    assert "def _dense" not in program.source
    assert repr(program).startswith(f"MicroPythonProgram(bytes={len(program.source)})")
    thinner = rounded_to(3, digit_networks["relu"], 0.1)
    faster = to_micropython(thinner, X, input_scale=1 / 16)
    assert 0 < faster.microseconds < program.microseconds


def test_wrong_rows_and_options_are_refused(digit_networks, X):
    with pytest.raises(ValueError, match=r"input_scale must be a number, .* got None"):
        to_micropython(digit_networks["relu"], X, input_scale=None)
    module = module_of(to_micropython(digit_networks["relu"], X, input_scale=1 / 16))
    with pytest.raises(ValueError, match="x must have 64 readings"):
        module["predict"]([0] * 63)
    with pytest.warns(UserWarning, match="beyond its range"):
        to_micropython(digit_networks["relu"], X, input_scale=1 / 1000)


@needs_port
@pytest.mark.parametrize("key", KEYS)
def test_micropython_gives_what_numpy_gives(key, digit_networks, X):
    """In its WebAssembly port, with the heap of a small board."""
    if key not in digit_networks:
        pytest.skip("no Poisson loss in this scikit-learn")
    program = to_micropython(digit_networks[key], X, input_scale=1 / 16)
    rows = X[:10]
    heap, answers = results(program, program.readings(rows), heap=64 * 1024)
    assert heap < 10_000
    np.testing.assert_array_equal(
        [sums for sums, _ in answers], program.network.sums(rows)
    )
    y = [y for _, y in answers]
    if program.is_classifier:
        np.testing.assert_array_equal(y, program.predict(rows))
    else:
        np.testing.assert_allclose(y, program.predict(rows), rtol=2e-4)
