"""Measure how fast the picture of every explorer follows the hand, in JupyterLab in Chromium.

    python benchmarks/latency.py [--output benchmarks/latency.json] [--events 60]

Needs `pip install -e '.[lab,test]'` and an installed Chromium or Chrome. For every slider of every explorer, in every
notebook, keys move it to and fro, in the named state in which it changes the picture most; an explorer without a slider
is sent to its named states by keys on their buttons. Two times are measured: from the input event in the browser to the
first frame with the changed picture, and the part of it that the kernel takes to compute and draw. Events that leave
the picture as it is are not counted. It is no test: no time is judged.
"""

import argparse
import datetime
import functools
import itertools
import json
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import browser  # noqa: E402

from lstmlib.explorers import Slider  # noqa: E402
from tools.files import write  # noqa: E402

WATCH = """(box) => {
    const seen = {event: null, times: []};
    for (const kind of ["input", "click"]) box.addEventListener(kind, () => { seen.event = performance.now(); }, true);
    new MutationObserver(() => {
        if (seen.event === null) return;
        const event = seen.event; seen.event = null;
        requestAnimationFrame(() => setTimeout(() => seen.times.push(performance.now() - event)));
    }).observe(box.querySelector(".lstm-panels"), {childList: true, subtree: true});
    return seen;
}"""
IN_KERNEL = """
def _milliseconds(act, *arguments, **named):
    from time import perf_counter
    start = perf_counter()
    act(*arguments, **named)
    return 1000 * (perf_counter() - start)

def _latency_of_slider(explorer, field, count):
    values = explorer.controls[field].values
    return [_milliseconds(explorer.set, **{field: values[k % len(values)]}) for k in range(count)]

def _latency_of_presets(explorer, presets):
    return [_milliseconds(explorer.press, preset) for preset in presets]
"""


def measure(lab, path, events):
    """One row for each explorer of the notebook."""
    lab.open(f"notebooks/{path.name}")
    lab.run_all()
    evaluate(lab, IN_KERNEL, "0")
    rows = []
    for name, twin in browser.twins(path).items():
        shown = browser.Shown(lab.page, twin)
        sliders = {field: control for field, control in twin.controls.items() if isinstance(control, Slider)}
        in_browser, in_kernel = [], []
        for field, control in sliders.items():
            count = max(events // len(sliders), 2)
            preset = liveliest(twin, field, control)
            evaluate(lab, "", f"{name}.choose({preset!r})")
            twin.choose(preset)
            lab.page.wait_for_timeout(300)
            in_browser += follow(shown, slider_keys(shown, control, count))
            in_kernel += json.loads(evaluate(lab, "", f"_latency_of_slider({name}, {field!r}, {count})"))
        if not sliders:
            presets = list(itertools.islice(itertools.cycle(twin.presets), events))
            in_browser = follow(shown, [functools.partial(shown.choose, preset) for preset in presets])
            in_kernel = json.loads(evaluate(lab, "", f"_latency_of_presets({name}, {presets!r})"))
        rows.append({"notebook": path.stem, "explorer": twin.title, "moved": "sliders" if sliders else "presets",
                     "browser_ms": summary(in_browser), "kernel_ms": summary(in_kernel)})
    lab.close()
    return rows


def slider_keys(shown, control, count):
    """Key presses that move a slider step by step, to and fro."""
    slider, last, position, step = shown.slider(control), len(control.values) - 1, control.index, 1
    for _ in range(count):
        if not 0 <= position + step <= last:
            step = -step
        position += step
        yield functools.partial(slider.press, "ArrowRight" if step > 0 else "ArrowLeft")


def follow(shown, acts):
    """Do one thing after the other: milliseconds from each event to the changed picture."""
    seen, times = shown.box.evaluate_handle(WATCH), []
    for act in acts:
        act()
        before = len(times)
        for _ in range(50):  # half a second: an event may leave the picture as it is
            shown.page.wait_for_timeout(10)
            times = seen.json_value()["times"]
            if len(times) > before:
                break
    return times


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


def evaluate(lab, code, expression):
    """Run code in the open notebook's kernel, outside its cells; the repr of the expression after it."""
    reply = lab.page.evaluate("""async ([code, value]) => (await panel.sessionContext.session.kernel.requestExecute(
        {code, store_history: false, user_expressions: {value}}).done).content""", [code, expression])
    value = reply.get("user_expressions", {}).get("value", reply)
    if value["status"] != "ok":
        raise RuntimeError(f"{value['ename']}: {value['evalue']}")
    return value["data"]["text/plain"]


def summary(times):
    """Count, median and 95th percentile of milliseconds."""
    twentieths = statistics.quantiles(times, n=20, method="inclusive")
    return {"events": len(times), "median": round(statistics.median(times), 1), "p95": round(twentieths[-1], 1)}


def in_words(row):
    seen, kernel = row["browser_ms"], row["kernel_ms"]
    return (f"{row['notebook']:24} {seen['events']:6} {seen['median']:9.0f} {seen['p95']:7.0f} "
            f"{kernel['median']:9.1f} {kernel['p95']:7.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "latency.json")
    parser.add_argument("--events", type=int, default=60, help="key presses per explorer")
    options = parser.parse_args()
    if browser.chromium() is None:
        parser.error("no Chromium or Chrome was found on the PATH")
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    print(f"{'milliseconds':24} {'events':>6} {'median':>9} {'p95':>7} {'in kernel':>9} {'p95':>7}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        browser.copy_notebooks(folder)
        with browser.jupyterlab(folder) as address, browser.browser_page() as page:
            lab = browser.Lab(page, address)
            for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
                for row in measure(lab, path, options.events):
                    rows.append(row)
                    print(in_words(row), flush=True)
            version = page.context.browser.version
    machine = {"system": platform.system(), "python": platform.python_version(), "processors": os.cpu_count(),
               "chromium": version, "load_before": load and round(load[0], 1)}
    data = {"date": datetime.date.today().isoformat(), "machine": machine, "explorers": rows}
    write(options.output, json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
