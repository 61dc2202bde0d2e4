"""fit works if experimental parts of scikit-learn change or disappear."""

import subprocess
import sys

import numpy as np
import pytest

from skcoreset import CoresetCompressor

FIT = """
import sys
{before}import numpy as np
from sklearn.neural_network import MLPClassifier
from skcoreset import CoresetCompressor
rng = np.random.default_rng(0)
X, y = rng.normal(size=(80, 4)), np.arange(80) % 2
mlp = MLPClassifier((5,), solver="lbfgs", max_iter=20, random_state=0).fit(X, y)
{after}
compressor = CoresetCompressor(mlp, density=0.5, random_state=0).fit(X)
print(compressor.transform(X[:3]).tolist())
"""

# scikit-learn's own estimators need the module, and have it
TAKEN_AWAY = """
from sklearn import frozen, linear_model, model_selection, neural_network, pipeline
sys.modules["sklearn.callback"] = None
"""

CHANGED_HOOKS = """
from sklearn import callback
for name in ("_init_callback_context", "set_callbacks"):
    setattr(callback.CallbackSupportMixin, name, lambda self, **kwargs: 1 / 0)
"""


def output_of(before="", after=""):
    code = FIT.format(before=before, after=after)
    arguments = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(arguments, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def expected():
    return output_of()


def test_fit_is_the_same_without_the_callback_module(expected):
    check = "assert not hasattr(CoresetCompressor(), 'set_callbacks')"
    assert output_of(before=TAKEN_AWAY, after=check) == expected


def test_fit_is_the_same_where_the_callback_hooks_have_changed(expected):
    pytest.importorskip("sklearn.callback")
    assert output_of(after=CHANGED_HOOKS) == expected


class Recorder:
    """A callback that notes what it is told, and may end the path."""

    def __init__(self, end_after=None):
        self.end_after = end_after
        self.events = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, **data):
        self.events.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, **data):
        self.events.append(("end", context.task_name))
        return self.events.count(("end", "network")) == self.end_after


@pytest.mark.parametrize("parameters", [{"epsilon": 0.5}, {"density": 0.5}])
def test_callbacks_see_the_end_of_all_that_began(parameters, mlp, digits):
    pytest.importorskip("sklearn.callback")
    recorder = Recorder()
    compressor = CoresetCompressor(mlp, method="magnitude", **parameters)
    compressor.set_callbacks(recorder).fit(digits[2])
    events = recorder.events
    assert events[:2] == ["setup", ("begin", "fit")]
    assert events[-2:] == [("end", "fit"), "teardown"]
    n_networks = len(compressor.path_["density"]) - 1
    for event in ("begin", "end"):
        assert events.count((event, "network")) == n_networks


def test_a_callback_may_end_the_path(mlp, digits):
    pytest.importorskip("sklearn.callback")
    compressor = CoresetCompressor(mlp, method="magnitude", epsilon=0.5, random_state=0)
    whole = compressor.fit(digits[2]).path_
    path = compressor.set_callbacks(Recorder(end_after=2)).fit(digits[2]).path_
    # the original, and the two that were seen
    assert len(path["density"]) == 3 < len(whole["density"])
    np.testing.assert_array_equal(path["density"], whole["density"][:3])
    assert path["chosen"][2]


def test_a_scoring_monitor_scores_every_network(mlp, digits):
    callback = pytest.importorskip("sklearn.callback")
    X, y = digits[2:]
    compressor = CoresetCompressor(mlp, method="corenet", epsilon=0.5, random_state=0)
    monitor = callback.ScoringMonitor(scoring="accuracy")
    compressor.set_callbacks(monitor).fit(X, y)
    logs = monitor.get_logs().data
    networks = [log for log in logs if log["task_name"] == "network"]
    # the first network that may not be promised is not handed on
    assert len(networks) >= compressor.path_["chosen"].argmax()
    assert logs[0]["accuracy"] == compressor.score(X, y)
