"""Measure how fast explorers without Python follow the hand: the pages of the book's folder `embed`, in Chromium.

    python run.py book
    python benchmarks/film.py [--book build/book] [--output benchmarks/film.json] [--events 60]

Needs an installed Chromium or Chrome. Every slider, menu and choice of every explorer is moved by keys, to and fro: the
milliseconds from the event to the first frame with another picture are measured. Then a slider, or else a menu or a
choice, is set anew before each frame, as by a hand that drags it, for a second: how many pictures are seen? It is no
test: no time is judged.
"""

import argparse
from pathlib import Path

import bench
import browsers

WATCH = """() => {
    const seen = {event: null, times: [], painted: []}, box = document.querySelector(".film");
    const moved = () => { seen.event ??= performance.now(); };
    for (const kind of ["input", "change"]) box.addEventListener(kind, moved, true);
    new MutationObserver((changes) => {
        if (seen.event === null || !changes.some(({target}) => target.closest?.(".lstm-panel"))) return;
        const event = seen.event; seen.event = null;
        requestAnimationFrame(() => {
            seen.times.push(performance.now() - event);
            setTimeout(() => seen.painted.push(performance.now() - event));
        });
    }).observe(box, {childList: true, subtree: true});
    return seen;
}"""
RESET = """async () => {
    for (const words of ["", document.querySelector(".film").id + "=Reset"]) {
        location.hash = words;
        await new Promise((go) => setTimeout(go, 200));
    }
}"""
DRAG = """async (control) => {
    const last = control.max ? Number(control.max) : control.options.length - 1, begin = performance.now();
    let pictures = 0, frames = 0, changed = false, place = 0, step = 1;
    const observer = new MutationObserver((changes) => {
        changed ||= changes.some(({target}) => target.closest?.(".lstm-panel"));
    });
    observer.observe(document.querySelector(".film"), {childList: true, subtree: true});
    while (performance.now() - begin < 1000) {
        if (place + step < 0 || place + step > last) step = -step;
        place += step;
        if (control.max) control.value = place; else control.selectedIndex = place;
        control.dispatchEvent(new Event(control.max ? "input" : "change", {bubbles: true}));
        await new Promise(requestAnimationFrame);
        frames++; pictures += changed; changed = false;
    }
    observer.disconnect();
    return [frames, pictures];
}"""


def measure(page, path, events):
    """One row: an explorer."""
    page.goto(path.resolve().as_uri())
    page.wait_for_function("performance.getEntriesByName('read').length")  # a reader looks before he moves something
    shown_after = page.evaluate("performance.getEntriesByName('played')[0].startTime")
    seen = page.evaluate_handle(WATCH)
    controls = page.locator('.film input[type="range"], .film .lstm-menu select, .film .lstm-choice')
    each = max(events // controls.count(), 12)
    for control in controls.all():
        page.evaluate(RESET)
        name = control.evaluate("(control) => control.localName")
        target = control.locator("input:checked") if name == "fieldset" else control
        for number in range(each):
            seen.evaluate("(seen) => { seen.event = null; }")  # one before may have left the picture as it was
            target.press(["ArrowRight", "ArrowLeft"][number // 6 % 2])
            page.wait_for_timeout(40)
    page.evaluate(RESET)
    dragged = page.locator('.film input[type="range"], .film .lstm-menu select').last
    frames, pictures = dragged.evaluate(DRAG)
    times = seen.json_value()
    painted = bench.spread(times["painted"])
    return {"explorer": path.stem, "size_kB": round(path.stat().st_size / 1000), "shown_after_ms": round(shown_after),
            **bench.spread(times["times"]), "median_painted": painted["median"], "p95_painted": painted["p95"],
            "frames_in_a_second": frames, "pictures_in_a_second": pictures}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--book", type=Path, default=bench.ROOT / "build" / "book")
    parser.add_argument("--output", type=Path, default=bench.HERE / "film.json")
    parser.add_argument("--events", type=int, default=60, help="key presses for each explorer")
    options = parser.parse_args()
    pages = sorted((options.book / "embed").glob("*.html"))
    if not pages:
        parser.error(f"{options.book} holds no book: make it with `python run.py book`")
    machine, rows = bench.this_machine(), []
    with browsers.browser_page() as page:
        for path in pages:
            rows.append(measure(page, path, options.events))
            print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
        machine["chromium"] = page.context.browser.version
    bench.store(options.output, {"machine": machine, "explorers": rows})


if __name__ == "__main__":
    main()
