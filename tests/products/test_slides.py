"""The two lessons: 45 minutes each, to be read from the last row, without a network, one with docs/teaching.md."""

import re
from dataclasses import replace

import pytest
from browsers import ROOT, browser_page
from kept import kept
from pages import Page, outside_addresses, pictures_without_alt, table_rows

from lstmlib.explorers.film import film, made
from lstmlib.placement import EDGES
from lstmlib.show import graph, svg
from tools import drawings, slides

LESSONS = {path.stem: slides.read_lesson(path) for path in slides.lessons()}
TEACHING = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
LESSON_MINUTES = 45
WORKSHEET_2 = (ROOT / "docs" / "sheets" / "worksheet_2.md").read_text(encoding="utf-8")
each_lesson = pytest.mark.parametrize("lesson", LESSONS)
SMALLEST_LETTERS = 24  # CSS pixels of a slide of 1280 x 720
# Every text that is seen on a slide: its words, its height in pixels, and whether it leaves the slide or comes near to
# the line below it.
TEXTS = """() => {
    const found = [];
    const look = (root) => {
        const page = root.ownerDocument, walk = page.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
            const of = walk.currentNode.parentElement, words = walk.currentNode.data.trim();
            if (!words || of.closest("style, script, .source, .notes, .unseen, annotation, msub, msup, munder, "
                + "munderover")) continue;
            const range = page.createRange();
            range.selectNodeContents(walk.currentNode);
            const box = range.getBoundingClientRect(), style = page.defaultView.getComputedStyle(of);
            if (!of.getBoundingClientRect().width || style.visibility === "hidden") continue;
            const drawn = of.ownerSVGElement ? of.getBoundingClientRect().height / of.getBBox().height : null;
            const { innerWidth, innerHeight } = page.defaultView;
            found.push([words, parseFloat(style.fontSize) * (drawn ?? of.currentCSSZoom ?? 1),
                box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < -1 || box.top < -1
                || root === slide && source.width > 0 && box.bottom > source.top - 8]);
        }
    };
    const slide = Reveal.getCurrentSlide(), source = slide.querySelector(".source").getBoundingClientRect();
    look(slide);
    const film = slide.querySelector("iframe");
    if (film) look(film.contentDocument.body);
    return found;
}"""


@pytest.fixture(scope="module")
def films(recorded):
    """Small films: the named states, and of the laboratory those with three timesteps."""
    laboratory = made("where_to_divide")
    states = [laboratory.state_of(preset) for preset in laboratory.presets]
    small = recorded | {"where_to_divide": film("where_to_divide", [replace(state, T=T) for T in (4, 3) for state in
                                                                    states])}
    return {one.title: one for one in small.values()}


@pytest.fixture(scope="module")
def built(films):
    """Both lessons."""
    return kept("slides", lambda folder: list(slides.build(folder, films)))


def test_the_same_lessons_give_the_same_bytes(built, films, tmp_path):
    paths = list(slides.build(tmp_path / "new" / "folder", films))
    assert [path.stem for path in paths] == list(LESSONS)
    assert [path.name for path in paths if path.read_bytes() != (built / path.name).read_bytes()] == []


@each_lesson
def test_a_page_asks_for_nothing_and_holds_no_raw_formula(built, lesson):
    page = Page((built / f"{lesson}.html").read_text(encoding="utf-8"))
    assert outside_addresses(page) == pictures_without_alt(page) == []
    assert [text for text in page.texts if re.search(r"\\[a-zA-Z]{2,}|\$[^$]|\\[\[(]", text)] == []


@each_lesson
def test_a_lesson_has_its_minutes_and_room_for_questions(lesson):
    title, all_slides = LESSONS[lesson]
    assert len(all_slides) <= 20 and sum(slide.minutes for slide in all_slides) == LESSON_MINUTES
    assert all_slides[-1].minutes >= 6 and "uestions" in all_slides[-1].heading
    assert sum("vote" in slide.classes for slide in all_slides) >= 2  # before and after
    assert all(slide.body and slide.notes for slide in all_slides)
    assert max(len(re.sub(r"\$+.*?\$+|```.*?```", "", slide.body, flags=re.S).split()) for slide in all_slides) <= 40


FORMULA = re.compile(r"\$+(.*?)\$+", re.DOTALL)
NOT_SPOKEN = re.compile(r"\\(begin|end|text)\{\w*\}?|\\(left|right|qquad|top)\b")


def seconds(slide):
    """What is said, at two words or symbols of a formula a second; changes of the picture; what the class does."""
    shown = slides.SHOWN.sub("", FORMULA.sub("", re.sub("```.*?```", "", slide.body, flags=re.DOTALL)))
    symbols = re.findall(r"\\[a-z]+|[A-Za-z]|[\d.]+|[=+|-]", NOT_SPOKEN.sub("", " ".join(FORMULA.findall(slide.body))))
    words = re.findall(r"\w[\w']*", shown + slide.notes)
    return (len(words) + len(symbols)) / 2 + 5 * (1 + changes(slide)) + slide.work


def changes(slide):
    return slide.body.count(". . .") + ("steps" in slide.classes) * (slide.body.count("[draw") - 1)


@each_lesson
def test_what_is_said_and_done_fits_into_its_minutes(lesson):
    *before, last = LESSONS[lesson][1]
    assert last.start <= LESSON_MINUTES - 8 and sum(map(seconds, before)) * 1.1 <= 60 * (last.start + 1)
    assert [slide.heading for slide in before if seconds(slide) > 60 * slide.minutes or not slide.work] == []
    assert all(slide.work >= 45 for slide in before if "vote" in slide.classes or "film" in slide.classes)


@each_lesson
def test_notes_say_what_to_leave_out_when_late_and_nothing_is_told_before_it_is_asked(lesson):
    """At some slides, from the middle on too, two minutes after their time (one, near the end)."""
    late = []
    for slide in LESSONS[lesson][1]:
        late += [(slide.start, int(minute) - slide.start)
                 for minute in re.findall(r"If it is minute (\d+)\s+here, ", slide.notes)]
        # where the class writes and the teacher then goes on, something is shown only then
        assert changes(slide) > 0 or "then next" not in slide.notes, slide.heading
    assert len(late) >= 5 and late[0][0] <= 20 and late[-1][0] >= 33 and {after for _, after in late} <= {1, 2}


def test_the_worksheet_does_not_tell_what_is_voted_on():
    question = re.search(r"## 1\. Vote\n(.*?)\n## ", WORKSHEET_2, re.DOTALL).group(1)
    given = re.sub(r"\[[^]]*\]\{\.key\}", "", question).partition(":::")[0]  # what follows is for the key
    assert set(re.findall(r"\d+/\d+", given)) == {"1/40"}


@each_lesson
def test_the_lesson_and_the_page_for_teachers_are_one(lesson):
    title, all_slides = LESSONS[lesson]
    rows = table_rows(TEACHING)
    for number, slide in enumerate(all_slides, 1):
        heading, see = (text.replace("|", r"\|") for text in (slide.heading, slide.see))
        expected = [str(slide.start), str(number), heading, see]
        assert expected in rows, expected


@each_lesson
def test_the_homework_is_one_list(lesson):
    """On the last slide, on the worksheet and on the page for teachers."""
    last = LESSONS[lesson][1][-1]
    homework = "; ".join(re.findall(r"^- (.*)", last.body, re.M)) + ".\n"
    assert re.findall(r"\d\.\d", last.see) == re.findall(r"\d\.\d", homework) != []
    sheet = ROOT / "docs" / "sheets" / f"worksheet_{lesson[0]}.md"
    assert f"**Homework:** {homework}" in sheet.read_text(encoding="utf-8") and f"\nHomework: {homework}" in TEACHING


@pytest.mark.browser
@each_lesson
def test_every_slide_is_read_from_the_last_row_and_nothing_runs_off(built, lesson):
    with browser_page(1280, 720) as page:
        page.goto((built / f"{lesson}.html").as_uri())
        page.wait_for_function("window.Reveal?.isReady()")
        page.wait_for_function("""() => [...document.querySelectorAll("iframe")].every(
            (film) => film.contentDocument.documentElement.dataset.played !== undefined)""")
        for number, slide in enumerate(LESSONS[lesson][1]):
            for step in range(changes(slide) + 1):
                page.evaluate(f"Reveal.slide({number}, 0, {step - 1})")
                texts = page.evaluate(TEXTS)
                assert len(texts) > 1
                assert [text for text in texts if text[1] < SMALLEST_LETTERS or text[2]] == [], (slide.heading, step)


def test_what_is_drawn_is_computed():
    rows = re.findall(r"\| \$dz_\d\$ \|(.*)\|", WORKSHEET_2)
    assert re.findall(r">(0[.\d]*)<", drawings.xray()) == [cell.strip() for row in rows for cell in row.split(" | ")]
    assert "dh = 3 + 20 = 23" in drawings.two_paths("mean") and drawings.five_of_512().count("<circle") == 512 - 5
    assert ["crosses dz twice" in drawings.graph(path) for path in "1234"] == [False, False, False, True]


def test_the_graph_of_a_slide_is_that_of_the_notebooks_with_larger_names():
    for path, (way, picture) in enumerate(zip(graph.paths_to("b", 2), map(drawings.graph, "1234")), 1):
        names = re.findall(r'<text [^>]*font-size="34"[^>]*?fill="([^"]+)"[^>]*>(\w+)<', picture)
        assert {name for colour, name in names} == set(EDGES) and f"Path {path} of 4" in picture
        assert {name for colour, name in names if colour == svg.INK} == {edge for edge, _ in way}


@pytest.mark.parametrize("text, words", [
    ("# A\n\n## No minutes\n", "a slide begins with"),
    ('# A\n\n## B {minutes=2 see="0"}\n\n[draw nothing]\n\n> Say.\n', "cannot be drawn"),
    ('# A\n\n## B {minutes=2 see="0"}\n\n[film nothing]\n\n> Say.\n', "no film of nothing"),
])
def test_a_wrong_lesson_names_its_slide(tmp_path, text, words):
    path = tmp_path / "1_a.md"
    path.write_text(text)
    with pytest.raises(SystemExit, match=words):
        slides.page(path, *slides.read_lesson(path), {})
