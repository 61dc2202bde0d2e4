"""From layers to fitted estimators that work like those trained here."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline

from skcoreset import CoresetCompressor, certify, export
from skcoreset._network import activate_output
from skcoreset._wrapped import network_of
from skcoreset.convert import from_weights
from skcoreset.convert.layers import Activation, Dense, Scale, to_estimator

from ..conftest import fitted, random_network


def arrays(widths, seed=0, dtype=np.float64):
    network = random_network(widths, dtype=dtype, seed=seed)
    return list(network.coefs), list(network.intercepts)


def copied(mlp, **params):
    """An estimator with the weights of a fitted one."""
    return from_weights(
        mlp.coefs_,
        mlp.intercepts_,
        activation=mlp.activation,
        out_activation=mlp.out_activation_,
        **params,
    )


# Estimators of weights alone, and those that were trained


def problems():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    y = X[:, 0] + X[:, 1] * X[:, 2]
    names = np.array(["x", "y", "z"])[np.digitize(y, (-1, 1))]
    labels = np.column_stack([y > 0, y > 1]).astype(int)
    return {
        "binary": (MLPClassifier, X, y > 0, [False, True]),
        "multiclass": (MLPClassifier, X, names, ["x", "y", "z"]),
        "multilabel": (MLPClassifier, X, labels, "multilabel"),
        "one value": (MLPRegressor, X, y, None),
        "two values": (MLPRegressor, X, np.column_stack([y, -y]), None),
    }


@pytest.fixture(params=problems())
def trained(request):
    """A trained MLP, its rows and targets, and one made of the same weights."""
    kind, X, y, classes = problems()[request.param]
    mlp = kind(hidden_layer_sizes=(7, 4), activation="tanh", max_iter=30)
    mlp = fitted(mlp.set_params(random_state=0), X, y)
    return mlp, X, y, copied(mlp, classes=classes)


def test_predicts_what_the_trained_one_does(trained):
    mlp, X, _, same = trained
    assert_array_equal(same.predict(X), mlp.predict(X))
    assert same.predict(X).dtype == mlp.predict(X).dtype
    if hasattr(mlp, "classes_"):
        assert_array_equal(same.classes_, mlp.classes_)
        assert_array_equal(same.predict_proba(X), mlp.predict_proba(X))


def test_has_all_attributes_of_the_trained_one_but_for_its_training(trained):
    mlp, _, _, same = trained
    public = {name for name in vars(mlp) if not name.startswith("_")}
    assert public <= set(vars(same))
    for name in ("n_features_in_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(same, name) == getattr(mlp, name)
    assert np.isnan(same.loss_) and same.n_iter_ == same.t_ == 0


def test_can_be_trained_further_as_the_trained_one(trained):
    mlp, X, y, same = trained
    del mlp._optimizer  # whose moments a file of weights does not have
    for each in (mlp, same):
        each.set_params(random_state=1).partial_fit(X, y)
    assert_array_equal(same.predict(X), mlp.predict(X))
    assert same.n_iter_ == 1 and same.loss_ == mlp.loss_
    assert len(same.loss_curve_) == 1


def test_can_be_cloned_pickled_and_fitted_anew(trained):
    mlp, X, y, same = trained
    assert_array_equal(pickle.loads(pickle.dumps(same)).predict(X), mlp.predict(X))
    anew = clone(same)
    assert not hasattr(anew, "coefs_")
    assert anew.get_params()["hidden_layer_sizes"] == (7, 4)
    for warm_start in (False, True):
        anew = fitted(same.set_params(max_iter=3, warm_start=warm_start), X, y)
        assert anew.predict(X).shape == mlp.predict(X).shape


def test_can_be_compressed_certified_tuned_and_saved(trained, tmp_path):
    _, X, y, same = trained
    compressor = CoresetCompressor(same, density=0.5, random_state=0).fit(X[:200])
    certificate = certify(same, compressor, X[200:], error="absolute")
    assert certificate.epsilon > 0
    compressor.fine_tune(X, y, n_epochs=2)
    export.dump(compressor, tmp_path / "file")
    for loaded, saved in zip(
        export.load(tmp_path / "file").coefs_, compressor.estimator_.coefs_
    ):
        assert_array_equal(loaded.toarray(), saved.toarray())


def test_network_without_hidden_layers():
    coefs, intercepts = arrays([4, 3])
    mlp = from_weights(coefs, intercepts, activation="relu", classes=None)
    X = np.random.default_rng(1).normal(size=(20, 4))
    assert_allclose(mlp.predict(X), X @ coefs[0] + intercepts[0])
    assert mlp.hidden_layer_sizes == ()


def test_exponential_output_is_that_of_poisson_loss():
    if "loss" not in MLPRegressor().get_params():
        pytest.skip("this scikit-learn has no Poisson loss")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    mlp = fitted(MLPRegressor("poisson", (4,), max_iter=5), X, abs(X[:, 0]))
    same = copied(mlp)
    assert same.loss == "poisson"
    assert_array_equal(same.predict(X), mlp.predict(X))


def test_exponential_output_needs_a_scikit_learn_that_has_it(monkeypatch):
    monkeypatch.setattr(MLPRegressor, "get_params", lambda self, deep=True: {})
    with pytest.raises(ValueError, match=r"install 1\.7"):
        from_weights(*arrays([2, 1]), activation="relu", out_activation="exp")


# Weights


def test_weights_are_copied_whatever_they_are():
    coefs, intercepts = arrays([3, 4, 1])
    kinds = [lambda a: a, np.asfortranarray, sparse.csr_array, sparse.coo_matrix]
    expected = from_weights(coefs, intercepts, activation="tanh")
    for kind in [*kinds, lambda a: a.tolist()]:
        given = [kind(coef) for coef in coefs]
        mlp = from_weights(given, intercepts, activation="tanh")
        for coef, same in zip(expected.coefs_, mlp.coefs_):
            assert_array_equal(same, coef)
            assert same.flags.c_contiguous
    mlp.coefs_[0][:] = mlp.intercepts_[0][:] = 0
    assert np.abs(coefs[0]).min() > 0 and np.abs(intercepts[0]).min() > 0


@pytest.mark.parametrize(
    "dtypes, expected",
    [
        (("f4", "f4"), np.float32),
        (("f2", "f2"), np.float32),
        (("f8", "f8"), np.float64),
        (("f4", "f8"), np.float64),
        (("i4", "i4"), np.float64),
    ],
)
def test_precision_is_the_highest_of_the_weights(dtypes, expected):
    coefs, intercepts = arrays([3, 4, 1])
    coefs = [(10 * coef).astype(dtype) for coef, dtype in zip(coefs, dtypes)]
    mlp = from_weights(coefs, intercepts, activation="relu")
    assert {a.dtype for a in (*mlp.coefs_, *mlp.intercepts_)} == {np.dtype(expected)}


def test_missing_intercepts_are_zeros():
    coefs, _ = arrays([3, 4, 1])
    mlp = from_weights(coefs, [None, None], activation="relu")
    assert_array_equal(mlp.predict(np.zeros((1, 3))), [0])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda coefs, b: (coefs[:1], b), "1 coefs and 2 intercepts"),
        (lambda coefs, b: ([], []), "no fully connected layer"),
        (lambda coefs, b: (coefs[::-1], b), "Layer 0 has weights of shape"),
        (lambda coefs, b: (coefs, b[::-1]), "Layer 0 has weights of shape"),
        (lambda coefs, b: ([coefs[0] * 1e39, coefs[1]], b), None),
        (lambda coefs, b: ([coefs[0] * np.nan, coefs[1]], b), "NaN"),
    ],
)
def test_weights_that_make_no_network_are_refused(change, message):
    coefs, intercepts = change(*arrays([3, 4, 1]))
    if message is None:
        assert from_weights(coefs, intercepts, activation="relu").coefs_[0].max() > 1e38
        return
    with pytest.raises(ValueError, match=message):
        from_weights(coefs, intercepts, activation="relu")


def test_activations_that_are_not_known_are_refused():
    for name in ({"activation": "gelu"}, {"activation": "relu", "out_activation": "x"}):
        with pytest.raises(ValueError, match="must be a str among"):
            from_weights(*arrays([3, 4, 1]), **name)


# Classes


def test_columns_follow_the_sorted_classes():
    coefs, intercepts = arrays([4, 6, 3])
    X = np.random.default_rng(1).normal(size=(50, 4))
    logits = from_weights(coefs, intercepts, activation="relu").predict(X)
    given = np.array(["m", "a", "z"])
    mlp = from_weights(coefs, intercepts, activation="relu", classes=given)
    assert_array_equal(mlp.predict(X), given[logits.argmax(axis=1)])
    probabilities = activate_output(logits.copy(), "softmax")
    assert_allclose(mlp.predict_proba(X), probabilities[:, [1, 0, 2]])


@pytest.mark.parametrize("classes", [[3, 8], [8, 3], None])
@pytest.mark.parametrize("out_activation", ["softmax", "identity"])
def test_two_outputs_become_one(classes, out_activation):
    coefs, intercepts = arrays([4, 6, 2])
    X = np.random.default_rng(1).normal(size=(50, 4))
    logits = from_weights(coefs, intercepts, activation="relu").predict(X)
    mlp = from_weights(
        coefs,
        intercepts,
        activation="relu",
        out_activation=out_activation,
        classes=classes,
    )
    if classes is None and out_activation == "identity":
        assert_array_equal(mlp.predict(X), logits)
        return
    given = np.array([0, 1] if classes is None else classes)
    assert_array_equal(mlp.predict(X), given[logits.argmax(axis=1)])
    probabilities = activate_output(logits.copy(), "softmax")[:, np.argsort(given)]
    assert_allclose(mlp.predict_proba(X), probabilities)
    assert mlp.n_outputs_ == 1 and mlp.out_activation_ == "logistic"


@pytest.mark.parametrize("out_activation", ["logistic", "identity"])
def test_one_output_is_the_probability_of_the_second_class_given(out_activation):
    coefs, intercepts = arrays([4, 6, 1])
    X = np.random.default_rng(1).normal(size=(50, 4))
    params = {"activation": "relu", "out_activation": out_activation}
    mlp = from_weights(coefs, intercepts, classes=["yes", "no"], **params)
    is_no = from_weights(coefs, intercepts, activation="relu").predict(X) > 0
    assert_array_equal(mlp.predict(X) == "no", is_no)
    assert mlp.classes_.tolist() == ["no", "yes"]
    if out_activation == "logistic":
        default = from_weights(coefs, intercepts, **params)
        assert_array_equal(default.predict(X), is_no)


@pytest.mark.parametrize("classes", [None, "multilabel"])
def test_several_sigmoids_are_labels_of_their_own(classes):
    coefs, intercepts = arrays([4, 6, 3])
    X = np.random.default_rng(1).normal(size=(50, 4))
    logits = from_weights(coefs, intercepts, activation="relu").predict(X)
    out_activation = "logistic" if classes is None else "identity"
    params = {"activation": "relu", "out_activation": out_activation}
    mlp = from_weights(coefs, intercepts, classes=classes, **params)
    assert_array_equal(mlp.predict(X), logits > 0)


@pytest.mark.parametrize(
    "n_outputs, out_activation, classes, message",
    [
        (3, "identity", ["a", "b"], r"shape \(2,\); the network tells 3 classes"),
        (3, "identity", ["a", "b", "b"], "each once"),
        (3, "identity", [1, 2, np.nan], "labels of one type"),
        (3, "identity", [0.5, 1.5, 2.5], "labels of one type"),
        (3, "identity", np.array(["a", 1, None], object), "labels of one type"),
        (3, "identity", "abc", "classes='abc'; pass an array"),
        (1, "identity", ["a", "b", "c"], "tells 2 classes"),
        (1, "identity", "multilabel", "needs several outputs"),
        (3, "softmax", "multilabel", "needs several outputs, linear or sigmoid"),
        (1, "softmax", None, "always 1"),
        (3, "logistic", ["a", "b", "c"], "3 sigmoid outputs.*multilabel"),
        (1, "exp", ["a", "b"], "exponential"),
    ],
)
def test_classes_that_do_not_fit_are_refused(
    n_outputs, out_activation, classes, message
):
    with pytest.raises(ValueError, match=message):
        from_weights(
            *arrays([4, n_outputs]),
            activation="relu",
            out_activation=out_activation,
            classes=classes,
        )


# Folding


def dense(n_in, n_out, seed=0, dtype=np.float64):
    coefs, intercepts = arrays([n_in, n_out], seed, dtype)
    return Dense(coefs[0], intercepts[0], f"Dense {seed}")


def scale(n, seed=0):
    rng = np.random.default_rng(seed)
    return Scale(rng.uniform(0.5, 2, n), rng.normal(size=n), f"Scale {seed}")


def forward(layers, X):
    """What layers compute, one by one."""
    functions = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh}
    for layer in layers:
        match layer:
            case Dense():
                X = X @ layer.coef + layer.intercept
            case Scale():
                X = X * layer.scale + layer.shift
            case Activation():
                X = functions[layer.name](X)
    return X


RELU = Activation("relu", "ReLU")


@pytest.mark.parametrize(
    "layers, widths",
    [
        ([dense(5, 4), scale(4), RELU, dense(4, 3, 1)], (4,)),
        ([dense(5, 4), RELU, scale(4), dense(4, 3, 1)], (4,)),
        ([dense(5, 4), scale(4), scale(4, 1), RELU, dense(4, 3, 1), scale(3)], (4,)),
        ([dense(5, 4), RELU, scale(4), scale(()), scale(4, 1), dense(4, 3, 1)], (4,)),
        ([dense(5, 2), dense(2, 4, 1), RELU, dense(4, 3, 2)], (4,)),
        ([dense(5, 4), RELU, dense(4, 2, 1), dense(2, 3, 2)], (4,)),
        (
            [dense(5, 4), RELU, dense(4, 2, 1), dense(2, 4, 2), RELU, dense(4, 3)],
            (4, 4),
        ),
        ([dense(5, 2), dense(2, 3, 1)], (2,)),
        ([scale(5), scale(()), dense(5, 4), RELU, dense(4, 3, 1)], (4,)),
        ([Scale(np.array(-1.0), np.array(2.0), ""), dense(5, 3)], ()),
        ([Scale(np.arange(5.0), np.ones(5), ""), dense(5, 4), RELU, dense(4, 3)], (4,)),
    ],
)
def test_affine_maps_are_folded(layers, widths):
    X = np.random.default_rng(2).normal(size=(50, 5))
    estimator = to_estimator(layers)
    assert_allclose(estimator.predict(X), forward(layers, X), rtol=1e-12, atol=1e-12)
    is_pipeline = isinstance(estimator, Pipeline)
    assert is_pipeline == isinstance(layers[0], Scale)
    if is_pipeline:
        assert (estimator[0].scale_ > 0).all()
    mlp = estimator[-1] if is_pipeline else estimator
    assert mlp.hidden_layer_sizes == widths


def test_scaler_can_be_trained_further_and_inverted():
    rng = np.random.default_rng(0)
    X = rng.normal(3, 2, (200, 5))
    pipeline = to_estimator([scale(5), dense(5, 3)])
    scaler = pipeline[0]
    assert_allclose(scaler.inverse_transform(scaler.transform(X)), X)
    expected = clone(scaler).fit(X)
    scaler.partial_fit(X)
    assert_allclose(scaler.mean_, expected.mean_)
    assert_allclose(scaler.scale_, expected.scale_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert pipeline.fit(X, X[:, :3]).predict(X).shape == (200, 3)


def test_inputs_far_from_0_keep_their_digits():
    # pressures in pascals, in float32; one of the two scales is negative
    rng = np.random.default_rng(0)
    X = rng.normal(101_325, 100, (200, 2)).astype(np.float32)
    factors = np.array([0.01, -0.01])
    layers = [Scale(factors, -101_325 * factors, ""), dense(2, 3, dtype=np.float32)]
    predicted = to_estimator(layers).predict(X)
    assert_allclose(predicted, forward(layers, X.astype(float)), rtol=0, atol=1e-6)


def test_weights_that_nothing_is_folded_into_keep_their_bits():
    first, last = dense(5, 4, dtype=np.float32), dense(4, 3, 1, dtype=np.float32)
    network = network_of(to_estimator([first, scale(4), RELU, last]))
    assert network.dtype == np.float32
    assert_array_equal(network.coefs[1], last.coef)
    assert_array_equal(network.intercepts[1], last.intercept)


TANH = Activation("tanh", "Tanh")


@pytest.mark.parametrize(
    "layers, message",
    [
        ([], "no fully connected layer"),
        ([RELU, dense(5, 3)], "ReLU does not follow a fully connected layer"),
        ([scale(5), RELU, dense(5, 3)], "ReLU does not follow a fully"),
        ([dense(5, 4), RELU, scale(4), RELU, dense(4, 3)], "does not follow a fully"),
        ([dense(5, 4), RELU, TANH, dense(4, 3)], "Tanh does not follow a fully"),
        ([dense(5, 4), RELU, dense(4, 4), TANH, dense(4, 3)], "ReLU and Tanh differ"),
        (
            [dense(5, 4), TANH],
            r"end of the network.*np\.tanh\(estimator\.predict\(X\)\)",
        ),
        ([dense(5, 4), RELU], r"end of the network.*np\.maximum\(estimator\.predict"),
        ([dense(5, 4), Activation("softmax", "S"), scale(4)], "rescales the softmax"),
        (
            [dense(5, 4), Activation("logistic", "S"), scale(4)],
            "rescales the sigmoid output.*rescale the predictions",
        ),
        (
            [dense(5, 4), Activation("softmax", "Softmax"), dense(4, 3)],
            "Softmax is followed by further layers",
        ),
        ([dense(5, 4), RELU, dense(3, 3, 1)], "Dense 1 has weights of shape"),
        ([scale(4), dense(5, 4)], "Scale 0 is for 4 values, and is given 5"),
        ([dense(5, 4), scale(3)], "Scale 0 is for 3 values, and is given 4"),
    ],
)
def test_what_no_mlp_computes_is_refused(layers, message):
    with pytest.raises(ValueError, match=message):
        to_estimator(layers)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scales_that_are_not_finite_are_refused(value):
    for parts in ((value, 1.0), (1.0, value)):
        with pytest.raises(ValueError, match="NaN or infinite"):
            to_estimator([Scale(*map(np.array, parts), ""), dense(5, 4)])


def test_weights_that_folding_makes_infinite_are_refused():
    layers = [dense(5, 4, dtype=np.float32), Scale(np.array(1e200), np.zeros(4), "")]
    with pytest.raises(ValueError, match="layer 1 of 1 are NaN or infinite in float32"):
        to_estimator(layers)
