"""Errors by their definitions, at their extremes, and what training weighs."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from skcoreset._errors import ERRORS, ratio, standard_deviations
from skcoreset._network import Network

OUTPUTS = ("identity", "exp", "logistic", "softmax")


def measure(name, F_hat, F, out_activation="identity", scale=None):
    F_hat, F = np.asarray(F_hat), np.asarray(F)
    return ERRORS[name].measure(F_hat, F, out_activation, scale)


@pytest.fixture
def outputs():
    return np.random.default_rng(0).standard_normal((2, 50, 3))


@pytest.mark.parametrize("out_activation", OUTPUTS)
def test_every_error_by_its_definition(out_activation, outputs):
    F_hat, F = outputs
    scale = np.array([0.5, 2.0, 3.0])
    activate = {"softmax": lambda F: softmax(F, axis=1), "logistic": expit}
    P_hat, P = (activate.get(out_activation, lambda F: F)(F) for F in (F_hat, F))
    expected = {
        "entrywise": np.max(np.abs(F_hat - F) / np.abs(F), axis=1),
        "scaled": np.max(np.abs(F_hat - F) / scale, axis=1),
        "absolute": np.max(np.abs(F_hat - F), axis=1),
    }
    if out_activation == "softmax":
        changed = P_hat.argmax(axis=1) != P.argmax(axis=1)
        C = np.eye(3) - 1 / 3
    else:
        changed = ((P_hat > 0.5) != (P > 0.5)).any(axis=1)
        C = np.eye(3)
    expected["relative"] = np.sqrt(
        np.sum(((F_hat - F) @ C) ** 2, axis=1) / np.sum((F @ C) ** 2, axis=1)
    )
    if out_activation in activate:
        expected["probability"] = np.max(np.abs(P_hat - P), axis=1)
        expected["prediction"] = expected["classwise"] = changed
    for name, errors in expected.items():
        measured = measure(name, F_hat, F, out_activation, scale)
        assert measured.dtype == np.float64
        np.testing.assert_allclose(measured, errors, rtol=1e-12)


@pytest.mark.parametrize("name", ERRORS)
def test_the_shift_that_a_softmax_ignores_is_ignored_as_the_table_says(name, outputs):
    F_hat, F = outputs
    before = measure(name, F_hat, F, "softmax", np.ones(3))
    rng = np.random.default_rng(1)
    of_one = measure(name, F_hat + rng.normal(0, 9, (50, 1)), F, "softmax", np.ones(3))
    unchanged = np.allclose(of_one, before, rtol=1e-9)
    assert unchanged == ERRORS[name].ignores_shift
    # a constant in both is no difference to any error but the paper's
    of_both = measure(name, F_hat + 100, F + 100, "softmax", np.ones(3))
    assert np.allclose(of_both, before, rtol=1e-9) == (name != "entrywise")


@pytest.mark.parametrize("name", ["scaled", "absolute"])
def test_an_offset_of_the_outputs_changes_no_error_that_is_in_their_units(
    name, outputs
):
    F_hat, F = outputs
    scale = standard_deviations(F)
    before = measure(name, F_hat, F, scale=scale)
    for offset, factor in ((273.0, 1.0), (-14.0, 0.01), (0.0, 100.0)):
        after = measure(
            name, factor * F_hat + offset, factor * F + offset, scale=factor * scale
        )
        expected = before * (factor if name == "absolute" else 1)
        np.testing.assert_allclose(after, expected, rtol=1e-9)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("out_activation", ["logistic", "softmax"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_error_is_a_number_of_at_least_0_whatever_the_outputs(
    name, out_activation, value, outputs
):
    F_hat, F = outputs
    F_hat[:25, 0] = value
    F_hat[:10] = value
    errors = measure(name, F_hat, F, out_activation, np.ones(3))
    assert (errors >= 0).all()
    if not ERRORS[name].counts_rows and name != "probability":
        assert np.isinf(errors[:25]).all() and np.isfinite(errors[25:]).all()
    np.testing.assert_array_equal(
        measure(name, F, F, out_activation, np.zeros(3)), np.zeros(50)
    )


@pytest.mark.parametrize("name", ["relative", "entrywise", "scaled"])
def test_nothing_of_nothing_is_0_and_something_of_nothing_is_infinite(name):
    F = np.zeros((2, 2))
    F_hat = np.array([[0.0, 0.0], [0.0, 1e-9]])
    errors = measure(name, F_hat, F, scale=np.zeros(2))
    np.testing.assert_array_equal(errors, [0, np.inf])
    np.testing.assert_array_equal(ratio([0, 1, 2], [0, 0, 4]), [0, np.inf, 0.5])


@pytest.mark.parametrize("name", ["relative", "entrywise"])
@pytest.mark.parametrize("out_activation", ["identity", "softmax"])
@pytest.mark.parametrize("factor", [1e-300, 1e-200, 1e290, [[1e-300], [1e290]]])
def test_relative_errors_do_not_depend_on_units_however_extreme(
    name, out_activation, factor
):
    F = np.array([[3.0, 4.0], [-4.0, 1.0]])
    F_hat = np.array([[3.0, 5.0], [-5.0, 1.5]])
    expected = measure(name, F_hat, F, out_activation)
    factor = np.array(factor)
    np.testing.assert_allclose(
        measure(name, F_hat * factor, F * factor, out_activation), expected
    )


@pytest.mark.parametrize("name", ["relative", "entrywise", "scaled"])
def test_an_error_beyond_the_largest_number_is_infinite(name):
    F = np.full((3, 2), 1e-200)
    F_hat = np.array([[1e150, 1.0], [1e300, -1e300], [1e-200, 1e250]])
    assert np.isinf(measure(name, F_hat, F, scale=np.full(2, 1e-200))).all()


@pytest.mark.parametrize("name", ["relative", "entrywise", "scaled", "absolute"])
def test_errors_of_single_precision_are_double(name, outputs):
    F = outputs[0].astype(np.float32)
    F_hat = (F * (1 + 1e-4 * outputs[1])).astype(np.float32)
    expected = measure(name, F_hat.astype(float), F.astype(float), scale=np.ones(3))
    np.testing.assert_allclose(
        measure(name, F_hat, F, scale=np.ones(3)), expected, rtol=1e-12
    )


@pytest.mark.parametrize("name", ERRORS)
def test_training_towards_an_error_weighs_rows_as_it_does(name, outputs):
    F = outputs[0] * np.geomspace(0.01, 100, 50)[:, np.newaxis]
    weights = ERRORS[name].row_weights(F)
    assert weights.shape == (50,) and (weights > 0).all()
    squares = np.square(F).sum(axis=1)
    if name in ("scaled", "absolute", "probability"):
        np.testing.assert_allclose(weights, 1 / 50)
    else:
        # relative to the output, with a floor for those close to 0
        expected = 1 / (50 * (squares + 0.1 * squares.mean()))
        np.testing.assert_allclose(weights, expected)
        assert np.isfinite(ERRORS[name].row_weights(np.zeros((4, 2)))).all()


@pytest.mark.parametrize("name", ERRORS)
def test_training_is_independent_of_the_units_that_the_error_is(name, outputs):
    F = 273 + outputs[0] * [1, 100, 0]
    center, scale = ERRORS[name].standard_units(F)
    standard = (F - center) / scale
    if name == "scaled":
        np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(standard.std(axis=0), [1, 1, 0], atol=1e-12)
    elif name == "absolute":
        np.testing.assert_allclose(standard, F - F.mean(axis=0))
    else:
        np.testing.assert_array_equal(standard, F)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("out_activation", OUTPUTS)
def test_training_ignores_a_shift_only_where_error_and_output_do(name, out_activation):
    network = Network((np.eye(2),), (np.zeros(2),), "relu", out_activation)
    ignores = name in ("relative", "probability", "prediction", "classwise")
    expected = ignores and out_activation == "softmax"
    assert ERRORS[name].centred(network) == expected
