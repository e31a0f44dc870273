"""Measure how fast the picture of every explorer follows the hand, in JupyterLab in Chromium.

    python benchmarks/latency.py [--output benchmarks/latency.json] [--events 60] [name of a lesson, ...]

Needs `pip install -e '.[lab,test]'` and an installed Chromium or Chrome. Two servers run side by side: one as the
project sets it up, whose messages are sent at once, and one with jupyter_server's own class, which waits for
acknowledgements (docs/upstream-nodelay.md). In turns, keys move every slider of an explorer to and fro, in the named
state in which it changes the picture most; an explorer without a slider is sent to its named states. Measured are the
time from the input event in the browser to the first frame with the changed picture, the part of it that the kernel
takes, and the pictures per second while the mouse drags a slider. Events that leave the picture as it is are not
counted. It is no test: no time is judged.
"""

import argparse
import datetime
import functools
import importlib
import itertools
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import browsers as laboratory  # noqa: E402

from lstmlib.explorers import EXPLORERS, Slider  # noqa: E402
from tools.files import write  # noqa: E402

CONNECTION = "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection"
README = ROOT / "benchmarks" / "README.md"
SERVERS = {"at once": (), "acknowledged": (f"--ServerApp.kernel_websocket_connection_class={CONNECTION}",)}
ROUNDS, DRAG_SECONDS, MOVES_PER_SECOND = 3, 2, 60
THUMB = 16  # pixels: the knob of a slider
WATCH = """(box) => {
    const seen = {event: null, times: [], pictures: 0};
    const now = () => { seen.event ??= performance.now(); };
    for (const kind of ["input", "click"]) box.addEventListener(kind, now, true);
    new MutationObserver(() => {
        seen.pictures += 1;
        if (seen.event === null) return;
        const event = seen.event; seen.event = null;
        requestAnimationFrame(() => setTimeout(() => seen.times.push(performance.now() - event)));
    }).observe(box.querySelector(".lstm-panels"), {childList: true, subtree: true});
    return seen;
}"""
IN_KERNEL = """
def _milliseconds(changes):
    from time import perf_counter
    times = []
    for change in changes:
        start = perf_counter()
        explorer.press(change) if isinstance(change, str) else explorer.set(**change)
        times.append(1000 * (perf_counter() - start))
    return times
"""


class Side:
    """One of the two servers, with its page, and what was measured there of one explorer."""

    def __init__(self, page, address):
        self.lab = laboratory.Lab(page, address)

    def open(self, name, twin):
        self.twin, self.times, self.kernel, self.drags = twin, [], [], []
        self.lab.page.bring_to_front()
        self.lab.open(f"{name}.ipynb")
        self.lab.run(0)
        self.evaluate(IN_KERNEL, "0")
        self.shown = laboratory.Shown(self.lab.page, self.twin)
        self.seen = self.shown.box.evaluate_handle(WATCH)

    def measure(self, events):
        self.lab.page.bring_to_front()
        sliders = {field: control for field, control in self.twin.controls.items() if isinstance(control, Slider)}
        for field, control in sliders.items():
            preset, count = liveliest(self.twin, field, control), max(events // len(sliders), 2)
            self.evaluate("", f"explorer.choose({preset!r})")
            self.twin.choose(preset)
            self.lab.page.wait_for_timeout(300)
            self.follow(slider_keys(self.shown, control, count))
            values = itertools.islice(itertools.cycle(control.values), count)
            self.kernel += self.timed([{field: value} for value in values])
        if sliders:
            self.drags.append(self.drag(next(iter(sliders.values()))))
        else:
            presets = list(itertools.islice(itertools.cycle(self.twin.presets), events))
            self.follow(functools.partial(self.shown.choose, preset) for preset in presets)
            self.kernel += self.timed(presets)

    def follow(self, acts):
        """Do one thing after the other; note milliseconds from each event to the changed picture."""
        for act in acts:
            before = len(self.seen.json_value()["times"])
            self.seen.evaluate("(seen) => { seen.event = null; }")
            act()
            for _ in range(50):  # half a second: an event may leave the picture as it is
                self.lab.page.wait_for_timeout(10)
                times = self.seen.json_value()["times"]
                if len(times) > before:
                    self.times.append(times[-1])
                    break

    def drag(self, control):
        """Pictures per second while the mouse pulls a slider to and fro, on to another value at each move."""
        mouse, slider = self.lab.page.mouse, self.shown.slider(control)
        slider.scroll_into_view_if_needed()
        box, last = slider.bounding_box(), len(control.values) - 1
        places = [box["x"] + THUMB / 2 + (box["width"] - THUMB) * index / last
                  for index in (*range(last), *range(last, 0, -1))]
        y, moves = box["y"] + box["height"] / 2, DRAG_SECONDS * MOVES_PER_SECOND
        before = self.seen.json_value()["pictures"]
        mouse.move(places[control.index], y)
        mouse.down()
        start = time.monotonic()
        for move, x in zip(range(moves), itertools.cycle(places)):
            mouse.move(x, y)
            time.sleep(max(0, start + (move + 1) / MOVES_PER_SECOND - time.monotonic()))
        pictures = (self.seen.json_value()["pictures"] - before) / (time.monotonic() - start)
        mouse.up()
        self.lab.page.wait_for_timeout(500)
        return pictures

    def timed(self, changes):
        return json.loads(self.evaluate("", f"_milliseconds({changes!r})"))

    def evaluate(self, code, expression):
        """Run code in the kernel, outside the notebook's cells; the repr of the expression after it."""
        reply = self.lab.page.evaluate("""async ([code, value]) =>
            (await panel.sessionContext.session.kernel.requestExecute(
                {code, store_history: false, user_expressions: {value}}).done).content""", [code, expression])
        value = reply.get("user_expressions", {}).get("value", reply)
        if value["status"] != "ok":
            raise RuntimeError(f"{value['ename']}: {value['evalue']}")
        return value["data"]["text/plain"]


def slider_keys(shown, control, count):
    """Key presses that move a slider step by step, to and fro."""
    slider, last, position, step = shown.slider(control), len(control.values) - 1, control.index, 1
    for _ in range(count):
        if not 0 <= position + step <= last:
            step = -step
        position += step
        yield functools.partial(slider.press, "ArrowRight" if step > 0 else "ArrowLeft")


@functools.cache
def liveliest(twin, field, control):
    """The preset from which the control leads to the most different pictures."""
    def pictures(preset):
        twin.choose(preset)
        seen = set()
        for value in control.values:
            twin.set(**{field: value})
            seen.add(twin.panels.text)
        return len(seen)

    return max(twin.presets, key=pictures)


def summary(times):
    """Count, median and 95th percentile of milliseconds."""
    twentieths = statistics.quantiles(times, n=20, method="inclusive")
    return {"events": len(times), "median": round(statistics.median(times), 1), "p95": round(twentieths[-1], 1)}


def measure(name, sides, events):
    """The row of one explorer, on both servers in turns."""
    module, factory = EXPLORERS[name].split(".")
    make = getattr(importlib.import_module(f"lstmlib.explorers.{module}"), factory)
    for side in sides.values():
        side.open(name, make())
    for _, side in itertools.product(range(ROUNDS), sides.values()):
        side.measure(events // ROUNDS)
    row = {"explorer": name, "moved": "sliders" if next(iter(sides.values())).drags else "presets"}
    for server, side in sides.items():
        row[server] = {"browser_ms": summary(side.times), "kernel_ms": summary(side.kernel)}
        if side.drags:
            row[server]["pictures_per_second"] = round(statistics.median(side.drags), 1)
        side.lab.close()
    return row


def in_words(row):
    said = [f"{row['explorer']:18}"]
    for server in SERVERS:
        seen, kernel = row[server]["browser_ms"], row[server]["kernel_ms"]["median"]
        said.append(f"{server}: {seen['median']:5.1f} / {seen['p95']:5.1f} ms, kernel {kernel:4.1f}, "
                    f"drag {row[server].get('pictures_per_second', '-')}/s")
    return "   ".join(said)


def table(data):
    head = "| explorer | " + " | ".join(f"{server}, ms: median | p95 | drag, pictures/s" for server in SERVERS)
    rows = [" | ".join([f"| {row['explorer']}", *(
        f"{row[server]['browser_ms']['median']:.0f} | {row[server]['browser_ms']['p95']:.0f} | "
        f"{row[server].get('pictures_per_second', '')}" for server in SERVERS), f"{kernel_ms(row):.1f} |"])
        for row in data["explorers"]]
    machine = data["machine"]
    measured = (f"Measured on {data['date']}, {machine['processors']} processors, load {machine['load_before']} at the "
                f"start, Chromium {machine['chromium']}:\n")
    return "\n".join([measured, f"{head} | kernel, ms |", f"|---{7 * '|---:'}|", *rows])


def kernel_ms(row):
    return row["at once"]["kernel_ms"]["median"]


def with_table(text, data):
    """README.md with its table replaced."""
    begin, end = "<!-- table: written by latency.py -->\n", "<!-- end of its table -->"
    head, rest = text.split(begin)
    return f"{head}{begin}\n{table(data)}\n\n{end}{rest.split(end)[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=list(EXPLORERS), help="lessons, such as which_X (all)")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "latency.json")
    parser.add_argument("--events", type=int, default=60, help="key presses per explorer")
    options = parser.parse_args()
    if laboratory.chromium() is None:
        parser.error("no Chromium or Chrome was found on the PATH")
    load, rows = os.getloadavg() if hasattr(os, "getloadavg") else None, []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.names:
            module, factory = EXPLORERS[name].split(".")
            cell = f"from lstmlib.explorers.{module} import {factory}\n\nexplorer = {factory}()\nexplorer"
            laboratory.write_notebook(Path(folder) / f"{name}.ipynb", cell)
        with (laboratory.jupyterlab(folder, options=SERVERS["at once"]) as one,
              laboratory.jupyterlab(folder, options=SERVERS["acknowledged"]) as other,
              laboratory.browser_page() as page):
            second = page.context.browser.new_page(viewport=page.viewport_size)
            sides = dict(zip(SERVERS, (Side(page, one), Side(second, other))))
            for name in options.names:
                rows.append(measure(name, sides, options.events))
                print(in_words(rows[-1]), flush=True)
            version = page.context.browser.version
    machine = {"system": platform.system(), "python": platform.python_version(), "processors": os.cpu_count(),
               "chromium": version, "load_before": load and round(load[0], 1)}
    data = {"date": datetime.date.today().isoformat(), "machine": machine, "explorers": rows}
    write(options.output, json.dumps(data, indent=1) + "\n")
    if options.output.resolve().parent == README.parent:
        write(README, with_table(README.read_text(encoding="utf-8"), data))


if __name__ == "__main__":
    main()
