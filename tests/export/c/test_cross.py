"""C99 on simulated devices: an ATmega328P (Arduino Uno), Cortex-M3 and M0."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset.export import to_c

from ...conftest import fitted
from .devices import (
    Call,
    compile_on_host,
    has,
    predict_call,
    proba_call,
    run_on_arm,
    run_on_avr,
    run_sketch,
    sizes_on_avr,
)
from .test_export import rounded_to

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The integer network differs"),
]

needs_avr = pytest.mark.skipif(
    not has("avr-gcc", "avr-size", "simavr"), reason="no avr-gcc or simavr"
)
needs_arm = pytest.mark.skipif(
    not has("arm-none-eabi-gcc", "qemu-system-arm"),
    reason="no arm-none-eabi-gcc or qemu-system-arm",
)


@pytest.fixture(scope="module")
def programs():
    """Programs, and rows as C gets them and as Python does."""
    X, y = load_digits(return_X_y=True)
    rows = X[:12].astype(np.uint8)
    small = {"hidden_layer_sizes": (20, 12), "max_iter": 15, "random_state": 0}
    relu = fitted(MLPClassifier(**small), X / 16, y)
    tanh = fitted(MLPClassifier(**small, activation="tanh"), X / 16, y > 4)
    values = np.column_stack([y, X.sum(axis=1)])
    logistic = fitted(MLPRegressor(**small, activation="logistic"), X / 16, values)
    loss = {"loss": "poisson"} if "loss" in MLPRegressor().get_params() else {}
    poisson = fitted(MLPRegressor(**small, **loss), X / 16, y)
    identity = fitted(MLPClassifier(**small, activation="identity"), X, values > 4)
    scaled = make_pipeline(StandardScaler(), MLPClassifier(**small))
    fitted(scaled, X, y)
    sizes = X[:, :9] * 10.0 ** np.arange(9)
    raw = fitted(MLPRegressor(hidden_layer_sizes=(9,), random_state=0), sizes, X[:, 0])
    raw.coefs_[0] /= 10.0 ** np.arange(9)[:, np.newaxis]
    two = fitted(MLPRegressor(**small), X / 16, values * [1, 50])
    wide = fitted(MLPClassifier((100,), max_iter=8, random_state=0), X / 16, y)
    wide = rounded_to(3, wide, 0.25, odd=True)
    counts = 63 * X
    scale = {"input_scale": 1 / 16}
    too_little = to_c(wide, X / 16, **scale).flash_bytes - 1
    as_bytes = X[:12] / 16, rows
    as_floats = X[:12].astype(np.float32)
    proba = {"probabilities": True}
    return {
        "relu": (to_c(rounded_to(3, relu, 0.3), X / 16, **scale), *as_bytes),
        "relu, 16 bits": (to_c(relu, X / 16, **scale, hidden_bits=16), *as_bytes),
        "tanh": (to_c(tanh, X / 16, **scale, **proba), *as_bytes),
        "logistic": (to_c(logistic, X / 16, **scale, hidden_bits=8), *as_bytes),
        "poisson": (to_c(poisson, X / 16, **scale), *as_bytes),
        "identity": (to_c(identity, X, input_scale=1), X[:12], rows),
        "scaled bytes": (to_c(scaled, X, input_scale=1, **proba), X[:12], rows),
        "floats": (to_c(scaled, X, **proba), as_floats, as_floats),
        "two sizes of outputs": (to_c(two, X / 16, **scale), *as_bytes),
        "10 bits": (
            to_c(relu, counts / 1008, input_scale=1 / 1008, input_bits=10),
            counts[:12] / 1008,
            counts[:12].astype(np.uint16),
        ),
        "own scales": (
            to_c(raw, sizes, input_scale=10.0 ** np.arange(9), input_bits=12),
            sizes[:12],
            rows[:, :9].astype(np.uint16),
        ),
        "smallest code": (to_c(wide, X / 16, **scale, flash=too_little), *as_bytes),
        "floats, classes only": (to_c(scaled, X), as_floats, as_floats),
    }


def calls(program):
    """Calls, and what they give in Python."""

    def expected(X):
        y = program.predict(X)
        if program.is_classifier and not program.is_multilabel:
            y = np.searchsorted(program.classes_, y)
        return y.reshape(len(X), -1)

    yield predict_call(program), expected
    if hasattr(program, "predict_proba"):
        n_classes = max(program.n_outputs_, 2)
        yield proba_call(program, n_classes), program.predict_proba


@needs_avr
def test_atmega328p_gives_what_python_gives(programs, tmp_path):
    for program, X, rows in programs.values():
        for call, expected in calls(program):
            results, cycles, stack = run_on_avr(program, rows, call, tmp_path)
            np.testing.assert_array_equal(results, expected(X))
            # 16 MHz: a second at most
            assert 0 < cycles.max() < 16e6
            assert 0 < stack < 300


@needs_avr
def test_sizes_on_atmega328p_are_near_those_announced(programs, tmp_path):
    """A little less than announced."""
    for program, *_ in programs.values():
        call = [call for call, _ in calls(program)][-1]
        empty, _ = sizes_on_avr(None, 1, None, tmp_path)
        flash, ram = sizes_on_avr(program, program.n_features_in_, call, tmp_path)
        assert 0.7 * program.flash_bytes < flash - empty <= program.flash_bytes
        assert program.ram_bytes - 100 < ram <= program.ram_bytes


@needs_avr
def test_avr_gcc_says_that_tables_are_too_large(tmp_path, capfd):
    X = np.arange(1_000.0).reshape(2, 500) % 256
    mlp = fitted(MLPClassifier((150,), max_iter=1, random_state=0), X, [0, 1])
    program = to_c(mlp, X, input_scale=1)
    with pytest.raises(subprocess.CalledProcessError):
        sizes_on_avr(program, 500, predict_call(program), tmp_path)
    assert "AVR reads 65535 of flash" in capfd.readouterr().err


@needs_arm
@pytest.mark.parametrize("machine", ["mps2-an385", "microbit"])
def test_cortex_m_gives_what_python_gives(machine, programs, tmp_path):
    for program, X, rows in programs.values():
        for call, expected in calls(program):
            results = run_on_arm(program, rows, call, tmp_path, machine=machine)
            np.testing.assert_array_equal(results, expected(X))


SKETCH = Path(__file__).parents[3] / "examples" / "arduino" / "digits"

needs_sketch = pytest.mark.skipif(
    not SKETCH.exists(), reason="installed without the examples"
)


@needs_avr
@needs_sketch
def test_sketch_reads_its_digit_on_atmega328p(tmp_path):
    printed, flash, ram = run_sketch(SKETCH / "digits.ino", tmp_path)
    digit = re.search(r"handwritten (\d)", (SKETCH / "digit.h").read_text())[1]
    assert f"This is a {digit}" in printed
    assert printed.count("#") > 8
    assert "Rows that differ from Python: 0" in printed
    assert flash < 4_000 and ram < 400


@pytest.mark.skipif(not has("gcc"), reason="no gcc")
@needs_sketch
def test_network_of_the_sketch_reads_digits(tmp_path):
    X, y = load_digits(return_X_y=True)
    call = Call("int y = predict(x);", "&y", 1, np.int32)
    source = (SKETCH / "network.h").read_text()
    run = compile_on_host([(source, "uint8_t", 64, call)], tmp_path)
    assert np.mean(run(0, X.astype(np.uint8)).ravel() == y) > 0.97


@needs_sketch
def test_script_writes_what_the_sketch_includes(tmp_path, monkeypatch, capsys):
    script = SKETCH.parent / "make_digits.py"
    monkeypatch.setattr(sys, "argv", [str(script), "--output", str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    assert "accuracy in C" in capsys.readouterr().out
    assert (tmp_path / "digit.h").read_text() == (SKETCH / "digit.h").read_text()
    # another build of NumPy may train other weights, with another error of an output,
    # and break the lines elsewhere
    written, kept = (
        (folder / "network.h").read_text().partition("static")[0].replace(" * ", " ")
        for folder in (tmp_path, SKETCH)
    )
    numbers = re.compile(r"(\(output )?[\d.]+%?\)?")
    written, kept = (" ".join(text.split()) for text in (written, kept))
    assert numbers.sub("", written).split() == numbers.sub("", kept).split()
