"""Models that PyTorch, Keras, skl2onnx and Stable-Baselines3 have written."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skcoreset import CoresetCompressor
from skcoreset.convert import from_onnx, into_onnx

onnx = pytest.importorskip("onnx")

FILES = Path(__file__).parent / "files"
NAMES = sorted(path.stem for path in FILES.glob("*.onnx"))

# The output that is read where there are several networks.
OUTPUT = {"stable_baselines3": "action"}

# float16 is computed in float16 there.
TOLERANCE = {"torch_float16": 1e-3}


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(1, 2, (1000, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def expected():
    """What the libraries return, by "file/output"."""
    with np.load(FILES / "expected.npz") as arrays:
        return dict(arrays)


def outputs_of(name, expected):
    """Labels and values that a model returns, None for what it has not."""
    labels = values = None
    for key, output in expected.items():
        file, output_name = key.split("/")
        if file == name and output_name == OUTPUT.get(name, output_name):
            if output.dtype.kind == "f":
                values = output
            else:
                labels = output
    return labels, values


def read(name):
    return from_onnx(FILES / f"{name}.onnx", output=OUTPUT.get(name))


def test_predicts_the_same_on_a_thousand_rows(name, X, expected):
    labels, values = outputs_of(name, expected)
    estimator = read(name)
    assert len(X) == 1000
    if labels is not None:
        assert_array_equal(estimator.predict(X), labels)
    if hasattr(estimator, "classes_"):
        predicted = estimator.predict_proba(X)[:, -values.shape[-1] :]
    else:
        predicted = estimator.predict(X)
    tolerance = TOLERANCE.get(name, 1e-6) * abs(values).max()
    assert_allclose(predicted.reshape(values.shape), values, rtol=0, atol=tolerance)


def test_is_read_from_a_path_bytes_and_a_model():
    path = FILES / "torch_sigmoid.onnx"
    model = onnx.load(path)
    program = SimpleNamespace(model_proto=model)  # of torch.onnx.export
    for kind in (str(path), path.read_bytes(), model, program):
        for coef, same in zip(from_onnx(path).coefs_, from_onnx(kind).coefs_):
            assert_array_equal(coef, same)


def test_precision_is_that_of_the_model(name):
    estimator = read(name)
    mlp = estimator[-1] if hasattr(estimator, "steps") else estimator
    expected = np.float64 if name == "torch_float64" else np.float32
    assert {a.dtype for a in (*mlp.coefs_, *mlp.intercepts_)} == {np.dtype(expected)}


# Back


def run(model, X):
    """Names and values of the outputs of a model, by onnxruntime."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    (given,) = session.get_inputs()
    dtypes = {"tensor(double)": "f8", "tensor(float16)": "f2"}
    X = X.reshape(-1, *given.shape[1:]).astype(dtypes.get(given.type, "f4"))
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {given.name: X})))


def as_array(output):
    if isinstance(output, list):  # of ZipMap
        return np.array([list(row.values()) for row in output])
    return output.astype(str) if output.dtype == object else output


def test_model_with_its_own_network_returns_the_same(name, X, expected):
    path = FILES / f"{name}.onnx"
    model = into_onnx(read(name), path, output=OUTPUT.get(name))
    onnx.checker.check_model(model)
    before = onnx.load(path).graph
    for each in ("input", "output"):
        assert getattr(model.graph, each) == getattr(before, each)
    for output, values in run(model, X).items():
        values, old = as_array(values), expected[f"{name}/{output}"]
        assert values.dtype == old.dtype and values.shape == old.shape
        if values.dtype.kind == "f":
            tolerance = 1e-6 * abs(old).max()
            assert_allclose(values, old, rtol=0, atol=tolerance)
        else:
            assert_array_equal(values, old)


@pytest.mark.filterwarnings("ignore::UserWarning")  # nobody trained these networks
def test_model_with_a_compressed_network_predicts_as_that_does(name, X):
    params = {"density": 0.3, "method": "magnitude", "random_state": 0}
    compressor = CoresetCompressor(read(name), **params).fit(X)
    model = into_onnx(compressor, FILES / f"{name}.onnx", output=OUTPUT.get(name))
    outputs = run(model, X)
    values = as_array(outputs[OUTPUT.get(name, list(outputs)[-1])])
    if hasattr(compressor, "classes_"):
        predicted = compressor.predict_proba(X)[:, -values.shape[-1] :]
    else:
        predicted = compressor.predict(X)
    tolerance = TOLERANCE.get(name, 1e-6) * abs(values).max()
    assert_allclose(predicted.reshape(values.shape), values, rtol=0, atol=tolerance)
    written = {t.name: t for t in model.graph.initializer}
    names = [node.input[1] for node in model.graph.node if node.op_type == "Gemm"]
    if name not in OUTPUT:
        weights = [onnx.numpy_helper.to_array(written[each]) for each in names]
        n_edges = sum(map(np.count_nonzero, weights))
        assert n_edges == sum(coef.nnz for coef in compressor.coefs_)
