"""Make the files in this folder, and note what their networks predict.

python tests/golden/make.py

Once a version of the format is released its files stay as they are, for ever: a later
version adds files beside them.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from skcoreset import CoresetCompressor
from skcoreset.export import dump

HERE = Path(__file__).parent
X, y = load_iris(return_X_y=True)
X, X_new, y = X[::2], X[1::2], y[::2]
NAMES = np.array(["I. setosa", "I. versicolor", "I. virgìnica"])
SETTINGS = {"solver": "lbfgs", "max_iter": 300, "random_state": 0}


def compressed(estimator, y, **options):
    options = {"density": 0.5, "random_state": 0} | options
    return CoresetCompressor(estimator.fit(X, y), **options).fit(X_new)


def single(estimator):
    """In float32."""
    for name in ("coefs_", "intercepts_"):
        arrays = getattr(estimator, name)
        setattr(estimator, name, [array.astype(np.float32) for array in arrays])
    return estimator


scaled = Pipeline(
    [
        ("a", StandardScaler()),
        ("b", MinMaxScaler((-1, 1))),
        ("c", RobustScaler(quantile_range=(10, 90.0))),
        ("d", MaxAbsScaler()),
        ("mlp", MLPRegressor(hidden_layer_sizes=(8, 4), activation="tanh", **SETTINGS)),
    ]
)
networks = {
    "binary": compressed(MLPClassifier((8,), **SETTINGS), y > 1).estimator_,
    "multiclass": compressed(
        MLPClassifier((8, 6), activation="logistic", **SETTINGS), y
    ).estimator_,
    "string_classes": single(MLPClassifier((8,), **SETTINGS).fit(X, NAMES[y])),
    "multilabel": compressed(
        MLPClassifier((8,), **SETTINGS), np.column_stack([y > 0, y == 1])
    ).estimator_,
    "one_class": MLPClassifier((3,), **SETTINGS).fit(X, np.full(len(y), 7)),
    "regressor": compressed(
        MLPRegressor(hidden_layer_sizes=(8,), **SETTINGS), X[:, 0]
    ).estimator_,
    "linear_float64": MLPRegressor(
        hidden_layer_sizes=(), activation="identity", **SETTINGS
    ).fit(X, np.column_stack([y, -y])),
    "poisson": MLPRegressor(loss="poisson", hidden_layer_sizes=(4,), **SETTINGS).fit(
        X, y
    ),
    "pipeline": compressed(scaled, X[:, 0]).estimator_,
    "bits": compressed(
        make_pipeline(StandardScaler(), MLPClassifier((20,), **SETTINGS)),
        y,
        bits=2,
        density=0.4,
    ).estimator_,
}

expected = {}
for name, estimator in networks.items():
    dump(estimator, HERE / f"{name}.v3.skc")
    is_classifier = hasattr(estimator, "classes_")
    expected[name] = {
        "predict": estimator.predict(X_new[::5]).tolist(),
        "predict_proba": estimator.predict_proba(X_new[::5]).round(6).tolist()
        if is_classifier
        else None,
    }
    print(name, (HERE / f"{name}.v3.skc").stat().st_size)
rows = {"rows": X_new[::5].tolist(), "networks": expected}
(HERE / "expected.json").write_text(json.dumps(rows, indent=1) + "\n")
