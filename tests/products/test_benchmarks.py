"""The benchmark runs, its contestants agree, and what it stored is what its README shows. No test judges a time."""

import json
import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(FOLDER))

import bench  # noqa: E402
import classroom  # noqa: E402
import contestants  # noqa: E402
import draw  # noqa: E402
import latency  # noqa: E402
import speed  # noqa: E402

TINY = (3, 2, 2, 3)
NUMPY_ONLY = ["lstmlib", "autograd", "step by step"]


@pytest.fixture(autouse=True)
def each_run_once(monkeypatch):
    monkeypatch.setattr(speed, "AT_LEAST", 0)


@pytest.mark.parametrize("name", ["adding_problem", "classroom", "film", "latency", "speed"])
def test_every_benchmark_starts(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit, match="^0$"):
        runpy.run_path(FOLDER / f"{name}.py", run_name="__main__")
    assert capsys.readouterr().out.startswith("usage:")


@pytest.mark.parametrize("dtype", speed.DTYPES)
def test_a_race_gives_a_ratio_for_every_contestant_and_the_floor(dtype):
    race = speed.race(TINY, dtype, 3, NUMPY_ONLY)
    assert set(race["results"]) == {*NUMPY_ONLY, "floor"}
    assert race["results"]["lstmlib"]["ratio"] == 1
    assert all(result["seconds"] > 0 for result in race["results"].values())


def test_a_contestant_with_another_gradient_is_refused(monkeypatch):
    def wrong(weights, X, dY):
        run, _ = contestants.ours(weights, X, dY)
        return run, lambda gradient: gradient * 1.001

    monkeypatch.setitem(contestants.CONTESTANTS, "autograd", wrong)
    with pytest.raises(ValueError, match="autograd has another gradient"):
        speed.race(TINY, "float64", 3, NUMPY_ONLY)


def test_a_spread_has_its_95th_percentile():
    assert bench.spread([*range(101)]) == {"count": 101, "median": 50, "p95": 95, "max": 100}


def test_the_ratio_is_formed_within_each_round():
    measured = {"a": [1.0, 10.0, 100.0], "b": [2.0, 20.0, 200.0]}
    assert speed.summary(measured, "a")["b"] == {"seconds": 20, "ratio": 2, "quartiles": [2, 2]}


def test_memory_grows_with_T_and_the_hook_and_other_processes_are_timed():
    growth = speed.growth([8, 16], 2, 2, 3, 1)
    assert len(growth["seconds"]) == len(growth["bytes"]) == 2 and growth["bytes"][1] > growth["bytes"][0]
    assert set(speed.hook_cost(TINY, "float64", 1)["results"]) == {"absent", "identity"}
    assert speed.in_other_process("our_seconds", TINY, "float64", 1) > 0


@pytest.mark.parametrize("page, name, stored, table", [
    (FOLDER / "README.md", "tables", "speed", draw.tables), (FOLDER / "README.md", "latency", "latency", latency.table),
    (classroom.PAGE, "classroom", "classroom", classroom.table)])
def test_a_page_shows_the_stored_results(page, name, stored, table):
    text, data = page.read_text(encoding="utf-8"), json.loads((FOLDER / f"{stored}.json").read_text(encoding="utf-8"))
    assert bench.with_table(text, name, table(data)) == text, "write it again: draw.py, classroom.py --page"
