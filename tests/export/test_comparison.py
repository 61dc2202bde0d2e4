"""Comparisons of an exported network with its original: by definition, and in words."""

import warnings

import numpy as np
import pytest

from skcoreset.export.comparison import MAX_ROWS, compare, rows_to_compare


def test_errors_are_shares_of_each_outputs_standard_deviation():
    rng = np.random.default_rng(0)
    F = rng.normal(size=(500, 2)) * [1, 1000]
    G = F + 0.1
    comparison = compare(F, G)
    np.testing.assert_allclose(comparison.errors, 0.1 / F.std(axis=0))
    assert comparison.agreement is None
    assert comparison.concern.startswith("output 0 is off by 0.1 times")
    assert str(comparison).endswith("of the standard deviation (output 0), on 500 rows")
    assert compare(F, F).concern == ""


def test_constant_outputs_are_measured_by_their_magnitude():
    F = np.full((5, 2), [100.0, 0.0])
    np.testing.assert_allclose(compare(F, F + 1).errors, [0.01, 1])
    np.testing.assert_array_equal(compare(F, F).errors, [0, 0])


def test_outputs_that_are_not_finite_are_infinitely_far_away():
    F = np.arange(4.0)
    assert compare(F, np.where(F == 2, np.nan, F)).errors[0] == np.inf


def test_worst_rows_are_row_numbers_of_the_whole_table():
    F = np.linspace(0, 1, 50)
    G = F.copy()
    G[[7, 3]] += [2, 1]
    rows = 10 * np.arange(50)
    assert compare(F, G).worst_rows[:2].tolist() == [7, 3]
    assert compare(F, G, rows=rows).worst_rows[:2].tolist() == [70, 30]


def test_agreement_is_the_share_of_equal_predictions_in_all_and_by_class():
    y = np.repeat(["a", "b"], [960, 40])
    z = y.copy()
    z[-10:] = "a"
    comparison = compare(np.zeros(1000), np.zeros(1000), predictions=(y, z))
    assert comparison.agreement == 0.99
    assert comparison.class_agreement == {"a": 1, "b": 0.75}
    assert comparison.class_counts == {"a": 960, "b": 40}
    assert (
        comparison.concern == "predictions agree on 75.0% of the 40 rows of class 'b'"
    )
    assert str(comparison).startswith("equal predictions on 99.00% of 1,000 rows")
    # a class of a few rows is no concern by itself
    few = compare(np.zeros(975), np.zeros(975), predictions=(y[:975], z[:975]))
    assert few.concern == ""
    z[:100] = "b"
    assert "89.0% of 1,000" in compare(F := y == "a", F, predictions=(y, z)).concern


def test_sets_of_labels_agree_where_all_labels_do():
    Y = np.zeros((100, 2), int)
    Z = Y.copy()
    Z[:1, 0], Z[1:2, 1] = 1, 1
    comparison = compare(Y, Z, predictions=(Y, Z), classes=["red", "blue"])
    assert comparison.agreement == 0.98
    assert comparison.class_agreement == {"red": 0.99, "blue": 0.99}
    assert compare(Y, Z, predictions=(Y, Z)).class_agreement == {0: 0.99, 1: 0.99}


def test_a_concern_is_warned_of_with_its_causes():
    F = np.arange(10.0)
    with pytest.warns(UserWarning, match=r"The C code differs .* Scale X\.$"):
        compare(F, -F).warn("The C code", ["Scale X."])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare(F, F).warn("The C code")


def test_many_rows_are_compared_by_a_fixed_random_sample():
    np.testing.assert_array_equal(rows_to_compare(10), np.arange(10))
    rows = rows_to_compare(10 * MAX_ROWS)
    assert len(np.unique(rows)) == MAX_ROWS
    assert abs(rows.mean() / (5 * MAX_ROWS) - 1) < 0.05
    np.testing.assert_array_equal(rows, rows_to_compare(10 * MAX_ROWS))
