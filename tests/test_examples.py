"""The README's example, and the program that compares methods as a paper did.

The gallery is run when the documentation is built.
"""

import importlib.util
import re
import runpy
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from skcoreset._network import Network

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

EXAMPLES = Path(__file__).parents[1] / "examples"
pytestmark = pytest.mark.skipif(
    not EXAMPLES.exists(), reason="installed without the examples"
)


@pytest.fixture
def compare_methods():
    pytest.importorskip("pandas")
    path = EXAMPLES / "paper" / "compare_methods.py"
    spec = importlib.util.spec_from_file_location("compare_methods", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_compress_digits(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pyplot.close("all")
    runpy.run_path(str(EXAMPLES / "plot_compress_digits.py"), run_name="__main__")
    printed = capsys.readouterr().out
    for word in ("edges", "bytes", "accuracy", "probability at least 95%"):
        assert word in printed
    assert len(pyplot.get_fignums()) == 3
    pyplot.close("all")
    assert not list(tmp_path.iterdir())


def test_comparison_of_methods(compare_methods, tmp_path):
    settings = SimpleNamespace(
        networks=[(20,), (12, 12)],
        densities=[0.6, 0.3],
        seeds=range(2),
        epochs=20,
        n_calibration=300,
    )
    rows = compare_methods.load(None, settings.n_calibration, quick=True)
    methods = list(compare_methods.STYLES)
    results = compare_methods.run(rows, settings, methods, tmp_path, n_jobs=1)
    assert len(results) == 2 * 2 * 2 * len(methods)
    assert set(results["network"]) == {"20", "12-12"}
    assert np.isfinite(results["relative"]).all()
    summary = compare_methods.summarise(results)
    assert len(summary) == len(results) / 2
    names = list(compare_methods.FIGURES["paper_methods"])
    figure = compare_methods.plot(summary, results, names)
    figure.savefig(tmp_path / "figure.png")


def test_singular_values_store_what_they_say(compare_methods):
    rng = np.random.default_rng(0)
    low_rank = rng.standard_normal((40, 2)) @ rng.standard_normal((2, 30))
    network = Network(
        (low_rank, rng.standard_normal((30, 30))), (np.zeros(30), np.zeros(30)), "relu"
    )
    (kept, truncated), (more, _) = compare_methods.truncated_svd(network, [0.12, 0.5])
    assert kept == (2 * 70 + 2 * 60) / 2100 < more
    np.testing.assert_allclose(truncated.coefs[0], low_rank)
    assert np.linalg.matrix_rank(truncated.coefs[1]) == 2


def without_numbers(text):
    return " ".join(re.sub(r"\d[\d.,]*", "#", text).split())


def test_readme_prints_what_it_says(capsys):
    readme = (EXAMPLES.parent / "README.rst").read_text(encoding="utf-8")
    code, printed = re.search(
        r"code-block:: python\n\n((?:    .*\n|\n)+).*prints::\n\n((?:    .*\n)+)",
        readme,
    ).groups()
    exec(textwrap.dedent(code), {})
    # other processors round differently
    assert without_numbers(capsys.readouterr().out) == without_numbers(printed)
