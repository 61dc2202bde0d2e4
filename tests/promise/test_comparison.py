"""Comparison: what cannot be compared is refused; classes that are not known."""

import numpy as np
import pytest

from skcoreset._promise.comparison import Comparison


class Predicts:
    """A model that is only what it is given."""

    def __init__(self, **methods):
        vars(self).update(methods)


def test_classes_are_those_predicted_where_no_others_are_known():
    model = Predicts(
        predict=lambda X: X[:, 0].astype(int), predict_proba=lambda X: None
    )
    compared = Comparison(model, model, "classwise").on(np.array([[2.0], [0], [2]]))
    assert compared.classes == [0, 2] and compared.groups.tolist() == [1, 0, 1]
    assert not compared.errors.any() and compared.about == {}


def test_values_that_are_not_finite_are_refused():
    model = Predicts(predict=lambda X: X[:, 0])
    with pytest.raises(ValueError, match=r"predicts NaN, infinity .* for 1 rows"):
        Comparison(model, model, "absolute").on(np.array([[np.inf], [1.0]]))
