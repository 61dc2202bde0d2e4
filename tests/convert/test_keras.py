"""Models of Keras: of Keras itself where it is installed, and of a stand-in."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline

from skcoreset.convert import from_keras

from . import keras_stand_in, torch_stand_in


@pytest.fixture(params=["stand-in", "keras"])
def keras(request):
    if request.param == "stand-in":
        return keras_stand_in
    library = pytest.importorskip("keras")
    library.utils.set_random_seed(0)
    return library


@pytest.fixture
def layers(keras):
    return keras.layers


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(1, 2, (1000, 6)).astype(np.float32)


def sequential(keras, *layers, shape=(6,)):
    return keras.Sequential([keras.layers.Input(shape), *layers])


def assert_predicts_the_same(estimator, model, X, shape=(-1, 6)):
    expected = np.asarray(model.predict(X.reshape(shape), verbose=0))
    values = estimator.predict(X)
    if hasattr(estimator, "classes_"):
        values = estimator.predict_proba(X)[:, -expected.shape[1] :]
    values = values.reshape(expected.shape)
    assert_allclose(values, expected, atol=1e-6 * abs(expected).max())


def test_classifier_predicts_the_same(keras, layers, X):
    model = sequential(
        keras,
        layers.Flatten(),
        layers.Dense(8, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dropout(0.5),
        layers.Dense(7, "relu"),
        layers.Dense(3),
        layers.Softmax(),
        shape=(2, 3),
    )
    mlp = from_keras(model)
    assert isinstance(mlp, MLPClassifier)
    assert mlp.hidden_layer_sizes == (8, 7)
    assert_predicts_the_same(mlp, model, X, (-1, 2, 3))


@pytest.mark.parametrize("scale, center", [(True, False), (False, True)])
def test_what_comes_first_becomes_a_scaler(scale, center, keras, layers, X):
    normalization = layers.Normalization()
    normalization.adapt(X)
    model = sequential(
        keras,
        layers.Rescaling(0.5, 1.0),
        normalization,
        layers.BatchNormalization(scale=scale, center=center),
        layers.Dense(5),
        layers.Activation("tanh"),
        layers.Dense(1, "sigmoid"),
    )
    pipeline = from_keras(model)
    assert isinstance(pipeline, Pipeline)
    assert_predicts_the_same(pipeline, model, X)


def test_outputs_in_the_units_of_the_target(keras, layers, X):
    model = sequential(
        keras,
        layers.Dense(5, "sigmoid"),
        layers.Dense(1),
        layers.Normalization(mean=40.0, variance=9.0, invert=True),
    )
    assert_predicts_the_same(from_keras(model), model, X)


def test_tensors_of_the_backend_are_read():
    mean, variance = np.full(6, 2, "f4"), np.full(6, 9, "f4")
    tensors = map(torch_stand_in.Tensor, (mean, variance))
    normalization = keras_stand_in.layers.Normalization(*tensors)
    model = sequential(keras_stand_in, normalization, keras_stand_in.layers.Dense(2))
    scaler = from_keras(model)[0]
    assert_allclose(scaler.mean_, mean)
    assert_allclose(scaler.scale_, np.sqrt(variance))


def test_model_of_the_functional_api(keras, layers, X):
    start = layers.Input((2, 3))
    x = layers.Dense(5, "tanh")(layers.Flatten()(start))
    x = keras.Sequential([layers.Dense(4), layers.Activation("tanh")])(x)
    model = keras.Model(start, layers.Dense(2)(x))
    regressor = from_keras(model)
    assert isinstance(regressor, MLPRegressor)
    assert_predicts_the_same(regressor, model, X, (-1, 2, 3))
    assert from_keras(model, classes=["no", "yes"]).classes_.tolist() == ["no", "yes"]


REFUSALS = {
    "unread layer": (lambda layers: [layers.LeakyReLU()], "LeakyReLU. is not read"),
    "relu6": (lambda layers: [layers.ReLU(max_value=6)], "ReLU. is not read"),
    "gelu": (lambda layers: [layers.Dense(2, "gelu")], "has the activation gelu"),
    "function": (lambda layers: [layers.Dense(2, lambda x: x)], "activation <lambda>"),
    "channels": (
        lambda layers: [layers.Flatten(data_format="channels_first")],
        "Flatten. is not read",
    ),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_what_no_mlp_computes_is_refused(kind, keras, layers):
    make, message = REFUSALS[kind]
    with pytest.raises(ValueError, match=message):
        from_keras(sequential(keras, *make(layers), shape=(2, 3)))


def test_model_without_weights_is_refused(keras, layers):
    with pytest.raises(ValueError, match="has no weights yet"):
        from_keras(keras.Sequential([layers.Dense(2)]))
    with pytest.raises(ValueError, match="has not seen any rows"):
        from_keras(keras.Sequential([layers.Normalization()]))


def test_layers_with_a_call_of_their_own_are_refused(keras, layers):
    class Doubled(layers.Dense):
        def call(self, x):
            return 2 * super().call(x)

    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match=r"Doubled. is not read"):
        from_keras(sequential(keras, Doubled(3)))
    with pytest.raises(ValueError, match=r"call of its own.*model\.export"):
        from_keras(Own())


def test_branches_are_refused(keras, layers):
    start = layers.Input((6,))
    dense = layers.Dense(6, "relu")
    x = dense(start)
    skip = keras.Model(start, layers.Dense(1)(layers.Add()([x, start])))
    two_outputs = keras.Model(start, [x, layers.Dense(1)(x)])
    for model in (skip, two_outputs, keras.Model(start, dense(x))):
        with pytest.raises(ValueError, match="is no chain of layers"):
            from_keras(model)


def test_quantized_weights_are_refused():
    layers = keras_stand_in.layers
    layer = layers.Dense(2)
    model = sequential(keras_stand_in, layer)
    layer.weights = [np.zeros((6, 2), np.int8), np.zeros(2)]
    with pytest.raises(ValueError, match="quantized"):
        from_keras(model)


@pytest.mark.parametrize("model", [None, MLPRegressor(), np.ones((2, 2))])
def test_other_objects_are_refused(model):
    with pytest.raises(TypeError, match="must be a model of Keras"):
        from_keras(model)
