"""The book in Chromium, from the disk and without a network: explorers are driven by hand and compared with Python."""

import random
import re
from contextlib import contextmanager

import pytest
from films import small_lattice

for package in ("nbformat", "playwright", "pypandoc", "bleach", "anywidget"):
    pytest.importorskip(package, reason="the extras handout, lab and test are not installed")

from browsers import LETTERS_IN_A_LINE, SMALL_TEXT, Shown, violations  # noqa: E402
from playwright.sync_api import TimeoutError, expect  # noqa: E402

from lstmlib import EDGES  # noqa: E402
from lstmlib.explorers import EXPLORERS, Choice, Menu, Switch  # noqa: E402
from lstmlib.explorers.film import made  # noqa: E402
from lstmlib.explorers.where_to_divide.numbers import State, headline, numbers, words  # noqa: E402
from tools import book  # noqa: E402
from tools.notebooks import stored  # noqa: E402

pytestmark = pytest.mark.browser
PAGES = [book.address(name) for name in stored() | book.documents()]
LARGE = ["index.html", "04_where_to_divide.html", "embed/laboratory.html"]
UNFOLD = "document.querySelectorAll('details').forEach((folded) => { folded.open = true; })"
RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]
# Whether a text can be read follows from its colour, ground, size and weight: one of each kind is enough.
KINDS = {"light": [], "dark": []}  # of which one was looked at
MARK_NEW_KINDS_OF_TEXT = """(all) => {
    const seen = new Set(all);
    for (const part of document.body.querySelectorAll("*")) {
        part.removeAttribute("data-kind");
        if (![...part.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
        let ground = part;
        while (ground.parentElement && getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)")
            ground = ground.parentElement;
        const { color, fill, opacity, fontSize, fontWeight } = getComputedStyle(part);
        const kind = [getComputedStyle(ground).backgroundColor, color, fill, opacity, fontSize, fontWeight].join();
        if (part.checkVisibility() && !seen.has(kind)) part.setAttribute("data-kind", "");
        if (part.checkVisibility()) seen.add(kind);
    }
    return [...seen];
}"""
TARGETS = "a, button, input, select, summary, [role=checkbox]"
SMALL_TARGETS = """([targets, least]) => [...document.querySelectorAll(targets)].filter((target) => {
    const box = (target.closest("label") ?? target).getBoundingClientRect(), own = target.getBoundingClientRect();
    const inText = target.matches("a, button") && target.closest("p, li, td, figcaption") && !target.closest("nav");
    if (!target.checkVisibility() || inText || box.width === 0 || target.matches(".skip")) return false;
    if (target.matches("[data-edge]")) least = 24;  // wider ones would cover each other
    return Math.max(box.height, own.height) < least - 0.5 || Math.max(box.width, own.width) < Math.min(least, 24) - 0.5;
}).map((target) => target.outerHTML.slice(0, 90))"""


@contextmanager
def opened(browser, path, place="", width=1280, **options):
    """The page, from the disk, without a network: to the end it must ask for nothing and complain of nothing."""
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
    page, trouble = context.new_page(), []
    page.set_default_timeout(10_000)
    page.on("console", lambda message: message.type in ("error", "warning") and trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or trouble.append(request.url))
    page.goto(path.as_uri() + place)
    if options.get("java_script_enabled", True):
        try:
            page.wait_for_selector("html[data-played]", state="attached")
        except TimeoutError:
            raise AssertionError(trouble) from None
    try:
        yield page
        assert trouble == []
    finally:
        context.close()


def put(shown, control, value):
    """Move a control, as a reader does."""
    if isinstance(control, Switch):
        shown.part("checkbox", control).set_checked(value)
    elif isinstance(control, Menu):
        shown.part("combobox", control).select_option(index=control.values.index(value))
    elif isinstance(control, Choice):
        shown.part("group", control).get_by_role("radio").nth(control.values.index(value)).check()
    else:
        shown.part("slider", control).fill(str(control.values.index(value)))


@pytest.mark.parametrize("stem", EXPLORERS)
def test_an_explorer_without_python_is_the_explorer(stem, browser, small_book, recorded):
    """And wherever a hand puts a control, on the film or off it, nothing changes but what is moved."""
    states, values = small_lattice(stem)
    free = [state for state in states if all(getattr(state, name) in some for name, some in values.items())]
    with opened(browser, small_book / "embed" / f"{recorded[stem].name}.html") as page:
        shown = Shown(page, made(stem))
        shown.both()
        for state in random.Random(stem).choices(free, k=5):
            for name, control in shown.twin.controls.items():
                if getattr(state, name) != getattr(shown.twin.state, name):
                    put(shown, control, getattr(state, name))
                    shown.twin.set(**{name: getattr(state, name)})
            shown.both()
            expect(page.locator(".film-note")).to_be_empty()
        for preset in shown.twin.presets:
            shown.press(preset)
        page.wait_for_function("performance.getEntriesByName('read').length")
        moved, strays, told = page.evaluate("""async () => {
            const box = document.querySelector(".film"), strays = [];
            const fire = (part, name) => part.dispatchEvent(new Event(name, {bubbles: true}));
            let seed = 1, told = 0;
            const drawn = (below) => { seed = (seed * 48271) % 2147483647; return seed % below; };
            const all = (selector, value, move) => [...box.querySelectorAll(selector)].map((part) =>
                ({value: () => String(value(part)), move: () => move(part)}));
            const controls = [
                ...all("input[type=range]", (slider) => slider.value, (slider) => {
                    slider.value = drawn(Number(slider.max) + 1); fire(slider, "input"); }),
                ...all(":is(.lstm-controls, .lstm-rows) select", (menu) => menu.selectedIndex, (menu) => {
                    menu.selectedIndex = drawn(menu.options.length); fire(menu, "change"); }),
                ...all(".lstm-choice", (choice) => choice.querySelector(":checked").value, (choice) => {
                    const inputs = choice.querySelectorAll("input"); inputs[drawn(inputs.length)].click(); }),
                ...all(".lstm-switch input", (input) => input.checked, (input) => input.click()),
                ...all(".lstm-graph", (graph) => [...graph.querySelectorAll("[data-edge][aria-checked=true]")].map(
                    (edge) => edge.dataset.edge), (graph) => {
                    const edges = graph.querySelectorAll("[data-edge]"); fire(edges[drawn(edges.length)], "click"); }),
            ];
            for (let turn = 0; turn < 6 * controls.length; turn++) {
                const own = turn % controls.length, before = controls.map((control) => control.value());
                controls[own].move();
                await new Promise((shown) => setTimeout(shown));
                const changed = controls.flatMap((control, k) => control.value() === before[k] ? [] : [k]);
                strays.push(...changed.filter((k) => k !== own));
                told += box.querySelector(".film-note").textContent !== "";
            }
            return [controls.length, strays, told];
        }""")
        assert strays == [] and moved == len(shown.twin.controls)
        assert told > 0 or stem in ("start_here", "train_it")  # of those the small film holds all


def test_all_512_verdicts(browser, small_book):
    """One click leads from each set of edges to the next, in Gray's order."""
    with opened(browser, small_book / "embed" / "laboratory.html") as page:
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


def test_links_sentences_and_what_is_not_on_film(browser, small_book):
    with opened(browser, small_book / "04_where_to_divide.html", "#laboratory=dz&X=100&T=4") as page:
        headline, note = page.locator("#laboratory .lstm-status .lstm-headline"), page.locator(".film-note")
        expect(note).to_contain_text("This page went to the nearest state that it holds: |X| 8.")
        expect(headline).to_contain_text("Not the gradient")
        page.get_by_role("button", name="at the end", exact=True).first.click()
        expect(headline).to_contain_text("Identical")
        assert page.locator(".film-link").get_attribute("href") == "#laboratory=dW"
        page.evaluate("location.hash = '#laboratory=dW,dc_next'")
        expect(headline).to_contain_text("Not the gradient")
        expect(note).to_be_empty()
        page.evaluate("location.hash = '#laboratory=dW,dc_next&T=7'")
        expect(note).to_contain_text("This page went to the nearest state that it holds: timesteps T 4.")


def test_a_placement_stays_where_the_film_holds_it_at_one_X_alone(browser, small_book):
    with opened(browser, small_book / "embed" / "laboratory.html", "#laboratory=dc_next,dW") as page:
        box, note = page.locator("#laboratory"), page.locator(".film-note")
        slider = box.get_by_role("slider", name=re.compile(r"\|X\|"))
        chosen = box.locator("[data-edge][aria-checked=true]")
        here = slider.get_attribute("aria-valuetext")
        for key in ("ArrowRight", "Home", "End"):
            slider.press(key)
            expect(note).to_contain_text(f"With the rest as it is, this page holds {here} only.")
            expect(slider).to_have_attribute("aria-valuetext", here)
            assert chosen.evaluate_all("(all) => all.map((edge) => edge.dataset.edge)") == ["dc_next", "dW"]
        onward = note.get_by_role("button", name=re.compile(r"Go to 100 with .*Backward graph \{.*\}"))
        onward.press("Enter")
        expect(slider).to_have_attribute("aria-valuetext", "100")
        expect(slider).to_be_focused()
        expect(note).to_be_empty()
        assert chosen.count() != 2


# Each page, in one visit.

@pytest.mark.parametrize("path", [*PAGES, "embed/laboratory.html"])
def test_a_page(path, browser, small_book):
    """Axe finds nothing, in both schemes; paper is white; predictions answer; it fits every width, and a hand."""
    with opened(browser, small_book / path) as page:
        page.evaluate(UNFOLD)
        slow = [*RULES_OF_COLOUR, *["region"] * (path in PAGES[1:])]  # all pages have the same landmarks
        assert violations(page, rules={rule: {"enabled": False} for rule in slow}) == []
        for scheme, seen in KINDS.items():
            page.emulate_media(color_scheme=scheme)
            before, KINDS[scheme] = seen, page.evaluate(MARK_NEW_KINDS_OF_TEXT, seen)
            if KINDS[scheme] != before:
                assert violations(page, "[data-kind]", runOnly=RULES_OF_COLOUR) == [], scheme
        on_paper(page)
        for width in (768, 1280, 1920) if path in LARGE else [1280]:
            page.set_viewport_size({"width": width, "height": 900})
            fits(page, width, 24)
        answers = page.locator("[data-prediction] form").evaluate_all("""(forms) => forms.map((form) => {
            const answer = form.querySelector("input");
            if (answer.type === "radio") answer.click(); else answer.value = 1;
            answer.dispatchEvent(new Event("input", {bubbles: true}));
            form.querySelector("button").click();
            return form.querySelector("[role=status]").textContent;
        })""")
        assert all("Predicted" in answer for answer in answers), answers
        become_a_phone(page)
        fits(page, 360, 44)
        goes_on_sideways(page)


def on_paper(page):
    """Black on white even for a reader of the dark scheme, which is left on."""
    of = """(all) => all.map((part) => ["color", "backgroundColor"].map((name) => Math.max(
        ...getComputedStyle(part)[name].match(/[\\d.]+/g).slice(0, 3).map(Number))))"""
    parts = page.locator(".lstm-explorer, .lstm-prediction, .lstm-sentence")
    assert all(ink > 200 for ink, _ in parts.evaluate_all(of))
    page.emulate_media(media="print", color_scheme="dark")
    on_paper = parts.evaluate_all(of)
    assert all(ink < 60 and paper in (0, 255) for ink, paper in on_paper), on_paper  # a sentence has no paper
    filters = page.locator("figure img").evaluate_all("(all) => all.map((picture) => getComputedStyle(picture).filter)")
    assert set(filters) <= {"none"}
    page.emulate_media(media="screen", color_scheme="light")


def fits(page, width, finger):
    """Nothing is wider than the page, smaller than 11 pixels or, where a hand must hit it, than `finger` pixels."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(SMALL_TEXT, "body") == [], width
    assert page.evaluate(SMALL_TARGETS, [TARGETS, finger]) == [], width
    letters = page.evaluate(LETTERS_IN_A_LINE, "main > p")
    assert letters is None or 58 < letters < 80 or width < 1280, letters


def become_a_phone(page, height=900):
    tell = page.context.new_cdp_session(page).send
    tell("Emulation.setTouchEmulationEnabled", {"enabled": True})
    tell("Emulation.setDeviceMetricsOverride", {"width": 360, "height": height, "deviceScaleFactor": 1, "mobile": True})
    page.wait_for_function("innerWidth === 360 && matchMedia('(pointer: coarse)').matches")


def goes_on_sideways(page):
    """What does says so; most formulas do not: they are broken, or a little smaller. Figures keep their text large."""
    silent, scrolled, formulas, sizes = page.evaluate("""() => {
        const all = [...document.querySelectorAll(".formula, .scroll, pre, .lstm-panels .lstm-panel")];
        const wide = all.filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1);
        const silent = wide.filter((box) => !getComputedStyle(box, "::after").content.match(/[Ss]croll it/));
        const pictures = [...document.querySelectorAll("figure img")];
        return [silent.map((box) => box.outerHTML.slice(0, 200)),
                wide.filter((box) => box.matches(".formula")).length, document.querySelectorAll(".formula").length,
                pictures.map((picture) => picture.width / picture.getAttribute("width"))];
    }""")
    assert silent == [] and scrolled <= max(1, 0.05 * formulas)
    assert all(size >= 0.87 for size in sizes), sizes


def test_exercises_answer(browser, small_book):
    with opened(browser, small_book / "index.html") as page:
        form = page.locator("form").filter(has_text="repair")
        form.get_by_role("spinbutton").fill("100")
        form.get_by_role("button").click()
        expect(form).to_contain_text("100 is not it. Hint: one of the two divisions is wanted")
        form.get_by_role("spinbutton").fill("10")
        form.get_by_role("spinbutton").press("Enter")
        expect(form).to_contain_text("Right.")
        plans = page.locator("form").filter(has_text="at every step back in time")
        for menu, answer in zip(plans.get_by_role("combobox").all(), ("True", "True", "False", "True")):
            menu.select_option(answer)
        plans.get_by_role("button").press("Enter")
        expect(plans).to_contain_text("can meet the factor again in every step")


def test_on_a_phone_the_verdict_stays_in_sight_and_a_figure_that_is_touched_is_seen_whole(browser, small_book):
    with opened(browser, small_book / "04_where_to_divide.html", width=360, has_touch=True, is_mobile=True) as page:
        laboratory, picture = page.locator("#laboratory"), page.locator("figure img").first
        page.set_viewport_size({"width": 360, "height": 640})
        expect(laboratory.get_by_text("The graph goes on sideways")).to_be_visible()
        assert laboratory.get_by_role("slider").first.bounding_box()["width"] > 0.75 * 360
        headline, box = laboratory.locator(".lstm-status .lstm-headline"), laboratory.locator(".lstm-boxes input")
        laboratory.locator(".lstm-boxes").evaluate("(box) => box.scrollIntoView({block: 'center'})")
        for edge in (1, 7):
            box.nth(edge).tap()
            expect(headline).to_be_in_viewport(ratio=0.9)
            covered = headline.evaluate("""(line) => { const box = line.getBoundingClientRect();
                return document.elementFromPoint(box.x + 60, box.y + 15) !== line; }""")
            assert not covered
        page.evaluate(UNFOLD)
        for whole in (False, True, False):
            assert (picture.bounding_box()["width"] <= 328) == whole
            picture.tap()


def test_without_javascript_pictures_stand_there(browser, small_book):
    with opened(browser, small_book / "04_where_to_divide.html", java_script_enabled=False) as page:
        assert page.locator("#laboratory svg").count() >= 3
        expect(page.locator("#laboratory svg").first).to_be_visible()
        expect(page.locator("#laboratory .still")).to_contain_text("A picture")
