"""The panels of every explorer: any state can be drawn, words stand apart, colours are told apart in both themes."""

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from PIL import ImageFont

from helpers import contrast
from lstmlib.explorers import EXPLORERS
from lstmlib.explorers.controls import STYLE
from lstmlib.explorers.film import lattice, made
from lstmlib.show import svg


@pytest.mark.parametrize("stem", EXPLORERS)
def test_states_are_drawn_on_panels_that_keep_their_size(stem):
    explorer, states, sizes = made(stem), lattice(stem), {}
    for state in states[::len(states) // 10 or 1]:
        explorer.move_to(state)
        for name, picture, *_ in explorer.panels.value:
            sizes.setdefault(name, set()).add(ElementTree.fromstring(picture).get("viewBox"))
            assert "nan" not in picture
    assert all(len(each) == 1 for each in sizes.values()), sizes


@pytest.mark.parametrize("stem, shown, withheld", [
    ("start_here", "At once", "at the end"), ("linearity", "They agree: 2300", "4300"),
    ("lstm_cell", "Forgotten.", "remember")])
def test_a_poster_does_not_answer_the_question_above_it(stem, shown, withheld):
    poster = made(stem).poster_html()
    assert shown in poster and withheld not in poster.lower()


# Words

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
WIDE = {weight: ImageFont.truetype(FONTS / f"{file}.ttf", 100) for weight, file in (
    ("normal", "DejaVuSans"), ("bold", "DejaVuSans-Bold"))}


def boxes(panel):
    """(words, left, top, right, bottom) of each level text but badges, in DejaVu, as high as its letters."""
    picture = ElementTree.fromstring(re.sub('<g class="badge">.*?</g>', "", panel.svg))
    for text in picture.iterfind(".//{*}text[@font-size]"):
        words, size, x, y = "".join(text.itertext()), *(float(text.get(name)) for name in ("font-size", "x", "y"))
        width = WIDE[text.get("font-weight", "normal")].getlength(words) * size / 100
        left = x - width * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor", "start")]
        if words and not text.get("transform"):
            yield words, left, y - 0.7 * size, left + width, y


def faults(panel):
    found = list(boxes(panel))
    for words, left, top, right, bottom in found:
        if left < -1 or right > panel.width + 1 or top < -1 or bottom > panel.height + 1:
            yield f"{words!r} outside"
    for (words, left, top, right, bottom), (others, left_of, top_of, right_of, bottom_of) in combinations(found, 2):
        if left < right_of + 3 and left_of < right + 3 and top < bottom_of and top_of < bottom:
            yield f"{words!r} on {others!r}"


@pytest.mark.parametrize("stem", EXPLORERS)
def test_no_words_meet(stem):
    explorer = made(stem)
    for preset in explorer.presets:
        explorer.choose(preset)
        for panel in explorer.pictures(explorer.state, explorer.numbers):
            assert list(faults(panel)) == [], (preset, panel.name)


# Colours

LIGHT, DARK = (dict(re.findall(r"--lstm-([\w-]+): (#\w{6})", block)) for block in STYLE.split("}")[:2])


def test_the_themes_have_the_colours_of_the_pictures():
    forced = STYLE[STYLE.index("forced-colors"):].split("}")[0]
    assert LIGHT == svg.LIGHT
    assert set(LIGHT) == set(DARK) == set(re.findall(r"--lstm-([\w-]+):", forced))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_words_and_lines_are_told_from_what_is_under_them(theme):
    for words, grounds in (("ink", "paper soft band pale-blue pale-green pale-red"), ("grey", "paper soft band"),
                           ("blue", "paper"), ("on", "blue purple deep-red"), ("paper", "deep-red"),
                           *((deep, "paper") for deep in theme if deep.startswith("deep-"))):
        assert [ground for ground in grounds.split() if contrast(theme[words], theme[ground]) < 4.5] == [], words
    for line in ("blue", "purple", "red", "green", "grey"):
        assert contrast(theme[line], theme["paper"]) >= 3
