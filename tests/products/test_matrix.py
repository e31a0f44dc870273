"""The matrix of environments: its own parts, and that its page shows what is stored."""

import json
import locale
import os

import pytest

from tools import matrix
from tools.matrix import CELLS, Cell, Missing, Workshop


def test_every_cell_has_a_result_and_none_failed():
    results = matrix.stored()
    assert list(results) == list(CELLS)
    assert {name for name, result in results.items() if result.get("failed") or result.get("failures")} == set()
    ran = [result for result in results.values() if "missing" not in result]
    assert len(ran) > len(CELLS) / 2 and all(result["passed"] > 0 for result in ran)


def test_the_page_shows_the_stored_results():
    page = matrix.PAGE.read_text(encoding="utf-8")
    assert matrix.with_table(page, matrix.stored()) == page


def test_both_ends_of_the_ranges_were_run():
    versions = {name: result["versions"] for name, result in matrix.stored().items() if "versions" in result}
    for end in matrix.lower_ends():
        name, _, version = end.partition("==")
        if name in matrix.SHOWN:
            assert f"{versions['oldest-3.11'][name]}.".startswith(f"{version}."), end
    assert {"3.11", "3.12", "3.13"} <= {found["python"].rpartition(".")[0] for found in versions.values()}


@pytest.mark.parametrize("name", ["numpy", "matplotlib", "jupyterlab", "pytest"])
def test_a_lower_end_for_every_package(name):
    assert len([end for end in matrix.lower_ends() if end.startswith(f"{name}==")]) == 1
    assert len(matrix.lower_ends()) == len({line.partition(">")[0].partition("=")[0]
                                            for line in matrix.requirements()})


def test_variables_of_a_cell(tmp_path, monkeypatch):
    for name in ("PYTHONHASHSEED", "LC_ALL", "TZ", "OPENBLAS_CORETYPE"):
        monkeypatch.setenv(name, "from outside")
    cell = Cell("", variables={"LANG": None, "TMPDIR": "a b", "PYTHONHASHSEED": "7"})
    found = Workshop(tmp_path).variables(cell, tmp_path / "place")
    assert not {"LC_ALL", "TZ", "LANG", "OPENBLAS_CORETYPE"} & set(found)
    assert found["PYTHONHASHSEED"] == "7" and found["PATH"] == os.environ["PATH"]
    assert os.path.isdir(found["TMPDIR"]) and found["TMPDIR"].endswith("a b")


def test_a_missing_language_is_said_and_the_own_one_stays(tmp_path):
    before = locale.setlocale(locale.LC_ALL)
    with pytest.raises(Missing, match="xx_YY.UTF-8"):
        Workshop(tmp_path).variables(Cell("", variables={"LC_ALL": "xx_YY.UTF-8"}), tmp_path / "place")
    assert locale.setlocale(locale.LC_ALL) == before


def test_a_missing_python_is_said():
    with pytest.raises(Missing, match="no Python 3.99"):
        matrix.interpreter("3.99", for_everyone=False)


def notebook(text, png):
    output = {"data": {"image/png": png, "text/plain": text}}
    return json.dumps({"cells": [{"source": "1"}, {"source": "2", "outputs": [output]}]})


def test_pictures_may_differ_and_text_may_not():
    first = matrix.without_pictures(notebook("1.00", "iVBO"))
    assert first == matrix.without_pictures(notebook("1.00", "iVBP"))
    assert first != matrix.without_pictures(notebook("1.01", "iVBO"))


def test_unknown_cell():
    with pytest.raises(SystemExit, match="begins with nothing-like-it"):
        matrix.chosen(["nothing-like-it"])
    assert matrix.chosen(["store"]) == ["store-pinned", "store-oldest", "store-newest"]
