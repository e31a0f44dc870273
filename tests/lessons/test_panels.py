"""The panels of every explorer: any state can be drawn, words stand apart, and no colour is lost in either theme."""

import re
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import ImageFont

from helpers import contrast
from lstmlib.explorers import EXPLORERS
from lstmlib.explorers.controls import STYLE
from lstmlib.explorers.film import lattice, made
from lstmlib.show import svg


def panels_of(stem):
    """All panels of the named states of an explorer."""
    explorer = made(stem)
    for preset in explorer.presets:
        explorer.choose(preset)
        yield from explorer.pictures(explorer.state, explorer.numbers)


@pytest.mark.parametrize("stem", EXPLORERS)
def test_states_are_drawn_on_panels_that_keep_their_size(stem):
    explorer, states, sizes = made(stem), lattice(stem), {}
    for state in states[::len(states) // 20 or 1]:
        explorer.set(**{name: getattr(state, name) for name in explorer.controls})
        for name, picture, *_ in explorer.panels.value:
            sizes.setdefault(name, set()).add(ElementTree.fromstring(picture).get("viewBox"))
            assert "nan" not in picture
    assert all(len(each) == 1 for each in sizes.values()), sizes


def moved(value):
    """The same value, with another last bit in every number that has bits behind the point."""
    if isinstance(value, float) or isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value * (1 + 3e-16)
    if isinstance(value, dict):
        return {name: moved(part) for name, part in value.items()}
    if is_dataclass(value):
        return replace(value, **{field.name: moved(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, tuple | list):
        return type(value)(*map(moved, value)) if hasattr(value, "_fields") else type(value)(map(moved, value))
    return value


@pytest.mark.parametrize("stem", EXPLORERS)
def test_a_last_bit_does_not_show(stem):
    """Else stored pictures would differ from machine to machine."""
    explorer, module = made(stem), import_module(f"lstmlib.explorers.{stem}")
    for state in map(explorer.state_of, explorer.presets):
        numbers = module.numbers(state)
        for show in (module.draw, module.words):
            assert show(state, numbers) == show(state, moved(numbers)), state


@pytest.mark.parametrize("stem, shown, withheld", [
    ("start_here", "At once", "at the end"), ("linearity", "They agree: 2300", "4300"),
    ("lstm_cell", "Forgotten.", "remember")])
def test_a_poster_does_not_answer_the_question_above_it(stem, shown, withheld):
    poster = made(stem).poster_html()
    assert shown in poster and withheld not in poster.lower()


# Words

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
WIDE = {weight: ImageFont.truetype(FONTS / file, 100) for weight, file in (
    ("normal", "DejaVuSans.ttf"), ("bold", "DejaVuSans-Bold.ttf"), ("mono", "DejaVuSansMono.ttf"))}


def texts(part, chosen=False):
    """Every text under a part but the badges of edges that are not chosen."""
    classes = part.get("class", "").split()
    chosen |= "on" in classes or "other" in classes
    if "badge" in classes and not chosen:
        return
    if part.tag.endswith("}text"):
        yield part
    for child in part:
        yield from texts(child, chosen)


def boxes(svg):
    """(words, left, top, right, bottom) of each text, in DejaVu; of a row, as high as its letters."""
    for text in texts(ElementTree.fromstring(svg)):
        words, size = "".join(text.itertext()), float(text.get("font-size"))
        font = WIDE["mono" if "Mono" in text.get("font-family", "") else text.get("font-weight", "normal")]
        x, y, width = float(text.get("x")), float(text.get("y")), font.getlength(words) * size / 100
        left = x - width * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor", "start")]
        if turned := text.get("transform"):
            assert re.fullmatch(r"rotate\(-90 [\d.-]+ [\d.-]+\)", turned)
            yield words, x - 0.7 * size, y - (left + width - x), x, y - (left - x)
        elif words.strip():
            yield words, left, y - 0.7 * size, left + width, y


def shapes(svg):
    """(left, top, right, bottom) of each rounded box and of each dot."""
    for part in ElementTree.fromstring(svg).iter():
        of = {name: float(part.get(name, 0)) for name in ("x", "y", "width", "height", "cx", "cy", "r")
              if part.tag.endswith(("}rect", "}circle"))}
        if part.get("rx"):
            yield of["x"], of["y"], of["x"] + of["width"], of["y"] + of["height"]
        elif part.get("cx"):
            yield of["cx"] - of["r"], of["cy"] - of["r"], of["cx"] + of["r"], of["cy"] + of["r"]


def faults(panel):
    found, drawn = list(boxes(panel.svg)), list(shapes(panel.svg))
    for words, left, top, right, bottom in found:
        for left_of, top_of, right_of, bottom_of in drawn:
            meets = left + 1 < right_of and left_of < right - 1 and top + 1 < bottom_of and top_of < bottom - 1
            if meets and not (left_of <= left and right <= right_of):
                yield f"{words!r} on the edge of a box or on a dot"
    for words, left, top, right, bottom in found:
        if left < -1 or right > panel.width + 1 or top < -1 or bottom > panel.height + 1:
            yield f"{words!r} outside"
    for (words, left, top, right, bottom), (others, left_of, top_of, right_of, bottom_of) in combinations(found, 2):
        if left < right_of + 3 and left_of < right + 3 and top < bottom_of and top_of < bottom:
            yield f"{words!r} on {others!r}"


@pytest.mark.parametrize("stem", EXPLORERS)
def test_no_words_meet(stem):
    assert sorted({f"{panel.name}: {fault}" for panel in panels_of(stem) for fault in faults(panel)}) == []


# Colours

LIGHT, DARK = (dict(re.findall(r"--lstm-([\w-]+): (#\w{6})", block)) for block in STYLE.split("}")[:2])


def test_the_light_theme_is_what_stands_in_the_pictures():
    names = [value for value in vars(svg).values() if isinstance(value, str)] + list(svg.DEEP.values())
    there = dict(re.fullmatch(r"var\(--lstm-([\w-]+), (#\w{6})\)", name).groups() for name in names
                 if name.startswith("var("))
    assert there == LIGHT and set(LIGHT) == set(DARK)
    forced = STYLE[STYLE.index("forced-colors"):].split("}")[0]
    assert set(re.findall(r"--lstm-([\w-]+):", forced)) == set(LIGHT)


def pale(panel, theme):
    """Words and lines of a panel that are too close in colour to what is under them."""
    def colour(text):
        variable = re.match(r"var\(--lstm-([\w-]+), ", text)
        return theme[variable[1]] if variable else text

    under = [(0, 0, panel.width, panel.height, theme["paper"])]  # what is drawn so far
    for part in ElementTree.fromstring(panel.svg).iter():
        kind, fill, stroke = part.tag.split("}")[1], part.get("fill"), part.get("stroke")
        of = {name: float(part.get(name, 0)) for name in ("x", "y", "width", "height", "cx", "cy", "r")
              if kind in ("rect", "circle", "text")}
        if kind == "text" and fill:
            x, y = of["x"], of["y"] - 4
            below = [ground for left, top, right, bottom, ground in under if left <= x <= right and top <= y <= bottom]
            if contrast(colour(fill), below[-1]) < 4.5:
                yield f"{''.join(part.itertext())!r} on {below[-1]}"
        if stroke and not re.search("faint|paper", stroke) and contrast(colour(stroke), theme["paper"]) < 3:
            yield f"{kind} drawn in {stroke}"
        if kind in ("rect", "circle") and fill not in (None, "none") and not part.get("opacity"):
            x, y = of["x"] or of["cx"] - of["r"], of["y"] or of["cy"] - of["r"]
            under.append((x, y, x + (of["width"] or 2 * of["r"]), y + (of["height"] or 2 * of["r"]), colour(fill)))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("stem", EXPLORERS)
def test_words_and_lines_are_told_from_what_is_under_them(stem, theme):
    assert sorted({f"{panel.name}: {fault}" for panel in panels_of(stem) for fault in pale(panel, theme)}) == []


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_edges_of_the_graph_are_told_apart_by_its_style_sheet(theme):
    """What is chosen, of B, or lit: no attribute of a panel says so."""
    for words, ground in (("on", "blue"), ("paper", "deep-red"), ("deep-purple", "paper"), ("ink", "paper")):
        assert contrast(theme[words], theme[ground]) >= 4.5
    for line in ("blue", "purple", "red", "grey", "deep-sky", "deep-orange"):
        assert contrast(theme[line], theme["paper"]) >= 3
