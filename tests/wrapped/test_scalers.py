"""Scalers folded into one linear map, against what scikit-learn transforms."""

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from skcoreset import CoresetCompressor
from skcoreset._wrapped import linear_inputs

from ..conftest import fitted


class Shifted(StandardScaler):
    """A scaler that does more than its class says."""

    def transform(self, X, copy=None):
        return super().transform(X, copy) + 1


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)) * [1, 20, 0.1] + [0, 5, -3]
    X[:, 2] = -3  # constant
    return X, 3 * rng.normal(size=(40, 3)) * [1, 20, 0.1] + [0, 5, -3]


def network(*steps):
    mlp = MLPRegressor(hidden_layer_sizes=(3,), max_iter=5, random_state=0)
    return make_pipeline(*steps, mlp)


def clipped(scaler):
    if "clip" not in scaler().get_params():
        pytest.skip("no clip in this release")
    return scaler(clip=True)


STEPS = {
    "none": lambda: [],
    "standard": lambda: [StandardScaler()],
    "only centred": lambda: [StandardScaler(with_std=False)],
    "only divided": lambda: [StandardScaler(with_mean=False)],
    "neither": lambda: [StandardScaler(with_mean=False, with_std=False)],
    "range": lambda: [MinMaxScaler((-2, 3))],
    "clipped range": lambda: [MinMaxScaler((-2, 3), clip=True)],
    "largest": lambda: [MaxAbsScaler()],
    "clipped largest": lambda: [clipped(MaxAbsScaler)],
    "quartiles": lambda: [RobustScaler()],
    "quartiles, not centred": lambda: [RobustScaler(with_centering=False)],
    "quartiles, not divided": lambda: [RobustScaler(with_scaling=False)],
    "nothing": lambda: ["passthrough", None, FunctionTransformer()],
    "two": lambda: [RobustScaler(), MinMaxScaler(clip=True), StandardScaler()],
    "two ranges": lambda: [MinMaxScaler((0, 5), clip=True), MinMaxScaler(clip=True)],
    "inside": lambda: [make_pipeline(StandardScaler(), MinMaxScaler(clip=True))],
}


@pytest.mark.parametrize("case", STEPS)
def test_folded_scalers_do_what_scikit_learn_does(case, rows):
    X, X_new = rows
    pipeline = fitted(network(*STEPS[case]()), X, X[:, 0])
    inputs = linear_inputs(pipeline)
    expected = X_new
    for _, step in pipeline.steps[:-1]:
        if step not in ("passthrough", None):
            expected = step.transform(expected)
    np.testing.assert_allclose(inputs(X_new), expected, rtol=1e-9, atol=1e-9)
    assert inputs.clips == ("clip" in case or case in ("two", "two ranges", "inside"))
    assert inputs.is_identity == np.array_equal(expected, X_new)
    assert (inputs.scale > 0).all()


def test_scalers_around_a_compressor_are_folded(rows):
    X, _ = rows
    pipeline = fitted(network(RobustScaler()), X, X[:, 0])
    compressor = CoresetCompressor(pipeline, density=0.5, random_state=0).fit(X)
    outer = make_pipeline(FrozenEstimator(StandardScaler()), compressor)
    outer[0].estimator.fit(X)
    expected = pipeline[0].transform(outer[0].transform(X))
    np.testing.assert_allclose(linear_inputs(outer)(X), expected)


@pytest.mark.parametrize(
    "step", [Normalizer(), Shifted(), FunctionTransformer(np.negative)]
)
def test_steps_that_are_no_scalers_are_refused_by_type(step, rows):
    X, _ = rows
    pipeline = fitted(network(step), X, X[:, 0])
    with pytest.raises(ValueError, match=f"of type {type(step).__name__}, and only"):
        linear_inputs(pipeline)
