"""What a student does to a kernel: cells in any order, twice, interrupted; explorers moved from two sides at once."""

import asyncio
import threading
import time
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from browsers import ROOT

from lstmlib.explorers import Explorer, Slider
from lstmlib.explorers.where_to_divide import laboratory
from lstmlib.show import server, svg

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


# Run twice, interrupted, from two sides.

@dataclass(frozen=True)
class State:
    n: int = 0
    m: int = 0


class Slow(Explorer):
    """An explorer whose computing does what a test wants done."""

    def __init__(self, during=lambda state: None, title="Slow"):
        self.computed = []

        def numbers(state):
            self.computed.append(state.n)
            during(state)
            return state.n

        super().__init__(title, State(), {name: Slider(name, range(10)) for name in "nm"}, numbers,
                         lambda state, n: (svg.panel("n", 10, 10, svg.text(0, 10, f"n = {n}"), words="n"),),
                         lambda state, n: f"n is {n}", presets={"Five": {"n": 5}})


def agrees(explorer):
    """Control, state, picture and words say the same."""
    n = explorer.controls["n"].value
    return explorer.state.n == explorer.numbers == n and f"n = {n}<" in explorer.panels.text \
        and explorer.words.value == f"n is {n}" and explorer.alert.value == "" and explorer.error is None


def interrupting(state):
    if state.n == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize("act", [lambda e: e.set(n=3), lambda e: setattr(e.controls["n"], "index", 3)])
def test_an_interrupt_leaves_no_lock_and_is_told(act):
    explorer = Slow(interrupting)
    with pytest.raises(KeyboardInterrupt):
        act(explorer)
    assert "interrupted; the picture is the one before" in explorer.alert.value
    assert "n = 0<" in explorer.panels.text and isinstance(explorer.error, KeyboardInterrupt)
    other = threading.Thread(target=explorer.set, kwargs={"n": 4}, daemon=True)  # would wait for ever at a held lock
    other.start()
    other.join(10)
    assert not other.is_alive() and agrees(explorer) and explorer.state.n == 4


def test_an_interrupt_while_controls_are_moved_moves_them_back():
    explorer = Slow()
    explorer.set(n=2)

    def interrupt(change):
        if change.new == 7:
            raise KeyboardInterrupt

    explorer.controls["n"].observe(interrupt, names="value")
    with pytest.raises(KeyboardInterrupt):
        explorer.set(n=7)
    assert explorer.controls["n"].value == 2 and agrees(explorer)
    explorer.set(n=5)
    assert agrees(explorer)


def test_a_hand_that_moves_while_a_cell_does_is_not_overlooked():
    """A control moved on the second thread, in the middle of a `set` that then fails, is shown all the same."""
    explorer, begun = Slow(), threading.Event()

    def refuse(change):
        if change.new == 1:
            begun.set()
            time.sleep(0.3)  # meanwhile the hand moves n
            raise ValueError("no")

    def hand():
        begun.wait(10)
        explorer.controls["n"].index = 6

    explorer.controls["m"].observe(refuse, names="value")
    thread = threading.Thread(target=hand)
    thread.start()
    with pytest.raises(ValueError, match="no"):
        explorer.set(m=1)
    thread.join(10)
    assert explorer.state.m == 0 and explorer.controls["n"].value == 6 and agrees(explorer)


def test_two_threads_at_once_end_in_one_state():
    explorer = Slow(lambda state: time.sleep(0.001))
    threads = [threading.Thread(target=lambda start=start: [explorer.set(n=(start + k) % 10) for k in range(50)])
               for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert agrees(explorer) and len(explorer.computed) == 201


def test_a_cell_run_twice_does_not_double_what_an_event_does():
    first, second = Slow(), Slow()
    first.computed.clear(), second.computed.clear()
    second.menu.chosen = ["Five", 1]
    second.controls["n"].index = 4
    assert second.computed == [5, 4] and first.computed == []


def test_a_sentence_sets_the_explorer_that_its_cell_made_last():
    first = Slow(title="Made again")
    sentence = first.sentence("Go to [five](Five).")
    another, second = Slow(title="Another"), Slow(title="Made again")
    sentence.chosen = ["Five", 1]
    assert (first.state.n, second.state.n, another.state.n) == (5, 5, 0)


def test_the_graph_sends_the_edges_in_the_kernels_order():
    """Else the kernel sends its own order back, and a click made meanwhile is lost; clicked in test_browser_chaos."""
    graph = laboratory().controls["edges"]
    sent_back = []

    def send(data=None, **_):
        sent_back.extend([data["state"]["value"]] if data["method"] == "update" and "value" in data["state"] else [])

    graph.comm.send = send
    graph.set_state({"value": ["dy", "dz"]})
    assert sent_back == []
    graph.set_state({"value": ["dz", "loss", "dy"]})
    assert [tuple(value) for value in sent_back] == [("loss", "dy", "dz")]


# What the server does when a notebook is opened.

def notebook():
    live = {server.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "a"}
    return {"cells": [{"cell_type": "markdown", "source": ""},
                      {"cell_type": "code", "outputs": [{"output_type": "stream", "text": "a"},
                                                        {"output_type": "display_data", "data": dict(live)},
                                                        {"data": live | {"text/html": "<p>a</p>"}}]}]}


@pytest.mark.parametrize("running, kept", [("a folder/one.ipynb", 2), ("another.ipynb", 1), (None, 1)])
def test_views_are_left_out_only_where_no_kernel_runs_and_a_picture_stands_beside(monkeypatch, running, kept):
    async def read(self, path, content=True, *args, **options):
        return {"type": "notebook", "path": path, "content": notebook() if content else None}

    async def sessions():
        return [{"path": running}] if running else []

    monkeypatch.setattr(server.AsyncLargeFileManager, "get", read)
    manager = SimpleNamespace(session_manager=SimpleNamespace(list_sessions=sessions))
    served = type("Served", (server.Notebooks,), {"parent": manager, "__init__": lambda self: None})()
    model = asyncio.run(served.get("/a folder/one.ipynb"))
    outputs = model["content"]["cells"][1]["outputs"]
    assert sum(server.WIDGET_VIEW in output.get("data", {}) for output in outputs) == kept
    assert asyncio.run(served.get("one.ipynb", content=False))["content"] is None
