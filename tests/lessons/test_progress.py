"""The bar of long runs: what it shows, when, and how a run ends."""

import pytest

import lstmlib.show.progress
from lstmlib.show.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until a test moves it; what is displayed goes into `shown`."""

    class Clock:
        now, shown = 0.0, []

    monkeypatch.setattr(lstmlib.show.progress.time, "monotonic", lambda: Clock.now)
    monkeypatch.setattr(lstmlib.show.progress, "display", Clock.shown.append)
    Clock.shown.clear()
    return Clock


def test_a_bar_is_shown_on_entering_and_moves_ten_times_a_second_at_most(clock):
    bar = Progress("counting", 4000)
    assert (bar.bar.value, bar.bar.max, bar.interrupted, clock.shown) == (0, 4000, False, [])
    assert bar.bar.description == "counting" and repr(bar) == "Progress('counting', 4000)"
    assert bar.bar.style.description_width == "initial"  # the label is never cut off
    with bar as entered:
        assert entered is bar and clock.shown == [bar]
        bar.to(1000, "so far")
        assert (bar.bar.value, bar.text.value) == (1000, "1,000 of 4,000, so far")
        clock.now += 0.1
        bar.to(1001)
        assert (bar.done, bar.bar.value) == (1001, 1000)
        clock.now += 0.01
        bar.to(1002)
        assert (bar.bar.value, bar.text.value) == (1002, "1,002 of 4,000")
        clock.now += 0.05
        bar.to(1003)
        assert bar.bar.value == 1002
    assert (bar.bar.value, bar.text.value, bar.bar.bar_style) == (1003, "1,003 of 4,000, done", "success")
    assert not bar.interrupted


def test_an_interrupt_ends_the_run_and_the_program_goes_on(clock):
    with Progress("counting", 4) as bar:
        bar.to(3)
        raise KeyboardInterrupt
    assert bar.interrupted
    assert (bar.text.value, bar.bar.bar_style) == ("3 of 4, interrupted; what was learned is kept", "warning")


def test_an_error_passes_through(clock):
    bar = Progress("counting", 4)
    with pytest.raises(ZeroDivisionError), bar:
        bar.to(1 / 0)
    assert (bar.interrupted, bar.text.value, bar.bar.bar_style) == (False, "0 of 4", "warning")


def test_where_no_kernel_runs_its_label_stands_and_nothing_is_no_total():
    data, _ = Progress("training <1>", 3)._repr_mimebundle_()
    assert data["text/html"] == "<p>(progress bar: training &lt;1&gt;)</p>"
    with pytest.raises(ValueError, match="total must be at least 1, got 0"):
        Progress("nothing", 0)
