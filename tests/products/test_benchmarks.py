"""The benchmark runs, its contestants agree, and what it stored is what its pages show. No test judges a time."""

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

NUMPY_ONLY = ["lstmlib", "autograd", "step by step"]


@pytest.mark.parametrize("name", ["adding_problem", "classroom", "latency", "speed"])
def test_every_benchmark_starts(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit, match="^0$"):
        runpy.run_path(FOLDER / f"{name}.py", run_name="__main__")
    assert capsys.readouterr().out.startswith("usage:")


def test_a_race_gives_a_ratio_for_everyone_and_refuses_another_gradient(monkeypatch):
    monkeypatch.setattr(speed, "AT_LEAST", 0)
    results = speed.race((3, 2, 2, 3), "float32", 3, NUMPY_ONLY)["results"]
    assert set(results) == {*NUMPY_ONLY, "floor"} and results["lstmlib"]["ratio"] == 1
    assert speed.numbers_at_peak((8, 2, 2, 3))["numbers"] > 0
    monkeypatch.setitem(contestants.CONTESTANTS, "autograd", lambda *given: (
        contestants.ours(*given)[0], lambda gradient: gradient * 1.001))
    with pytest.raises(ValueError, match="autograd has another gradient"):
        speed.race((3, 2, 2, 3), "float64", 3, NUMPY_ONLY)


def test_the_ratio_is_formed_within_each_round():
    measured = {"a": [1.0, 10.0, 100.0], "b": [2.0, 20.0, 200.0]}
    assert speed.summary(measured, "a")["b"] == {"seconds": 20, "ratio": 2, "quartiles": [2, 2]}


@pytest.mark.parametrize("page, name, stored, table", [
    (FOLDER / "README.md", "tables", "speed", draw.tables), (FOLDER / "README.md", "latency", "latency", latency.table),
    (classroom.PAGE, "classroom", "classroom", classroom.table)])
def test_a_page_shows_the_stored_results(page, name, stored, table):
    text, data = page.read_text(encoding="utf-8"), json.loads((FOLDER / f"{stored}.json").read_text(encoding="utf-8"))
    assert bench.with_table(text, name, table(data)) == text, "write it again: draw.py, classroom.py --page"
