"""What exported code computes is what the whole estimator does, or a warning says why.

Cases in which an export used to be silently wrong.
"""

import copy
import pickle
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from skcoreset import _network
from skcoreset._network import network as network_module
from skcoreset.export import to_c
from skcoreset.export.c import integers
from skcoreset.export.c.causes import MIN_ROWS
from skcoreset.export.comparison import MAX_ROWS

from ...conftest import fitted


def regressor(X, y, scaler=None, **options):
    options = {"solver": "lbfgs", "max_iter": 200, "random_state": 0} | options
    network = MLPRegressor(hidden_layer_sizes=(16,), **options)
    return fitted(make_pipeline(scaler or StandardScaler(), network), X, y)


def errors(program, estimator, X):
    """Root-mean-square errors as shares of the standard deviations."""
    F = estimator.predict(X)
    return np.sqrt(np.square(program.predict(X) - F).mean(axis=0)) / F.std(axis=0)


@pytest.fixture(scope="module")
def Z():
    return np.random.default_rng(0).normal(size=(2000, 6))


@pytest.fixture(scope="module")
def classifier(Z):
    y = (Z[:, 0] * Z[:, 1] + Z[:, 2] > 0.2).astype(int) + (Z[:, 3] > 1)
    network = MLPClassifier((16,), max_iter=60, random_state=0)
    return fitted(make_pipeline(StandardScaler(), network), Z, y)


@pytest.fixture
def silently():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_rows_in_an_order_are_drawn_at_random(Z, silently):
    """Two sensors that were logged in turn: every second row is of the larger."""
    X = np.tile(Z, (11, 1))
    X[1::2] = 20 * X[1::2] + 30
    y = X @ np.arange(1, 7)
    net = regressor(X[:2000], y[:2000])
    program = to_c(net, X)
    assert program.comparison.n_rows == MAX_ROWS
    assert errors(program, net, X[1::2]) < 0.02
    # and not in the order of the rows
    assert errors(to_c(net, X[::-1]), net, X[1::2]) < 0.02


@pytest.mark.parametrize("ratio", [1, 10, 30])
def test_outputs_of_different_size_are_each_right(ratio, Z, silently):
    a, b = np.sin(Z[:, 0]) + Z[:, 1] * Z[:, 2], Z[:, 3] + 0.5 * np.abs(Z[:, 4])
    net = regressor(Z, np.column_stack([ratio * a, b]))
    program = to_c(net, Z)
    np.testing.assert_allclose(program.comparison.errors, errors(program, net, Z))
    assert program.comparison.errors.max() < 0.05


def test_outputs_of_very_different_size_are_warned_of(Z):
    """Where the small one is a difference of large hidden values."""
    y = np.column_stack([Z[:, 0], Z[:, 0]])
    net = fitted(MLPRegressor(hidden_layer_sizes=(2,), max_iter=1), Z[:, :1], y)
    net.coefs_ = [np.ones((1, 2)), np.array([[1000.0, 1.0], [1000.0, -0.992]])]
    net.intercepts_ = [np.array([100.0, 100.0]), np.zeros(2)]
    with pytest.warns(UserWarning, match=r"output 1 is off by .* differ in size"):
        to_c(net, Z[:, :1], hidden_bits=8)


@pytest.mark.parametrize("value", [1e2, 1e4, 1e9])
def test_a_wild_row_leaves_the_others_alone(value, Z, classifier):
    X = Z.copy()
    X[17, 3] = value
    with pytest.warns(UserWarning, match="of the squared error is in row 17"):
        program = to_c(classifier, X)
    assert np.mean(program.predict(Z) == classifier.predict(Z)) > 0.99
    assert program.comparison.worst_rows[0] == 17
    # integers cannot say it, which is no wild value to them
    program = to_c(classifier, Z, input_scale=1 / 32, input_offset=-4)
    assert program.agreement > 0.99


def test_a_rare_value_is_not_wild(Z, silently):
    """One in a thousand, of a feature that is 0 otherwise."""
    X = Z.copy()
    X[:, 5] = 0
    X[::500, 5] = 1
    net = regressor(X, X[:, 0] + 3 * X[:, 5])
    rare = X[:, 5] == 1
    F = net.predict(X)
    assert np.abs(to_c(net, X).predict(X[rare]) - F[rare]).max() < 0.05 * 3


READINGS = {"input_scale": [8000 / 255, 1 / 255, 40 / 255]}
READINGS["input_offset"] = [96_000, 0, 0]


@pytest.mark.parametrize("inputs", [{}, READINGS], ids=["floats", "bytes"])
def test_inputs_of_very_different_size_are_right_without_a_scaler(inputs, Z, silently):
    """Pascals, a share, and degrees."""
    share = np.random.default_rng(0).random(len(Z))
    X = np.column_stack([1e5 + 1000 * Z[:, 0], share, 20 + 5 * Z[:, 2]])
    y = (Z[:, 0] + 4 * share + Z[:, 2] > 2).astype(int)
    network = MLPClassifier((16,), max_iter=100, random_state=0)
    scaler, network = fitted(make_pipeline(StandardScaler(), network), X, y)
    raw = copy.copy(network)
    weights = network.coefs_[0] / scaler.scale_[:, np.newaxis]
    raw.coefs_ = [weights, network.coefs_[1]]
    raw.intercepts_ = [network.intercepts_[0] - scaler.mean_ @ weights]
    raw.intercepts_.append(network.intercepts_[1])
    program = to_c(raw, X, **inputs)
    assert program.agreement > 0.99 and program.comparison.errors.max() < 0.02
    assert np.mean(program.predict(X) == raw.predict(X)) == program.agreement


def test_inputs_of_different_size_are_named_where_weights_cannot_follow():
    X = np.random.default_rng(0).random((2000, 3)) * [1e5, 1, 20]
    y = (X @ [1e-5, 1, 0.05] > 1.5).astype(int)
    net = fitted(MLPClassifier((32,), max_iter=20, random_state=0), X, y)
    with pytest.warns(UserWarning, match="inputs of different size: input 0 varies by"):
        to_c(net, X)


def test_a_wrong_input_scale_is_warned_of_with_its_cause(classifier, Z):
    counts = np.rint(512 + 100 * Z).clip(0, 1023)
    y = classifier.predict(Z)
    adc = fitted(clone_of(classifier), counts, y)
    with pytest.warns(UserWarning, match=r"beyond its range: .* from 0 to 255\."):
        to_c(adc, counts, input_scale=1)
    X, y = load_digits(return_X_y=True)
    net = fitted(MLPClassifier((16,), max_iter=40, random_state=0), X / 16, y)
    with pytest.warns(UserWarning, match=r"few values: .* 2 of 256\. As input_offset"):
        to_c(net, X / 16, input_scale=1)
    with pytest.warns(UserWarning, match=r"agree on .* more than 1 of 256"):
        to_c(net, X / 16, input_scale=16)


def clone_of(pipeline):
    return make_pipeline(
        StandardScaler(), MLPClassifier((16,), max_iter=60, random_state=0)
    )


@pytest.mark.parametrize("bits, scale", [(10, 1), (12, 0.25)])
def test_readings_of_a_converter_are_inputs(bits, scale, classifier, Z, silently):
    counts = np.rint(512 + 100 * Z).clip(0, 1023)
    adc = fitted(clone_of(classifier), counts, classifier.predict(Z))
    program = to_c(adc, counts, input_scale=scale, input_bits=bits)
    assert program.input_type == "uint16_t" and program.agreement > 0.99
    assert "const uint16_t *x" in program.source
    np.testing.assert_array_equal(program.readings(counts), counts / scale)
    assert program.readings(1e6 + counts).max() == 2**bits - 1


@pytest.mark.parametrize("n_rows", [1, 2, 5, 20])
def test_few_rows_are_warned_of(n_rows, Z):
    net = regressor(Z, np.sin(Z[:, 0]) + Z[:, 1] * Z[:, 2])
    with pytest.warns(
        UserWarning, match=f"X has {n_rows} rows?, from which the ranges"
    ) as record:
        program = to_c(net, Z[:n_rows])
    # with so few, one always has a large share
    assert "squared error" not in str(record[0].message)
    assert f" {n_rows} row{'s' * (n_rows > 1)}" in str(program)
    assert errors(program, net, Z) < (0.5 if n_rows == 1 else 0.05)


def test_wrong_rows_are_refused_in_the_name_of_what_takes_them(Z, classifier):
    for estimator, name in ((classifier, "StandardScaler"), (classifier[-1], "MLPC")):
        with pytest.raises(ValueError, match=f"X has 2 features, but {name}"):
            to_c(estimator, Z[:, :2])


def test_programs_are_pickled(Z, classifier):
    program = to_c(classifier, Z)
    again = pickle.loads(pickle.dumps(program))
    np.testing.assert_array_equal(again.predict(Z), program.predict(Z))
    assert again.source == program.source


def test_enough_rows_are_not_warned_of(Z, silently):
    net = regressor(Z, np.sin(Z[:, 0]) + Z[:, 1] * Z[:, 2])
    assert errors(to_c(net, Z[:MIN_ROWS]), net, Z) < 0.03


@pytest.mark.parametrize(
    "scaler",
    [MinMaxScaler(clip=True), MinMaxScaler((-1, 2), clip=True), MaxAbsScaler()],
)
def test_scalers_that_clip_are_exported_with_their_clip(scaler, Z, silently):
    if hasattr(scaler, "clip"):
        scaler.clip = True
    elif "clip" not in scaler.get_params():
        pytest.skip("MaxAbsScaler does not clip in this scikit-learn")
    net = regressor(Z[:500] / 2, Z[:500, 0] + Z[:500, 1] * Z[:500, 2], scaler)
    program = to_c(net, np.vstack([Z[:500] / 2, 5 * Z]))
    assert errors(program, net, 5 * Z) < 0.05
    with pytest.raises(ValueError, match="A scaler clips its output"):
        to_c(net, Z[:500], input_scale=1 / 4, input_offset=-32)
    # where no reading is beyond the range, nothing is clipped
    low, high = Z[:500].min(axis=0) / 2, Z[:500].max(axis=0) / 2
    inside = {"input_scale": (high - low) / 260, "input_offset": low}
    if isinstance(scaler, MinMaxScaler):
        assert errors(to_c(net, Z[:500] / 2, **inside), net, Z[:500] / 2) < 0.05


def test_one_class_is_exported(Z, silently):
    net = fitted(MLPClassifier((8,), max_iter=5, random_state=0), Z, np.full(2000, 7))
    program = to_c(net, Z, probabilities=True)
    assert (program.predict(Z) == 7).all() and program.agreement == 1
    assert program.comparison.class_agreement == {7: 1}
    np.testing.assert_allclose(
        program.predict_proba(Z), net.predict_proba(Z), atol=0.05
    )
    assert "return 0;" in program.source


def test_a_large_error_without_changed_predictions_is_warned_of(Z):
    """Logits that cancel: all of one class, and far from the original's."""
    net = fitted(MLPClassifier((2,), max_iter=1, random_state=0), Z, Z[:, 0] > 0)
    net.coefs_ = [np.repeat([[1.0]], 2, axis=1) * np.eye(6)[:, :1], np.zeros((2, 1))]
    net.coefs_[1][:] = [[1], [-0.9962]]
    net.intercepts_ = [np.array([100.0, 100.0]), np.ones(1)]
    with pytest.warns(UserWarning, match="outputs are off by"):
        program = to_c(net, Z, hidden_bits=8)
    assert program.agreement == 1


def test_the_comparison_is_with_the_whole_estimator_and_printed(classifier, Z):
    program = to_c(classifier, Z)
    equal = program.predict(Z) == classifier.predict(Z)
    assert program.agreement == program.comparison.agreement == equal.mean()
    assert str(program.comparison) in repr(program)
    y = classifier.predict(Z)
    for name, share in program.comparison.class_agreement.items():
        assert share == equal[y == name].mean()


def test_an_activation_without_a_form_is_refused(classifier, Z, monkeypatch):
    """One that someone adds must not become another one."""
    added = copy.deepcopy(classifier)
    for table in (network_module.ACTIVATIONS, _network.ACTIVATIONS):
        monkeypatch.setitem(table, "elu", lambda Z: None)
    added[-1].activation = "elu"
    with pytest.raises(
        ValueError, match="The activation 'elu' has no form in integers"
    ):
        to_c(added, Z)
    network = to_c(classifier, Z).network
    object.__setattr__(network, "out_activation", "elu")
    with pytest.raises(ValueError, match="The output activation 'elu' has no form"):
        network.outputs(np.zeros((1, 3)))
    assert set(integers.MAKE_ACTIVATION) == {"identity", "logistic", "relu", "tanh"}
