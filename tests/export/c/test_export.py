"""C99: equal to its computation in NumPy, bit for bit, and near to the network."""

import copy
import re

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from skcoreset import CoresetCompressor
from skcoreset._network import Network
from skcoreset._wrapped import network_of
from skcoreset.export import to_c
from skcoreset.export.c.formats import (
    CodedLayer,
    Dense,
    Edges,
    Sparse,
    Types,
    code_layers,
)
from skcoreset.export.c.integers import Layer, power_of_two, prepare
from skcoreset.export.c.text import MAX_ARRAY, write_source

from ...conftest import fitted
from .devices import NO_UB, compile_on_host, has, predict_call, proba_call

# networks that are rounded much, or trained little, to reach every line
pytestmark = [
    pytest.mark.filterwarnings("ignore:The integer network differs"),
    pytest.mark.filterwarnings("ignore:X has .* from which the ranges"),
]

needs_gcc = pytest.mark.skipif(not has("gcc"), reason="no gcc")

N_FEATURES = 64


def rounded_to(bits, mlp, density=1.0, seed=0, odd=False):
    """A copy of a network with few bits and, of each layer, some of the edges."""
    return rounded_to_levels(2 ** (bits - 1), mlp, density, seed, odd)


def rounded_to_levels(n_levels, mlp, density=1.0, seed=0, odd=False):
    """The same with so many levels of each sign."""
    rng = np.random.default_rng(seed)
    largest = 2 * n_levels - 1 if odd else n_levels
    mlp = copy.copy(mlp)
    coefs, mlp.coefs_ = mlp.coefs_, []
    for coef in coefs:
        coef = sparse.csr_array(coef)
        coef.data[rng.random(coef.nnz) > density] = 0
        coef.eliminate_zeros()
        step = np.float32(np.abs(coef.data).max() / largest)
        levels = np.abs(coef.data) / step
        levels = 2 * np.floor(levels / 2) + 1 if odd else np.rint(levels)
        levels = np.clip(levels, 1, largest)
        coef.data = np.sign(coef.data) * levels.astype(np.float32) * step
        mlp.coefs_.append(coef)
    return mlp


def networks():
    """Networks of every kind on digits, 0 to 16, by name."""
    X, y = load_digits(return_X_y=True)
    small = {"hidden_layer_sizes": (20, 12), "max_iter": 6, "random_state": 0}
    u = X / 16
    labels = np.column_stack([y % 2 == 0, y > 4, y == 3]).astype(int)
    names = np.array([f"digit {k}" for k in range(10)])
    values = np.column_stack([y, u.sum(axis=1)])

    def classifier(target=y, **parameters):
        return fitted(MLPClassifier(**small | parameters), u, target)

    def regressor(target, **parameters):
        return fitted(MLPRegressor(**small | parameters), u, target)

    relu = classifier()
    networks = {
        "relu": relu,
        "3 bits": rounded_to(3, classifier(names[y], hidden_layer_sizes=(40, 30)), 0.3),
        "3 bits, odd": rounded_to(3, classifier(), 0.2, odd=True),
        "8 bits, odd": rounded_to(8, classifier(), 0.2, odd=True),
        "tanh": classifier(activation="tanh", hidden_layer_sizes=(16,)),
        "logistic, binary": classifier(y > 4, activation="logistic"),
        "identity, multilabel": classifier(labels, activation="identity"),
        "tanh, one value": rounded_to(4, regressor(y, activation="tanh"), 0.5),
        "identity, two values": regressor(values, activation="identity"),
        "logistic, two values": regressor(values, activation="logistic"),
        "no hidden layer": classifier(hidden_layer_sizes=()),
    }
    if "loss" in MLPRegressor().get_params():
        networks["exponential"] = regressor(y, loss="poisson")
    return networks


@pytest.fixture(scope="module")
def rows():
    """Bytes: digits; what no digit is; and nothing but the extremes."""
    rng = np.random.default_rng(0)
    digits = load_digits().data.astype(np.uint8)
    noise = rng.integers(0, 256, (9_997 - len(digits), N_FEATURES), dtype=np.uint8)
    extremes = np.full((3, N_FEATURES), 255, np.uint8)
    extremes[1], extremes[2, ::2] = 0, 0
    return np.vstack([digits, noise, extremes])


def result(program, X):
    """What the C function gives, from Python, in columns."""
    y = program.predict(X)
    if program.is_classifier and not program.is_multilabel:
        y = np.searchsorted(program.classes_, y)
    return y.reshape(len(X), -1)


@pytest.fixture(scope="module")
def digit_networks():
    return networks()


@pytest.fixture(scope="module")
def programs(digit_networks):
    """Every network; some with hidden values of 16 bits, or inputs that differ."""
    X = load_digits().data
    u = X / 16
    programs = {}
    for number, (key, mlp) in enumerate(digit_networks.items()):
        programs[key] = to_c(
            mlp,
            u,
            input_scale=1 / 16,
            name=f"network{number}",
            hidden_bits=8 if number % 2 else 16,
            probabilities=isinstance(mlp, MLPClassifier),
        )
    relu = digit_networks["relu"]
    scale = np.linspace(0.5, 1.5, N_FEATURES) / 16
    offset = np.linspace(-0.1, 0.1, N_FEATURES)
    programs["scaled bytes"] = to_c(
        rounded_to(3, relu, 0.3), u, input_scale=scale, input_offset=offset, name="a"
    )
    programs["scaled bytes, dense"] = to_c(relu, u, input_scale=scale, name="b")
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((20,), random_state=0))
    fitted(pipeline, X, load_digits().target)
    programs["floats, scaler"] = to_c(pipeline, X, name="c", probabilities=True)
    programs["floats"] = to_c(digit_networks["logistic, two values"], u, name="d")
    return programs


@pytest.mark.slow
@pytest.mark.skipif(not has("g++"), reason="no g++")
def test_c_is_c_plus_plus_as_well(programs, rows, tmp_path):
    run, numbers = compiled(programs, tmp_path, compiler="g++")
    for key, program in programs.items():
        X, inputs = in_units(program, rows[:1000], key)
        np.testing.assert_array_equal(run(numbers[key][0], inputs), result(program, X))


def compiled(programs, folder, **options):
    """Run the main function, or that of the probabilities, of each program."""
    functions = []
    for program in programs.values():
        in_type = program.input_type
        calls = [predict_call(program)]
        if hasattr(program, "predict_proba"):
            n_classes = max(program.n_outputs_, 2)
            calls.append(proba_call(program, n_classes))
        functions += [(program.source, in_type, N_FEATURES, call) for call in calls]
    run = compile_on_host(functions, folder, **options)
    outputs, number = {}, 0
    for key, program in programs.items():
        outputs[key] = number, number + hasattr(program, "predict_proba")
        number = outputs[key][1] + 1
    return run, outputs


def in_units(program, rows, key):
    """Rows as Python takes them, and as C does."""
    if program.input_type == "float":
        X = (rows.astype(np.float32) - 20) * np.float32(0.37)
        return X, X
    scale, offset = 1 / 16, 0
    if key.startswith("scaled"):
        scale = np.linspace(0.5, 1.5, N_FEATURES) / 16
    if key == "scaled bytes":
        offset = np.linspace(-0.1, 0.1, N_FEATURES)
    return offset + rows * scale, rows


COMPILERS = [
    pytest.param("gcc", ("-O2",), marks=[needs_gcc, pytest.mark.slow], id="gcc"),
    pytest.param("gcc", ("-O1", *NO_UB), marks=needs_gcc, id="gcc-ubsan"),
    pytest.param(
        "clang",
        ("-O2",),
        marks=[
            pytest.mark.skipif(not has("clang"), reason="no clang"),
            pytest.mark.slow,
        ],
        id="clang",
    ),
]


@pytest.mark.parametrize("compiler, options", COMPILERS)
def test_c_gives_what_python_gives_bit_for_bit(
    compiler, options, programs, rows, tmp_path
):
    run, numbers = compiled(programs, tmp_path, compiler=compiler, options=options)
    for key, program in programs.items():
        X, inputs = in_units(program, rows, key)
        number, number_proba = numbers[key]
        np.testing.assert_array_equal(run(number, inputs), result(program, X), key)
        if number_proba != number:
            P = program.predict_proba(X)
            np.testing.assert_array_equal(run(number_proba, inputs), P, key)


# Numbers of 4 to 16 bits; levels or places first, by shifts or by subtractions.
FORMATS = [
    Dense(),
    Sparse(4, 2, False, 1),
    Sparse(4, 4, False, 3),
    Sparse(4, 6, True, 2),
    Sparse(4, 8, True, 1),
    Sparse(8, 2, True, 64),
    Sparse(8, 6, True, 41),
    Sparse(8, 8, False, 31),
    Sparse(8, 254, False, 1),
    Sparse(16, 254, False, 256),
    Sparse(16, 256, True, 128),
    Sparse(16, 256, False, 128),
]


@pytest.fixture(scope="module")
def two_codes(digits):
    """A network whose smallest code is not its fastest, as `to_c` takes it."""
    X, y, *_ = digits
    mlp = fitted(MLPClassifier((100,), max_iter=8, random_state=0), X, y)
    return rounded_to(3, mlp, 0.25, odd=True), X


def test_code_is_as_fast_as_flash_allows(two_codes):
    """Where bytes do not fit, half bytes do."""
    options = {"input_scale": 1}
    fast = to_c(*two_codes, **options)
    enough = to_c(*two_codes, **options, flash=fast.flash_bytes)
    assert enough.source == fast.source
    small = to_c(*two_codes, **options, flash=fast.flash_bytes - 1)
    assert small.flash_bytes < fast.flash_bytes
    for program, bits in ((fast, 8), (small, 4)):
        assert {coded.format.bits for coded in program.coded} == {bits}
    np.testing.assert_array_equal(
        small.transform(two_codes[1]), fast.transform(two_codes[1])
    )
    with pytest.raises(ValueError, match="over flash="):
        to_c(*two_codes, **options, flash=small.flash_bytes - 1)


@needs_gcc
def test_every_format_of_edges_gives_the_same_sums(digit_networks, rows, tmp_path):
    """Also in arrays that are cut between neurons, and where edges are far apart."""
    rows = rows[::10]
    X = rows / 16
    references, functions = [], []
    for number, format_ in enumerate(FORMATS):
        n_levels = 127 if format_ == Dense() else format_.n_levels // 2
        odd = format_ != Dense() and format_.odd
        for density in (0.3, 0.02):
            mlp = rounded_to_levels(n_levels, digit_networks["relu"], density, odd=odd)
            for max_array in (MAX_ARRAY, 10):
                name = f"f{number}_{round(100 * density)}_{max_array}"
                program = to_c(mlp, X[:500], input_scale=1 / 16, name=name)
                program.coded = code_layers(program.network.layers, [format_])
                source = write_source(program, max_array)
                assert (f"{name}_codes1[" in source) == (max_array == 10)
                call = predict_call(program)
                functions.append((source, "uint8_t", N_FEATURES, call))
                references.append(result(program, X))
    run = compile_on_host(functions, tmp_path, options=NO_UB)
    for number, reference in enumerate(references):
        np.testing.assert_array_equal(run(number, rows), reference)


def random_levels(format_, shape, density):
    rng = np.random.default_rng(0)
    magnitudes = np.arange(1, format_.n_levels // 2 + 1)
    magnitudes = 2 * magnitudes - 1 if format_.odd else magnitudes
    levels = rng.choice([*magnitudes, *-magnitudes], shape)
    levels[rng.random(shape) >= density] = 0
    return levels


@pytest.mark.parametrize("format_", FORMATS[1:])
@pytest.mark.parametrize("density", [0, 0.02, 0.5, 1])
def test_numbers_say_where_edges_are(format_, density):
    n_in, n_out = 300, 7
    levels = random_levels(format_, (n_in, n_out), density)
    layer = Layer(levels, np.arange(-3, 4), bound=1000)
    edges = Edges(layer)
    coded = CodedLayer.of(edges, format_, Types.of([layer]))
    found, biases = read_layer(coded)
    np.testing.assert_array_equal(biases, coded.layer.bias)
    np.testing.assert_array_equal(found, levels)
    assert abs(coded.codes.size - n_out - format_.size(edges)) <= 1


@pytest.mark.parametrize("format_", FORMATS[1:])
def test_tables_of_numbers_say_what_the_definition_does(format_):
    levels, steps = format_.decoded()
    assert len(levels) == format_.n_codes + format_.n_skips
    for number, (level, step) in enumerate(zip(levels, steps)):
        skips = number - format_.n_codes + 1
        expected = (
            edge_of(format_, number) if skips <= 0 else (0, skips * format_.reach)
        )
        assert (level, step) == expected


@pytest.mark.parametrize(
    "format_, levels",
    [
        (Dense(), [128]),
        (Dense(), [-129]),
        (Sparse(8, 6, True, 41), [2]),
        (Sparse(8, 6, True, 41), [7]),
        (Sparse(8, 6, False, 41), [4]),
    ],
)
def test_levels_without_a_code_take_no_format(format_, levels):
    layer = Layer(np.array([levels]), np.zeros(1, int), bound=1000)
    assert format_.size(Edges(layer)) == np.inf


def test_layers_share_a_format_where_that_is_shorter():
    rng = np.random.default_rng(0)

    def layer(n_in, n_out, density):
        levels = rng.choice([-5, -3, -1, 1, 3, 5], (n_in, n_out))
        levels[rng.random((n_in, n_out)) >= density] = 0
        return Layer(levels, np.zeros(n_out, int), bound=1000)

    small = [layer(20, 5, 0.1), layer(5, 5, 0.9)]
    large = [layer(500, 200, 0.05), layer(200, 200, 0.9)]
    for layers, n_formats in ((small, 1), (large, 2)):
        coded = code_layers(layers)
        assert len({each.format for each in coded}) == n_formats
        for each, original in zip(coded, layers):
            if each.format != Dense():
                np.testing.assert_array_equal(read_layer(each)[0], original.levels)


def edge_of(format_, value):
    """The level of a number, and how many places further the next edge is."""
    if format_.levels_first:
        level, near = divmod(value, format_.reach)
    else:
        near, level = divmod(value, format_.n_levels)
    if format_.odd:
        return 2 * level - format_.largest, near + 1
    return level - format_.largest + (level >= format_.largest), near + 1


def read_layer(coded):
    """Levels and biases, by the definition of the format."""
    format_, layer = coded.format, coded.layer
    n_in, n_out = layer.levels.shape
    data = iter(coded.codes.tolist())
    high_halves = []

    def number():
        if format_.bits == 16:
            return next(data) | next(data) << 8
        if format_.bits == 8:
            return next(data)
        if high_halves:
            return high_halves.pop()
        byte = next(data)
        high_halves.append(byte >> 4)
        return byte & 15

    levels, biases = np.zeros((n_out, n_in), int), []
    place = coded.first
    for neuron in range(n_out):
        biases.append(np.int8(np.uint8(next(data))))
        while place < (neuron + 1) * n_in:
            value = number()
            skips = value - format_.n_codes + 1
            if skips > 0:
                place += skips * format_.reach
                continue
            levels[neuron, place % n_in], step = edge_of(format_, value)
            place += step
        assert coded.codes.size - len(list(copy.copy(data))) == coded.ends[neuron]
    assert place == n_in * n_out
    return levels.T, biases


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("bits", [1, 3, 8])
def test_levels_that_weights_are_multiples_of_are_kept(
    activation, bits, digit_networks, rows
):
    """All that is left is the rounding of hidden values, and of intercepts."""
    X = rows / 255
    mlp = with_activation(rounded_to(bits, digit_networks["relu"], 0.3), activation)
    program = to_c(mlp, X, input_scale=1 / 255, hidden_bits=16)
    for layer in program.network.layers:
        assert np.abs(layer.levels).max() == 2 ** (bits - 1)
    F = network_of(mlp).forward(X)
    assert np.abs(program.transform(X) - F).max() < 1e-3 * np.abs(F).max()


def with_activation(mlp, activation):
    mlp = copy.copy(mlp)
    mlp.activation = activation
    return mlp


def test_hidden_values_of_16_bits_are_nearer_than_those_of_8(digit_networks, rows):
    X = rows / 255
    for activation in ("relu", "tanh", "logistic", "identity"):
        mlp = with_activation(rounded_to(3, digit_networks["relu"], 0.3), activation)
        F = network_of(mlp).forward(X)
        errors = [
            np.abs(to_c(mlp, X, input_scale=1 / 255, hidden_bits=b).transform(X) - F)
            for b in (8, 16)
        ]
        assert errors[0].max() < 0.05 * np.abs(F).max()
        assert errors[1].max() < 0.1 * errors[0].max()


@pytest.mark.parametrize("key", ["relu", "3 bits", "identity, two values"])
def test_8_bits_are_taken_where_they_change_little(key, digit_networks):
    mlp, X = digit_networks[key], load_digits().data / 16
    default, small, large = (
        to_c(mlp, X, input_scale=1 / 16, hidden_bits=bits) for bits in (None, 8, 16)
    )
    y, reference = small.predict(X), large.predict(X)
    if small.is_classifier:
        changes = np.mean(y != reference) > 0.005
    else:
        spread = reference.std(axis=0)
        changes = (np.sqrt(np.mean((y - reference) ** 2, axis=0)) > 0.01 * spread).any()
    assert default.hidden_bits == (16 if changes else 8)
    np.testing.assert_array_equal(default.predict(X), reference if changes else y)


def test_more_bits_are_taken_where_8_change_much():
    """A sum of many hidden values that nearly cancel."""
    X = np.linspace(0, 1, 256)[:, np.newaxis]
    mlp = fitted(
        MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, random_state=0), X, X.ravel()
    )
    mlp.coefs_ = [np.array([[1.0, 1.0]]), np.array([[1.0], [-0.992]])]
    mlp.intercepts_ = [np.array([100.0, 100.0]), np.zeros(1)]
    program = to_c(mlp, X, input_scale=1 / 255)
    assert program.hidden_bits == 16
    assert to_c(mlp, X, input_scale=1 / 255, hidden_bits=8).hidden_bits == 8


def test_classes_are_those_of_the_network(programs, digit_networks):
    X = load_digits().data / 16
    for key in ("relu", "3 bits", "tanh", "no hidden layer"):
        mlp, program = digit_networks[key], programs[key]
        y = program.predict(X)
        assert y.dtype == mlp.classes_.dtype
        assert np.mean(y == mlp.predict(X)) > 0.98
    binary = digit_networks["logistic, binary"]
    assert np.mean(programs["logistic, binary"].predict(X) == binary.predict(X)) > 0.98
    labels = digit_networks["identity, multilabel"].predict(X)
    y = programs["identity, multilabel"].predict(X)
    assert y.shape == labels.shape and np.mean(y == labels) > 0.98


def test_values_and_probabilities_are_those_of_the_network(programs, digit_networks):
    X = load_digits().data / 16
    for key, mlp in digit_networks.items():
        program = programs[key]
        if isinstance(mlp, MLPClassifier):
            P = program.predict_proba(X)
            assert P.dtype == np.float32
            np.testing.assert_allclose(P, mlp.predict_proba(X), atol=0.06)
        else:
            y = mlp.predict(X)
            error = np.abs(program.predict(X) - y)
            assert program.predict(X).shape == y.shape
            assert error.max() < 0.05 * np.ptp(y)


def test_powers_of_two_have_four_digits():
    T = np.linspace(-125 * 65536, 125 * 65536, 100_001).astype(np.float32)
    exact = 2.0 ** (np.trunc(T.astype(np.float64)) / 65536)
    np.testing.assert_allclose(power_of_two(T), exact, rtol=1e-4)
    extremes = power_of_two(np.float32([-np.inf, np.inf]))
    assert 0 < extremes[0] < 1e-37 and 1e37 < extremes[1] < np.inf


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        MinMaxScaler((-1, 2)),
        MaxAbsScaler(),
        RobustScaler(),
        RobustScaler(with_centering=False, with_scaling=False),
        "passthrough",
    ],
    ids=str,
)
@pytest.mark.parametrize("input_scale", [None, 1])
def test_linear_scalers_are_part_of_the_inputs(scaler, input_scale):
    X, y = load_digits(return_X_y=True)
    mlp = MLPClassifier((20,), max_iter=30, random_state=0)
    pipeline = fitted(make_pipeline(MaxAbsScaler(), scaler, mlp), X, y)
    program = to_c(FrozenEstimator(pipeline), X, input_scale=input_scale)
    F = network_of(pipeline[-1]).forward(pipeline[:-1].transform(X))
    assert np.abs(program.transform(X) - F).max() < 0.05 * np.abs(F).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_are_the_nearest_to_rows(dtype, programs):
    """Halfway or beyond the range, too, and whatever holds the rows."""
    program = programs["3 bits"]
    U = load_digits().data
    y = program.predict((U / 16).astype(dtype))
    rng = np.random.default_rng(0)
    noisy = (U + rng.uniform(-0.49, 0.49, U.shape)) / 16
    for X in (
        noisy.astype(dtype),
        sparse.csr_array((U / 16).astype(dtype)),
        np.where(U == 0, -5, U / 16).tolist(),
    ):
        np.testing.assert_array_equal(program.predict(X), y)
    high = program.predict(np.full((1, N_FEATURES), 255 / 16))
    np.testing.assert_array_equal(program.predict(np.full((1, N_FEATURES), 1e9)), high)


def test_sums_stay_in_their_bounds(programs):
    """Each neuron gets the inputs that make it largest, and smallest."""
    for program in programs.values():
        values = program.network.inputs.values
        for layer in program.network.layers:
            lowest = -values.peak if values.is_signed else 0
            for sign in (-1, 1):
                V = np.where(sign * layer.levels > 0, values.peak, lowest)
                sums = (V * layer.levels).sum(axis=0) + layer.bias
                assert np.abs(sums).max() <= layer.bound < 2**30
            values = layer.activation and layer.activation.values


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_idle_neurons_are_dropped(activation, digit_networks, rows):
    X = rows / 255
    mlp = with_activation(rounded_to(3, digit_networks["relu"], 0.5), activation)
    mlp.coefs_ = [coef.toarray() for coef in mlp.coefs_]
    mlp.coefs_[1][3] = 0
    mlp.coefs_[0][:, 5] = 0
    F = network_of(mlp).forward(X)
    program = to_c(mlp, X, input_scale=1 / 255, hidden_bits=16)
    assert len(program.network.layers[0].bias) == 18
    assert np.abs(program.transform(X) - F).max() < 1e-3 * np.abs(F).max()


@needs_gcc
def test_networks_without_edges_are_constant(digit_networks, tmp_path):
    mlp = copy.copy(digit_networks["relu"])
    mlp.coefs_ = [np.zeros_like(coef) for coef in mlp.coefs_]
    U = np.zeros((3, N_FEATURES), np.uint8)
    functions = []
    for k, scale in enumerate((1, np.arange(1, 65), None)):
        program = to_c(mlp, U, input_scale=scale, name=f"constant{k}")
        expected = np.full(3, mlp.intercepts_[-1].argmax())
        np.testing.assert_array_equal(program.predict(U), expected)
        functions.append(
            (program.source, program.input_type, N_FEATURES, predict_call(program))
        )
    run = compile_on_host(functions, tmp_path, options=NO_UB)
    np.testing.assert_array_equal(run(0, U).ravel(), expected)
    np.testing.assert_array_equal(run(2, U.astype(np.float32)).ravel(), expected)


@needs_gcc
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("scale", [1e-15, 1e6])
def test_weights_of_any_scale_fit_the_sums(activation, scale, tmp_path):
    """Intercepts that dwarf the weights, and the other way round."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (200, 5))
    mlp = fitted(
        MLPRegressor(hidden_layer_sizes=(4, 4), max_iter=1, random_state=0), X, X[:, 0]
    )
    mlp.activation = activation
    mlp.coefs_ = [scale * coef for coef in mlp.coefs_]
    program = to_c(mlp, X, input_scale=1, hidden_bits=16)
    F = mlp.predict(X)
    # large weights make steps of tanh: a row on the edge may fall on either side
    errors = np.sort(np.abs(program.predict(X) - F))
    assert errors[-2] < 0.02 * np.abs(F).max()
    call = predict_call(program)
    run = compile_on_host(
        [(program.source, "uint8_t", 5, call)], tmp_path, options=NO_UB
    )
    np.testing.assert_array_equal(run(0, X.astype(np.uint8)), result(program, X))


def test_values_that_no_float_holds_are_refused():
    X = np.arange(20.0)[:, np.newaxis]
    mlp = fitted(MLPRegressor(max_iter=1, random_state=0), X, X.ravel())
    mlp.coefs_ = [1e19 * coef for coef in mlp.coefs_]
    with pytest.raises(ValueError, match="too large for a float"):
        to_c(mlp, X)


@needs_gcc
def test_floats_that_are_no_numbers_do_no_harm(programs, tmp_path):
    """NaN counts as the lowest value, infinity as the largest."""
    program = programs["floats, scaler"]
    call = predict_call(program)
    functions = [(program.source, "float", N_FEATURES, call)]
    run = compile_on_host(functions, tmp_path, options=NO_UB)
    X = np.full((4, N_FEATURES), [[np.nan], [-np.inf], [np.inf], [1e30]], np.float32)
    y = run(0, X).ravel()
    assert y[0] == y[1] and y[2] == y[3]
    sums = program.network.sums(X)
    np.testing.assert_array_equal(sums.argmax(axis=1), y)


@needs_gcc
def test_class_names_cannot_end_a_comment(tmp_path):
    names = ["*/ int x;", "/* ", "\n#error", "??/", 'a"b\\', "é" * 99, "*//*/", "????"]
    X = np.arange(8.0)[:, np.newaxis] * 30
    mlp = fitted(MLPClassifier((3,), max_iter=1, random_state=0), X, names)
    program = to_c(mlp, X, input_scale=1)
    assert program.source.count("*/") == program.source.count("/*")
    call = predict_call(program)
    functions = [(program.source, "uint8_t", 1, call)]
    run = compile_on_host(functions, tmp_path)
    index = run(0, X.astype(np.uint8)).ravel()
    np.testing.assert_array_equal(mlp.classes_[index], program.predict(X))


def test_saved_file_is_the_source(programs, tmp_path):
    program = programs["3 bits"]
    program.save(tmp_path / "network.c")
    assert (tmp_path / "network.c").read_bytes() == program.source.encode()
    assert max(map(len, program.source.splitlines())) <= 120
    assert repr(program).startswith("CProgram('network1', flash_bytes=")


def test_sizes_are_those_of_the_tables_and_buffers(programs):
    """Flash has code besides, and RAM a stack."""
    for program in programs.values():
        flash = ram = 0
        arrays = r"static (const )?(float|u?int)(\d*)(?:_t)? \w+\[(\d+)\]"
        for const, _, bits, length in re.findall(arrays, program.source):
            size = int(length) * int(bits or 32) // 8
            flash, ram = flash + size * bool(const), ram + size * (not const)
        assert 100 < program.flash_bytes - flash < 4_000
        inputs = N_FEATURES * (4 if program.input_type == "float" else 1)
        assert 0 < program.ram_bytes - ram - inputs < 120


def test_compressor_is_its_compressed_network(digits):
    X, y, X_new, _ = digits
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier((30,), max_iter=50, random_state=0)
    )
    fitted(pipeline, X, y)
    compressor = CoresetCompressor(pipeline, density=0.3, random_state=0).fit(X_new)
    program = to_c(compressor, X, input_scale=1 / 16)
    alone = to_c(compressor.estimator_, X, input_scale=1 / 16)
    assert program.source == alone.source
    assert np.mean(program.predict(X) == compressor.predict(X)) > 0.98
    n_edges = sum(np.count_nonzero(layer.levels) for layer in program.network.layers)
    assert n_edges <= sum(coef.nnz for coef in compressor.coefs_)


@pytest.mark.filterwarnings("ignore:The compressed network")
@pytest.mark.parametrize("budget", [1100, 1500, 2500, 3500])
def test_what_does_not_fit_is_refused_with_the_density_that_does(budget, digits):
    """Also where a dense layer becomes a sparse one, whose edges take two bytes."""
    X, y, X_new, _ = digits
    mlp = fitted(MLPClassifier((50,), max_iter=30, random_state=0), X, y)
    options = {"X": X, "input_scale": 1 / 16}
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.8)
    for network in (compressor.fit(X_new), mlp):
        with pytest.raises(ValueError, match=f"over flash={budget}") as error:
            to_c(network, **options, flash=budget)
        density = float(re.search("density=([0-9.]+)", str(error.value))[1])
        smaller = CoresetCompressor(mlp, method="magnitude", density=density)
        fits = to_c(smaller.fit(X_new), **options, flash=budget)
        assert fits.flash_bytes > 0.6 * budget


def test_flash_that_is_just_enough_is_enough(mlp, digits):
    options = {"X": digits[0], "input_scale": 1 / 16}
    size = to_c(mlp, **options).flash_bytes
    assert to_c(mlp, **options, flash=size).flash_bytes == size
    with pytest.raises(ValueError, match="over flash="):
        to_c(mlp, **options, flash=size - 1)
    with pytest.raises(ValueError, match="without any edge: take fewer neurons"):
        to_c(mlp, **options, flash=100)


def test_avr_is_refused_more_than_it_reads():
    """By the preprocessor: other devices take it."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (50, 700))
    mlp = fitted(MLPClassifier((100,), max_iter=1, random_state=0), X, X[:, 0] > 100)
    source = to_c(mlp, X, input_scale=1).source
    assert '#ifdef __AVR__\n#error "tables of 7' in source
    sizes = [int(n) for n in re.findall(r"uint8_t predict_codes\d\[(\d+)\]", source)]
    assert len(sizes) == 3 and max(sizes) <= 32_767


@pytest.mark.parametrize(
    "name",
    ["", "1a", "a-b", "int", "class", "uint8_t", "é", "a\n", "main", "_a", None, 3],
)
def test_what_is_no_name_in_c_is_refused(name, mlp, digits):
    with pytest.raises(ValueError, match="name"):
        to_c(mlp, digits[0], name=name)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"hidden_bits": 12}, "hidden_bits must be None, 8 or 16; got 12"),
        ({"flash": 0}, "flash must be None or a positive number of bytes; got 0"),
        ({"flash": True}, "flash must be .* got True"),
        ({"flash": 1e4}, "flash must be .* got 10000.0"),
        ({"input_scale": 0}, "input_scale must be a positive number, .* got 0"),
        ({"input_scale": -1}, "input_scale must be a positive number"),
        ({"input_scale": "1"}, "input_scale must be a positive number"),
        ({"input_scale": [1, 2]}, "input_scale must be .* or 64 of them"),
        ({"input_scale": np.nan}, "input_scale must be"),
        ({"input_scale": 1, "input_offset": np.inf}, "input_offset must be a number"),
        ({"input_scale": 1, "input_offset": None}, "input_offset must be a number"),
        ({"input_offset": 3}, "input_offset=3 needs input_scale"),
        ({"input_bits": 10}, "input_bits=10 needs input_scale"),
        ({"input_scale": 1, "input_bits": 9}, "input_bits must be 8, 10 or 12; got 9"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(parameters, message, mlp, digits):
    with pytest.raises(ValueError, match=message):
        to_c(mlp, digits[0], **parameters)


def test_other_estimators_are_refused(mlp, regressor, digits):
    X, y, *_ = digits
    for estimator in (PCA(2).fit(X), ColumnTransformer([]), "network", None):
        with pytest.raises(TypeError, match="estimator must be a fitted"):
            to_c(estimator, X)
    for estimator in (MLPClassifier(), CoresetCompressor(mlp)):
        with pytest.raises(NotFittedError):
            to_c(estimator, X)
    pipeline = make_pipeline(PCA(4), MLPClassifier((5,), max_iter=3, random_state=0))
    with pytest.raises(ValueError, match="step 'pca' before the network is of type"):
        to_c(fitted(pipeline, X, y), X)
    with pytest.raises(ValueError, match="probabilities=True needs a classifier"):
        to_c(regressor, X, probabilities=True)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e25])
@pytest.mark.parametrize("attribute", ["coefs_", "intercepts_"])
def test_weights_that_are_no_numbers_or_too_large_are_refused(
    attribute, value, mlp, digits
):
    damaged = copy.deepcopy(mlp)
    getattr(damaged, attribute)[1].flat[3] = value
    with pytest.raises(ValueError, match=rf"{attribute}\[1\]"):
        to_c(damaged, digits[0])
    tiny = copy.copy(mlp)
    tiny.coefs_ = [1e-25 * coef for coef in mlp.coefs_]
    with pytest.raises(ValueError, match=r"coefs_\[0\] is .* scale X"):
        to_c(tiny, digits[0])


def test_wrong_rows_are_refused(mlp, digits):
    X = digits[0]
    program = to_c(mlp, X, input_scale=1 / 16)
    for rows, message in (
        (X[:, :-1], "63 features"),
        (np.where(X == 1, np.nan, X), "NaN"),
        (X[0], "1D array"),
        (X[:0], "0 sample"),
    ):
        for call in (program.predict, lambda X: to_c(mlp, X, input_scale=1 / 16)):
            with pytest.raises(ValueError, match=message):
                call(rows)


def test_feature_names_are_checked(digits):
    pd = pytest.importorskip("pandas")
    X, y, *_ = digits
    frame = pd.DataFrame(X, columns=[f"p{k}" for k in range(64)])
    named = fitted(MLPClassifier((5,), max_iter=3, random_state=0), frame, y)
    program = to_c(named, frame, input_scale=1 / 16)
    assert program.predict(frame).shape == y.shape
    with pytest.raises(ValueError, match="feature names"):
        program.predict(frame[frame.columns[::-1]])


def test_probabilities_are_there_when_asked_for(mlp, digits):
    X = digits[0]
    assert not hasattr(to_c(mlp, X), "predict_proba")
    assert hasattr(to_c(mlp, X, probabilities=True), "predict_proba")


@pytest.mark.parametrize("kept, largest", [(True, 127), (True, 255), (False, 200)])
def test_levels_that_have_no_place_are_rounded_anew(kept, largest):
    # 127 in 7 bits, odd ones up to 255 in 7 bits as well; even ones up to 200 in none
    rng = np.random.default_rng(0)
    levels = rng.integers(-largest, largest + 1, (12, 8))
    levels[0] = largest
    if largest == 255:
        levels = 2 * (levels // 2) + 1
    coef = 0.25 * levels
    network = Network((coef,), (np.zeros(8),), "relu", "identity")
    _, _, (step,) = prepare(network)
    whole = np.rint(coef / step)
    rounded = whole * step
    assert np.array_equal(np.unique(rounded), np.unique(coef)) == kept
    assert np.abs(whole).max() == (largest if kept else 127)
    assert np.abs(rounded).max() == np.abs(coef).max()
    assert (
        np.abs(np.sort(rounded, axis=0) - np.sort(coef, axis=0)).max()
        <= np.max(step) / 2
    )
