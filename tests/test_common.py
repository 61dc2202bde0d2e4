"""scikit-learn's own checks of an estimator."""

import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import has_fit_parameter

from skcoreset import CoresetCompressor

# The checks bring rows of their own, few and odd: that training has not converged on
# them, or that nothing can be compressed, is no failure.
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning"
)


EXPECTED = {
    f"check_sample_weight_equivalence_on_{kind}_data": (
        "rows are held out and put into batches at random, so that a row given twice "
        "is not a row of weight 2; so it is for scikit-learn's MLPs"
    )
    for kind in ("dense", "sparse")
}
if not has_fit_parameter(MLPClassifier(), "sample_weight"):
    EXPECTED |= dict.fromkeys(
        [
            "check_sample_weights_not_an_array",
            "check_sample_weights_list",
            "check_sample_weights_shape",
            "check_sample_weights_not_overwritten",
            "check_classifiers_one_label_sample_weights",
        ],
        "the MLPs of this release of scikit-learn take no weights of rows",
    )


@parametrize_with_checks(
    [
        CoresetCompressor(mlp, **target)
        for mlp in (
            MLPClassifier((16,), solver="lbfgs", max_iter=50),
            MLPRegressor(hidden_layer_sizes=(16,), solver="lbfgs", max_iter=50),
        )
        for target in ({"density": 0.5}, {"delta": 0.4, "epsilon": 0.02})
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
