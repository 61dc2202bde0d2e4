import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skcoreset import _network
from skcoreset._network import ACTIVATIONS, Network

from .conftest import fitted, random_network


def logits(mlp, X):
    """Output before the output activation, as scikit-learn computes it."""
    bare = Network.from_estimator(mlp).to_estimator(mlp, dense=True)
    bare.out_activation_ = "identity"
    return bare._forward_pass_fast(X)


def problem(kind, dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 5)).astype(dtype)
    Y = np.exp(0.3 * X @ rng.standard_normal((5, 3))).astype(dtype)
    match kind:
        case "binary":
            return MLPClassifier(), X, X[:, 0] > 0
        case "multiclass":
            return MLPClassifier(), X, np.array(["a", "b", "c"])[Y.argmax(axis=1)]
        case "multilabel":
            return MLPClassifier(), X, (Y > 1).astype(int)
        case "one output":
            return MLPRegressor(), X, Y[:, 0]
        case "many outputs":
            return MLPRegressor(), X, Y
        case "poisson":
            return MLPRegressor(loss="poisson"), X, Y[:, 0]


KINDS = ["binary", "multiclass", "multilabel", "one output", "many outputs", "poisson"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_network_computes_what_scikit_learn_does(kind, dtype, activation):
    if kind == "poisson" and "loss" not in MLPRegressor().get_params():
        pytest.skip("scikit-learn below 1.7 has no Poisson loss")
    estimator, X, y = problem(kind, dtype)
    estimator.set_params(hidden_layer_sizes=(7, 4), max_iter=5, activation=activation)
    mlp = fitted(estimator.set_params(random_state=0), X, y)
    network = Network.from_estimator(mlp)
    F = network.forward(X)
    assert F.dtype == dtype
    rtol = 1e-4 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(F, logits(mlp, X), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(F, network.activations(X)[-1], rtol=rtol, atol=rtol)
    outputs = network.activate_output(F)
    expected = mlp._forward_pass_fast(X)
    np.testing.assert_allclose(outputs, expected, rtol=rtol, atol=rtol)
    if kind in ("binary", "multilabel"):
        np.testing.assert_array_equal(network.labels(F), expected > 0.5)
    if kind == "multiclass":
        labels = mlp.classes_[network.labels(F).ravel()]
        np.testing.assert_array_equal(labels, mlp.predict(X))


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_input_gives_the_same_output(container):
    network = random_network([30, 8, 3])
    X = sparse.random(50, 30, density=0.2, random_state=0).toarray()
    F = network.forward(X)
    X = container(X).tocsr() if container is sparse.csc_matrix else container(X)
    np.testing.assert_allclose(network.forward(X), F, rtol=1e-12)


@pytest.mark.parametrize("n_samples", [1, 5, 64, 65])
def test_blocks_and_sparse_layers_do_not_change_the_output(n_samples, monkeypatch):
    network = random_network([30, 20, 10, 3], "tanh")
    rng = np.random.default_rng(0)
    weights = network.weights * (rng.random(len(network.weights)) < 0.05)
    network = network.with_weights(weights)
    X = rng.standard_normal((n_samples, 30))
    expected = network.activations(X)[-1]
    for threshold in (0.0, 1.1):  # all layers dense, all layers sparse
        monkeypatch.setattr(_network, "SPARSE_BELOW", threshold)
        monkeypatch.setattr(_network, "BLOCK_SIZE_SPARSE", 8)
        monkeypatch.setattr(_network, "BLOCK_SIZE_DENSE", 16)
        twin = network.with_weights(list(network.coefs))
        np.testing.assert_allclose(twin.forward(X), expected, rtol=1e-12, atol=1e-14)


def test_flat_weights_are_the_coefs():
    network = random_network([5, 4, 3])
    twin = network.with_weights(network.weights)
    for coef, expected in zip(twin.coefs, network.coefs):
        np.testing.assert_array_equal(coef, expected)
    layer, inputs = network.locate(np.array([20 + 5, 20 + 11]))
    assert layer == 1
    np.testing.assert_array_equal(inputs, [1, 3])


def test_to_estimator_predicts_alone_and_carries_no_training_state(mlp, digits):
    X = digits[2]
    network = Network.from_estimator(mlp)
    compressed = network.to_estimator(mlp)
    assert type(compressed) is type(mlp)
    assert all(isinstance(coef, sparse.csr_array) for coef in compressed.coefs_)
    np.testing.assert_array_equal(compressed.predict(X), mlp.predict(X))
    left = {"_optimizer", "_best_coefs", "_best_intercepts", "_random_state"}
    assert left.isdisjoint(vars(compressed))
    assert left & set(vars(mlp)), "the original keeps its own"
    dense = network.to_estimator(compressed, dense=True)
    assert all(isinstance(coef, np.ndarray) for coef in dense.coefs_)


def test_estimator_takes_the_sizes_of_a_smaller_network(mlp):
    small = random_network([64, 5, 4, 10], dtype=np.float32)
    assert small.to_estimator(mlp).hidden_layer_sizes == (5, 4)
    assert mlp.hidden_layer_sizes == (32, 16)
