"""Words in panels stand apart and inside the panel, where a system's sans-serif is narrow and where it is wide."""

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from PIL import ImageFont

from lstmlib.explorers import EXPLORERS
from lstmlib.explorers.film import made

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
    explorer, found = made(stem), {}
    states = [explorer.state_of(preset) for preset in explorer.presets]
    for state in states:
        explorer.set(**{name: getattr(state, name) for name in explorer.controls})
        for panel in explorer.pictures(explorer.state, explorer.numbers):
            found |= {f"{panel.name}: {fault}": state for fault in faults(panel)}
    assert list(found) == []
