"""The README shows the laboratory as it is, and names what is there."""

import re
from pathlib import Path

from lstmlib.explorers.laboratory import laboratory
from lstmlib.explorers.laboratory_picture import whole_picture

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "laboratory.svg"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def picture():
    lab = laboratory()
    lab.choose("At every step: dz")
    return whole_picture(lab.state, lab.numbers)


def test_picture_is_the_laboratory():
    assert PICTURE.read_text(encoding="utf-8") == picture(), "store it again: python tests/test_readme.py"


def test_links_lead_to_files():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_notebook_is_in_the_map():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"](notebooks/{path.name})" in README


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
