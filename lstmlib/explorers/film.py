"""Films: what an explorer shows in each of many states, for a page without Python.

The states are set on the explorer itself, and every trait that its widgets would send to a browser is written down,
once for each different value. tools/book/player.js looks a state up and hands its traits to the same JavaScript.
"""

import base64
import hashlib
import json
import os
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import chain, islice
from pathlib import Path

import numpy as np

from . import EXPLORERS
from .base import grid, inside
from .controls import sent

CHUNK = 250_000  # characters compressed together, and read together when one of them is to be shown
ROOM = 500       # states
SLICE = 512      # states that a process records at a time
NOT_OURS = {"comm", "layout", "tabbable", "tooltip"}  # traits of every widget
MOVED = {"index", "value"}  # traits that a hand moves: they are in a channel even where one value is all that is held


@dataclass(frozen=True)
class Film:
    """What a page needs."""

    name: str    # as in links
    title: str   # as the explorer says it
    data: dict   # what the player reads
    kinds: dict  # {class of a widget: its JavaScript}
    css: str     # the style of all
    still: list  # [[name of a state, its verdict and words, [panel, ...]], ...] for a page on which no player runs


def films(folder, stems=tuple(EXPLORERS)):
    """{title: Film} of the explorers of these lessons, kept in `folder` until anything in lstmlib changes."""
    paths = {stem: folder / f"{stem}-{fingerprint()}.json" for stem in stems}
    states = {stem: lattice(stem) for stem, path in paths.items() if not path.exists()}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = {stem: [pool.submit(shoot, stem, of_it[at:at + SLICE]) for at in range(0, len(of_it), SLICE)]
                for stem, of_it in states.items()}
        folder.mkdir(parents=True, exist_ok=True)
        for stem, parts in jobs.items():
            film = cut(stem, states[stem], [shown for part in parts for shown in part.result()])
            for old in folder.glob(f"{stem}-*.json"):
                old.unlink(missing_ok=True)
            put(paths[stem], json.dumps(asdict(film)))
    kept = [Film(**json.loads(path.read_text(encoding="utf-8"))) for path in paths.values()]
    return {film.title: film for film in kept}


def put(path, text):
    """Write a file whole or not at all: a full disk or a kill leaves what was there."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def film(stem, states):
    """The Film of these states, made here and now."""
    return cut(stem, states, shoot(stem, states))


def lattice(stem):
    """The states on the film of an explorer, each once.

    They are its presets, from the start every control alone, and what the function `film` of its module adds; then, up
    to ROOM states, from every preset every control alone, and all controls together.
    """
    explorer, module = made(stem), import_module(f".{stem}", __package__)
    values = {name: getattr(control, "values", [control.value]) for name, control in explorer.controls.items()}
    presets = [explorer.state_of(preset) for preset in explorer.presets]
    alone = [state for preset in presets for name in values for state in grid(preset, **{name: values[name]})]
    needed = dict.fromkeys([*presets, *alone[:sum(map(len, values.values()))], *getattr(module, "film", tuple)()])
    others = (state for state in chain(alone, grid(explorer.start, **values)) if state not in needed)
    return list(dict.fromkeys([*needed, *islice(others, max(0, ROOM - len(needed)))]))


def made(stem):
    module, name = EXPLORERS[stem].split(".")
    return getattr(import_module(f".{module}", __package__), name)()


def fingerprint():
    """Of everything that a film depends on."""
    digest = hashlib.sha256(np.__version__.encode())
    for path in sorted(Path(__file__).resolve().parents[1].rglob("*")):
        if path.suffix in (".py", ".js", ".css", ".json") and path.parent.name != "exercises":
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# Recording.

def shoot(stem, states):
    """[{(widget, trait, place): its value as JSON}, ...]: what the explorer shows in each of the states.

    place  in a list of panels; -1 for a trait that is no such list
    """
    explorer, shots = made(stem), []
    for state in states:
        explorer.move_to(state)
        shots.append({key: sys.intern(json.dumps(value, separators=(",", ":"), ensure_ascii=False))  # as in JavaScript
                      for key, value in traits(explorer)})
    return shots


def traits(explorer):
    """Every trait that goes to the browser."""
    for number, widget in enumerate(parts(explorer)):
        for name in sorted(widget.trait_names(sync=True)):
            value = getattr(widget, name)
            if name[0] == "_" or name in NOT_OURS:
                continue
            if isinstance(value, list) and value and all(isinstance(panel, list) for panel in value):
                yield from (((number, name, place), panel) for place, panel in enumerate(value))
            else:
                yield (number, name, -1), value


def parts(box):
    """The widgets in a box, without the boxes."""
    return [part for part in inside(box) if not hasattr(part, "children")]


def tree(box, numbers):
    """[classes, children] of a box; a number stands for a widget."""
    return [" ".join(box._dom_classes), [tree(child, numbers) if hasattr(child, "children") else next(numbers)
                                         for child in box.children]]


# Cutting: everything once.

def cut(stem, states, shots):
    """The Film of these states, as they were recorded."""
    explorer = made(stem)
    widgets = parts(explorer)
    fixed, channels, columns = [{} for _ in widgets], [], []
    for key in sorted({key for shown in shots for key in shown}):
        (number, trait, place), column = key, [shown.get(key, "null") for shown in shots]
        if place < 0 and trait not in MOVED and len(set(column)) == 1:
            fixed[number][trait] = json.loads(column[0])
        else:
            texts = ["null", *sorted(set(column) - {"null"})]  # in alphabetical order: what is alike stands together
            numbers = {text: number for number, text in enumerate(texts)}
            channels.append([number, trait, place, *chunks(texts)])
            columns.append([numbers[text] for text in column])
    fields, digits = fields_of(explorer, states, widgets)
    name = EXPLORERS[stem].partition(".")[2]
    sources = {type(widget).__name__: widget.get_state() for widget in widgets}
    data = {"name": name, "title": explorer.title, "count": len(states), "fields": fields, "channels": channels,
            "widgets": [[type(widget).__name__, traits] for widget, traits in zip(widgets, fixed)],
            "tree": tree(explorer, iter(range(len(widgets)))), "presets": presets(explorer, digits, states),
            "table": packed(np.array([*digits, *columns], "<u2").tobytes())}
    return Film(name, explorer.title, data, {kind: source["_esm"] for kind, source in sources.items()},
                "\n".join(dict.fromkeys(source.get("_css", "") for source in sources.values())).strip(),
                [[name, words, [sent(panel) for panel in panels]] for name, words, panels in explorer.posters()])


def chunks(texts):
    """[how many texts each chunk holds, ...], [the chunks, ...]"""
    groups, filled = [], CHUNK
    for text in texts:
        if filled >= CHUNK:
            groups.append([])
            filled = 0
        groups[-1].append(text)
        filled += len(text)
    return [len(group) for group in groups], [packed(f"[{','.join(group)}]".encode()) for group in groups]


def packed(content):
    return base64.b64encode(zlib.compress(content, 9)).decode()


def fields_of(explorer, states, widgets):
    """[[field, its widget, its values on the film], ...], and for each field which value each state has."""
    fields, digits = [], []
    for name, control in explorer.controls.items():
        values = [getattr(state, name) for state in states]
        order = list(dict.fromkeys(values))
        if all(isinstance(value, int | float) for value in order):
            order.sort()
        fields.append([name, widgets.index(control), [str(value) if value == np.inf else value for value in order]])
        digits.append([order.index(value) for value in values])
    return fields, digits


def presets(explorer, digits, states):
    """{preset: [its state, what the menu of presets changes]}, as numbers of values; None: as it was."""
    found = {}
    for preset in explorer.presets:
        number, moved = states.index(explorer.state_of(preset)), explorer.moved_by(preset)
        target = [digit[number] for digit in digits]
        found[preset] = [target, [digit if name in moved else None for name, digit in zip(explorer.controls, target)]]
    return found
