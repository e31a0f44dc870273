"""The book in Chromium, from the disk and without a network: explorers are driven by hand and compared with Python."""

import re

import pytest
from browsers import SMALL_TEXT, Shown, moves, violations
from playwright.sync_api import expect

from lstmlib import EDGES
from lstmlib.explorers import EXPLORERS
from lstmlib.explorers.film import made
from lstmlib.explorers.where_to_divide.numbers import State, headline, numbers, words
from tools import book
from tools.notebooks import stored

pytestmark = pytest.mark.browser
PAGES = [book.address(name) for name in stored() | book.documents()]
UNFOLD = "document.querySelectorAll('details').forEach((folded) => { folded.open = true; })"
# Of each control of an explorer what it shows: sliders and menus a value, the others what is chosen.
CONTROLS = """(box) => [...box.querySelectorAll(":is(.lstm-controls, .lstm-stage, .lstm-rows) .lstm-control")].map(
    (control) => [...control.querySelectorAll("input, select, [data-edge]")].map(
        (part) => part.matches("select, [type=range]") ? part.value : part.checked ?? part.ariaChecked).join())"""


@pytest.fixture(scope="module")
def reader(browser):
    """One page for all tests: a new one costs more than most of them."""
    page = browser.new_context(offline=True).new_page()
    page.set_default_timeout(10_000)
    page.trouble = []
    page.on("console", lambda message: message.type in ("error", "warning") and page.trouble.append(message.text))
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or page.trouble.append(asked.url))
    yield page


@pytest.fixture
def visit(reader, small_book):
    """Opens a page of the book, without a network; to the end it must ask for nothing and complain of nothing."""
    reader.goto("about:blank")  # nothing is left of the test before, not even where the page is the same
    reader.set_viewport_size({"width": 1280, "height": 900})
    reader.emulate_media(media="screen", color_scheme="light")
    reader.trouble.clear()

    def visit(path, place=""):
        reader.goto((small_book / path).as_uri() + place)
        reader.wait_for_selector("html[data-played]", state="attached")
        return reader

    yield visit
    assert reader.trouble == []


@pytest.mark.parametrize("stem", EXPLORERS)
def test_an_explorer_without_python_is_the_explorer(stem, visit, recorded):
    """And wherever a hand puts a control, on the film or off it, nothing changes but what is moved."""
    page = visit(f"embed/{recorded[stem].name}.html")
    page.wait_for_function("performance.getEntriesByName('read').length")
    shown = Shown(page, made(stem))
    shown.both()
    for name, control in shown.twin.controls.items():
        for key, value in moves(control):
            before = shown.box.evaluate(CONTROLS)
            shown.element(control).press(key)
            changed = [one for one, other in zip(before, shown.box.evaluate(CONTROLS), strict=True) if one != other]
            assert len(changed) <= 1, (control, value)
            if page.locator(".film-note").text_content():
                shown.press("Reset")
                break
            shown.both(lambda twin: twin.set(**{name: value}))
    for preset in shown.twin.presets:
        shown.press(preset)


def test_all_512_verdicts(visit):
    """One click leads from each set of edges to the next, in Gray's order."""
    page = visit("embed/laboratory.html")
    page.wait_for_function("performance.getEntriesByName('read').length")
    shown = page.evaluate("""(edges) => {
        const shown = {}, all = (parts) => [...document.querySelectorAll(parts)];
        for (let step = 1; step <= 512; step++) {
            const edge = edges[Math.min(Math.log2(step & -step), 8)];
            all(`[data-edge=${edge}]`)[0].dispatchEvent(new MouseEvent("click", {bubbles: true}));
            const chosen = new URLSearchParams(all(".film-link")[0].hash.slice(1)).get("laboratory");
            shown[chosen] = all(".lstm-status p").map((line) => line.textContent);
        }
        return shown;
    }""", EDGES)
    assert len(shown) == 512 and sum(told.startswith("Identical") for told, _ in shown.values()) == 5
    for edges, told in shown.items():
        state = State(tuple(filter(None, edges.split(","))))
        assert told == [headline(state, found := numbers(state))[1], words(state, found)], edges


def test_links_sentences_and_what_is_not_on_film(visit):
    page = visit("04_where_to_divide.html", "#laboratory=dz&X=100&T=4")
    headline, note = page.locator("#laboratory .lstm-status .lstm-headline"), page.locator(".film-note")
    expect(note).to_contain_text("This page went to the nearest state that it holds: |X| 8.")
    expect(headline).to_contain_text("Not the gradient")
    page.get_by_role("button", name="at the end", exact=True).first.click()
    expect(headline).to_contain_text("Identical")
    assert page.locator(".film-link").get_attribute("href") == "#laboratory=dW"
    page.evaluate("location.hash = '#laboratory=dW,dc_next&T=7'")
    expect(headline).to_contain_text("Not the gradient")
    expect(note).to_contain_text("This page went to the nearest state that it holds: timesteps T 4.")
    slider = page.get_by_role("slider", name=re.compile(r"\|X\|"))
    slider.press("End")
    expect(note).to_contain_text("With the rest as it is, this page holds 8 only.")
    note.get_by_role("button", name=re.compile(r"Go to 100 with .*Backward graph \{.*\}")).press("Enter")
    expect(slider).to_have_attribute("aria-valuetext", "100")
    expect(slider).to_be_focused()
    expect(note).to_be_empty()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_and_fits_a_desk_and_a_phone(path, visit):
    page = visit(path)
    page.evaluate(UNFOLD)
    fits(page, 1280)
    answers = page.locator("[data-prediction] form").evaluate_all("""(forms) => forms.map((form) => {
        const answer = form.querySelector("input");
        if (answer.type === "radio") answer.click(); else answer.value = 1;
        answer.dispatchEvent(new Event("input", {bubbles: true}));
        form.querySelector("button").click();
        return form.querySelector("[role=status]").textContent;
    })""")
    assert all("Predicted" in answer for answer in answers), answers
    fits(page, 360)
    silent, scrolled, formulas = page.evaluate("""() => {
        const all = [...document.querySelectorAll(".formula, .scroll, pre, .lstm-panels .lstm-panel")];
        const wide = all.filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1);
        const sign = (box) => getComputedStyle(box, box.matches(":has(> table)") ? "::before" : "::after").content;
        const silent = wide.filter((box) => !sign(box).match(/[Ss]croll it/));
        return [silent.map((box) => box.outerHTML.slice(0, 200)),
                wide.filter((box) => box.matches(".formula")).length, document.querySelectorAll(".formula").length];
    }""")
    assert (silent, page.locator("#fault_bench .wide").count()) == ([], 0) and scrolled <= max(1, 0.05 * formulas)


def fits(page, width):
    """Nothing is wider than the page or written smaller than 11 pixels."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("() => new Promise(requestAnimationFrame)")  # when it has heard of its size
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(SMALL_TEXT, "body") == [], width


@pytest.mark.parametrize("path, place", [("index.html", "form"), ("04_where_to_divide.html", "#laboratory"),
                                         ("your-own-code.html", "body")])
def test_axe_finds_nothing_in_either_scheme_and_paper_is_white(path, place, visit):
    colours, letters = ["color-contrast", "link-in-text-block"], {"include": [[place]], "exclude": [["math"], ["svg"]]}
    page = visit(path)
    page.evaluate(UNFOLD)
    slow = {rule: {"enabled": False} for rule in colours}
    assert violations(page, rules={"target-size": {"enabled": True}, **slow}) == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-theme", scheme)  # the explorers have heard of it
        assert violations(page, letters, runOnly=colours) == [], scheme
    page.emulate_media(media="print")
    shades = page.locator("body, .lstm-explorer, .lstm-prediction").evaluate_all("""(all) => all.map((part) =>
        ["color", "backgroundColor"].map((name) => getComputedStyle(part)[name].match(/[\\d.]+/g).map(Number)))""")
    assert all(max(ink[:3]) < 60 and set(paper) in ({255}, {0}) for ink, paper in shades), shades


def test_exercises_answer(visit):
    page = visit("index.html")
    form = page.locator("form").filter(has_text="repair")
    for answer, said in (("100", "100 is not it. Hint: one of the two divisions is wanted"), ("10", "Right.")):
        form.get_by_role("spinbutton").fill(answer)
        form.get_by_role("spinbutton").press("Enter")
        expect(form).to_contain_text(said)
    plans = page.locator("form").filter(has_text="at every step back in time")
    for menu, answer in zip(plans.get_by_role("combobox").all(), ("True", "True", "False", "True")):
        menu.select_option(answer)
    plans.get_by_role("button").press("Enter")
    expect(plans).to_contain_text("can meet the factor again in every step")


def test_on_a_phone_the_verdict_stays_in_sight_and_a_figure_that_is_touched_is_seen_whole(browser, small_book):
    page = browser.new_page(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    page.goto((small_book / "04_where_to_divide.html").as_uri())
    laboratory, picture = page.locator("#laboratory"), page.locator("figure img").first
    expect(laboratory.get_by_text("The graph goes on sideways")).to_be_visible()
    headline = laboratory.locator(".lstm-status .lstm-headline")
    laboratory.locator(".lstm-boxes input").nth(1).tap()
    for part, block in ((".lstm-boxes", "center"), (".lstm-top", "end")):
        laboratory.locator(part).evaluate("(box, block) => box.scrollIntoView({block})", block)
        expect(headline).to_be_in_viewport(ratio=0.9)
        headline.click(trial=True)  # nothing covers it
    page.evaluate(UNFOLD)
    for whole in (False, True, False):
        assert (picture.bounding_box()["width"] <= 328) == whole
        picture.tap()
    page.close()
