"""As much of Keras as `from_keras` meets, in NumPy.

The tests run on it, and on Keras itself where that is installed.
"""

import sys
from types import SimpleNamespace

import numpy as np


def linear(x):
    return x


def relu(x):
    return np.maximum(x, 0)


def tanh(x):
    return np.tanh(x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


def gelu(x):
    return x


ACTIVATIONS = {each.__name__: each for each in (linear, relu, tanh, sigmoid, softmax)}
ACTIVATIONS |= {None: linear, "gelu": gelu}
for _function in ACTIVATIONS.values():
    _function.__module__ = "keras.activations"


class Layer:
    """A layer; calling it on a symbolic tensor notes where it stands."""

    weights = ()

    def __init__(self, name=None):
        self.name = name or type(self).__name__.lower()

    def build(self, n):
        """Make weights for n values; return the number of outputs."""
        return n

    def get_weights(self):
        return list(self.weights)

    def __call__(self, tensors):
        self.input = tensors
        first = tensors[0] if isinstance(tensors, list) else tensors
        output = SimpleNamespace(layer=self, before=tensors, n=self.build(first.n))
        if not hasattr(self, "output"):
            self.output = output
        return output

    def call(self, x):
        return x


class InputLayer(Layer):
    pass


def Input(shape):
    layer = InputLayer()
    layer.input = []
    layer.output = SimpleNamespace(layer=layer, before=None, n=int(np.prod(shape)))
    return layer.output


class Dense(Layer):
    def __init__(self, units, activation=None, use_bias=True, **params):
        super().__init__(**params)
        self.units, self.use_bias = units, use_bias
        self.activation = ACTIVATIONS.get(activation, activation)

    def build(self, n):
        rng = np.random.default_rng(n + self.units)
        coef = rng.normal(scale=n**-0.5, size=(n, self.units))
        self.weights = [coef.astype(np.float32)]
        if self.use_bias:
            self.weights.append(rng.normal(size=self.units).astype(np.float32))
        return self.units

    def call(self, x):
        return self.activation(x @ self.weights[0] + sum(self.weights[1:]))


class Activation(Layer):
    def __init__(self, activation):
        super().__init__()
        self.activation = ACTIVATIONS.get(activation, activation)

    def call(self, x):
        return self.activation(x)


class ReLU(Layer):
    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0):
        super().__init__()
        self.max_value, self.negative_slope = max_value, negative_slope
        self.threshold = threshold

    def call(self, x):
        return relu(x)


class Softmax(Layer):
    axis = -1

    def call(self, x):
        return softmax(x)


class BatchNormalization(Layer):
    def __init__(self, scale=True, center=True, epsilon=1e-3):
        super().__init__()
        self.scale, self.center, self.epsilon = scale, center, epsilon

    def build(self, n):
        rng = np.random.default_rng(n)
        n_weights = 2 + self.scale + self.center
        self.weights = list(rng.uniform(0.5, 2, (n_weights, n)).astype(np.float32))
        return n

    def call(self, x):
        *weights, mean, variance = self.weights
        x = (x - mean) / np.sqrt(variance + self.epsilon)
        x = x * weights.pop(0) if self.scale else x
        return x + weights.pop(0) if self.center else x


class Normalization(Layer):
    def __init__(self, mean=None, variance=None, invert=False):
        super().__init__()
        self.mean, self.variance, self.invert = mean, variance, invert

    def adapt(self, X):
        self.mean, self.variance = X.mean(axis=0)[None], X.var(axis=0)[None]

    def call(self, x):
        if self.invert:
            return self.mean + x * np.sqrt(self.variance)
        return (x - self.mean) / np.sqrt(self.variance)


class Rescaling(Layer):
    def __init__(self, scale, offset=0.0):
        super().__init__()
        self.scale, self.offset = scale, offset

    def call(self, x):
        return x * self.scale + self.offset


class Flatten(Layer):
    def __init__(self, data_format="channels_last"):
        super().__init__()
        self.data_format = data_format

    def call(self, x):
        return x.reshape(len(x), -1)


class Dropout(Layer):
    def __init__(self, rate):
        super().__init__()


class LeakyReLU(Layer):
    pass


class Add(Layer):
    pass


class Model(Layer):
    def __new__(cls, *arguments):
        return object.__new__(Functional if cls is Model and arguments else cls)

    def predict(self, X, verbose=None):
        return self.call(X)


class Functional(Model):
    def __init__(self, start, outputs):
        super().__init__()
        self.outputs = outputs if isinstance(outputs, list) else [outputs]
        self.layers, tensor = [], self.outputs[0]
        while tensor is not None:
            if tensor.layer not in self.layers:
                self.layers.insert(0, tensor.layer)
            tensor = tensor.before
            tensor = tensor[0] if isinstance(tensor, list) else tensor

    def call(self, x):
        for layer in self.layers:
            x = layer.call(x)
        return x


class Sequential(Model):
    def __new__(cls, layers):
        return object.__new__(cls)

    def __init__(self, layers):
        super().__init__()
        self.layers = [each for each in layers if isinstance(each, Layer)]
        self._inputs = [each for each in layers if not isinstance(each, Layer)]
        if self._inputs:
            self.build(self._inputs[0].n)

    def build(self, n):
        for layer in self.layers:
            n = layer.build(n)
        return n

    def call(self, x):
        for layer in self.layers:
            x = layer.call(x)
        return x


layers = SimpleNamespace(Input=Input)
for _name, _class in list(vars(sys.modules[__name__]).items()):
    if isinstance(_class, type) and issubclass(_class, Layer):
        _class.__module__ = "keras.layers"
        setattr(layers, _name, _class)
