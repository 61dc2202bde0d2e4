"""Writes the models in `files`, and what they return, with the libraries they are of.

    python tests/convert/make_files.py

Needs torch, onnxscript, keras, stable-baselines3, skl2onnx and onnxruntime. The tests
read the files, and need onnx alone.
"""

import os
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
warnings.filterwarnings("ignore")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
from gymnasium import Env, spaces  # noqa: E402
from keras import layers  # noqa: E402
from onnxruntime import InferenceSession  # noqa: E402
from skl2onnx import to_onnx  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, StandardScaler  # noqa: E402
from stable_baselines3 import PPO  # noqa: E402
from torch import nn  # noqa: E402

FILES = Path(__file__).parent / "files"


def rows(n_features=6, n_rows=1000):
    return np.random.default_rng(0).normal(1, 2, (n_rows, n_features)).astype("f4")


def trained(module, shape=(-1, 6)):
    """Give weights of the size of trained ones, and statistics to normalization."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    module.train()
    for _ in range(20):
        module(torch.from_numpy(rows()).reshape(shape))
    return module.eval()


def sequential():
    return nn.Sequential(
        nn.Flatten(),
        nn.BatchNorm1d(6),
        nn.Sequential(nn.Linear(6, 9, bias=False), nn.BatchNorm1d(9), nn.Tanh()),
        nn.Dropout(),
        nn.Identity(),
        nn.Linear(9, 8),
        nn.Tanh(),
        nn.Linear(8, 3),
        nn.Softmax(dim=1),
    )


class OwnForward(nn.Module):
    """What people write: views, rows that are normalized by hand, squeezed outputs."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(6, 8), nn.BatchNorm1d(8)
        self.second, self.last = nn.Linear(8, 5), nn.Linear(5, 1)
        self.register_buffer("mean", torch.full((6,), 1.0))
        self.register_buffer("scale", torch.full((6,), 2.0))

    def forward(self, x):
        x = (x.view(x.size(0), -1) - self.mean) / self.scale
        x = torch.relu(self.first(x))
        x = nn.functional.dropout(self.norm(x), training=self.training)
        return 3 * self.last(torch.relu(self.second(x))).squeeze(-1) - 1


def export(
    module, folder, name, *, shape=(6,), dynamo=True, dtype=torch.float32, **params
):
    path = folder / f"{name}.onnx"
    arguments = {
        "input_names": ["x"],
        "output_names": ["y"],
        "dynamo": dynamo,
        "external_data": False,
        "verbose": False,
    }
    if dynamo:
        arguments["dynamic_shapes"] = ({0: "n_rows"},)
    else:
        arguments["dynamic_axes"] = {"x": {0: "n_rows"}}
    example = torch.zeros(2, *shape, dtype=dtype)
    torch.onnx.export(module.to(dtype), (example,), str(path), **arguments | params)
    model = onnx.load(path)
    for each in (model, model.graph, *model.graph.node, *model.graph.value_info):
        each.ClearField("metadata_props")  # stack traces, with paths
        each.ClearField("doc_string")
    onnx.save(model, path)
    return name


def of_torch(folder):
    yield export(
        trained(sequential(), (-1, 2, 3)), folder, "torch_sequential", shape=(2, 3)
    )
    yield export(trained(OwnForward()), folder, "torch_own_forward")
    yield export(
        trained(OwnForward()), folder, "torch_script", dynamo=False, opset_version=11
    )
    binary = nn.Sequential(nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 1), nn.Sigmoid())
    yield export(trained(binary), folder, "torch_sigmoid")
    two = nn.Sequential(nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 2), nn.Softmax(-1))
    yield export(trained(two), folder, "torch_two_classes")
    logits = nn.Sequential(nn.Linear(6, 7), nn.Sigmoid(), nn.Linear(7, 4))
    yield export(trained(logits), folder, "torch_float64", dtype=torch.float64)
    yield export(trained(logits.float()), folder, "torch_float16", dtype=torch.float16)


def of_keras(folder):
    keras.utils.set_random_seed(0)
    normalization = layers.Normalization()
    normalization.adapt(rows())
    model = keras.Sequential(
        [
            layers.Input((6,)),
            normalization,
            layers.Dense(8, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Dense(7, "relu"),
            layers.Dense(3, "softmax"),
        ]
    )
    for _ in range(20):
        model(rows(), training=True)
    model.export(folder / "keras.onnx", format="onnx", verbose=False)
    yield "keras"


def of_sklearn(folder):
    X = rows()
    y = X[:, 0] * X[:, 1] + X[:, 2]
    params = {"max_iter": 50, "random_state": 0}
    labels = np.array(["down", "level", "up"])[(y > -1).astype(int) + (y > 2)]
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((8,), "tanh", **params))
    for name, estimator, target, options in (
        ("sklearn_classes", pipeline, labels, {}),
        ("sklearn_binary", MLPClassifier((8,), **params), 5 + (y > 0), {}),
        (
            "sklearn_labels",
            MLPClassifier((8,), **params),
            np.c_[y > 0, y > 3, X[:, 0] > 1],
            {},
        ),
        (
            "sklearn_regressor",
            make_pipeline(
                MinMaxScaler(),
                MLPRegressor(
                    hidden_layer_sizes=(8, 5), activation="logistic", **params
                ),
            ),
            y,
            {"target_opset": {"": 9, "ai.onnx.ml": 1}},
        ),
        (
            "sklearn_values",
            MLPRegressor(hidden_layer_sizes=(8,), activation="identity", **params),
            np.c_[y, X[:, 0], X[:, 1]],
            {},
        ),
    ):
        model = to_onnx(estimator.fit(X, target), X[:1], **options)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
        yield name


class Nothing(Env):
    """An environment of the right spaces."""

    observation_space = spaces.Box(-1, 1, (6,), np.float32)
    action_space = spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        return np.zeros(6, np.float32), {}

    def step(self, action):
        return np.zeros(6, np.float32), 0.0, False, False, {}


class Exported(nn.Module):
    """A policy as Stable-Baselines3's documentation exports it."""

    def __init__(self, policy):
        super().__init__()
        self.policy = policy

    def forward(self, x):
        return self.policy(x, deterministic=True)


def of_stable_baselines3(folder):
    sizes = {"net_arch": [16, 16]}
    policy = PPO(
        "MlpPolicy", Nothing(), policy_kwargs=sizes, seed=0, device="cpu"
    ).policy
    for parameter in policy.parameters():
        nn.init.normal_(parameter, std=0.3)
    names = ["action", "value", "log_probability"]
    yield export(
        Exported(policy).eval(),
        folder,
        "stable_baselines3",
        dynamo=False,
        output_names=names,
    )


def make(folder):
    """Write the models; return what they predict, by file and by output."""
    expected = {}
    for makers in (of_torch, of_keras, of_sklearn, of_stable_baselines3):
        for name in makers(folder):
            session = InferenceSession(folder / f"{name}.onnx")
            (given,) = session.get_inputs()
            kind = {"tensor(double)": "f8", "tensor(float16)": "f2"}
            X = rows().reshape(-1, *given.shape[1:]).astype(kind.get(given.type, "f4"))
            expected[name] = {}
            outputs = session.run(None, {given.name: X})
            for node, output in zip(session.get_outputs(), outputs):
                if isinstance(output, list):  # probabilities of ZipMap
                    output = np.array([list(row.values()) for row in output])
                if output.dtype == object:
                    output = output.astype(str)
                expected[name][node.name] = output
    return expected


if __name__ == "__main__":
    FILES.mkdir(exist_ok=True)
    arrays = {
        f"{name}/{output}": array
        for name, outputs in make(FILES).items()
        for output, array in outputs.items()
    }
    np.savez_compressed(FILES / "expected.npz", **arrays)
