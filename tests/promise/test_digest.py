"""Digests: the documented bytes, whatever the storage; other values, other digests."""

import struct
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor
from skcoreset._network import Network
from skcoreset._promise import digest as digest_module
from skcoreset._promise.digest import digest_of, digest_of_network, digest_of_rows

from ..conftest import fitted, random_network


def test_rows_by_their_documented_bytes():
    rows = [[1.5, -2.0], [0.0, 3.0], [float("nan"), 1e300]]
    expected = b"skcoreset rows 1\n3 2\n"
    expected += b"".join(struct.pack("<2d", *row) for row in rows)
    assert digest_of_rows(rows) == sha256(expected).hexdigest()
    # one feature, as a vector or a column
    expected = b"skcoreset rows 1\n2 1\n" + struct.pack("<2d", 1, 2)
    assert digest_of_rows([1, 2]) == digest_of_rows([[1], [2]])
    assert digest_of_rows([1, 2]) == sha256(expected).hexdigest()


def test_text_by_its_documented_bytes():
    rows = [["ä", 1], ["b", 2.5]]
    expected = "skcoreset table 1\n2 2\nä\x1f1\x1f\x1eb\x1f2.5\x1f\x1e"
    found = digest_of_rows(np.array(rows, dtype=object))
    assert found == sha256(expected.encode()).hexdigest()
    documents = ["a text", "another one"]
    expected = "skcoreset table 1\n2 1\na text\x1f\x1eanother one\x1f\x1e"
    assert digest_of_rows(documents) == sha256(expected.encode()).hexdigest()
    assert digest_of_rows([{"a": 1}, {}]) != digest_of_rows([{"a": 1}, {"a": 0}])
    assert digest_of_rows([["a"], ["b", "c"]]) != digest_of_rows([["a"], ["b", "d"]])


def test_rows_do_not_depend_on_how_they_are_stored(monkeypatch):
    X = np.round(np.random.default_rng(0).standard_normal((50, 7)), 1)
    X = X.astype(np.float32)
    X[X < 0] = -0.0
    expected = digest_of_rows(X)
    read_only = X.copy()
    read_only.flags.writeable = False
    for same in (
        X.astype(np.float64),
        np.asfortranarray(X),
        X.astype(">f4"),
        sparse.csr_array(X),
        sparse.csc_matrix(X),
        X.tolist(),
        read_only,
        X + 0.0,
        X.astype(object),
    ):
        assert digest_of_rows(same) == expected
    monkeypatch.setattr(digest_module, "BLOCK_SIZE", 20)
    assert digest_of_rows(X) == expected
    assert digest_of_rows(np.arange(6)) == digest_of_rows(np.arange(6.0))
    for other in (X[::-1], X[:, ::-1], X[1:], np.nextafter(X, 9), X.reshape(70, 5)):
        assert digest_of_rows(other) != expected


def test_tables_of_any_library():
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    numbers = {"a": [1.0, 2.0], "b": [3, 4]}
    expected = digest_of_rows([[1, 3], [2, 4]])
    assert digest_of_rows(pd.DataFrame(numbers)) == expected
    assert digest_of_rows(pl.DataFrame(numbers)) == expected
    mixed = {"a": ["x", "y"], "b": [3, 4]}
    assert digest_of_rows(pd.DataFrame(mixed)) == digest_of_rows(
        np.array([["x", 3], ["y", 4]], dtype=object)
    )


def test_network_by_its_documented_bytes():
    network = Network(
        (np.array([[1.0], [-2.0]], dtype=np.float32),),
        (np.array([0.5], dtype=np.float32),),
        "relu",
        "identity",
    )
    expected = b"skcoreset network 1\nrelu identity float32\n2 1\n"
    expected += struct.pack("<3f", 1, -2, 0.5)
    found = digest_of_network(network)
    assert (found.kind, found.sha256) == ("network", sha256(expected).hexdigest())


def test_every_weight_of_a_network_counts():
    network = random_network((3, 4, 2))
    expected = digest_of_network(network)
    as_sparse = network.with_weights([sparse.csr_array(c) for c in network.coefs])
    assert digest_of_network(as_sparse) == expected
    others = [replace(network, activation="tanh"), network.astype(np.float32)]
    others += [replace(network, out_activation="softmax")]
    for layer in range(2):
        for kind in ("coefs", "intercepts"):
            arrays = [array.copy() for array in getattr(network, kind)]
            arrays[layer].flat[-1] = np.nextafter(arrays[layer].flat[-1], 9)
            others.append(replace(network, **{kind: tuple(arrays)}))
    digests = {digest_of_network(other) for other in [network, *others]}
    assert len(digests) == len(others) + 1


def test_estimators_by_what_is_inside():
    X = np.random.default_rng(0).standard_normal((60, 3))
    y = X[:, 0]
    scaled = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(5,), max_iter=5)
    )
    scaled = fitted(scaled, X, y)
    compressor = CoresetCompressor(scaled, method="magnitude", density=0.5).fit(X[:40])
    inside = digest_of(compressor.estimator_, X, "absolute")
    assert inside.kind == "network"
    assert digest_of(compressor, X, "absolute") == inside
    assert digest_of(make_pipeline("passthrough", compressor), X, "absolute") == inside
    assert digest_of(scaled, X, "absolute") == digest_of(scaled[-1], X, "absolute")
    assert digest_of(scaled, X, "absolute") != inside
    line = LinearRegression().fit(X, y)
    digest = digest_of(line, X, "absolute")
    assert digest.kind == "outputs"
    assert digest.sha256 == digest_of_rows(line.predict(X))
