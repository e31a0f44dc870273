"""A class at work: many kernels of one notebook at once on one JupyterLab server. Linux only.

    python benchmarks/classroom.py [--students 30] [--output benchmarks/classroom.json]
    python benchmarks/classroom.py --page    # only brings the table in docs/teaching.md up to date

Needs `pip install -e '.[lab,test]'`; takes about eight minutes. The server and the kernels are real; the students are
programs that speak to the server as a browser does: each opens notebook 4, starts a kernel, runs all cells, and then
moves the laboratory's controls, about once a second. They come one after the other, and, in a second lesson, all at
once. At the end of each lesson all of them drag a slider at the same time. Measured are times, memory, errors and
kernels that died; each student's last picture is compared with the one that lstmlib draws here for the same state.
It is no test: no number is judged.
"""

import argparse
import asyncio
import datetime
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import browsers  # noqa: E402

from lstmlib import EDGES  # noqa: E402
from lstmlib.explorers.where_to_divide import laboratory  # noqa: E402
from lstmlib.show.server import WIDGET_VIEW  # noqa: E402
from tools.files import write  # noqa: E402

NOTEBOOK = "04_where_to_divide"
PAGE = ROOT / "docs" / "teaching.md"
BEGIN, END = "<!-- classroom: written by benchmarks/classroom.py -->\n", "<!-- end of classroom -->"
PATIENCE = 300  # seconds for one reply
ARRIVING, PLAYING, DRAGGING = 60, 60, 10  # seconds: to come one after the other, to play once all are there, to drag
X = "|X| (items averaged over)"  # as its slider is called
FRAME = 1 / 60  # a browser sends no more than one change per frame


class Server:
    """What a browser needs of a JupyterLab server."""

    def __init__(self, address):
        parts = urlsplit(address)
        self.place, self.token = parts.netloc, parse_qs(parts.query)["token"][0]
        self.process, = (child for child in psutil.Process().children() if "jupyterlab" in child.cmdline())

    async def ask(self, path, body=None):
        """The answer to a GET, or to a POST where there is a body."""
        reply = await AsyncHTTPClient().fetch(
            f"http://{self.place}/api/{path}", method="GET" if body is None else "POST",
            body=None if body is None else json.dumps(body), headers={"Authorization": f"token {self.token}"},
            request_timeout=PATIENCE, connect_timeout=PATIENCE)
        return json.loads(reply.body)

    async def connect(self, kernel):
        return await websocket_connect(
            f"ws://{self.place}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}&token={self.token}",
            max_message_size=2 ** 27)

    def kernels(self):
        return [child for child in self.process.children() if any("ipykernel" in word for word in child.cmdline())]


class Request:
    """A message to the kernel, and what came back for it."""

    def __init__(self):
        self.sent, self.picture = time.perf_counter(), None
        self.reply, self.idle = (asyncio.get_running_loop().create_future() for _ in range(2))


class Student:
    """One browser with one notebook. `problems` collects whatever went wrong; `deaths` counts lost kernels."""

    def __init__(self, server, number, notebook=NOTEBOOK):
        self.server, self.number, self.notebook = server, number, notebook
        self.random = random.Random(number)
        self.requests, self.widgets, self.problems, self.deaths = {}, {}, [], 0
        self.socket = self.ready = self.first_picture = self.finished = None
        self.events = []  # (when, milliseconds)
        self.unchanged = 0  # events that left the picture as it was

    async def come(self):
        """Open the notebook, start a kernel, run all cells; times are seconds since the kernel was asked for."""
        await self.server.ask(f"contents/notebooks/{self.notebook}.ipynb")
        self.start = time.perf_counter()
        path = f"notebooks/{self.notebook}-{self.number}.ipynb"
        session = await self.server.ask("sessions", {"path": path, "name": path, "type": "notebook",
                                                     "kernel": {"name": "python3"}})
        self.socket = await self.server.connect(session["kernel"]["id"])
        self.listening = asyncio.create_task(self.listen())
        await self.finish(await self.send("kernel_info_request", {}))
        self.ready = time.perf_counter() - self.start
        for code in browsers.code_of(ROOT / "notebooks" / f"{self.notebook}.ipynb"):
            await self.finish(await self.send("execute_request", {
                "code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
                "stop_on_error": True}))
        self.finished = time.perf_counter() - self.start

    async def leave(self):
        if self.socket:  # None: this student never came in
            self.listening.cancel()
            self.socket.close()

    async def send(self, kind, content):
        identity = uuid.uuid4().hex
        header = {"msg_id": identity, "msg_type": kind, "session": "", "username": "", "version": "5.3",
                  "date": datetime.datetime.now(datetime.UTC).isoformat()}
        request = self.requests[identity] = Request()
        await self.socket.write_message(json.dumps(
            {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}))
        return request

    async def finish(self, request, reply=True):
        waiting = (request.reply, request.idle) if reply else (request.idle,)
        try:
            await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)
        except TimeoutError:
            self.problems.append(f"no answer within {PATIENCE} s")
            raise

    async def listen(self):
        while (text := await self.socket.read_message()) is not None:
            self.hear(json.loads(text))
        self.problems.append("the connection was closed")

    def hear(self, message):
        kind, content = message["header"]["msg_type"], message["content"]
        request = self.requests.get(message["parent_header"].get("msg_id"))
        if kind == "error":
            self.problems.append(f"{content['ename']}: {content['evalue']}")
        elif kind == "stream" and content["name"] == "stderr":
            self.problems.append(f"stderr: {content['text'][:200]}")
        elif kind == "execute_result" and WIDGET_VIEW in content["data"]:
            if content["data"]["text/plain"].startswith("Explorer("):
                self.first_picture = self.first_picture or time.perf_counter() - self.start
        elif kind == "comm_open":
            self.widgets[content["comm_id"]] = content["data"].get("state", {})
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.update(content["comm_id"], content["data"]["state"], request)
        elif kind == "status" and content["execution_state"] == "idle" and request and not request.idle.done():
            request.idle.set_result(None)
        elif kind == "status" and content["execution_state"] in ("dead", "restarting"):
            self.deaths += 1
        elif kind.endswith("_reply") and request and not request.reply.done():
            request.reply.set_result(content["status"])

    def update(self, widget, state, request):
        self.widgets[widget].update(state)
        is_picture = "value" in state and is_panels(self.widgets[widget])
        if request and request.picture is None and is_picture:
            request.picture = time.perf_counter()
        if state.get("value") and self.widgets[widget].get("label") == "alert":
            self.problems.append(state["value"])

    # The laboratory, through the messages that the browser sends.

    def widget(self, fits):
        found, = (name for name, state in self.widgets.items() if fits(state))
        return found

    def slider(self, label):
        return self.widget(lambda state: state.get("label") == label and "texts" in state)

    def graph(self):
        return self.widget(lambda state: "counts" in state)

    def picture(self):
        return "".join(svg for _, svg, *_ in self.widgets[self.widget(is_panels)]["value"])

    async def change(self, widget, **state):
        """Change a control as the browser does; wait for the kernel's last word on it."""
        self.widgets[widget].update(state)
        return await self.tell(widget, {"method": "update", "state": state, "buffer_paths": []})

    async def press(self, preset):
        return await self.change(self.widget(lambda state: "names" in state), chosen=[preset, time.time()])

    async def tell(self, widget, data):
        request = await self.send("comm_msg", {"comm_id": widget, "data": data})
        await self.finish(request, reply=False)
        if request.picture is None:
            self.unchanged += 1
        else:
            self.events.append((request.sent, 1000 * (request.picture - request.sent)))
        return request

    async def do_something(self):
        """Move a slider by a step, toggle an edge, or choose an example."""
        what = self.random.choice(["slider", "slider", "edge", "preset"])
        if what == "slider":
            slider = self.slider(self.random.choice([X, "timesteps T", "forget bias"]))
            await self.change(slider, index=self.neighbour(slider, self.random.choice([-1, 1])))
        elif what == "edge":
            edges = set(self.widgets[self.graph()]["value"]) ^ {self.random.choice(["dy", "dz", "dh_next", "dW"])}
            await self.change(self.graph(), value=[edge for edge in EDGES if edge in edges])
        else:
            await self.press(self.random.choice(["At once: dy", "At the end: dW", "Into the gates: dz", "Reset"]))

    def neighbour(self, slider, step):
        state = self.widgets[slider]
        moved = state["index"] + step
        return moved if 0 <= moved < len(state["texts"]) else state["index"] - step

    async def play(self, over):
        """About one event in a second, until `over` is set."""
        while not over.is_set():
            await asyncio.sleep(self.random.uniform(0.5, 1.5))
            await self.do_something()

    async def drag(self, seconds):
        """Move a slider to and fro: as in the browser, the next change waits until the kernel is idle."""
        await self.press("Recurrent path only: dh_next")
        slider, step, end = self.slider("forget bias"), 1, time.perf_counter() + seconds
        while time.perf_counter() < end:
            request = await self.change(slider, index=self.neighbour(slider, step))
            if self.widgets[slider]["index"] in (0, len(self.widgets[slider]["texts"]) - 1):
                step = -step
            await asyncio.sleep(max(0, request.sent + FRAME - time.perf_counter()))

    def picture_is_right(self, twin):
        """Whether the picture is the one that belongs to the controls."""
        labels = {X: "size_X", "timesteps T": "T", "forget bias": "forget_bias"}
        twin.set(edges=tuple(self.widgets[self.graph()]["value"]), **{
            field: twin.controls[field].values[self.widgets[self.slider(label)]["index"]]
            for label, field in labels.items()})
        return self.picture() == twin.panels.text


def is_panels(state):
    """Whether a widget of this state shows the panels of an explorer."""
    return state.get("_anywidget_id", "").endswith(".Panels")


async def lesson(address, students, arriving, playing, dragging):
    """A class of so many students, who come within `arriving` seconds -> what was measured."""
    server = Server(address)
    load = os.getloadavg()[0]
    used = own_cpu_seconds()
    begin = time.perf_counter()
    over = asyncio.Event()
    group = [Student(server, number) for number in range(students)]
    came = []

    async def one(student):
        await asyncio.sleep(arriving * student.number / students)
        await student.come()
        came.append(time.perf_counter())
        if len(came) == students:
            asyncio.get_running_loop().call_later(playing, over.set)
        await student.play(over)

    failures = await run(group, over, [one(student) for student in group])
    everyone = max(came, default=begin)
    meanwhile = [ms for student in group for when, ms in student.events if when < everyone]
    afterwards = [ms for student in group for when, ms in student.events if when >= everyone]
    events = len(meanwhile) + len(afterwards)
    wrong = wrong_pictures(group)
    processors = own_cpu_seconds() - used
    played = [len(student.events) for student in group]
    dragging_began = time.perf_counter()
    failures += await run(group, over, [student.drag(dragging) for student in group])
    dragged = [ms for student, count in zip(group, played) for _, ms in student.events[count + 1:]]
    dragging_took = time.perf_counter() - dragging_began
    wrong += wrong_pictures(group)
    kernels, alive = server.kernels(), await server.ask("kernels")
    result = {
        "students": students, "arriving_seconds": arriving, "load_before": round(load, 1),
        "kernel_ready_s": spread([student.ready for student in group]),
        "first_picture_s": spread([student.first_picture for student in group]),
        "all_cells_s": spread([student.finished for student in group]),
        "while_others_start_ms": spread(meanwhile), "playing_ms": spread(afterwards),
        "dragging_ms": spread(dragged),
        "pictures_per_second_and_student": round(len(dragged) / dragging_took / students, 1),
        "events": events + len(dragged), "unchanged": sum(student.unchanged for student in group),
        "memory": memory_of(server, kernels),
        "processor_share_of_the_students": round(processors / (dragging_began - begin) / os.cpu_count(), 2),
        "errors": failures + [problem for student in group for problem in student.problems],
        "dead_kernels": students - len(kernels) + sum(student.deaths for student in group)
        + sum(kernel["execution_state"] not in ("idle", "busy") for kernel in alive),
        "wrong_pictures": wrong,
    }
    for student in group:
        await student.leave()
    return result


async def run(group, over, tasks):
    """All at the same time; in words, what failed."""
    outcomes = await asyncio.gather(*(guarded(task, over) for task in tasks))
    return [f"student {student.number}: {outcome!r}" for student, outcome in zip(group, outcomes) if outcome]


async def guarded(task, over):
    try:
        await task
    except Exception as error:
        over.set()
        return error


def wrong_pictures(group):
    twin = laboratory()
    return sum(student.finished is None or not student.picture_is_right(twin) for student in group)


def spread(values):
    """How many, and their median, 95th percentile and largest."""
    values = [value for value in values if value is not None]
    if len(values) < 2:
        return {"count": len(values), **{name: round(value, 2) for value in values
                                         for name in ("median", "p95", "max")}}
    p95 = statistics.quantiles(values, n=20, method="inclusive")[-1]
    return {"count": len(values), "median": round(statistics.median(values), 2), "p95": round(p95, 2),
            "max": round(max(values), 2)}


def memory_of(server, kernels):
    """Megabytes (of 1,000,000 bytes): of the kernels and of the server, at the end of a lesson."""
    measured = [smaps(kernel.pid) for kernel in kernels]
    of_server = smaps(server.process.pid)
    total = sum(of_kernel["Pss"] for of_kernel in measured) + of_server["Pss"]
    return {"kernel_pss": spread([of_kernel["Pss"] for of_kernel in measured]),
            "kernel_rss": spread([of_kernel["Rss"] for of_kernel in measured]),
            "kernel_peak_rss": spread([of_kernel["Peak"] for of_kernel in measured]),
            "server_pss": of_server["Pss"], "server_rss": of_server["Rss"], "server_peak_rss": of_server["Peak"],
            "total_pss": round(total, 1), "per_student": round(total / max(len(kernels), 1), 1)}


def smaps(pid):
    """Proportional, resident and peak resident memory of a process, in megabytes."""
    def kilobytes(name, file):
        line = next(line for line in Path(f"/proc/{pid}/{file}").read_text().splitlines() if line.startswith(name))
        return round(int(line.split()[1]) * 1024 / 1e6, 1)

    return {"Pss": kilobytes("Pss:", "smaps_rollup"), "Rss": kilobytes("Rss:", "smaps_rollup"),
            "Peak": kilobytes("VmHWM:", "status")}


def own_cpu_seconds():
    return sum(psutil.Process().cpu_times()[:2])


async def alone(address, notebook):
    """One student with one notebook: seconds to run all cells, and megabytes of the kernel and of its server."""
    server = Server(address)
    student = Student(server, 0, notebook)
    failures = await run([student], asyncio.Event(), [student.come()])
    kernel, = server.kernels()
    of_kernel, of_server = smaps(kernel.pid), smaps(server.process.pid)
    await student.leave()
    return {"notebook": notebook, "all_cells_s": round(student.finished or 0, 1), "kernel_rss": of_kernel["Rss"],
            "kernel_peak_rss": of_kernel["Peak"], "server_peak_rss": of_server["Peak"],
            "errors": failures + student.problems}


def served(measure, *arguments):
    """Measure on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        browsers.copy_notebooks(folder)
        with browsers.jupyterlab(folder) as address:
            return asyncio.run(measure(address, *arguments))


# The table in docs/teaching.md

ROWS = {  # what -> how a lesson is shown
    "kernel ready, s (median / slowest)": "{kernel_ready_s[median]:.1f} / {kernel_ready_s[max]:.1f}",
    "laboratory shown, s after the kernel was asked for (median / slowest)":
        "{first_picture_s[median]:.1f} / {first_picture_s[max]:.1f}",
    "all cells run, s (median / slowest)": "{all_cells_s[median]:.1f} / {all_cells_s[max]:.1f}",
    "one event a second, while others still start: p95, ms": "{while_others_start_ms}",
    "one event a second, all there: p95, ms": "{playing_ms}",
    "everyone drags a slider: p95, ms": "{dragging_ms}",
    "pictures per second and student in the drag": "{pictures_per_second_and_student}",
    "memory of a kernel, MB: proportional (largest)": "{memory[kernel_pss][max]:.0f}",
    "memory of a kernel, MB: resident (largest)": "{memory[kernel_rss][max]:.0f}",
    "memory of the server, MB: resident": "{memory[server_rss]:.0f}",
    "memory per student with a share of the server, MB": "{memory[per_student]:.0f}",
    "memory of the class with the server, MB": "{memory[total_pss]:.0f}",
    "errors; kernels lost; wrong pictures": "{errors}; {dead_kernels}; {wrong_pictures}",
}


def table(data):
    machine, lessons = data["machine"], data["lessons"]
    _, spread_out, at_once = lessons
    by_need = sorted(data["notebooks"], key=lambda row: row["kernel_peak_rss"])
    mildest, hungriest = by_need[0], by_need[-1]
    heads = ["one student", f"{spread_out['students']} students within {spread_out['arriving_seconds']} s",
             f"{at_once['students']} at once"]
    columns = [as_shown(lesson) for lesson in lessons]
    return "\n".join([
        f"{data['date']}, {machine['processors']} processors ({machine['processor']}), {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}; load before the three lessons "
        + ", ".join(f"{lesson['load_before']}" for lesson in lessons) + ".", "",
        "| " + line(*heads), "|---|---:|---:|---:|",
        *(line(what, *(shown.format(**column) for column in columns)) for what, shown in ROWS.items()),
        "", f"Each notebook run alone: the kernel of {mildest['notebook']} needs least at its peak, "
        f"{mildest['kernel_peak_rss']:.0f} MB, that of {hungriest['notebook']} most, "
        f"{hungriest['kernel_peak_rss']:.0f} MB. A server of one's own with the three that need most "
        f"({', '.join(row['notebook'] for row in by_need[-3:])}) still open: {open_at_once(by_need[-3:]):.0f} MB."])


def line(*cells):
    return f"| {' | '.join(cells)} |"


def as_shown(lesson):
    """A lesson with its errors counted, and the 95th percentile in place of each spread of milliseconds."""
    p95 = {name: f"{values['p95']:.0f}" if values["count"] > 1 else "-"
           for name, values in lesson.items() if name.endswith("_ms")}
    return lesson | p95 | {"errors": len(lesson["errors"])}


def open_at_once(rows):
    """Megabytes at the peak for one student's server with these notebooks open, each with its kernel."""
    return max(row["server_peak_rss"] for row in rows) + sum(row["kernel_peak_rss"] for row in rows)


def with_table(text, data):
    """docs/teaching.md with its table replaced."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n{table(data)}\n\n{END}{rest.split(END)[1]}"


def write_page(data):
    write(PAGE, with_table(PAGE.read_text(encoding="utf-8"), data))


def this_machine():
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    return {"system": platform.system(), "python": platform.python_version(), "processors": os.cpu_count(),
            "processor": names[0] if names else platform.machine(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "classroom.json")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the table from what is stored")
    options = parser.parse_args()
    if options.page:
        write_page(json.loads(options.output.read_text(encoding="utf-8")))
        return
    AsyncHTTPClient.configure(None, max_clients=2 * options.students)
    date, lessons, notebooks = datetime.date.today().isoformat(), [], []
    for students, arriving in ((1, 0), (options.students, ARRIVING), (options.students, 0)):
        lessons.append(served(lesson, students, arriving, PLAYING, DRAGGING))
        print(json.dumps(lessons[-1], indent=1), flush=True)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebooks.append(served(alone, path.stem))
        print(json.dumps(notebooks[-1]), flush=True)
    data = {"date": date, "machine": this_machine(), "lessons": lessons, "notebooks": notebooks}
    write(options.output, json.dumps(data, indent=1) + "\n")
    if options.output == ROOT / "benchmarks" / "classroom.json" and PAGE.exists():
        write_page(data)


if __name__ == "__main__":
    main()
