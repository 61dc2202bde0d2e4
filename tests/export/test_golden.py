"""Files that were written once, and have to load for ever: see tests/golden/make.py."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline

from skcoreset.export import load

from .plain_reader import read

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
FILES = sorted(GOLDEN.glob("*.skc"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    if "poisson" in request.param.stem and "loss" not in MLPRegressor().get_params():
        pytest.skip("this scikit-learn has no Poisson loss")
    return request.param


def test_every_network_has_a_file():
    assert {path.name.split(".")[0] for path in FILES} == set(EXPECTED["networks"])


def test_network_predicts_what_it_did(path):
    expected = EXPECTED["networks"][path.name.split(".")[0]]
    estimator = load(path)
    predicted = estimator.predict(EXPECTED["rows"])
    if expected["predict_proba"] is None:
        np.testing.assert_allclose(predicted, expected["predict"], rtol=1e-5)
    else:
        assert predicted.tolist() == expected["predict"]
        np.testing.assert_allclose(
            estimator.predict_proba(EXPECTED["rows"]),
            expected["predict_proba"],
            atol=1e-5,
        )


def test_plain_reader_reads_the_same(path):
    metadata, layers = read(path.read_bytes())
    estimator = load(path)
    if metadata["name"] is not None:
        assert isinstance(estimator, Pipeline)
        names = [step["name"] for step in metadata["steps"]]
        assert [*names, metadata["name"]] == [name for name, _ in estimator.steps]
        for step, (_, scaler) in zip(metadata["steps"], estimator.steps):
            assert step["type"] == type(scaler).__name__
            for name, array in step["attributes"].items():
                values = array["values"] if isinstance(array, dict) else array
                np.testing.assert_array_equal(getattr(scaler, name), values)
            for name, value in step["params"].items():
                # older releases lack some that are at their defaults
                assert np.array_equal(getattr(scaler, name, value), value)
        estimator = estimator[-1]
    assert metadata["activation"] == estimator.activation
    assert metadata["out_activation"] == estimator.out_activation_
    assert metadata["n_features"] == estimator.n_features_in_
    if metadata["predicts"] == "values":
        assert isinstance(estimator, MLPRegressor)
    else:
        assert isinstance(estimator, MLPClassifier)
        assert estimator.classes_.tolist() == metadata["labels"]["classes"]["values"]
    for (coef, intercept), own, own_intercept in zip(
        layers, estimator.coefs_, estimator.intercepts_, strict=True
    ):
        assert sparse.issparse(own) == metadata["sparse"]
        np.testing.assert_array_equal(sparse.csr_array(own).toarray(), coef)
        np.testing.assert_array_equal(own_intercept, intercept)
        assert (own.dtype, own_intercept.dtype) == (coef.dtype, intercept.dtype)
