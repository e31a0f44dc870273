"""Words in panels stand apart and inside the panel, where a system's sans-serif is narrow and where it is wide.

In both themes they can be told from what is under them.
"""

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from PIL import ImageFont

from lstmlib.explorers import EXPLORERS
from lstmlib.explorers.controls import STYLE
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


LIGHT, DARK = (dict(re.findall(r"--lstm-([\w-]+): (#\w+)", theme)) for theme in STYLE.split("color-scheme:")[:2])


def contrast(one, other):
    """Of two colours "#rrggbb", as WCAG has it."""
    def light(colour):
        parts = (int(colour[k:k + 2], 16) / 255 for k in (1, 3, 5))
        linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear))

    low, high = sorted(map(light, (one, other)))
    return (high + 0.05) / (low + 0.05)


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
    explorer, found = made(stem), set()
    for preset in explorer.presets:
        explorer.choose(preset)
        for panel in explorer.pictures(explorer.state, explorer.numbers):
            found |= {f"{panel.name}: {fault}" for fault in pale(panel, theme)}
    assert sorted(found) == []
