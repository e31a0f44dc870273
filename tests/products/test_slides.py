"""The two lessons: 45 minutes each, to be read from the last row, without a network, one with docs/teaching.md."""

import re
from dataclasses import replace

import pytest
from browsers import ROOT, browser_page
from kept import kept
from pages import Page, outside_addresses, pictures_without_alt, table_rows

from lstmlib.explorers.film import film, made
from tools import drawings, slides

LESSONS = {path.stem: slides.read_lesson(path)[1] for path in slides.LESSONS}
TEACHING = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
each_lesson = pytest.mark.parametrize("lesson", LESSONS)
# Every text that is seen on a slide of 1280 x 720: its words, its height in pixels, and whether it leaves the slide.
TEXTS = """() => {
    const slide = Reveal.getCurrentSlide(), film = slide.querySelector("iframe");
    const parts = [slide, film?.contentDocument.body].flatMap((root) => [...root?.querySelectorAll("*") ?? []]);
    return parts.filter((part) =>
        [...part.childNodes].some((child) => child.nodeType === 3 && child.data.trim())
        && part.checkVisibility({visibilityProperty: true}) && part.getBoundingClientRect().width
        && !part.closest("style, script, .source, .notes, .unseen, annotation, msub, msup, munder, munderover")
    ).map((part) => {
        const { innerWidth, innerHeight } = part.ownerDocument.defaultView, box = part.getBoundingClientRect();
        const scale = part.ownerSVGElement ? box.height / part.getBBox().height : part.currentCSSZoom;
        return [part.textContent, parseFloat(getComputedStyle(part).fontSize) * scale, part.closest(".wide") ||
            box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < -1 || box.top < -1];
    });
}"""


def worksheet(number):
    return (ROOT / f"docs/sheets/worksheet_{number}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def built(recorded):
    """With small films: of the laboratory, the named states with three and four timesteps."""
    laboratory = made("where_to_divide")
    states = [replace(laboratory.state_of(preset), T=T) for T in (4, 3) for preset in laboratory.presets]
    films = {one.title: one for one in (recorded | {"where_to_divide": film("where_to_divide", states)}).values()}
    return kept("slides", lambda folder: list(slides.build(folder, films)))


@each_lesson
def test_a_page_asks_for_nothing_and_holds_no_raw_formula(built, lesson):
    page = Page((built / f"{lesson}.html").read_text(encoding="utf-8"))
    assert outside_addresses(page) == pictures_without_alt(page) == []
    assert [text for text in page.texts if re.search(r"\\[a-zA-Z]{2,}|\$[^$]|\\[\[(]", text)] == []


@each_lesson
def test_a_lesson_has_its_minutes_and_is_one_with_the_page_for_teachers_and_the_worksheet(lesson):
    *before, last = LESSONS[lesson]
    assert last.start + last.minutes == 45 and last.minutes >= 6 and "uestions" in last.heading
    assert sum("vote" in slide.classes for slide in before) >= 2  # before and after
    assert all(slide.notes and slide.work for slide in before)
    for number, slide in enumerate(LESSONS[lesson], 1):
        heading, see = (text.replace("|", r"\|") for text in (slide.heading, slide.see))
        assert [str(slide.start), str(number), heading, see] in table_rows(TEACHING)
    homework = "; ".join(re.findall(r"^- (.*)", last.body, re.M)) + ".\n"
    assert re.findall(r"\d\.\d", last.see) == re.findall(r"\d\.\d", homework) != []
    assert f"**Homework:** {homework}" in worksheet(lesson[0]) and f"\nHomework: {homework}" in TEACHING


@pytest.mark.browser
@each_lesson
def test_every_slide_is_read_from_the_last_row_and_nothing_runs_off(built, lesson):
    with browser_page(1280, 720) as page:
        page.goto((built / f"{lesson}.html").as_uri())
        page.wait_for_function("window.Reveal?.isReady()")
        page.wait_for_function("""() => [...document.querySelectorAll("iframe")].every(
            (film) => film.contentDocument.documentElement.dataset.played !== undefined)""")
        for number, slide in enumerate(LESSONS[lesson]):
            changes = slide.body.count(". . .") + ("steps" in slide.classes) * (slide.body.count("[draw") - 1)
            for step in range(changes + 1):
                page.evaluate(f"Reveal.slide({number}, 0, {step - 1})")
                texts = page.evaluate(TEXTS)
                assert len(texts) > 1
                assert [text for text in texts if text[1] < 24 or text[2]] == [], (slide.heading, step)


def test_what_is_drawn_is_computed():
    rows = re.findall(r"\| \$dz_\d\$ \|(.*)\|", worksheet(2))
    assert re.findall(r">(0[.\d]*)<", drawings.xray()) == [cell.strip() for row in rows for cell in row.split(" | ")]
    assert "dh = 3 + 20 = 23" in drawings.two_paths("mean") and drawings.five_of_512().count("<circle") == 512 - 5
    assert ["crosses dz twice" in drawings.graph(path) for path in "1234"] == [False, False, False, True]
