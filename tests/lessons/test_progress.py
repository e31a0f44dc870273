"""The bar of long runs: what it shows, when, and how a run ends."""

import pytest

import lstmlib.show.progress
from lstmlib.show.progress import Progress


def shown(bar):
    return bar.bar.value, bar.text.value


def test_a_bar_moves_ten_times_a_second_at_most(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(lstmlib.show.progress.time, "monotonic", lambda: now[0])
    with Progress("counting", 4000) as bar:
        bar.to(1000, "so far")
        now[0] = 0.09
        bar.to(1001)
        assert bar.done == 1001 and shown(bar) == (1000, "1,000 of 4,000, so far")
        now[0] = 0.11
        bar.to(1002)
        assert shown(bar) == (1002, "1,002 of 4,000")
        bar.to(1003)
    assert shown(bar) == (1003, "1,003 of 4,000, done") and bar.bar.bar_style == "success"


def test_an_interrupt_ends_the_run_and_the_program_goes_on_and_an_error_passes_through():
    with Progress("counting", 4) as bar:
        bar.to(3)
        raise KeyboardInterrupt
    assert bar.interrupted and shown(bar) == (3, "3 of 4, interrupted; what was learned is kept")
    with pytest.raises(ZeroDivisionError), Progress("counting", 4) as bar:
        bar.to(1 / 0)
    assert not bar.interrupted and bar.bar.bar_style == "warning"
