"""The recipes of docs/recipes: each where its frameworks are installed, and what the docs show of them."""

import importlib
import json
import re
import sys
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
    "ddp_gloo": (["torch"], ["pieces"]),
}


def test_every_recipe_is_tried_and_linked():
    assert {path.stem for path in FOLDER.glob("*.py")} == {*RECIPES, "items", "record"}
    assert all(f"recipes/{name}.py" in DOCS for name in [*RECIPES, "record"])


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_finds_the_broken_loop_and_clears_the_repaired_one(name, monkeypatch):
    needs, faults = RECIPES[name]
    for package in needs:
        pytest.importorskip(package)
    monkeypatch.syspath_prepend(str(FOLDER))
    recipe = importlib.import_module(name)
    broken, repaired = recipe.reports().values()
    assert [fault.kind for fault in broken.faults] == faults, broken
    assert repaired.faults == [] and repaired.divides_by == ["tokens"], repaired
    assert "their shares of tokens" in repaired.pieces_by and repaired.split_error < 1e-5
