"""Libraries that nothing depends on here: a job of its own, where they are."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.neural_network import MLPRegressor

from skcoreset import CoresetCompressor
from skcoreset.convert import from_onnx, into_onnx, to_torch

GUIDE = Path(__file__).parents[2] / "doc" / "user_guide" / "converting.rst"
NAMES = {"torch": "PyTorch", "keras": "Keras"}


@pytest.mark.slow
def test_files_are_what_the_installed_libraries_write(tmp_path):
    for name in ("torch", "onnxscript", "keras", "stable_baselines3", "skl2onnx"):
        pytest.importorskip(name)
    from .make_files import make

    for name, outputs in make(tmp_path).items():
        output = "action" if name == "stable_baselines3" else None
        estimator = from_onnx(tmp_path / f"{name}.onnx", output=output)
        values = outputs[output or list(outputs)[-1]]
        X = np.random.default_rng(0).normal(1, 2, (1000, 6)).astype(np.float32)
        predicted = estimator.predict(X)
        if hasattr(estimator, "classes_"):
            predicted = estimator.predict_proba(X)[:, -values.shape[-1] :]
        tolerance = (1e-3 if "float16" in name else 1e-6) * abs(values).max()
        assert_allclose(predicted.reshape(values.shape), values, rtol=0, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("library", ["torch", "keras"])
def test_guide_runs(library, tmp_path, monkeypatch, capsys):
    pytest.importorskip(library)
    if not GUIDE.exists():
        pytest.skip("installed without the documentation")
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text(encoding="utf-8")
    (page,) = re.findall(
        rf"^From {NAMES[library]} to an Arduino.*?^====+\n(.*?)^====+",
        text,
        re.DOTALL | re.MULTILINE,
    )
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", page)
    code = "\n".join(re.sub("^   ", "", block, flags=re.MULTILINE) for block in blocks)
    exec(code, {})
    assert (tmp_path / "digits.h").stat().st_size > 1000
    assert "Checked on" in capsys.readouterr().out


@cache
def problem():
    """A compressed regressor of four inputs, and the largest of many predictions."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (1500, 4))
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2] + X[:, 3] ** 2
    mlp = MLPRegressor(hidden_layer_sizes=(12, 8), max_iter=400, random_state=0)
    mlp.fit(X[:700], y[:700])
    compressor = CoresetCompressor(mlp, density=0.3, random_state=0).fit(X[700:])
    best = max(compressor.predict(rng.uniform(-1, 1, (200_000, 4))))
    return compressor, best


def check(compressor, settings, value, best):
    """The value of the solver is a prediction, and no prediction found is larger."""
    predicted = compressor.to_dense().predict(np.reshape(settings, (1, 4)))
    assert value == pytest.approx(predicted[0], abs=1e-5)
    assert best <= value + 1e-5 < best + 0.5


def test_gurobi_machine_learning_takes_the_network():
    gurobipy = pytest.importorskip("gurobipy")
    gurobi_ml = pytest.importorskip("gurobi_ml")
    compressor, best = problem()
    with (
        gurobipy.Env(params={"OutputFlag": 0}) as env,
        gurobipy.Model(env=env) as model,
    ):
        inputs = model.addMVar((1, 4), lb=-1, ub=1)
        output = model.addMVar((1, 1), lb=-gurobipy.GRB.INFINITY)
        gurobi_ml.add_predictor_constr(model, compressor.to_dense(), inputs, output)
        model.setObjective(output.sum(), gurobipy.GRB.MAXIMIZE)
        model.optimize()
        check(compressor, inputs.X, model.ObjVal, best)


def test_pyscipopt_ml_takes_the_network():
    pyscipopt = pytest.importorskip("pyscipopt")
    pyscipopt_ml = pytest.importorskip("pyscipopt_ml.add_predictor")
    compressor, best = problem()
    model = pyscipopt.Model()
    model.hideOutput()
    inputs = np.array([[model.addVar(lb=-1, ub=1) for _ in range(4)]])
    output = np.array([[model.addVar(lb=None)]])
    pyscipopt_ml.add_predictor_constr(model, compressor.to_dense(), inputs, output)
    model.setObjective(output[0, 0], "maximize")
    model.optimize()
    settings = [model.getVal(each) for each in inputs[0]]
    check(compressor, settings, model.getObjVal(), best)


def test_omlt_takes_the_onnx_model(tmp_path):
    torch = pytest.importorskip("torch")
    omlt = pytest.importorskip("omlt")
    pyomo = pytest.importorskip("pyomo.environ")
    pytest.importorskip("highspy")
    from omlt.io.onnx import load_onnx_neural_network
    from omlt.neuralnet import ReluBigMFormulation

    compressor, best = problem()
    torch.onnx.export(
        to_torch(compressor.estimator),
        (torch.zeros(1, 4, dtype=torch.float64),),
        str(tmp_path / "model.onnx"),
        input_names=["x"],
        dynamic_axes={"x": {0: "n"}},
        dynamo=False,
    )
    small = into_onnx(compressor, tmp_path / "model.onnx")
    network = load_onnx_neural_network(small, input_bounds=[(-1, 1)] * 4)
    model = pyomo.ConcreteModel()
    model.network = omlt.OmltBlock()
    model.network.build_formulation(ReluBigMFormulation(network))
    model.best = pyomo.Objective(expr=model.network.outputs[0], sense=pyomo.maximize)
    pyomo.SolverFactory("appsi_highs").solve(model)
    settings = [pyomo.value(model.network.inputs[i]) for i in range(4)]
    check(compressor, settings, pyomo.value(model.best), best)


def test_no_library_is_imported_with_the_package():
    code = "import sys, skcoreset; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert not {"keras", "onnx", "torch"} & set(run.stdout.decode().split())
