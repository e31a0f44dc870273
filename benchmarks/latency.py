"""Measure how fast the picture of every explorer follows the hand, in Chromium: in the book and in JupyterLab.

    python run.py book
    python benchmarks/latency.py [--output benchmarks/latency.json] [--events 60] [name of a lesson, ...]

An explorer is shown in three places in turns: a page of the book, from the disk; JupyterLab as the project sets it up,
whose messages are sent at once; JupyterLab with jupyter_server's own class, which waits for acknowledgements
(docs/upstream-nodelay.md). Keys move every slider, menu and choice to and fro, from the start and from the last named
state: the time from the event to the first frame with another picture, and until it is painted. Then each slider and
menu is set anew before each frame, as by a hand that drags it: the pictures seen in a second, of the one that shows
most. Events that leave the picture as it is are not counted. It is no test: no time is judged.
"""

import argparse
import json
import tempfile
from itertools import product
from pathlib import Path

import bench
import browsers
import numpy as np

from lstmlib.explorers import EXPLORERS

BOOK = bench.ROOT / "build" / "book"
PLACES = "book", "at once", "acknowledged"
ACKNOWLEDGED = ("--ServerApp.kernel_websocket_connection_class="
                "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection")
WATCH = """(box) => {
    const seen = {event: null, frame: [], painted: [], pictures: 0};
    for (const kind of ["input", "change"])
        box.addEventListener(kind, ({isTrusted}) => { if (isTrusted) seen.event ??= performance.now(); }, true);
    new MutationObserver((changes) => {
        if (!changes.some(({target}) => target.closest?.(".lstm-panels"))) return;
        seen.pictures += 1;
        if (seen.event === null) return;
        const event = seen.event; seen.event = null;
        requestAnimationFrame(() => {
            seen.frame.push(performance.now() - event);
            setTimeout(() => seen.painted.push(performance.now() - event));
        });
    }).observe(box, {childList: true, subtree: true});
    return seen;
}"""
SETTLE = """async (seen) => {
    for (let wait = 0; wait === 0 || (wait < 12 && seen.event !== null); wait++)
        await new Promise((go) => setTimeout(go, 40));
    seen.event = null;
}"""
DRAG = """async (control) => {
    const [place, kind, last] = control.max ? ["value", "input", Number(control.max)]
        : ["selectedIndex", "change", control.options.length - 1];
    const begin = performance.now();
    for (let move = 1; performance.now() - begin < 1000; move++) {
        control[place] = last - Math.abs(last - move % (2 * last));
        control.dispatchEvent(new Event(kind, {bubbles: true}));
        await new Promise(requestAnimationFrame);
    }
    return (performance.now() - begin) / 1000;
}"""


def measure(page, events):
    """What becomes of the explorer that a page shows, under the hand."""
    box = page.locator(".lstm-explorer").first
    box.locator(".lstm-panels svg").first.wait_for()
    seen = box.evaluate_handle(WATCH)
    presets, *controls = box.locator('.lstm-menu select, input[type="range"], .lstm-choice').all()
    states = [presets.locator("option").nth(place).get_attribute("value") for place in (-1, -2)]
    drags, times = [], max(events // len(controls) // 24, 1)
    for control, state in product(controls, states):
        presets.select_option(state)
        page.wait_for_timeout(300)
        choice = control.evaluate("(control) => control.localName") == "fieldset"
        target = control.locator("input:checked") if choice else control
        for key in times * 6 * ["ArrowRight", "ArrowLeft"]:
            target.press(key)
            seen.evaluate(SETTLE)
        if not choice:
            before = seen.json_value()["pictures"]
            seconds = control.evaluate(DRAG)
            drags.append((seen.json_value()["pictures"] - before) / seconds)
    found = seen.json_value()
    return {"frame_ms": spread(found["frame"]), "painted_ms": spread(found["painted"]),
            "pictures_per_second": round(max(drags), 1)}


def spread(values):
    """How many, their median and 95th percentile."""
    median, p95 = np.percentile(values, [50, 95]).round(1).tolist()
    return {"count": len(values), "median": median, "p95": p95}


def row(name, page, labs, events):
    """One explorer in its three places: Playwright's page shows that of the book."""
    page.bring_to_front()
    page.goto((BOOK / "embed" / f"{EXPLORERS[name].split('.')[1]}.html").as_uri())
    page.wait_for_function("performance.getEntriesByName('read').length")  # a reader looks before he moves something
    found = [measure(page, events)]
    for lab in labs:
        lab.page.bring_to_front()
        lab.open(f"{name}.ipynb")
        lab.run(0)
        found.append(measure(lab.page, events))
        lab.close()
    return {"explorer": name, **dict(zip(PLACES, found))}


def table(data):
    machine = data["machine"]
    heads = " | ".join(f"{place}: median | p95 | drag" for place in PLACES)
    lines = [f"Measured on {machine['date']}, {machine['processors']} processors, load {machine['load_at_start']} at "
             f"the start, Chromium {machine['chromium']}:\n", f"| explorer | {heads} |", f"|---|{9 * '---:|'}"]
    for row in data["explorers"]:
        shown = [f"{row[place]['painted_ms']['median']:.0f} | {row[place]['painted_ms']['p95']:.0f} | "
                 f"{row[place].get('pictures_per_second', '')}" for place in PLACES]
        lines.append(f"| {row['explorer']} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=list(EXPLORERS), help="lessons, such as which_X (all)")
    parser.add_argument("--output", type=Path, default=bench.HERE / "latency.json")
    parser.add_argument("--events", type=int, default=60, help="key presses for each explorer and place")
    options = parser.parse_args()
    if not BOOK.is_dir():
        parser.error(f"{BOOK} holds no book: make it with `python run.py book`")
    machine, rows = bench.this_machine(), []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.names:
            module, factory = EXPLORERS[name].split(".")
            browsers.write_notebook(Path(folder) / f"{name}.ipynb",
                                    f"from lstmlib.explorers.{module} import {factory}\n\n{factory}()")
        with (browsers.jupyterlab(folder) as one, browsers.jupyterlab(folder, options=[ACKNOWLEDGED]) as other,
              browsers.chromium_browser() as browser, browsers.browser_page(browser=browser) as page):
            machine["chromium"] = browser.version
            labs = [browsers.Lab(browser.new_page(viewport=page.viewport_size), address) for address in (one, other)]
            for name in options.names:
                rows.append(row(name, page, labs, options.events))
                print(json.dumps(rows[-1]), flush=True)
    data = {"machine": machine, "explorers": rows}
    bench.store(options.output, data)
    if options.output.resolve().parent == bench.HERE:
        bench.write_table(bench.HERE / "README.md", "latency", table(data))


if __name__ == "__main__":
    main()
