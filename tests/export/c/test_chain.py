"""From fit to flash: few bits, labels, a file, C, a certificate of what is shipped."""

import io

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor, certify
from skcoreset.export import dump, load, to_c

from ...conftest import fitted
from .devices import NO_UB, compile_on_host, has, predict_call

BITS = 3


@pytest.fixture(scope="module")
def mlp(digits):
    X, y, _, _ = digits
    return fitted(MLPClassifier((40, 20), max_iter=60, random_state=0), X, y)


@pytest.fixture(scope="module")
def compressor(mlp, digits):
    X, y, X_new, _ = digits
    compressor = CoresetCompressor(mlp, density=0.3, bits=BITS, random_state=0)
    return compressor.fit(X_new).fine_tune(X, y)


@pytest.fixture(scope="module")
def program(compressor, digits):
    return to_c(compressor, digits[0], input_scale=1 / 16)


def test_labels_leave_the_weights_few_bits(compressor):
    for coef in compressor.coefs_:
        assert len(np.unique(coef.data)) <= 2**BITS


def test_the_file_gives_the_same_program(compressor, program, digits):
    file = io.BytesIO()
    dump(compressor, file)
    file.seek(0)
    loaded = load(file)
    assert to_c(loaded, digits[0], input_scale=1 / 16).source == program.source


def test_levels_in_c_are_those_of_the_bits(program):
    for layer in program.network.layers:
        levels = np.unique(layer.levels[layer.levels != 0])
        assert (levels % 2 == 1).all()
        assert np.abs(levels).max() < 2**BITS


def test_what_is_shipped_can_be_certified(mlp, program, digits):
    """The share of changed predictions that is promised covers that of all rows."""
    X_fresh = digits[2]
    certificate = certify(mlp, program, X_fresh, error="prediction", delta=None)
    changed = np.mean(program.predict(X_fresh) != mlp.predict(X_fresh))
    assert changed < certificate.delta < changed + 0.05


@pytest.mark.skipif(not has("gcc"), reason="no gcc")
def test_the_compiled_program_predicts_what_was_certified(program, digits, tmp_path):
    U = np.rint(16 * digits[2]).astype(np.uint8)
    functions = [(program.source, "uint8_t", U.shape[1], predict_call(program))]
    run = compile_on_host(functions, tmp_path, options=NO_UB)
    predicted = program.classes_[run(0, U).ravel()]
    assert np.array_equal(predicted, program.predict(digits[2]))
