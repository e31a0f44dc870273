"""Small films of every explorer, for tests of the book: a few values of each control, in all combinations."""

import json
from dataclasses import asdict

import numpy as np
from kept import kept

from lstmlib.explorers import EXPLORERS
from lstmlib.explorers.base import grid
from lstmlib.explorers.film import Film, film, made
from lstmlib.explorers.where_to_divide.numbers import SETS

STATES = 48


def small_lattice(stem):
    """The presets, and some values of each control with all others."""
    explorer = made(stem)
    presets = [explorer.state_of(preset) for preset in explorer.presets]
    values = {name: few(control, [getattr(state, name) for state in presets])
              for name, control in explorer.controls.items()}
    while np.prod([len(some) for some in values.values()]) > STATES:
        max(reversed(values.values()), key=len).pop()
    states = [*grid(explorer.start, **values)]
    if stem == "where_to_divide":
        states += grid(explorer.start, edges=SETS)
    return list(dict.fromkeys([explorer.start, *presets, *states]))


def few(control, wanted):
    """The value that a control has at the start, and some others."""
    if not hasattr(control, "values"):
        return [control.value]
    return list(dict.fromkeys([control.value, *wanted, control.values[0], control.values[-1]]))


def small_films():
    """{stem: film}"""
    place = kept("films", shoot_small_films)
    return {stem: Film(**json.loads((place / f"{stem}.json").read_text(encoding="utf-8"))) for stem in EXPLORERS}


def shoot_small_films(folder):
    for stem in EXPLORERS:
        (folder / f"{stem}.json").write_text(json.dumps(asdict(film(stem, small_lattice(stem)))), encoding="utf-8")
