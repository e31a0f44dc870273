"""The slides: made of the notebooks' own cells, in 45 minutes, without a network, and nothing runs off a slide."""

import os
import re
from urllib.parse import urlsplit

import nbformat
import pytest
from lab import PATIENCE, browser_page, jupyterlab
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pages import Page, outside_addresses, pictures_without_alt

from lstmlib.explorers.base import Explorer

pytest.importorskip("pypandoc")
from tools import slides  # noqa: E402
from tools.notebooks import stored  # noqa: E402

LESSON = (slides.PARTS / "lesson.md").read_text(encoding="utf-8")
NOTEBOOKS = slides.Notebooks(stored())
TITLE, SLIDES = slides.read_lesson(LESSON, NOTEBOOKS)
REFERENCES = list(slides.SHOWN.finditer(re.sub(r"<!--.*?-->", "", LESSON, flags=re.DOTALL)))
MOST_WORDS = 40
SMALLEST_LETTERS = 24  # CSS pixels of a slide of 1280 x 720


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides") / "new" / "folder"
    assert [path.name for path in slides.build(folder)] == ["lesson.html", "lesson.ipynb"]
    return folder


@pytest.fixture(scope="module")
def html(built):
    return (built / "lesson.html").read_text(encoding="utf-8")


# What scanners find in a page. Each is tried on planted faults below.

def raw_latex(page):
    return [text for text in page.texts if re.search(r"\\[a-zA-Z]{2,}|\$[^$]|\\[\[(]", text)]


SCANNERS = [outside_addresses, raw_latex, pictures_without_alt]
PLANTS = [
    (outside_addresses, '<video poster="a.png"></video>'),
    (outside_addresses, '<object data="a.svg"></object>'),
    (outside_addresses, '<script src="reveal.js"></script>'),
    (outside_addresses, '<img alt="a" src="https://example.org/a.png">'),
    (outside_addresses, '<img alt="a" data-src="a.png">'),
    (outside_addresses, '<link rel="stylesheet" href="a.css">'),
    (outside_addresses, "<style>@import 'https://example.org/a.css';</style>"),
    (outside_addresses, "<style>p {background: url(a.png)}</style>"),
    (outside_addresses, '<p style="background: url(a.png)">a</p>'),
    (raw_latex, r"<p>\frac{1}{2}</p>"),
    (raw_latex, "<p>over $|X|$ items</p>"),
    (raw_latex, r"<p>\(a\)</p>"),
    (pictures_without_alt, '<img src="data:image/png;base64,AAAA">'),
    (pictures_without_alt, '<img alt=" " src="data:image/png;base64,AAAA">'),
]
HARMLESS = ('<style>p {background: url(data:image/png;base64,AAAA)}</style><script>let a = "\\frac $x$";</script>'
            '<a href="https://example.org">a</a><img alt="a" src="data:image/png;base64,AAAA">'
            r'<math><mi>a</mi><annotation encoding="application/x-tex">\frac{1}{2}</annotation></math><p>C:\n</p>')


@pytest.mark.parametrize("scanner", SCANNERS, ids=lambda scanner: scanner.__name__)
def test_page(scanner, html):
    assert scanner(Page(HARMLESS)) == []
    assert scanner(Page(html)) == []


@pytest.mark.parametrize("scanner, plant", PLANTS)
def test_planted_fault_is_found(scanner, plant):
    assert scanner(Page(HARMLESS + plant))


def test_two_builds_are_equal(built, tmp_path, capsys):
    slides.main([str(tmp_path)])
    made = [tmp_path / name for name in ("lesson.html", "lesson.ipynb")]
    assert capsys.readouterr().out.splitlines() == list(map(str, made))
    for path in made:
        assert path.read_bytes() == (built / path.name).read_bytes()


# The lesson.

def test_the_minutes_make_the_lesson(html):
    assert sum(slide.minutes for slide in SLIDES) == slides.LESSON_MINUTES
    assert [slide.start for slide in SLIDES] == [sum(s.minutes for s in SLIDES[:k]) for k in range(len(SLIDES))]
    assert sum(map(int, re.findall(r'<section[^>]*data-timing="(\d+)"', html))) == 60 * slides.LESSON_MINUTES


def test_slides_are_not_for_reading():
    texts = {slide.heading: " ".join(block.text for block in slide.body if written(block)) for slide in SLIDES}
    words = {heading: len(re.findall(r"[^\W\d]\w*", re.sub(r"\$[^$]+\$", "formula", text)))
             for heading, text in texts.items()}
    assert {heading: count for heading, count in words.items() if count > MOST_WORDS} == {}
    assert 18 <= len(SLIDES) <= 26 and all(slide.notes.strip() for slide in SLIDES)


def written(block):
    return isinstance(block, slides.Text) and block.fence == "" and not block.text.startswith((">", "|"))


def test_every_cell_exists_and_none_is_a_solution():
    assert len(REFERENCES) > len(SLIDES)
    for found in REFERENCES:
        cell = NOTEBOOKS.cell(found["notebook"], found["cell"])
        assert "solution" not in cell.metadata.get("tags", []), found[0]
    assert {found["notebook"] for found in REFERENCES} == {f"{number:02d}" for number in range(9)}


def test_what_is_shown_is_what_the_notebooks_hold(html):
    for found in REFERENCES:
        cell = NOTEBOOKS.cell(found["notebook"], found["cell"])
        if found["kind"] == "figure":
            png = next(output for output in cell.outputs if "image/png" in output.get("data", {}))
            assert png.data["image/png"].strip() in html
        if found["kind"] == "equation":
            assert f"({found['detail']})" in html and rf"\tag{{{found['detail']}}}" in cell.source


def test_teaching_notes_are_for_the_speaker(html):
    notes = re.findall(r'<aside class="notes">.*?</aside>', html, re.DOTALL)
    assert len(notes) == len(SLIDES) and all("Minute" in note for note in notes)
    assert sum("For teachers." in note for note in notes) == len(re.findall(r"^> \[note\]", LESSON, re.MULTILINE)) > 4
    assert "For teachers." not in re.sub(r'<aside class="notes">.*?</aside>', "", html, flags=re.DOTALL)


# Cells of an imagined notebook, and mistakes in a lesson.

def imagined(tmp_path):
    poster = '<p><img alt="&lt;one&gt;" style="width:100%" src="data:image/svg+xml;base64,AAAA"></p>'
    cells = [
        new_markdown_cell("Text.\n\n$$a \\tag{1.1}$$\n\nand\n\n$$\n\\begin{aligned} b \\end{aligned}\n\\tag{1.2}\n$$"
                          "\n\n> **A rule.**\n> Obey it.\n\n| a | b |\n|---|---|\n| 1 | 2 |", id="text"),
        new_code_cell("from lab import bench as laboratory", id="imports"),
        new_code_cell("x = 1\n\ndef double(y):\n    return 2 * y\n\nprint(double(x))", id="code",
                      outputs=[new_output("stream", text="2\n")]),
        new_code_cell("lab = laboratory()\nlab", id="lab",
                      outputs=[new_output("execute_result", {"text/html": poster})]),
        new_code_cell("show()", id="figure", outputs=[new_output(
            "display_data", {"image/png": "AA\nAA\n"}, metadata={"image/png": {"alt": "A line."}})]),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "01_imagined.ipynb")
    return slides.Notebooks(stored(tmp_path))


def shown(tmp_path, reference):
    return slides.read_lesson(f"# T\n\n## S {{minutes=2}}\n\n{reference}\n", imagined(tmp_path))[1][0].body


@pytest.mark.parametrize("reference, expected", [
    ("[equation 1.1](01#text)", slides.Equation("1.1", "a")),
    ("[equation 1.2](01#text)", slides.Equation("1.2", "\\begin{aligned} b \\end{aligned}")),
    ("[quote](01#text)", slides.Text("", "> **A rule.**\n> Obey it.")),
    ("[table](01#text)", slides.Text("", "| a | b |\n|---|---|\n| 1 | 2 |")),
    ("[code double](01#code)", slides.Text("python", "def double(y):\n    return 2 * y")),
    ("[code x](01#code)", slides.Text("python", "x = 1")),
    ("[output](01#code)", slides.Text("output", "2")),
    ("[figure](01#figure)", slides.Picture("A line.", "image/png", "AAAA")),
    ("[explorer](01#lab)", slides.Picture("<one>", "image/svg+xml", "AAAA")),
    ("Some words.", slides.Text("", "Some words.")),
])
def test_part_of_a_cell(tmp_path, reference, expected):
    assert shown(tmp_path, reference) == (expected,)


def test_a_laboratory_brings_its_import(tmp_path):
    (laboratory,) = shown(tmp_path, "[laboratory](01#lab)")
    assert laboratory.source == "from lab import bench as laboratory\n\nlab = laboratory()\nlab"


@pytest.mark.parametrize("reference, complaint", [
    ("[figure](01#nowhere)", "slide 'S': notebook 01 has no cell nowhere"),
    ("[figure](02#figure)", "notebook 02 has no cell figure"),
    ("[figure](01#code)", "cell code shows no figure"),
    ("[equation 1.3](01#text)", "cell text has no equation (1.3)"),
    ("[code triple](01#code)", "cell code defines no triple"),
    ("[quote](01#code)", "must have one blockquote, has 0"),
    ("[output](01#figure)", "cell figure prints nothing"),
    ("[table](01#code)", "cell code has no table"),
    ("[explorer 2](01#lab)", "has 1 pictures of an explorer, number 2 is asked for"),
    ("[movie](01#lab)", "got 'movie'"),
    ("> [note](01#code)", "must have one blockquote"),
])
def test_a_mistake_in_the_lesson_is_named(tmp_path, reference, complaint):
    with pytest.raises(slides.LessonError, match=re.escape(complaint)):
        shown(tmp_path, reference)


def test_a_slide_without_minutes_is_named(tmp_path):
    with pytest.raises(slides.LessonError, match="'## S'"):
        slides.read_lesson("# T\n\n## S\n\nText.\n", imagined(tmp_path))


# The notebook, and the command.

def test_notebook_has_slide_metadata_and_one_live_cell(built):
    notebook = nbformat.read(built / "lesson.ipynb", as_version=4)
    nbformat.validate(notebook)
    kinds = [cell.metadata.slideshow.slide_type for cell in notebook.cells]
    assert kinds.count("slide") == kinds.count("notes") == len(SLIDES)
    (live,) = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert kinds[notebook.cells.index(live)] == "-"
    assert '<img alt="Identical, bit for bit' in live.outputs[0].data["text/html"]
    names = {}
    exec(live.source, names)
    assert isinstance(names["lab"], Explorer)


def test_reveal_comes_with_its_licence(html):
    licence = (slides.PARTS / "reveal" / "LICENSE").read_text(encoding="utf-8")
    assert "Hakim El Hattab" in licence and "Permission is hereby granted" in licence and "MarkedJS" in licence
    assert "Hakim El Hattab" in html and "MIT licensed" in html


@pytest.mark.parametrize("arguments, said", [
    (["a", "b"], "python run.py slides --live"),
    (["--port=1"], "python run.py slides --live"),
    (["--help"], "python run.py slides --live"),
    (["{file}"], "The slides cannot be written to {file}: "),
    (["{file}/folder"], "The slides cannot be written to {file}/folder: "),
])
def test_what_cannot_be_done_is_said_in_words(tmp_path, arguments, said):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SystemExit) as stopped:
        slides.main([argument.format(file=file) for argument in arguments])
    assert said.format(file=file) in str(stopped.value.code)


@pytest.mark.skipif(os.name == "nt", reason="there is no exec")
@pytest.mark.parametrize("arguments, options", [
    (["{folder}", "--live"], []), (["--live", "{folder}", "--port", "8890"], ["--port", "8890"])])
def test_live_slides_are_handed_to_jupyterlab(tmp_path, monkeypatch, arguments, options):
    called = []
    monkeypatch.setattr(os, "execv", lambda *call: called.append(call))
    monkeypatch.setattr(slides, "build", lambda folder: [folder])
    slides.main([argument.format(folder=tmp_path) for argument in arguments])
    ((program, command),) = called
    assert command[:3] == [program, "-m", "jupyterlab"] and "--ServerApp.ip=localhost" in command
    assert f"--ServerApp.root_dir={tmp_path.resolve()}" in command
    assert command[len(command) - len(options):] == options


# In a browser.

TOO_LARGE = """() => {
  const section = Reveal.getCurrentSlide(), frame = section.getBoundingClientRect();
  const parts = [...section.querySelectorAll("h2, div, blockquote, p, li, pre, code, math, mtable, img")]
    .filter((part) => !part.closest("aside"));
  const out = parts.filter((part) => {
    const box = part.getBoundingClientRect();
    return box.right > frame.right + 1 || box.bottom > frame.bottom + 1 || box.left < frame.left - 1 ||
      box.top < frame.top - 1 || part.clientWidth && part.scrollWidth > part.clientWidth + 2;
  });
  const written = parts.filter((part) => part.matches("p, li, pre, code, h2, math") && !part.closest(".source"));
  return {out: out.map((part) => part.outerHTML.slice(0, 200)), covers: section.scrollHeight,
          letters: Math.min(...written.map((part) => parseFloat(getComputedStyle(part).fontSize)))};
}"""


@pytest.mark.browser
def test_every_slide_fits_and_nothing_is_fetched(built, tmp_path):
    address = (built / "lesson.html").as_uri()
    with browser_page(1280, 720) as page:
        requests, complaints = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.wait_for_function("window.Reveal?.isReady()")
        for number, slide in enumerate(SLIDES):
            assert page.evaluate("Reveal.getIndices().h") == number
            measured = page.evaluate(TOO_LARGE)
            assert measured["out"] == [] and measured["covers"] <= 720, slide.heading
            assert measured["letters"] >= SMALLEST_LETTERS, slide.heading
            page.keyboard.press("ArrowRight")
        assert page.evaluate("document.fonts.check('20px \"Slides Math\"')")
        page.evaluate("Reveal.getCurrentSlide().insertAdjacentHTML('beforeend', '<p>much<br>'.repeat(30))")
        page.evaluate("Reveal.getCurrentSlide().insertAdjacentHTML('beforeend', '<p style=\"font-size: 12px\">small')")
        planted = page.evaluate(TOO_LARGE)
        assert planted["out"] and planted["letters"] < SMALLEST_LETTERS

        page.goto(address + "?print-pdf")
        page.wait_for_function("window.Reveal?.isReady() && document.querySelectorAll('.pdf-page').length")
        assert page.locator(".pdf-page").count() == len(SLIDES)
        printed = page.pdf(prefer_css_page_size=True, print_background=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == len(SLIDES)
        assert {url.partition("?")[0] for url in requests if not url.startswith("data:")} == {address}
        assert complaints == []


@pytest.mark.browser
def test_laboratory_is_live_where_jupyterlab_serves_the_slides(built):
    before = (built / "lesson.ipynb").read_bytes()
    own = [option for option in slides.serving(built) if "extra_static_paths" in option]  # the rest it has anyhow
    with jupyterlab(built, options=own) as address, browser_page(1280, 720) as page:
        requests = []
        page.on("request", lambda request: requests.append(urlsplit(request.url)))
        page.goto(address.replace("/lab?", "/static/lesson.html?"))
        page.wait_for_function("window.Reveal?.isReady()")
        assert "token" not in page.url
        live = page.frame_locator("#live")
        page.evaluate("Reveal.slide(Reveal.getSlides().indexOf(document.querySelector('section.laboratory')))")
        picture = page.locator("section.laboratory img")
        assert picture.is_visible() and picture.get_attribute("alt").startswith("Identical, bit for bit")
        page.wait_for_selector("#live.shown", timeout=PATIENCE * 1000)
        live.get_by_role("combobox", name="Example").select_option("Recurrent path only: dh_next")
        live.locator(".lstm-status", has_text="Not the gradient").wait_for()
        page.keyboard.press("PageDown")
        page.wait_for_selector("#live:not(.shown)", state="attached")
        assert page.evaluate("document.activeElement === document.body")
        page.keyboard.press("PageUp")
        page.wait_for_selector("#live.shown")
    assert {url.hostname for url in requests if url.scheme.startswith("http")} == {"127.0.0.1"}
    assert (built / "lesson.ipynb").read_bytes() == before
