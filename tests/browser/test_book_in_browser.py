"""The book in Chromium, from the disk and without a network: explorers are driven by hand and compared with Python."""

import random
import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest
from films import SETS, small_lattice

for package in ("nbformat", "playwright", "pypandoc", "bleach", "anywidget"):
    pytest.importorskip(package, reason="the extras handout, lab and test are not installed")

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import TimeoutError, expect  # noqa: E402

from lstmlib.explorers import EXPLORERS  # noqa: E402
from lstmlib.explorers.film import made  # noqa: E402
from lstmlib.explorers.where_to_divide.numbers import State, headline, numbers, words  # noqa: E402
from tools import book  # noqa: E402
from tools.notebooks import stored  # noqa: E402

pytestmark = pytest.mark.browser
PAGES = ["index.html", "04_where_to_divide.html"]
WIDTHS = [360, 768, 1280, 1920]
UNFOLD = "document.querySelectorAll('details').forEach((folded) => { folded.open = true; })"
SMALLEST_TEXT = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
        if (!text || parent.closest("script, annotation, sub, sup, msub, msup, msubsup, munder, munderover, mfrac")
            || !parent.checkVisibility({visibilityProperty: true})) continue;
        const matrix = parent.getScreenCTM?.(), scale = matrix ? Math.hypot(matrix.a, matrix.b) : 1;
        const size = parseFloat(getComputedStyle(parent).fontSize) * scale;
        if (size < 10.99) found.push([size, text.slice(0, 40)]);
    }
    return found;
}"""
RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]
# Whether a text can be read follows from its colour, ground, size and weight: one of each kind is enough.
MARK_EVERY_KIND_OF_TEXT = """() => {
    const seen = new Set();
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


class Hand:
    """Moves the controls of a film as a reader does, by mouse or by keyboard, and the explorer in Python too."""

    def __init__(self, page, stem, film):
        self.page, self.twin, self.values = page, made(stem), {}
        for name, _, own in film.data["fields"]:
            own = [tuple(value) if isinstance(value, list) else value for value in own]  # as JSON has them
            order = getattr(self.twin.controls[name], "values", own)
            self.values[name] = sorted((float(value) if value == "inf" else value for value in own), key=order.index)
        self.lattice = small_lattice(stem)[1]
        self.box = page.locator(f"#{film.name}")

    def to(self, state, how):
        for name, control in self.twin.controls.items():
            value, before = getattr(state, name), getattr(self.twin.state, name)
            if value != before:  # keys pass through all values that are on the film
                possible = how if set(self.values[name]) <= {*self.lattice[name], *SETS} else "mouse"
                move = getattr(self, f"{type(control).__name__.lower()}_by_{possible}")
                move(control, value, self.values[name].index(value) - self.values[name].index(before))
                self.twin.set(**{name: value})

    def press(self, target, key, times):
        for _ in range(times):
            target.press(key)

    def slider_by_keyboard(self, control, value, steps):
        slider = self.box.get_by_role("slider", name=control.label, exact=True)
        self.press(slider, "ArrowRight" if steps > 0 else "ArrowLeft", abs(steps))

    def slider_by_mouse(self, control, value, steps):
        slider = self.box.get_by_role("slider", name=control.label, exact=True)
        if len(control.values) > 13:  # a pixel is more than one value
            slider.fill(str(control.values.index(value)))
            return
        box, share = slider.bounding_box(), control.values.index(value) / (len(control.values) - 1)
        slider.click(position={"x": 8 + share * (box["width"] - 16), "y": box["height"] / 2})

    def menu_by_mouse(self, control, value, steps):
        menu = self.box.get_by_role("combobox", name=control.label, exact=True)
        menu.select_option(index=control.values.index(value))

    def menu_by_keyboard(self, control, value, steps):
        menu = self.box.get_by_role("combobox", name=control.label, exact=True)
        self.press(menu, "ArrowDown" if steps > 0 else "ArrowUp", abs(steps))

    def radios(self, control):
        return self.box.get_by_role("group", name=control.label, exact=True).get_by_role("radio")

    def choice_by_mouse(self, control, value, steps):
        self.radios(control).nth(control.values.index(value)).click()

    def choice_by_keyboard(self, control, value, steps):
        for _ in range(abs(steps)):
            self.radios(control).and_(self.page.locator(":checked")).press("ArrowDown" if steps > 0 else "ArrowUp")

    def switch_by_mouse(self, control, value, steps):
        self.box.get_by_role("checkbox", name=control.label, exact=True).click()

    def switch_by_keyboard(self, control, value, steps):
        self.box.get_by_role("checkbox", name=control.label, exact=True).press("Space")

    def edges(self, control, value):
        for edge in sorted(set(value) ^ set(self.twin.state.edges)):
            yield self.box.locator(f'[data-edge="{edge}"]').first

    def backwardgraph_by_keyboard(self, control, value, steps):
        for edge in self.edges(control, value):
            edge.press("Space")

    def backwardgraph_by_mouse(self, control, value, steps):
        for edge in self.edges(control, value):
            edge.locator(".pill-text").first.click()

    def agrees(self):
        """What the page shows and says is what the explorer in Python shows and says."""
        status = self.box.locator(".lstm-status")
        expect(status.locator("p").nth(0)).to_have_text(self.twin.words.headline)
        expect(status.locator("p").nth(1)).to_have_text(self.twin.words.value)
        panels = self.box.locator(".lstm-panels .lstm-panel").evaluate_all("all => all.map((box) => box.drawn)")
        assert panels == [svg for _, svg, _, _ in self.twin.panels.value]


@pytest.mark.parametrize("stem", EXPLORERS)
def test_an_explorer_without_python_is_the_explorer(stem, browser, small_book, recorded):
    states, values = small_lattice(stem)
    free = [state for state in states if all(getattr(state, name) in some for name, some in values.items())]
    picked = random.Random(stem).choices(free, k=10)
    with opened(browser, small_book / "embed" / f"{recorded[stem].name}.html") as page:
        hand = Hand(page, stem, recorded[stem])
        hand.agrees()
        for number, state in enumerate(picked):
            before = hand.twin.state
            hand.to(state, ("mouse", "keyboard")[number % 2])
            hand.agrees()
            if number % 2 == 0 and before != state:  # keys pass through states that are not on the film
                expect(page.locator(".film-note")).to_be_empty()
        for preset in hand.twin.presets:
            hand.box.get_by_role("combobox", name=hand.twin.menu.label, exact=True).select_option(preset)
            hand.twin.press(preset)
            hand.agrees()


def test_edges_by_mouse_and_keyboard(browser, small_book, recorded):
    with opened(browser, small_book / "embed" / "laboratory.html") as page:
        hand = Hand(page, "where_to_divide", recorded["where_to_divide"])
        for number, edges in enumerate(random.Random(0).sample(SETS, 10)):
            state = type(hand.twin.state)(edges=edges)
            hand.to(state, ("mouse", "keyboard")[number % 2])
            hand.agrees()
            expect(page.locator(".film-note")).to_be_empty()


def test_all_512_verdicts(browser, small_book):
    with opened(browser, small_book / "embed" / "laboratory.html") as page:
        shown = page.evaluate("""async (sets) => {
            const shown = [];
            const link = document.querySelector(".film-link");
            for (const set of sets) {
                const edges = set.join(",");
                location.hash = `laboratory=${edges}&X=8&T=4`;
                await new Promise((resolve) => addEventListener("hashchange", resolve, {once: true}));
                for (let wait = 0; wait < 200 && !link.href.endsWith(`=${edges}`); wait++)
                    await new Promise((resolve) => setTimeout(resolve, 5));
                shown.push([...document.querySelectorAll(".lstm-status p")].map((p) => p.textContent));
            }
            return shown;
        }""", SETS)
    for edges, told in zip(map(State, SETS), shown, strict=True):
        assert told == [headline(edges, found := numbers(edges))[1], words(edges, found)], edges
    assert sum(headline.startswith("Identical") for headline, _ in shown) == 5


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
    with opened(browser, small_book / "04_where_to_divide.html", "#laboratory=dc_next,dW") as page:
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


@pytest.mark.parametrize("stem", EXPLORERS)
def test_nothing_changes_but_what_is_moved(stem, browser, small_book, recorded):
    """Wherever a hand puts a control, on the film or off it."""
    with opened(browser, small_book / "embed" / f"{recorded[stem].name}.html") as page:
        page.wait_for_function("performance.getEntriesByName('read').length")
        moves, strays, told = page.evaluate("""async () => {
            const box = document.querySelector(".film"), note = box.querySelector(".film-note");
            const sliders = [...box.querySelectorAll('input[type="range"]')];
            const menus = [...box.querySelectorAll(".lstm-controls select, .lstm-rows select")];
            const choices = [...box.querySelectorAll(".lstm-choice")], edges = [...box.querySelectorAll("[data-edge]")];
            const switches = [...box.querySelectorAll(".lstm-switch input")];
            const places = (choice) => [...choice.querySelectorAll("input")].findIndex((input) => input.checked);
            const seen = () => [sliders.map((slider) => slider.value), menus.map((menu) => menu.selectedIndex),
                choices.map(places), switches.map((input) => input.checked),
                edges.map((edge) => edge.ariaChecked === "true" || edge.getAttribute("aria-checked") === "true")];
            let seed = 1; const drawn = (below) => { seed = (seed * 48271) % 2147483647; return seed % below; };
            const strays = []; let told = 0, moves = 0;
            const settled = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            const move = async (kind, number, act) => {
                const before = seen(); act(); await settled();
                const after = seen();
                before.forEach((values, k) => values.forEach((value, n) => {
                    const own = k === kind && (n === number || kind === 4);
                    if (!own && value !== after[k][n]) strays.push([kind, number, k, n]);
                }));
                moves++; told += note.textContent !== "";
            };
            const fire = (target, name) => target.dispatchEvent(new Event(name, {bubbles: true}));
            for (let round = 0; round < 6; round++) {
                for (const [n, slider] of sliders.entries()) await move(0, n, () => {
                    slider.value = drawn(Number(slider.max) + 1); fire(slider, "input"); });
                for (const [n, menu] of menus.entries()) await move(1, n, () => {
                    menu.selectedIndex = drawn(menu.options.length); fire(menu, "change"); });
                for (const [n, choice] of choices.entries()) await move(2, n, () => {
                    const inputs = choice.querySelectorAll("input"); inputs[drawn(inputs.length)].click(); });
                for (const [n, input] of switches.entries()) await move(3, n, () => input.click());
                if (edges.length) await move(4, 0, () => {
                    const all = box.querySelectorAll("[data-edge]");
                    all[drawn(all.length)].dispatchEvent(new MouseEvent("click", {bubbles: true})); });
            }
            return [moves, strays, told];
        }""")
        assert strays == [] and moves >= 6
        assert told > 0 or stem in ("start_here", "train_it")  # of those the small film holds all


def violations(page, **how):
    found = Axe().run(page, **how)
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found.response["violations"]]


@pytest.mark.parametrize("path", [book.address(name) for name in stored() | book.documents()]
                         + ["embed/laboratory.html"])
def test_axe_finds_nothing_predictions_answer_and_a_phone_is_wide_enough(path, browser, small_book):
    with opened(browser, small_book / path) as page:
        page.evaluate(UNFOLD)
        slow = [*RULES_OF_COLOUR, *["region"] * (path not in PAGES)]  # all pages have the same landmarks
        assert violations(page, options={"rules": {rule: {"enabled": False} for rule in slow}}) == []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate(MARK_EVERY_KIND_OF_TEXT)
            assert violations(page, context="[data-kind]", options={"runOnly": RULES_OF_COLOUR}) == [], scheme
        for form in page.locator("[data-prediction] form").all():
            radios = form.get_by_role("radio")
            if radios.count():
                radios.first.check()
            else:
                form.get_by_role("spinbutton").fill("1")
            form.get_by_role("button").click()
            expect(form.get_by_role("status")).to_contain_text("Predicted")
        page.set_viewport_size({"width": 360, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, "it scrolls sideways on a phone"


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


def test_an_embed_is_as_wide_as_its_frame(browser, small_book):
    with opened(browser, small_book / "embed" / "laboratory.html") as page:
        hint, slider = page.get_by_text("The graph goes on sideways"), page.locator("input[type=range]").first
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            expect(hint).to_be_visible(visible=width == 360)
            assert (width == 360) == page.evaluate("""() => {
                const box = document.querySelector(".lstm-graph .lstm-panel");
                return box.scrollWidth > box.clientWidth + 1;
            }""")
            assert width > 360 or slider.bounding_box()["width"] > 0.75 * width


def test_on_a_phone_what_goes_on_sideways_says_so(browser, small_book):
    """And most formulas do not: they are broken, or a little smaller. A figure keeps its text above 11 pixels."""
    scrolled, formulas, small = {}, 0, []
    for path in sorted(small_book.glob("*.html")):
        with opened(browser, path, width=360, has_touch=True, is_mobile=True) as page:
            page.evaluate(UNFOLD)
            page.evaluate("dispatchEvent(new Event('resize'))")
            silent, scrolled[path.name], all_of_them, sizes = page.evaluate("""() => {
                const all = [...document.querySelectorAll(".formula, .scroll, pre, .lstm-panels .lstm-panel")];
                const wide = all.filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1);
                const silent = wide.filter((box) => !getComputedStyle(box, "::after").content.match(/[Ss]croll it/));
                const pictures = [...document.querySelectorAll("figure img")];
                return [silent.map((box) => box.outerHTML.slice(0, 200)),
                        wide.filter((box) => box.matches(".formula")).length,
                        document.querySelectorAll(".formula").length,
                        pictures.map((picture) => picture.width / picture.getAttribute("width"))];
            }""")
            assert silent == [], path.name
            formulas += all_of_them
            small += [(path.name, size) for size in sizes if size < 0.87]
    assert sum(scrolled.values()) <= 0.05 * formulas and small == [], scrolled


def test_on_a_phone_a_figure_that_is_touched_is_seen_whole(browser, small_book):
    with opened(browser, small_book / "01_linearity.html", width=360, has_touch=True, is_mobile=True) as page:
        picture = page.locator("figure img").first
        assert picture.bounding_box()["width"] > 700
        picture.tap()
        assert picture.bounding_box()["width"] <= 328
        picture.tap()
        assert picture.bounding_box()["width"] > 700


def test_on_a_phone_the_verdict_stays_in_sight(browser, small_book):
    with opened(browser, small_book / "04_where_to_divide.html", width=360, has_touch=True, is_mobile=True) as page:
        laboratory = page.locator("#laboratory")
        page.set_viewport_size({"width": 360, "height": 640})
        headline, box = laboratory.locator(".lstm-status .lstm-headline"), laboratory.locator(".lstm-boxes input")
        laboratory.locator(".lstm-boxes").evaluate("(box) => box.scrollIntoView({block: 'center'})")
        for edge in (1, 7):
            box.nth(edge).tap()
            expect(headline).to_be_in_viewport(ratio=0.9)
            covered = headline.evaluate("""(line) => { const box = line.getBoundingClientRect();
                return document.elementFromPoint(box.x + 60, box.y + 15) !== line; }""")
            assert not covered


def test_paper_is_white_even_for_a_reader_of_the_dark_scheme(browser, small_book):
    with opened(browser, small_book / "02_lstm_cell.html", color_scheme="dark") as page:
        of = """(all) => all.map((part) => ["color", "backgroundColor"].map((name) => Math.max(
            ...getComputedStyle(part)[name].match(/[\\d.]+/g).slice(0, 3).map(Number))))"""
        parts = page.locator(".lstm-explorer, .lstm-prediction, .lstm-sentence")
        on_screen = parts.evaluate_all(of)
        page.emulate_media(media="print", color_scheme="dark")
        on_paper = parts.evaluate_all(of)
        assert all(ink > 200 for ink, _ in on_screen) and all(ink < 60 for ink, _ in on_paper)
        assert {paper for _, paper in on_paper} <= {0, 255}  # a sentence has none
        assert page.locator("figure img").first.evaluate("(img) => getComputedStyle(img).filter") == "none"


def test_the_gates_are_on_one_screen(browser, small_book):
    with opened(browser, small_book / "02_lstm_cell.html") as page:
        for preset in made("lstm_cell").presets:
            page.locator("#gates").get_by_role("combobox").select_option(preset)
            assert page.locator("#gates .lstm-explorer").bounding_box()["height"] <= 600


@pytest.mark.parametrize("touch", [True, False])
@pytest.mark.parametrize("name", PAGES)
def test_widths(name, touch, browser, small_book):
    with opened(browser, small_book / name, width=360, has_touch=touch, is_mobile=touch) as page:
        page.evaluate(UNFOLD)
        for width in WIDTHS[:1] if touch else WIDTHS[1:]:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(SMALLEST_TEXT) == [], width
            assert page.evaluate(SMALL_TARGETS, [TARGETS, 44 if touch else 24]) == [], width
            letters = page.evaluate("""() => {
                const all = [...document.querySelectorAll("main > p")], length = (p) => p.innerText.length;
                const longest = all.sort((a, b) => length(b) - length(a))[0];
                return length(longest) / (longest.offsetHeight / parseFloat(getComputedStyle(longest).lineHeight));
            }""")
            assert 58 < letters < 77 or width < 1280


def test_without_javascript_pictures_stand_there(browser, small_book):
    with opened(browser, small_book / "04_where_to_divide.html", java_script_enabled=False) as page:
        assert page.locator("#laboratory svg").count() >= 3
        expect(page.locator("#laboratory svg").first).to_be_visible()
        expect(page.locator("#laboratory .still")).to_contain_text("A picture")


def test_in_firefox(small_book, tmp_path):
    firefox, pillow = shutil.which("firefox-esr") or shutil.which("firefox"), pytest.importorskip("PIL.Image")
    if not firefox:
        pytest.skip("Firefox is not installed")
    picture, page = tmp_path / "page.png", (small_book / "embed" / "laboratory.html").as_uri()
    subprocess.run([firefox, "--headless", "--no-remote", "--profile", str(tmp_path), "--window-size=1280,900",
                    f"--screenshot={picture}", page], timeout=120, check=True, capture_output=True)
    colours = pillow.open(picture).convert("RGB").getcolors(2 ** 24)
    assert (0, 112, 79) in [colour for _, colour in colours]  # the tick of the verdict, which the player draws
