"""Rows on their way into the network."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor
from skcoreset._wrapped import input_names, inputs_of

from ..conftest import fitted


def test_values_given_twice_add_up_and_the_callers_rows_stay_as_they_are(regressor):
    X = sparse.coo_array(
        (np.float32([1, 2, 3]), ([0, 0, 1], [5, 5, 2])), shape=(2, 64)
    ).tocsr()
    # row 0 has column 5 twice
    parts = np.float32([1, 2, 3]), np.array([5, 5, 2]), np.array([0, 2, 3])
    twice = sparse.csr_array(parts, shape=(2, 64))
    rows = inputs_of(regressor, twice)
    assert rows.nnz == 2 and twice.nnz == 3
    assert_array_equal(rows.toarray(), X.toarray())


def test_names_of_inputs_are_those_after_the_last_step():
    pd = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    mlp = MLPClassifier((3,), max_iter=5, random_state=0)
    pipeline = fitted(make_pipeline(StandardScaler(), mlp), X, y)
    frozen = FrozenEstimator(make_pipeline("passthrough", pipeline))
    for estimator in (pipeline, frozen):
        assert list(input_names(estimator, 4)) == list(X.columns)
    assert list(input_names(pipeline[-1], 4)) == ["x0", "x1", "x2", "x3"]
    # the names of a Pipeline's last part are those that it was fitted with
    compressor = CoresetCompressor(pipeline, density=0.5).fit(X[:100])
    outer = make_pipeline(FrozenEstimator(StandardScaler().fit(X)), compressor)
    rows = pd.DataFrame(outer[0].transform(X), columns=X.columns)
    assert_array_equal(inputs_of(outer, X), inputs_of(pipeline, rows))
