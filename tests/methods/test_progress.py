"""What a fit says of the time that it will take."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import re

import pytest

from skcoreset import CoresetCompressor
from skcoreset._methods.progress import OVERHEAD, Progress

from ..conftest import may_collapse


def test_remaining_time_is_in_proportion_to_passes_and_edges(capsys):
    seconds = iter([5.0, 5.0 + 2 * (80 + 100 * OVERHEAD), 1e3])
    say = Progress(100, [(80, 2), (40, 1)], bound="about", clock=lambda: next(seconds))
    say(80)
    say(40)
    remaining = 40 + 100 * OVERHEAD
    assert capsys.readouterr().out.splitlines() == [
        f"[skcoreset] step 1 of 2: 80.00% of the edges, about {remaining:.0f} s left",
        "[skcoreset] step 2 of 2: 40.00% of the edges, about 0 s left",
    ]


@may_collapse
@pytest.mark.parametrize("options", [{"density": 0.1}, {"epsilon": 0.1}])
def test_a_verbose_fit_says_after_each_step_how_long_it_will_take(
    options, mlp, digits, capsys
):
    X = digits[2]
    compressor = CoresetCompressor(mlp, random_state=0, verbose=1, **options).fit(X)
    lines = [
        re.match(r"\[skcoreset\] step (\d+) of (\d+): .* (about|at most) \d+ s", line)
        for line in capsys.readouterr().out.splitlines()
    ]
    found = [match.groups() for match in lines if match]
    steps = [int(step) for step, *_ in found]
    # a step that loses nothing needs no training, and says nothing
    assert steps == list(range(steps[0], steps[0] + len(steps)))
    if "density" in options:
        # it ends
        assert steps[-1] == int(found[-1][1])
    quiet = CoresetCompressor(mlp, random_state=0, **options).fit(X)
    for a, b in zip(quiet.coefs_, compressor.coefs_):
        assert (a != b).nnz == 0
