"""Modules of PyTorch: of PyTorch itself where it is installed, and of a stand-in."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor
from skcoreset.convert import from_torch, to_torch

from ..conftest import fitted
from . import torch_stand_in


@pytest.fixture(params=["stand-in", "torch"])
def torch(request, monkeypatch):
    if request.param == "torch":
        library = pytest.importorskip("torch")
        library.manual_seed(0)
        return library
    monkeypatch.setitem(sys.modules, "torch", torch_stand_in)
    return torch_stand_in


@pytest.fixture
def nn(torch):
    return torch.nn


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(1, 2, (1000, 6)).astype(np.float32)


def outputs(torch, module, X):
    return module(torch.from_numpy(X)).detach().numpy()


def with_statistics(torch, module, X):
    """The same with running statistics that are of rows, where they are not yet."""
    if torch is not torch_stand_in:
        for _ in range(5):
            module.train()(torch.from_numpy(X))
        module.eval()
    return module


def classifier(nn):
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(6, 8, bias=False),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Sequential(nn.Dropout(), nn.Linear(8, 7), nn.Identity(), nn.ReLU()),
        nn.Linear(7, 3),
        nn.Softmax(dim=1),
    )


def test_classifier_predicts_the_same(torch, nn, X):
    module = with_statistics(torch, classifier(nn), X)
    mlp = from_torch(module)
    assert isinstance(mlp, MLPClassifier)
    assert mlp.hidden_layer_sizes == (8, 7)
    assert mlp.coefs_[0].dtype == np.float32
    assert_allclose(mlp.predict_proba(X), outputs(torch, module, X), atol=1e-6)


def test_what_a_module_computes_first_becomes_a_scaler(torch, nn, X):
    module = nn.Sequential(
        nn.BatchNorm1d(6, affine=False), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)
    )
    pipeline = from_torch(with_statistics(torch, module, X))
    assert isinstance(pipeline, Pipeline)
    assert isinstance(pipeline[-1], MLPRegressor)
    expected = outputs(torch, module, X)
    assert_allclose(pipeline.predict(X), expected, atol=1e-6 * abs(expected).max())


def test_logits_are_those_of_the_classes_given(torch, nn, X):
    module = nn.Sequential(nn.Linear(6, 4), nn.Sigmoid(), nn.Linear(4, 3))
    mlp = from_torch(module, classes=["c", "a", "b"])
    assert mlp.classes_.tolist() == ["a", "b", "c"]
    logits = outputs(torch, module, X)
    assert_array_equal(mlp.predict(X), np.array(["c", "a", "b"])[logits.argmax(axis=1)])
    assert isinstance(from_torch(module), MLPRegressor)


@pytest.mark.parametrize("dim", [None, 1, -1])
def test_log_softmax_is_the_log_of_the_probabilities(dim, torch, nn, X):
    module = nn.Sequential(nn.Linear(6, 3), nn.LogSoftmax(dim=1))
    expected = outputs(torch, module, X)
    module[1].dim = dim
    mlp = from_torch(module)
    assert_allclose(mlp.predict_log_proba(X), expected, atol=2e-6 * abs(expected).max())


def test_precision_is_kept(torch, nn):
    assert from_torch(nn.Linear(3, 2).double()).coefs_[0].dtype == np.float64


def test_weights_are_copied(nn):
    module = nn.Linear(3, 2)
    mlp = from_torch(module)
    before = module.weight.detach().numpy().copy()
    mlp.coefs_[0][:] = mlp.intercepts_[0][:] = 0
    assert_array_equal(module.weight.detach().numpy(), before)


REFUSALS = {
    "GELU": (lambda nn: [nn.Linear(3, 2), nn.GELU()], r"'1' \(GELU\) is not read"),
    "softmax of rows": (
        lambda nn: [nn.Linear(3, 2), nn.Softmax(dim=0)],
        "'1' .Softmax",
    ),
    "partly flat": (lambda nn: [nn.Flatten(0)], "'0' .Flatten. is not read"),
    "no statistics": (
        lambda nn: [nn.BatchNorm1d(3, track_running_stats=False), nn.Linear(3, 2)],
        "no running statistics",
    ),
    "tanh at the end": (
        lambda nn: [nn.Linear(3, 2), nn.Tanh()],
        r"is the end of the network.*np\.tanh\(estimator\.predict",
    ),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_what_no_mlp_computes_is_refused(kind, nn):
    make, message = REFUSALS[kind]
    with pytest.raises(ValueError, match=message):
        from_torch(nn.Sequential(*make(nn)))


def test_own_forward_is_refused_with_what_would_do(nn):
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    class Own(nn.Module):
        pass

    for module in (Doubled(3, 2), Own()):
        with pytest.raises(
            ValueError, match=r"forward of its own.*torch\.onnx\.export"
        ):
            from_torch(module)


def test_hooks_are_refused(nn):
    module = nn.Linear(3, 2)
    module.register_forward_pre_hook(lambda module, inputs: None)
    with pytest.raises(ValueError, match="hooks"):
        from_torch(module)


@pytest.mark.parametrize("module", [None, MLPRegressor(), np.ones((2, 2))])
def test_other_objects_are_refused(module):
    with pytest.raises(TypeError, match=r"must be a torch\.nn\.Module"):
        from_torch(module)


# Back


def test_a_module_comes_back_as_it_was(torch, nn, X):
    module = with_statistics(torch, classifier(nn), X)
    same = to_torch(from_torch(module))
    assert_allclose(outputs(torch, same, X), outputs(torch, module, X), atol=1e-6)


def test_compressed_pipeline_as_a_module(torch, X):
    y = X[:, 0] * X[:, 1]
    mlp = MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=0)
    pipeline = fitted(make_pipeline(StandardScaler(), mlp), X[:400], y[:400])
    compressor = CoresetCompressor(pipeline, density=0.5, random_state=0).fit(X[400:])
    module = to_torch(compressor)
    values = outputs(torch, module, X)
    expected = compressor.predict(X)
    assert values.shape == (1000, 1)
    assert_allclose(values[:, 0], expected, atol=1e-6 * abs(expected).max())
    n_edges = sum((np.abs(module[i].weight.detach().numpy()) > 0).sum() for i in (0, 2))
    assert n_edges == sum(coef.nnz for coef in compressor.coefs_)


def test_two_classes_are_one_sigmoid(torch, X):
    mlp = MLPClassifier((4,), "identity", max_iter=5, random_state=0)
    fitted(mlp, X, X[:, 0] > 0)
    values = outputs(torch, to_torch(mlp), X)
    assert_allclose(values[:, 0], mlp.predict_proba(X)[:, 1], atol=1e-6)


def test_poisson_loss_has_no_module(torch, X):
    if "loss" not in MLPRegressor().get_params():
        pytest.skip("this scikit-learn has no Poisson loss")
    mlp = fitted(MLPRegressor("poisson", (4,), max_iter=5), X, abs(X[:, 0]))
    with pytest.raises(ValueError, match="exp"):
        to_torch(mlp)
