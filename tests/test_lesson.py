"""The lesson in examples/lesson: it runs, and every exercise has a solution."""

import re
import runpy
from pathlib import Path

import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

EXAMPLES = Path(__file__).parents[1] / "examples"
LESSON = EXAMPLES / "lesson"
pytestmark = pytest.mark.skipif(
    not LESSON.exists(), reason="installed without the examples"
)
NOTEBOOKS = sorted(LESSON.glob("plot_*.py"))


def solutions_of(notebook):
    return EXAMPLES / "lesson_solutions" / f"{notebook.stem[:6]}_solutions.py"


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_and_solutions_run(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for script in (notebook, solutions_of(notebook)):
        runpy.run_path(str(script), run_name="__main__")
    matplotlib.pyplot.close("all")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_exercise_has_a_solution(notebook):
    exercises, solutions = (
        re.findall(r"^# (Exercise \d)$", path.read_text(encoding="utf-8"), re.M)
        for path in (notebook, solutions_of(notebook))
    )
    assert exercises == solutions
    assert len(exercises) == 4


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_solutions_are_of_the_same_network(notebook):
    networks = [
        re.search(
            r"^X, y = .*?mlp = mlp\.fit.*?$",
            path.read_text(encoding="utf-8"),
            re.S | re.M,
        )
        for path in (notebook, solutions_of(notebook))
    ]
    assert networks[0].group() == networks[1].group()
