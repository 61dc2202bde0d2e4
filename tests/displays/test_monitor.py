import numpy as np
import pytest

from skcoreset import MonitorDisplay

pytestmark = pytest.mark.usefixtures("plt")


def history(n_points, step=10):
    n_rows = step * np.arange(n_points)
    return {
        "n_rows": n_rows,
        "n_lost": n_rows // 20,
        "log_evidence": np.linspace(0, 5, n_points),
    }


class Seen:
    """What a display takes from a monitor."""

    delta, alpha = 0.05, 0.01

    def __init__(self, n_points, alarm_row):
        self.history, self.alarm_row = history(n_points), alarm_row


def test_evidence_and_alarm(legend_of):
    monitor = Seen(200, alarm_row=1840)
    display = MonitorDisplay.from_monitor(monitor, linestyle=":")
    line = display.evidence_
    np.testing.assert_array_equal(line.get_xdata(), monitor.history["n_rows"])
    np.testing.assert_allclose(10 ** line.get_ydata(), np.exp(np.linspace(0, 5, 200)))
    assert line.get_linestyle() == ":"
    assert display.threshold_.get_ydata()[0] == pytest.approx(2)
    assert display.alarm_.get_xdata()[0] == 1840
    assert legend_of(display.ax_) == ["alarm at 100", "alarm after 1,840 rows"]
    # every window of rows has the same share
    np.testing.assert_allclose(display.shares_.get_data().values, 0.05)
    assert legend_of(display.share_ax_) == ["lost", "promised: at most 5%"]
    ticks = display.ax_.yaxis.get_major_formatter()
    assert ticks(-1, 0) == "0.1" and ticks(20, 0) == "$10^{20}$"


def test_monitor_that_has_seen_nothing(plt):
    _, ax = plt.subplots()
    display = MonitorDisplay.from_monitor(Seen(1, alarm_row=None), ax=ax)
    assert display.ax_ is ax and display.figure_ is ax.figure
    assert display.alarm_ is None and display.shares_ is None
