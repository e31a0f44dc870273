"""The README shows the laboratory as it is, and names what is there."""

import re
from pathlib import Path

import nbformat

from lstmlib.explorers.where_to_divide import laboratory
from lstmlib.show import svg

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "laboratory.svg"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def picture():
    lab = laboratory()
    lab.choose("Into the gates: dz")
    panels = lab.pictures(lab.state, lab.numbers)
    return svg.alone(svg.sheet(panels, lab.words.value, f"✗ {lab.words.headline}"), margin=16)


def test_picture_is_the_laboratory():
    assert PICTURE.read_text(encoding="utf-8") == picture(), "store it again: python tests/products/test_readme.py"


def test_links_lead_to_files():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_notebook_is_in_the_map():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"](notebooks/{path.name})" in README


def test_minutes_are_those_of_notebook_00():
    start = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in start.cells)
    theirs = re.findall(r"^\| \[?(\d)\. .*? \| (\d+) \| (\d+) \|", text, re.M)
    ours = re.findall(r"^\| \[(\d)\. .*? \| (\d+) \+ (\d+) \|", README, re.M)
    assert len(ours) == 10 and ours == theirs


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
