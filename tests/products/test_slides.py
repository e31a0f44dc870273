"""The two lessons: 45 minutes each, to be read from the last row, without a network, one with docs/teaching.md."""

import re
from types import SimpleNamespace

import pytest
from browsers import ROOT, browser_page
from pages import Page, outside_addresses, pictures_without_alt

pytest.importorskip("pypandoc")
from lstmlib.placement import paths_to  # noqa: E402
from tools import drawings, slides  # noqa: E402

LESSONS = {path.stem: slides.read_lesson(path) for path in slides.lessons()}
TEACHING = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
SMALLEST_LETTERS = 24  # CSS pixels of a slide of 1280 x 720
FILMS = sorted({name for path in slides.lessons() for kind, name, _ in slides.SHOWN.findall(path.read_text("utf-8"))
                if kind == "film"})


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Both lessons, with a page in place of each film: the films have tests of their own."""
    folder = tmp_path_factory.mktemp("slides") / "new" / "folder"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slides, "embed", lambda film: f"<html><body><p>{film.title}</p></body></html>")
        films = {name: SimpleNamespace(name=name, title=f"Film {name}") for name in FILMS}
        assert [path.stem for path in slides.build(folder, films)] == list(LESSONS)
        again = list(slides.build(folder / "again", films))
    for path in again:
        assert path.read_bytes() == (folder / path.name).read_bytes()
    return folder


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_page_asks_for_nothing_and_holds_no_raw_formula(built, lesson):
    page = Page((built / f"{lesson}.html").read_text(encoding="utf-8"))
    assert outside_addresses(page) == pictures_without_alt(page) == []
    assert [text for text in page.texts if re.search(r"\\[a-zA-Z]{2,}|\$[^$]|\\[\[(]", text)] == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_its_minutes_and_room_for_questions(lesson):
    title, all_slides = LESSONS[lesson]
    assert len(all_slides) <= 20 and sum(slide.minutes for slide in all_slides) == slides.LESSON_MINUTES
    assert all_slides[-1].minutes >= 6 and "uestions" in all_slides[-1].heading
    assert sum("vote" in slide.classes for slide in all_slides) >= 2  # before and after
    assert all(slide.notes for slide in all_slides)
    assert max(len(re.sub(r"\$+.*?\$+|```.*?```", "", slide.body, flags=re.S).split()) for slide in all_slides) <= 40


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_lesson_and_the_page_for_teachers_are_one(lesson):
    title, all_slides = LESSONS[lesson]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in TEACHING.splitlines()
            if line.startswith("|")]
    for number, slide in enumerate(all_slides, 1):
        heading, see = (text.replace("|", r"\|") for text in (slide.heading, slide.see))
        expected = [str(slide.start), str(number), heading, see]
        assert expected in rows, expected


@pytest.mark.browser
@pytest.mark.parametrize("lesson", LESSONS)
def test_every_slide_is_read_from_the_last_row_and_nothing_runs_off(built, lesson):
    with browser_page(1280, 720) as page:
        page.goto((built / f"{lesson}.html").as_uri())
        page.wait_for_function("window.Reveal?.isReady()")
        for number in range(page.evaluate("Reveal.getTotalSlides()")):
            page.evaluate(f"Reveal.slide({number})")
            small, outside = page.evaluate("""() => {
                const slide = Reveal.getCurrentSlide(), small = [], outside = [];
                const walk = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
                while (walk.nextNode()) {
                    const of = walk.currentNode.parentElement, words = walk.currentNode.data.trim();
                    if (!words || of.closest(".source, .notes, annotation, msub, msup, munder, munderover")) continue;
                    const box = of.getBoundingClientRect(), svg = of.ownerSVGElement;
                    if (!box.width || getComputedStyle(of).visibility === "hidden") continue;
                    const scale = svg ? svg.getScreenCTM().a : 1;
                    if (parseFloat(getComputedStyle(of).fontSize) * scale < 24) small.push(words);
                    if (box.right > 1281 || box.bottom > 721 || box.left < 0 || box.top < 0) outside.push(words);
                }
                return [small, outside];
            }""")
            assert small == outside == [], LESSONS[lesson][1][number].heading


def test_what_is_drawn_is_computed():
    assert re.findall(r">(\d+)%<", drawings.spectrum("dW")) == ["0", "100", "0", "0"]
    assert "dh = 3 + 20 = 23" in drawings.two_paths("mean") and drawings.five_of_512().count("<circle") == 512 - 5
    assert ["crosses dz twice" in drawings.graph(path) for path in (1, 2, 3, 4)] == [False, False, False, True]
    drawn = "two_paths", "cell", "graph", "five_of_512", "weights_of_tokens", "fingerprints", "xray"
    sizes = [float(size) for name in drawn for size in re.findall(r'font-size="([\d.]+)"', getattr(drawings, name)())]
    assert min(sizes) >= 26


@pytest.mark.parametrize("text, words", [
    ("# A\n\n## No minutes\n", "a slide begins with"),
    ('# A\n\n## B {minutes=2 see="0"}\n\n[draw nothing]\n', "cannot be drawn"),
    ('# A\n\n## B {minutes=2 see="0"}\n\n[film nothing]\n', "no film of nothing"),
])
def test_a_wrong_lesson_names_its_slide(tmp_path, text, words):
    path = tmp_path / "1_a.md"
    path.write_text(text)
    with pytest.raises(slides.LessonError, match=words):
        slides.page(path, *slides.read_lesson(path), {})


@pytest.mark.parametrize("arguments", [["--live"], ["a", "b"]])
def test_other_arguments_show_the_use(arguments):
    with pytest.raises(SystemExit, match="some/folder"):
        slides.main(arguments)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(slides, "films", lambda folder: {})
    monkeypatch.setattr(slides, "page", lambda *_: "")
    with pytest.raises(SystemExit, match="cannot be written"):
        slides.main([str(tmp_path / "file")])


def test_the_four_paths_are_those_of_the_library():
    named = {way: edge for edge, ways in drawings.WAYS.items() for way in ways}
    drawn = [[edge for way in zip(path, path[1:]) if (edge := named.get(way))] for path in drawings.PATHS]
    library = [[edge for edge, _ in path if edge not in ("dW_t", "dW")] for path in paths_to("b", 2)]
    assert sorted(drawn) == sorted(library)
