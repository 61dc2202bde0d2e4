import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skcoreset import CoresetCompressor
from skcoreset.model_selection import (
    SparsestWithin,
    density_score,
    fidelity_score,
    neg_error_score,
)

from .conftest import may_collapse

# magnitude is fast, and loses classes; how good networks are is tested elsewhere
pytestmark = may_collapse


def weights_of(mlp):
    return [array.copy() for array in mlp.coefs_ + mlp.intercepts_]


def test_scores_by_definition(mlp, digits):
    X = digits[2]
    compressor = CoresetCompressor(
        mlp, method="magnitude", density=0.3, random_state=0
    ).fit(X)
    agreement = (compressor.predict(X) == mlp.predict(X)).mean()
    assert fidelity_score(compressor, X) == pytest.approx(agreement)
    assert agreement < 1
    kept = sum(coef.nnz for coef in compressor.coefs_)
    edges = sum(np.count_nonzero(coef) for coef in mlp.coefs_)
    assert density_score(compressor) == kept / edges
    full = CoresetCompressor(mlp, method="magnitude", density=1.0).fit(X)
    assert neg_error_score(full, X) == pytest.approx(0, abs=1e-6)
    assert neg_error_score(compressor, X) < neg_error_score(full, X)


def test_scores_reach_into_a_pipeline(mlp, digits):
    X = digits[2]
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.3, random_state=0)
    half = FunctionTransformer(lambda X: X / 2)
    pipeline = make_pipeline(half, compressor).fit(2 * X)
    alone = compressor.fit(X)
    assert fidelity_score(pipeline, 2 * X) == fidelity_score(alone, X)
    assert density_score(pipeline) == density_score(alone)


def test_fidelity_of_a_network_trained_inside(digits):
    X, y = digits[:2]
    compressor = CoresetCompressor(method="magnitude", density=0.3, random_state=0)
    compressor.fit(X, y)
    original = compressor.original_estimator_
    agreement = (compressor.predict(X) == original.predict(X)).mean()
    assert fidelity_score(compressor, X) == pytest.approx(agreement)


def test_fidelity_refuses_regressors(regressor, digits):
    compressor = CoresetCompressor(regressor, method="magnitude", density=0.5)
    compressor.fit(digits[2])
    with pytest.raises(ValueError, match="neg_error_score"):
        fidelity_score(compressor, digits[2])


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_grid_search_never_touches_a_fitted_network(mlp, digits, frozen, in_pipeline):
    X = digits[2]
    before = weights_of(mlp)
    compressor = CoresetCompressor(
        FrozenEstimator(mlp) if frozen else mlp, method="magnitude", random_state=0
    )
    estimator, name = compressor, "epsilon"
    if in_pipeline:
        estimator = make_pipeline("passthrough", compressor)
        name = "coresetcompressor__epsilon"
    search = GridSearchCV(
        estimator,
        {name: [0.05, 0.2, 0.5]},
        scoring={"fidelity": fidelity_score, "density": density_score},
        refit=SparsestWithin(1.0, score="fidelity"),
        cv=3,
    ).fit(X)
    densities = search.cv_results_["mean_test_density"]
    assert (np.diff(densities) < 0).all()
    assert search.best_params_[name] == 0.5
    best = search.best_estimator_[-1] if in_pipeline else search.best_estimator_
    assert best.original_estimator_ is mlp
    for array, expected in zip(mlp.coefs_ + mlp.intercepts_, before):
        np.testing.assert_array_equal(array, expected)


def test_networks_as_grid_values_are_kept_when_frozen(mlp, digits):
    X, _y = digits[2:]
    small = CoresetCompressor(mlp, method="magnitude", density=0.5).fit(X).to_dense()
    search = GridSearchCV(
        CoresetCompressor(method="magnitude", density=0.9, random_state=0),
        {"estimator": [FrozenEstimator(mlp), FrozenEstimator(small)]},
        scoring={"density": density_score, "fidelity": fidelity_score},
        refit="fidelity",
        cv=3,
    ).fit(X)
    assert search.best_estimator_.original_estimator_ in (mlp, small)


RESULTS = {
    "mean_test_score": np.array([0.95, 0.94, 0.90, np.nan]),
    "std_test_score": np.array([0.02, 0.0, 0.0, 0.0]),
    "mean_test_density": np.array([0.5, 0.3, 0.1, 0.01]),
} | {f"split{k}_test_score": np.zeros(4) for k in range(5)}


@pytest.mark.parametrize(
    "tolerance, index", [(0, 0), (0.011, 1), (0.06, 2), ("one_se", 1)]
)
def test_sparsest_within_the_tolerance(tolerance, index):
    # one standard error of the best: 0.02 / sqrt(5 - 1) = 0.01
    results = RESULTS | {"mean_test_score": RESULTS["mean_test_score"] + 1e-12}
    if tolerance == "one_se":
        results["mean_test_score"][1] += 1e-9
    assert SparsestWithin(tolerance)(results) == index


def test_sparsest_within_says_what_is_wrong():
    with pytest.raises(ValueError, match="tolerance=-1"):
        SparsestWithin(-1)
    with pytest.raises(ValueError, match="no metric 'fidelity'"):
        SparsestWithin(0.1, score="fidelity")(RESULTS)
    failed = RESULTS | {"mean_test_score": np.full(4, np.nan)}
    with pytest.raises(ValueError, match="Every candidate failed"):
        SparsestWithin(0.1)(failed)
    nothing_kept = RESULTS | {"mean_test_density": np.full(4, np.nan)}
    with pytest.raises(ValueError, match="Every candidate failed"):
        SparsestWithin(0.1)(nothing_kept)


def test_a_candidate_without_a_density_is_not_picked():
    density = RESULTS["mean_test_density"].copy()
    density[0] = np.nan
    assert SparsestWithin(0.02)(RESULTS | {"mean_test_density": density}) == 1
