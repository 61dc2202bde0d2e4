"""Monitor: alarms by its evidence, for every error, however rows arrive."""

import json
import pickle
import warnings
from math import log

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skcoreset import Monitor
from skcoreset._errors import ERRORS
from skcoreset._promise.evidence import Evidence


class Predicts:
    """A model that is only what it is given."""

    def __init__(self, **methods):
        vars(self).update(methods)


def pair():
    """A model, and one that is off by the second feature."""
    return Predicts(predict=first_feature), Predicts(predict=both_features)


def first_feature(X):
    return X[:, 0]


def both_features(X):
    return X[:, 0] + X[:, 1]


def class_of_row(X):
    return X[:, 0].astype(int)


def class_or_another(X):
    return np.where(X[:, 1] > 0, 9, X[:, 0]).astype(int)


def classes_pair():
    """Classifiers that differ where the second feature is positive."""
    original = Predicts(predict=class_of_row, classes_=np.arange(3))
    return original, Predicts(predict=class_or_another, classes_=np.append(range(3), 9))


def rows(lost, classes=0):
    return np.column_stack([np.broadcast_to(classes, len(lost)), lost]).astype(float)


OPTIONS = {"error": "absolute", "epsilon": 0.5, "delta": 0.05}


def test_monitor_counts_lost_rows_and_weighs_them():
    lost = np.random.default_rng(0).random(400) < 0.05
    monitor = Monitor(*pair(), **OPTIONS)
    assert monitor.log_evidence == 0 and not monitor.alarm
    assert str(monitor).startswith("No alarm. No row was judged yet. Evidence 1;")
    assert repr(monitor).startswith("Monitor(error='absolute', epsilon=0.5, delta=0.05")
    assert monitor.update(rows(lost)) is monitor
    assert (monitor.n_rows, monitor.n_lost) == (400, lost.sum())
    assert monitor.log_evidence == Evidence(0.05).update(lost)[-1]
    assert monitor.by_class == {}
    assert not monitor.alarm and monitor.alarm_row is None
    assert str(monitor).startswith(f"No alarm. {lost.sum()} of 400 rows lost (error")
    # a row at epsilon is kept
    assert monitor.update(rows(np.full(3, 0.5))).n_lost == lost.sum()


def test_an_alarm_is_given_at_the_first_row_and_stays():
    lost = np.random.default_rng(0).random(900) < 0.15
    monitor = Monitor(*pair(), alpha=0.01, **OPTIONS)
    expected = np.flatnonzero(Evidence(0.05).update(lost) >= log(100))[0] + 1
    with pytest.warns(UserWarning, match=f"Alarm after {expected} rows") as caught:
        monitor.update(rows(lost))
    assert len(caught) == 1
    assert monitor.alarm and monitor.alarm_row == expected
    # later rows take nothing back, and it is said once
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor.update(rows(np.zeros(5000)))
    assert monitor.log_evidence < 0 and monitor.alarm_row == expected


@pytest.mark.filterwarnings("ignore:Alarm")
@pytest.mark.parametrize("save", ["pickle", "json"])
@pytest.mark.parametrize("by_class", [False, True])
def test_batches_and_saving_change_nothing(save, by_class):
    rng = np.random.default_rng(0)
    X = rows(rng.random(700) < 0.09, rng.integers(4, size=700))
    estimators = classes_pair() if by_class else pair()
    options = {"error": "classwise", "delta": 0.05} if by_class else OPTIONS
    at_once = Monitor(*estimators, **options).update(X)
    monitor = Monitor(*estimators, **options)
    for batch in np.array_split(X, 40):
        monitor.update(batch)
        if save == "pickle":
            monitor = pickle.loads(pickle.dumps(monitor))
        else:
            state = json.loads(json.dumps(monitor.get_state(), allow_nan=False))
            monitor = Monitor.from_state(*estimators, state)
    assert monitor.get_state() == at_once.get_state()
    assert monitor.alarm_row == at_once.alarm_row
    for name, column in monitor.history.items():
        np.testing.assert_array_equal(column, at_once.history[name])


def test_history_is_thinned_evenly():
    lost = np.random.default_rng(0).random(1900) < 0.03
    monitor = Monitor(*pair(), **OPTIONS).update(rows(lost))
    history = monitor.history
    np.testing.assert_array_equal(history["n_rows"], np.arange(0, 1901, 4))
    np.testing.assert_array_equal(history["n_lost"][1:], lost.cumsum()[3::4])
    expected = Evidence(0.05).update(lost)[3::4]
    np.testing.assert_array_equal(history["log_evidence"], np.append(0, expected))


def test_each_class_has_evidence_of_its_own():
    rng = np.random.default_rng(0)
    classes = rng.integers(4, size=1000)  # 3 is no class of the original's
    lost = rng.random(1000) < np.where(classes == 1, 0.2, 0.03)
    options = {"error": "classwise", "delta": 0.05}
    monitor = Monitor(*classes_pair(), **options)
    with pytest.warns(UserWarning, match="of the evidence is from class 1"):
        monitor.update(rows(lost, classes))
    assert monitor.n_not_judged == (classes == 3).sum()
    assert monitor.n_rows == (classes < 3).sum()
    # by definition: the mean after every row, each class by its own rows
    state, means = np.zeros(3), []
    evidence = [Evidence(0.05) for _ in range(3)]
    for name, is_lost in zip(classes, lost):
        if name < 3:
            state[name] = evidence[name].update(np.array([is_lost])).item()
            means.append(np.exp(state).mean())
    assert monitor.log_evidence == pytest.approx(log(means[-1]))
    assert monitor.alarm_row == np.argmax(np.array(means) >= 20) + 1
    for name in range(3):
        of_class = monitor.by_class[name]
        assert of_class["n_lost"] == lost[classes == name].sum()
        assert of_class["log_evidence"] == pytest.approx(state[name])
    # one class alone
    alone = Monitor(*classes_pair(), classes=[2], **options)
    alone.update(rows(lost, classes))
    assert alone.n_not_judged == (classes != 2).sum()
    assert alone.log_evidence == pytest.approx(state[2])
    assert "were not judged" in str(alone)
    # rows of classes that are not judged only
    alone.update(rows(np.ones(50), 1))
    assert alone.log_evidence == pytest.approx(state[2])


def test_promise_on_average_says_so_at_both_ends():
    with pytest.warns(UserWarning, match="made without a confidence"):
        monitor = Monitor(*pair(), on_average=True, **OPTIONS)
    with pytest.warns(UserWarning, match=r"Alarm .* without any change\."):
        monitor.update(rows(np.ones(30)))
    again = Monitor.from_state(*pair(), monitor.get_state())
    assert str(again) == str(monitor) and again.on_average


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_monitored(name, mlp, digits):
    X = digits[2]
    original = LogisticRegression(max_iter=50).fit(X[:300], mlp.predict(X[:300]))
    options = {"error": name, "delta": 0.5}
    if not ERRORS[name].counts_rows:
        options["epsilon"] = 0.3
    if name == "scaled":
        options["scale"] = np.ones(10)
    if ERRORS[name].counts_rows:
        monitor = Monitor(original, mlp, **options).update(X[300:])
        assert monitor.n_lost == (original.predict(X) != mlp.predict(X))[300:].sum()
    same = Monitor(mlp, mlp, **options).update(X[300:])
    assert same.n_rows == len(X) - 300 and same.n_lost == 0


@pytest.mark.parametrize(
    "options, message",
    [
        (OPTIONS | {"epsilon": None}, "give the largest error of a row that is kept"),
        (OPTIONS | {"error": "prediction"}, "epsilon=0.5 does not go with"),
        (OPTIONS | {"classes": [1]}, "classes plays no part"),
        (OPTIONS | {"error": "scaled"}, "needs scale"),
        (OPTIONS | {"error": "other"}, "'error'"),
        (OPTIONS | {"delta": 1.0}, "'delta'"),
        (OPTIONS | {"alpha": 0}, "'alpha'"),
        ({"error": "classwise", "delta": 0.1}, "original has no classes_"),
        ({"error": "classwise", "delta": 0.1, "classes": []}, "classes is empty"),
    ],
)
def test_what_cannot_be_monitored_is_refused(options, message):
    original = Predicts(predict=first_feature, predict_proba=None)
    if options["error"] in ("absolute", "other"):
        original = pair()[0]
    with pytest.raises(ValueError, match=message):
        Monitor(original, pair()[1], **options)


def test_rows_that_cannot_be_judged_change_nothing(mlp, digits):
    monitor = Monitor(mlp, mlp, error="relative", epsilon=0.1, delta=0.1)
    state = monitor.update(digits[2][:20]).get_state()
    with pytest.raises(ValueError, match="NaN"):
        monitor.update(np.full((3, 64), np.nan))
    with pytest.raises(ValueError, match="features"):
        monitor.update(digits[2][:, 1:])
    assert monitor.get_state() == state
