"""The lesson in examples/lesson: every exercise has a solution.

It is run when the documentation is built.
"""

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
LESSON = EXAMPLES / "lesson"
pytestmark = pytest.mark.skipif(
    not LESSON.exists(), reason="installed without the examples"
)
NOTEBOOKS = sorted(LESSON.glob("plot_*.py"))


def solutions_of(notebook):
    return EXAMPLES / "lesson_solutions" / f"{notebook.stem[:6]}_solutions.py"


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
