"""The recipes of docs/recipes: each where its frameworks are installed, and what the docs show of them."""

import importlib
import json
import os
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "recipes"
DOCS = (FOLDER.parent / "your-own-code.md").read_text(encoding="utf-8")
# What each needs, and the faults of its broken loop.
RECIPES = {
    "pytorch_loop": (["torch"], ["pieces"]),
    "transformers_trainer": (["torch", "transformers", "accelerate"], ["pieces"]),
    "trl_sft": (["torch", "transformers", "accelerate", "trl"], ["pieces"]),
    "lightning_trainer": (["torch", "transformers", "lightning"], ["pieces"]),
    "accelerate_loop": (["torch", "transformers", "accelerate"], ["pieces"]),
    "keras_fit": (["torch", "keras"], ["not meant", "pieces"]),
    "jax_optax": (["jax", "optax"], ["pieces"]),
    "ddp_gloo": (["torch"], ["pieces"])}


def test_every_recipe_is_tried_and_linked():
    assert {path.stem for path in FOLDER.glob("*.py")} == {*RECIPES, "items", "record"}
    assert all(f"recipes/{name}.py" in DOCS for name in [*RECIPES, "record"])


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_finds_the_broken_loop_and_clears_the_repaired_one(name, monkeypatch):
    needs, faults = RECIPES[name]
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "torch")
    for package in needs:
        pytest.importorskip(package)
    monkeypatch.syspath_prepend(str(FOLDER))
    broken, repaired = importlib.import_module(name).reports().values()
    assert [fault.kind for fault in broken.faults] == faults, broken
    assert repaired.faults == [] and repaired.divides_by == ["tokens"], repaired
    assert "their shares of tokens" in repaired.pieces_by and repaired.split_error < 1e-5
    for report in (broken, repaired):  # the docs show what it prints
        shown = str(report).splitlines()[:None if name == "pytorch_loop" and report is broken else 3]
        assert "\n".join(f"    {line}".rstrip() for line in shown) in DOCS, report


def test_what_the_page_asks_a_reader_to_write_finds_a_mean_of_means():
    """Its two blocks of Python as they stand, with a model, a loop and items such as a reader brings."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(9, 6), torch.nn.Dropout(0.5), torch.nn.Linear(6, 9))

    def item(n, T):
        return {"input_ids": torch.randint(9, (T,)), "labels": torch.cat([torch.full((T - n,), -100),
                                                                          torch.randint(9, (n,))])}

    def collate(items):
        return [torch.nn.utils.rnn.pad_sequence([item[key] for item in items], True, padding)
                for key, padding in (("input_ids", 0), ("labels", -100))]

    def accumulate(model, batches):
        for symbols, labels in batches:
            loss = torch.nn.functional.cross_entropy(model(symbols).flatten(0, 1), labels.flatten())
            (loss / len(batches)).backward()

    first, second = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    names = {"model": model, "collate": collate, "accumulate": accumulate}
    for shapes in ([(3, 5), (6, 6), (9, 12), (5, 9)], [(3, 5), (3, 6), (3, 12), (3, 9)]):
        names["items"] = [item(*shape) for shape in shapes]  # unequal and equal numbers of tokens: one assertion each
        with pytest.raises(AssertionError):
            exec(first, names)
    names["items"] = [item(*shape) for shape in ((3, 5), (6, 6), (9, 12), (5, 9))]
    exec(second, names)
    report = names["report"]
    assert report.divides_by == ["tokens"] and report.pieces_by == ["the mean over pieces"]
    assert [fault.kind for fault in report.faults] == ["pieces"]


def test_the_table_in_the_docs_is_the_record(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    record = importlib.import_module("record")
    rows = json.loads((FOLDER / "record.json").read_text(encoding="utf-8"))
    assert record.with_table(DOCS, rows) == DOCS
    assert {record.case_of(row) for row in rows} == set(record.CASES)


# What the summary sheet says of a framework, and what the record then says.
SAID = {"right": "the same in every cut", "the mean over pieces": "the mean over pieces", "pieces are added": "adding",
        "divides by the padded": "padded", "no sum": "no weighted sum"}


def test_the_summary_sheet_says_of_frameworks_what_was_recorded():
    sheet = (FOLDER.parent / "sheets" / "summary.md").read_text(encoding="utf-8")
    rows = json.loads((FOLDER / "record.json").read_text(encoding="utf-8"))
    for line in re.search(r"measured on .*?\n\|---.*?\n(.*?)\n\n", sheet, re.DOTALL)[1].splitlines():
        libraries, setting, said = (cell.strip() for cell in line.strip("|").split(" | "))
        library, version = libraries.split(", ")[0].lower().split()
        verdict = next(verdict for words, verdict in SAID.items() if words in said)
        words = re.findall(r"\w+", setting.lower())
        assert any((row["library"], row["version"]) == (library, version) and verdict in row["verdict"]
                   and all(word in row["setting"].lower() for word in words) for row in rows), line
