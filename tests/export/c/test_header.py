"""The header in real programs: twice, in two files, two of them, in C++."""

import re
import subprocess

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset.export import to_c

from ...conftest import fitted
from .devices import NO_UB, WARNINGS, has

needs_gcc = pytest.mark.skipif(not has("gcc", "g++"), reason="no gcc or g++")

LANGUAGES = [("gcc", "-std=c99", "c"), ("g++", "-std=c++17", "c++")]

# What Arduino, AVR and others define as macros.
PLATFORM = """
#define PI 3.14
#define B1 1
#define F(s) s
#define A0 14
#define HIGH 1
#define LOW 0
#define INPUT 0
#define DEFAULT 1
#define bit(b) (1UL << (b))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define abs(x) ((x) > 0 ? (x) : -(x))
#define round(x) ((long)(x))
#define sq(x) ((x) * (x))
#define degrees(x) (x)
#define REACH 1
#define SUM_T 1
#define N_OUTPUTS 1
"""


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return np.column_stack(
        [20 + 5 * rng.normal(size=400), 1e5 + 900 * rng.normal(size=400)]
    )


@pytest.fixture(scope="module")
def programs(rows):
    """Functions of each form, readings of each type."""
    cold = (rows[:, 0] < 20).astype(int)
    grid = {"input_scale": [0.2, 25], "input_offset": [-5, 96_000]}
    adc = {"input_scale": [0.05, 7], "input_offset": [-5, 96_000], "input_bits": 10}

    def pipeline(network, y):
        return fitted(make_pipeline(StandardScaler(), network), rows, y)

    classes = pipeline(MLPClassifier((8,), max_iter=60, random_state=0), cold)
    labels = np.column_stack([cold, 1 - cold, rows[:, 1] > 1e5])
    sets = pipeline(MLPClassifier((8,), max_iter=60, random_state=0), labels)
    values = np.column_stack([rows[:, 0] / 10, rows[:, 1] / 1000])
    one = pipeline(
        MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0),
        values[:, 0],
    )
    two = pipeline(
        MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0), values
    )
    return [
        to_c(classes, rows, name="classes", probabilities=True, **grid),
        to_c(sets, rows, name="labels", **adc),
        to_c(one, rows, name="value"),
        to_c(two, rows, name="values", **adc),
    ]


@needs_gcc
@pytest.mark.parametrize("compiler, standard, language", LANGUAGES)
def test_headers_are_included_twice_in_two_files_with_each_other(
    compiler, standard, language, programs, rows, tmp_path
):
    """Where macros have common names; the device's own test finds no difference."""
    includes = PLATFORM
    for program in programs:
        program.save(tmp_path / f"{program.name}.h")
        program.save_test(tmp_path / f"{program.name}_test.h", rows[:7])
        includes += f'#include "{program.name}.h"\n' * 2
        includes += f'#include "{program.name}_test.h"\n' * 2
    calls = " + ".join(f"{program.name}_test()" for program in programs)
    main = f"int other(void);\nint main(void) {{ return {calls} + other(); }}\n"
    other = "int other(void);\nint other(void) { uint8_t x[2] = {9, 9}; "
    other += "return classes(x) * 0; }\n"
    (tmp_path / "main.c").write_text(includes + main)
    (tmp_path / "other.c").write_text(PLATFORM + '#include "classes.h"\n' + other)
    files = [tmp_path / "main.c", tmp_path / "other.c"]
    options = [*WARNINGS, *NO_UB, "-x", language, *files, "-o", tmp_path / "main"]
    subprocess.run([compiler, standard, *options], check=True)
    assert subprocess.run([tmp_path / "main"]).returncode == 0


@needs_gcc
def test_device_test_counts_rows_that_differ(programs, rows, tmp_path):
    for program in programs:
        program.save(tmp_path / "network.h")
        program.save_test(tmp_path / "test.h", rows[:9])
        text = (tmp_path / "test.h").read_text()
        start = text.index("{", text.index("test_results["))
        end = text.index("}", start)
        # other results than the first and the last two
        words = text[start + 1 : end].replace("\n", " ").split(",")[:-1]
        n = len(words) // 9
        for k in (0, 7 * n, 8 * n):
            words[k] = " 1.5f" if "value" in program.name else str(1 - int(words[k]))
        text = text[: start + 1] + ",".join(words) + text[end:]
        (tmp_path / "test.h").write_text(text)
        code = '#include "network.h"\n#include "test.h"\n'
        code += f"int main(void) {{ return {program.name}_test(); }}\n"
        (tmp_path / "main.c").write_text(code)
        command = ["gcc", tmp_path / "main.c", "-o", tmp_path / "main"]
        subprocess.run(command, check=True)
        assert subprocess.run([tmp_path / "main"]).returncode == 3


@needs_gcc
def test_units_become_the_readings_of_python(programs, rows, tmp_path):
    for program in programs:
        if program.input_type == "float":
            assert f"{program.name}_input" not in program.source
            continue
        low, high = rows.min(axis=0), rows.max(axis=0)
        margin = np.array([60, 6000])
        values = np.linspace(low - margin, high + margin, 50).astype(np.float32)
        body = "".join(
            f'    printf("%d %d\\n", {program.name}_input(0, {a:.9g}f), '
            f"{program.name}_input(1, {b:.9g}f));\n"
            for a, b in values.tolist()
        )
        code = f"{program.source}#include <stdio.h>\nint main(void)\n{{\n{body}}}\n"
        (tmp_path / "main.c").write_text(code)
        command = ["gcc", tmp_path / "main.c", "-o", tmp_path / "main"]
        subprocess.run(command, check=True)
        output = subprocess.run([tmp_path / "main"], capture_output=True).stdout
        found = np.array(output.split(), int).reshape(-1, 2)
        # a float may round the other way at a half
        assert np.abs(found - program.readings(values).astype(int)).max() <= 1
        assert (found == program.readings(values)).mean() > 0.95
        assert found.min() == 0 and found.max() == program.network.inputs.largest


def test_device_test_has_the_rows_and_what_python_gives(programs, rows, tmp_path):
    for program in programs:
        program.save_test(tmp_path / "test.h", rows[:5])
        text = (tmp_path / "test.h").read_text("ascii")
        for key, expected in (
            ("rows", program.readings(rows[:5])),
            ("results", program.results(rows[:5])),
        ):
            body = re.search(rf"{key}\[\d+\] SKCORESET_FLASH = {{(.*?)}}", text, re.S)[
                1
            ]
            found = [float(word.strip(" \nf")) for word in body.split(",")[:-1]]
            np.testing.assert_allclose(found, expected.ravel(), rtol=1e-7)


def test_comment_says_what_each_input_means(rows):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows, columns=["temperature */ in C", "pressure"])
    y = rows[:, 0] > 20
    network = MLPClassifier((4,), max_iter=5, random_state=0)
    pipeline = fitted(make_pipeline(StandardScaler(), network), frame, y)
    source = to_c(
        pipeline, frame, input_scale=[0.5, 30], input_offset=[-10, 96_000]
    ).source
    comment = source[source.index("/*") : source.index("*/")]
    assert "original takes (which go into its scalers)" in re.sub(
        r"\s+\*\s+", " ", comment
    )
    assert "x[0] temperature * / in C: -10 + 0.5 * u," in comment
    assert "x[1] pressure: 96000 + 30 * u," in comment
    assert "* 0: False\n * 1: True" in comment
    floats = to_c(pipeline, frame).source
    assert f"x[1] pressure: {rows[:, 1].min():.6g} to" in floats
    assert "scale * u" not in floats
    alone = fitted(MLPClassifier((4,), max_iter=5, random_state=0), rows / 1e5, y)
    source = to_c(alone, rows / 1e5, input_scale=0.005).source
    assert "x[0] to x[1]: 0 + 0.005 * u," in source
    many = np.random.default_rng(0).random((40, 130))
    wide = fitted(MLPClassifier((4,), max_iter=5, random_state=0), many, y[:40])
    source = to_c(wide, many).source
    assert "x[99]: 0." in source
    assert "x[100]" not in source and "* and so on\n" in source


def test_products_of_large_levels_do_not_overflow():
    """On AVR an int has 16 bits: products of levels over 128 need 32."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (200, 6)).astype(float)
    mlp = fitted(MLPClassifier((4,), max_iter=5, random_state=0), X, X[:, 0] > 99)
    levels = 2 * rng.integers(-128, 128, (6, 4)) + 1
    levels[0] = 255
    mlp.coefs_ = [levels / 4096, mlp.coefs_[1]]
    program = to_c(mlp, X, input_scale=1)
    assert np.abs(program.network.layers[0].levels).max() == 255
    assert "(int32_t)level * x[i]" in program.source
