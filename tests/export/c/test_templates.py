"""Templates are C by themselves: compiled as they are, with sample definitions."""

import subprocess
from importlib.resources import files

import pytest

from skcoreset.export.c.text import fill, read_template

from .devices import STRICT, has

TEMPLATES = files("skcoreset.export.c") / "templates"

pytestmark = pytest.mark.skipif(not has("gcc"), reason="no gcc")

# What the generated file has before a template.
DECLARATIONS = """
static const uint8_t *NAME_next;
static int16_t NAME_i;
static uint8_t NAME_rest, NAME_left;
static const uint16_t NAME_factors[8] = {1}, NAME_powers[65] = {1};
static const int16_t NAME_entries[9] = {0};
static const float NAME_centers[8] = {0}, NAME_scales[8] = {1}, NAME_offsets[8] = {0};
"""
NEURON_HEAD = "int32_t NEURON(const uint8_t *x, int16_t n, int16_t unit);"
SUMS_HEAD = "void NAME_sums(const uint8_t *x, int32_t *sums);"
POWER_HEAD = "float NAME_power(float t);"
TEST_HEAD = """
static const uint8_t NAME_test_rows[16] = {0};
static const uint8_t NAME_test_results[6] = {0};
"""

TYPES = {
    "SUM_T": "int32_t",
    "IN_T": "uint8_t",
    "OUT_T": "uint8_t",
    "PLACE_T": "int16_t",
    "UNIT_T": "int16_t",
    "BIAS_T": "int16_t",
    "BITS_T": "uint16_t",
    "LEVEL_T": "int8_t",
    "SKIP_T": "uint8_t",
    "PRODUCT_T": "int16_t",
    "COUNT_T": "uint8_t",
    "MAGNITUDE_T": "uint32_t",
    "READING_T": "uint8_t",
}
SPARSE = {"SPARSE": 1, "BIAS_IS_BYTE": 1, "UNSIGNED": 1, "N_CODES": 12}
SPARSE |= {"LAST_CODE": 11, "REACH": 2, "LARGEST": 5, "REACH_BITS": 1, "REACH_MASK": 1}
SPARSE |= {"HALF_CODES": 6, "HALF_LEVELS": 3, "LEVEL_MASK": 3, "LEVEL_BITS": 2}
SCALED = {"SCALED": 1, "ROUNDING": 128, "SCALE_SHIFT": 8, "PRODUCT_T": "int32_t"}
LAYER = {"N_IN": 8, "BIAS_UNIT": 1, "SHIFT": 2, "PEAK": 255}
TANH = {"TANH": 1, "LAST_ENTRY": 8, "ENTRIES": "NAME_entries", "FRACTION_SHIFT": 0}
TANH |= {"FRACTION_BITS": 2, "FRACTION_MASK": 3, "ENTRY_BITS": 7, "ENTRY_ROUNDING": 64}
OUTPUTS = {"N_OUTPUTS": 3, "UNIT": "0.5f", "FIRST_P": 0, "PROBABILITIES": 1}
BINARY = OUTPUTS | {"N_OUTPUTS": 1, "FIRST_P": 1, "COMPLEMENT": 1}
TESTS = {"N_INPUTS": 8, "N_ROWS": 2, "N_OUTPUTS": 3}
TESTS |= {"READING_READ(p)": "(*(p))", "RESULT_READ(p)": "(*(p))"}
INPUT = {"OFFSET": "0.0f", "SCALE": "1.0f", "LARGEST_READING": 255}

SAMPLES = [
    ("neuron.c", "", SPARSE | {"HALF_BYTES": 1, "REACH_IS_POWER": 1, "ODD": 1}),
    ("neuron.c", "", SPARSE | {"LEVELS_FIRST": 1}),
    ("neuron.c", "", SPARSE | {"UNSIGNED": 0, "TWO_BYTES": 1, "FAR": 1}),
    ("neuron.c", "", SPARSE | SCALED | {"BIAS_IS_BYTE": 0, "BIAS_IS_LONG": 1}),
    ("neuron.c", "", SCALED),
    ("neuron.c", "", {"UNSIGNED": 1}),
    ("neuron.c", "", {}),
    ("layer.c", NEURON_HEAD, LAYER | {"SPARSE": 1, "SATURATION": 1, "UNSIGNED": 1}),
    ("layer.c", NEURON_HEAD, LAYER | {"SATURATION": 1, "SATURATES": 1, "SIGNED": 1}),
    ("layer.c", NEURON_HEAD, LAYER | TANH),
    ("layer.c", NEURON_HEAD, LAYER | {"OUT_T": "int32_t"}),
    ("floats.c", "", {"N_INPUTS": 8, "CENTER": "i", "FACTOR": "0", "PEAK": "9.0f"}),
    ("power.c", "", {"MAX_EXPONENT": "8257536.0f", "POWER_UNIT": "0.1f"}),
    ("input.c", "", INPUT | {"SHARED_SCALE": 1}),
    ("input.c", "", INPUT),
    ("functions.c", SUMS_HEAD + POWER_HEAD, OUTPUTS | {"CLASSES": 1}),
    ("functions.c", SUMS_HEAD + POWER_HEAD, BINARY | {"TWO_CLASSES": 1}),
    ("functions.c", SUMS_HEAD + POWER_HEAD, BINARY | {"ONE_CLASS": 1}),
    ("functions.c", SUMS_HEAD + POWER_HEAD, OUTPUTS | {"LABELS": 1}),
    ("functions.c", SUMS_HEAD + POWER_HEAD, BINARY | {"ONE_VALUE": 1, "POWERS": 1}),
    ("functions.c", SUMS_HEAD + POWER_HEAD, BINARY | {"ONE_VALUE": 1}),
    ("functions.c", SUMS_HEAD + POWER_HEAD, OUTPUTS | {"POWERS": 1}),
    ("functions.c", SUMS_HEAD + POWER_HEAD, OUTPUTS),
    (
        "test.h",
        TEST_HEAD + "int NAME(const uint8_t *x);",
        TESTS | {"ONE_RESULT": 1},
    ),
    (
        "test.h",
        TEST_HEAD + "void NAME(const uint8_t *x, uint8_t *labels);",
        TESTS,
    ),
    (
        "test.h",
        TEST_HEAD + "void NAME(const uint8_t *x, float *y);",
        TESTS | {"VALUES": 1},
    ),
]


@pytest.mark.parametrize("name, before, values", SAMPLES)
def test_templates_compile_by_themselves(name, before, values, tmp_path):
    prelude = tmp_path / "prelude.h"
    prelude.write_text(read_template("platform.h") + DECLARATIONS + before)
    values = TYPES | {"PEAK": 255} | values
    options = [f"-D{key}={value}" for key, value in values.items()]
    # a template has functions that others call, or defines
    options += ["-Wno-unused", "-fsyntax-only", "-include", prelude, "-x", "c"]
    subprocess.run(["gcc", *STRICT, *options, TEMPLATES / name], check=True)


def test_every_template_is_compiled():
    names = {path.name for path in TEMPLATES.iterdir()}
    assert names == {"platform.h", *(name for name, *_ in SAMPLES)}


def test_lines_are_chosen_as_the_preprocessor_chooses_them(tmp_path):
    values = {key: 0 for key in ("SCALED", "TWO_BYTES", "HALF_BYTES", "FAR", "ODD")}
    values |= {"REACH_IS_POWER": 0, "LEVELS_FIRST": 0, "BIAS_IS_LONG": 0}
    for name, _, sample in SAMPLES[:7]:
        options = TYPES | values | {"SPARSE": 0, "BIAS_IS_BYTE": 0, "UNSIGNED": 0}
        options |= sample
        text = fill(name, NAME="NAME", NEURON="NEURON", **options)
        path = tmp_path / "filled.c"
        path.write_text(text)
        defines = [f"-D{key}={value}" for key, value in options.items()]
        outputs = [
            subprocess.run(
                ["gcc", "-E", "-P", *extra], capture_output=True, check=True, text=True
            ).stdout.split()
            for extra in ([path], [*defines, TEMPLATES / name])
        ]
        assert outputs[0] == outputs[1]


def test_words_without_a_value_are_an_error():
    with pytest.raises(KeyError, match="POWER_UNIT"):
        fill("power.c", NAME="a", MAX_EXPONENT="1.0f")
    with pytest.raises(KeyError, match="SHARED_SCALE"):
        fill("input.c", NAME="a", READING_T="uint8_t")
