"""The words of a certificate, each beside what it claims."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from skcoreset import Certificate
from skcoreset._errors import ERRORS
from skcoreset._promise.judge import HeldOutRows
from skcoreset._promise.target import Target

from .common import (
    ALL,
    CONFIDENCES,
    errors_of,
    groups_of,
    judge_of,
    path_of_noise,
    walk,
)

NUMBER = r"[\d.e-]+"
ON_AVERAGE = (
    r"{Where} new row like the held-out ones keeps {kept} with probability at least "
    r"70%, the luck of the held-out draw included\. {checked} \(Conformal risk control"
    r"{worst}: \(lost \+ 1\) / \(n \+ 1\) = \S+ is at most 0\.3{two}{remark}\.\)"
)
OF_TWO = "; rows that this network or the one before it loses are counted"
WITH_CONFIDENCE = (
    r"With 90% confidence, {where}at least {share} of new rows like the held-out ones "
    r"keep {kept}\. {checked} \(Exact binomial test{worst}: p-value = \S+ is at most "
    r"0\.1{remark}\.\)"
)
NO_PROMISE = (
    r"No promise: with error='{name}', one given network can only be promised something"
    r" with a confidence\. {checked}"
)
KEPT = {
    "relative": (
        "its outputs within {number} of the original's, relative to their 2-norm,?"
    ),
    "entrywise": (
        "every output within {number} of the original's, relative to its value,?"
    ),
    "scaled": "every output within {number} standard deviations of the original's",
    "absolute": "every output within {number} of the original's",
    "probability": "every predicted probability within {number} of the original's",
    "prediction": "the class that the original predicts",
    "classwise": "the class that the original predicts",
}
REMARKS = {
    "relative": "; outputs are logits less their mean",
    "scaled": "; standard deviations of the outputs are in `scale`",
}


def pattern_of(name, confidence, promised, of_two):
    by_class = name == "classwise"
    if not promised:
        pattern = NO_PROMISE
    else:
        pattern = ON_AVERAGE if confidence is None else WITH_CONFIDENCE
    verb = "changes?" if ERRORS[name].counts_rows else "differs? by more"
    return pattern.format(
        kept=KEPT[name].format(number=NUMBER),
        Where="In every class that the original predicts, a" if by_class else "A",
        where="in every class that the original predicts, " * by_class,
        worst=", worst class" * by_class,
        share=NUMBER + "%",
        checked=rf"Checked on 40 held-out rows: \d+ {verb}, [\d.]+%\.",
        two=OF_TWO * of_two,
        remark=re.escape(REMARKS.get(name, "")),
        name=name,
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("asked", ["epsilon", "density"])
def test_what_the_sentence_says_is_true(name, confidence, asked):
    network, path = path_of_noise(12, 0.12, seed=3)
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((400, 3))
    # atoms: half of the rows are one of five
    rows[200:] = rows[rng.integers(0, 5, 200)]
    errors = {
        id(each): errors_of(name, network, each, rows) for each in [network, *path]
    }
    groups = groups_of(name, network, rows)
    promised = asked == "epsilon" or confidence or not ERRORS[name].counts_rows
    shares, deltas = [], []
    for _ in range(40):
        X = rows[rng.integers(0, len(rows), 40)]
        delta = 0.3
        if name == "classwise":  # a class with too few rows is another sentence
            X[:30] = np.concatenate([rng.choice(rows[g], 10) for g in groups])
            delta = 0.5 if asked == "epsilon" and confidence else 0.3
        judge = judge_of(network, X, name, confidence, delta=delta)
        if asked == "epsilon":
            chosen, certificate, _ = walk(judge, path)
        else:
            chosen, certificate = path[4], judge.measured(path[4])[1]
        over = errors[id(chosen)] > certificate.epsilon
        shares.append([over[g].mean() for g in groups])
        deltas.append(certificate.delta)
        # nothing comes before the original, nor before a network of a given density
        of_two = asked == "epsilon" and chosen is not network
        pattern = pattern_of(name, confidence, promised, of_two)
        assert re.fullmatch(pattern, str(certificate))
        assert certificate.holds == bool(promised)
    shares, deltas = np.array(shares), np.array(deltas)
    if not promised:
        return
    if confidence is None:
        error = shares.std(axis=0) / np.sqrt(len(shares))
        assert (shares.mean(axis=0) <= 0.3 + 2 * error).all()
    else:
        broken = (shares.max(axis=1) > deltas).sum()
        assert binom.sf(broken - 1, len(shares), 1 - confidence) > 0.01


CERTIFICATE = Certificate(
    epsilon=0.1,
    delta=0.1,
    guarantee="conformal",
    error="absolute",
    holds=True,
    n_validation=100,
    share_over_epsilon=0.01,
    statistic=0.05,
    limit=0.1,
    out_activation="identity",
    n_outputs=1,
)


def words_of(**changes):
    return str(replace(CERTIFICATE, **changes))


def test_no_number_is_rounded_to_where_more_would_be_promised():
    words = words_of(epsilon=0.100001, delta=0.12341, confidence=0.99999)
    assert "within 0.1001 of" in words
    assert "at least 87.65% of new rows" in words
    assert "With 99.99% confidence" in words
    assert "at least 90%," in words_of(delta=0.1)
    assert "at least 10%," in words_of(delta=1 - 0.1)
    assert "at least 99.9%," in words_of(delta=1 - 0.999)
    assert "within 1.235e-05 of" in words_of(epsilon=1.2341e-5)


def test_what_the_network_has_is_said():
    binary = {"error": "relative", "out_activation": "logistic"}
    assert "softmax" not in words_of(**binary) and "mean" not in words_of(**binary)
    assert "logits less their mean" in words_of(
        error="relative", out_activation="softmax", n_outputs=3
    )
    several = {"error": "prediction", "out_activation": "logistic", "n_outputs": 3}
    assert "keeps the set of labels that the original predicts" in words_of(**several)
    assert "keeps the class" in words_of(**several | {"n_outputs": 1})


def test_what_is_not_promised_is_said():
    classes = {"share_by_class": {"a": 0.0}, "not_covered": ("b", 3)}
    assert (
        " Nothing is promised of classes that the original predicts for no held-out "
        "row: b, 3."
    ) in words_of(error="classwise", **classes)
    one = words_of(n_validation=1, share_over_epsilon=1.0)
    assert "Checked on 1 held-out row: 1 differs by more, 100.0%." in one
    unbounded = words_of(epsilon=np.inf, quantiles={0.5: 0.125, 0.99: 2.0})
    assert "That is no bound" in unbounded
    differ = "held-out rows, which differ: 50% by at most 0.125, 99% by at most 2."
    assert differ in unbounded
    vacuous = words_of(error="probability", epsilon=0.99999)
    assert "within 1 of the original's" in vacuous and "That is no bound" in vacuous
    assert "no bound" not in words_of(error="probability", epsilon=0.99)
    few = words_of(holds=False, n_validation=5, share_over_epsilon=0.2)
    assert few == (
        "No promise: 9 held-out rows are needed for 90%, and there are 5. Checked on 5 "
        "held-out rows: 1 differs by more than 0.1, 20.0%."
    )
    failed = words_of(holds=False, confidence=0.9, guarantee="test")
    assert failed.startswith(
        "No promise: the exact binomial test cannot exclude that more than 10% of new "
        "rows are lost. Checked on 100"
    )
    changed = words_of(holds=False, guarantee=None)
    assert changed.startswith("No promise: the network was trained further")
    assert "skcoreset.certify" in changed


def test_classes_have_names_that_print_as_themselves():
    classes = np.array(["no", "yes", "maybe"])
    rows = HeldOutRows(np.repeat([0, 1], 30), classes)
    errors = np.zeros(60)
    certificate = rows.certificate(errors, Target("classwise"))
    assert "share_by_class={'no': 0.0, 'yes': 0.0}" in repr(certificate)
    assert certificate.not_covered == ("maybe",)
    assert "np." not in repr(certificate.not_covered)


def test_a_certificate_of_the_theorem_is_checked_on_no_rows():
    words = words_of(guarantee="theoretical", error="entrywise", n_validation=0)
    assert words == (
        "By CoreNet's theorem a new row keeps every output within 0.1 of the "
        "original's, relative to its value, with probability at least 90%. No rows "
        "were held out to check it. (The probability is over the calibration rows, the "
        "draws of edges and the new row, under the assumptions of the theorem.)"
    )
