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
import json
import random
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import bench
import browsers
import psutil
from jupyter_client.jsonutil import json_default
from jupyter_client.session import Session
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from lstmlib import EDGES
from lstmlib.explorers.where_to_divide import laboratory

NOTEBOOK = "04_where_to_divide"
PAGE = bench.ROOT / "docs" / "teaching.md"
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

    async def connect(self, kernel, session):
        return await websocket_connect(
            f"ws://{self.place}/api/kernels/{kernel}/channels?session_id={session}&token={self.token}",
            max_message_size=2 ** 27)

    def kernels(self):
        return [child for child in self.process.children() if any("ipykernel" in word for word in child.cmdline())]


class Request:
    """A message to the kernel: when it was sent, when a picture came for it, and whether the kernel is done with it."""

    def __init__(self):
        self.sent, self.picture, self.done = time.perf_counter(), None, asyncio.Event()


class Student:
    """One browser with one notebook.

    after     {what: seconds since the kernel was asked for}
    times     milliseconds from a change to its picture: a list that students may share
    problems  whatever went wrong;  deaths  how often the kernel was lost
    """

    def __init__(self, server, number, times, notebook=NOTEBOOK):
        self.server, self.number, self.times, self.notebook = server, number, times, notebook
        self.random, self.session = random.Random(number), Session()
        self.requests, self.widgets, self.after, self.problems, self.deaths = {}, {}, {}, [], 0

    async def come(self):
        """Open the notebook, start a kernel, run all cells."""
        await self.server.ask(f"contents/notebooks/{self.notebook}.ipynb")
        self.start = time.perf_counter()
        path = f"notebooks/{self.notebook}-{self.number}.ipynb"
        session = await self.server.ask("sessions", {"path": path, "name": path, "type": "notebook",
                                                     "kernel": {"name": "python3"}})
        self.socket = await self.server.connect(session["kernel"]["id"], self.session.session)
        self.listening = asyncio.create_task(self.listen())
        await self.request("kernel_info_request", {})
        self.note("kernel_ready_s")
        for code in browsers.code_of(bench.ROOT / "notebooks" / f"{self.notebook}.ipynb"):
            await self.request("execute_request", {"code": code, "silent": False, "store_history": True,
                                                   "allow_stdin": False, "stop_on_error": True})
        self.note("all_cells_s")

    def note(self, what):
        self.after.setdefault(what, time.perf_counter() - self.start)

    async def request(self, kind, content):
        """Send a message to the kernel, and wait until it is done with it."""
        message = self.session.msg(kind, content)
        request = self.requests[message["msg_id"]] = Request()
        await self.socket.write_message(json.dumps(message | {"channel": "shell"}, default=json_default))
        await asyncio.wait_for(request.done.wait(), PATIENCE)
        return request

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
        elif kind == "execute_result" and content["data"]["text/plain"].startswith("Explorer("):
            self.note("first_picture_s")
        elif kind == "comm_open":
            self.widgets[content["comm_id"]] = content["data"].get("state", {})
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.update(self.widgets[content["comm_id"]], content["data"]["state"], request)
        elif kind == "status" and content["execution_state"] == "idle" and request:
            request.done.set()
        elif kind == "status" and content["execution_state"] in ("dead", "restarting"):
            self.deaths += 1

    def update(self, widget, state, request):
        widget.update(state)
        if request and "value" in state and is_panels(widget):
            request.picture = request.picture or time.perf_counter()
        if state.get("value") and widget.get("label") == "alert":
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
        """Change a control as the browser does, and wait until the kernel is done; note when a picture came for it."""
        self.widgets[widget].update(state)
        data = {"method": "update", "state": state, "buffer_paths": []}
        request = await self.request("comm_msg", {"comm_id": widget, "data": data})
        if request.picture:
            self.times.append(1000 * (request.picture - request.sent))

    async def press(self, preset):
        await self.change(self.widget(lambda state: "names" in state), chosen=[preset, time.time()])

    async def do_something(self):
        """Move a slider by a step, toggle an edge, or choose an example."""
        what = self.random.choice(["slider", "slider", "edge", "preset"])
        if what == "slider":
            slider = self.slider(self.random.choice([X, "timesteps T", "forget bias"]))
            index, places = self.widgets[slider]["index"], range(len(self.widgets[slider]["texts"]))
            await self.change(slider, index=self.random.choice([at for at in (index - 1, index + 1) if at in places]))
        elif what == "edge":
            edges = set(self.widgets[self.graph()]["value"]) ^ {self.random.choice(["dy", "dz", "dh_next", "dW"])}
            await self.change(self.graph(), value=[edge for edge in EDGES if edge in edges])
        else:
            await self.press(self.random.choice(["At once: dy", "At the end: dW", "Into the gates: dz", "Reset"]))

    async def play(self, over):
        """About one event in a second, until `over` is set."""
        while not over.is_set():
            await asyncio.sleep(self.random.uniform(0.5, 1.5))
            await self.do_something()

    async def drag(self, seconds):
        """Move a slider to and fro: as in the browser, the next change waits until the kernel is idle."""
        slider, end = self.slider("forget bias"), time.perf_counter() + seconds
        for index in bench.to_and_fro(len(self.widgets[slider]["texts"])):
            if (now := time.perf_counter()) > end:
                break
            await self.change(slider, index=index)
            await asyncio.sleep(max(0, now + FRAME - time.perf_counter()))

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


async def lesson(address, students, arriving):
    """A class of so many students, who come within `arriving` seconds -> what was measured."""
    server, load, over = Server(address), bench.load(), asyncio.Event()
    meanwhile, afterwards, dragged = [], [], []
    group = [Student(server, number, meanwhile) for number in range(students)]

    async def come_and_play(student):
        await asyncio.sleep(arriving * student.number / students)
        await student.come()
        if all("all_cells_s" in student.after for student in group):
            asyncio.get_running_loop().call_later(PLAYING, over.set)
            share(afterwards)
        await student.play(over)

    def share(times):
        for student in group:
            student.times = times

    await at_once(group, come_and_play, over)
    wrong = wrong_pictures(group)
    await at_once(group, lambda student: student.press("Recurrent path only: dh_next"), over)
    share(dragged)
    began = time.perf_counter()
    await at_once(group, lambda student: student.drag(DRAGGING), over)
    took = time.perf_counter() - began
    alive = await server.ask("kernels")
    kernels = [megabytes(kernel) for kernel in server.kernels()]
    of_server = megabytes(server.process)
    total = sum(kernel["pss"] for kernel in kernels) + of_server["pss"]
    return {
        "students": students, "arriving_seconds": arriving, "load_before": load,
        **{what: bench.spread([student.after[what] for student in group if what in student.after])
           for what in ("kernel_ready_s", "first_picture_s", "all_cells_s")},
        "while_others_start_ms": bench.spread(meanwhile), "playing_ms": bench.spread(afterwards),
        "dragging_ms": bench.spread(dragged),
        "pictures_per_second_and_student": round(len(dragged) / took / students, 1),
        "memory": {"kernel_pss": bench.spread([kernel["pss"] for kernel in kernels]),
                   "kernel_rss": bench.spread([kernel["rss"] for kernel in kernels]),
                   "server_rss": of_server["rss"], "total_pss": round(total, 1),
                   "per_student": round(total / max(len(kernels), 1), 1)},
        "errors": [f"student {student.number}: {problem}" for student in group for problem in student.problems],
        "dead_kernels": students - len(kernels) + sum(student.deaths for student in group)
        + sum(kernel["execution_state"] not in ("idle", "busy") for kernel in alive),
        "wrong_pictures": wrong + wrong_pictures(group),
    }


async def at_once(group, act, over):
    """Every student acts at the same time; what fails is among its problems, and the playing is over."""
    async def guarded(student):
        try:
            await act(student)
        except Exception as error:
            student.problems.append(repr(error))
            over.set()

    await asyncio.gather(*map(guarded, group))


def wrong_pictures(group):
    twin = laboratory()
    return sum("all_cells_s" not in student.after or not student.picture_is_right(twin) for student in group)


def megabytes(process):
    """Proportional, resident and peak resident memory, in megabytes of 1,000,000 bytes."""
    now = process.memory_full_info()
    found = {"pss": now.pss, "rss": now.rss, "peak": bench.peak_resident(process.pid)}
    return {name: round(value / 1e6, 1) for name, value in found.items()}


async def alone(address, notebook):
    """One student with one notebook: seconds to run all cells, and megabytes of the kernel and of its server."""
    server = Server(address)
    student = Student(server, 0, [], notebook)
    await at_once([student], Student.come, asyncio.Event())
    kernel, = map(megabytes, server.kernels())
    return {"notebook": notebook, "all_cells_s": round(student.after.get("all_cells_s", 0), 1),
            "kernel_rss": kernel["rss"], "kernel_peak_rss": kernel["peak"],
            "server_peak_rss": megabytes(server.process)["peak"], "errors": student.problems}


def served(measure, *arguments):
    """Measure on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(bench.ROOT / "notebooks", Path(folder) / "notebooks")
        with browsers.jupyterlab(folder) as address:
            measured = asyncio.run(measure(address, *arguments))
            print(json.dumps(measured), flush=True)
            return measured


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
    mildest, *_, third, second, hungriest = sorted(data["notebooks"], key=lambda row: row["kernel_peak_rss"])
    hungry = third, second, hungriest
    columns = [as_shown(lesson) for lesson in lessons]
    rows = [" | ".join(["", what, *(shown.format(**column) for column in columns)]) for what, shown in ROWS.items()]
    return "\n".join([
        f"{machine['date']}, {machine['processors']} processors ({machine['processor']}), {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}; load before the three lessons "
        + ", ".join(f"{lesson['load_before']}" for lesson in lessons) + ".", "",
        f"| | one student | {spread_out['students']} students within {spread_out['arriving_seconds']} s | "
        f"{at_once['students']} at once |", "|---|---:|---:|---:|", *(f"{row} |".strip() for row in rows),
        "", f"Each notebook run alone: the kernel of {mildest['notebook']} needs least at its peak, "
        f"{mildest['kernel_peak_rss']:.0f} MB, that of {hungriest['notebook']} most, "
        f"{hungriest['kernel_peak_rss']:.0f} MB. A server of one's own with the three that need most "
        f"({', '.join(row['notebook'] for row in hungry)}) still open: {open_at_once(hungry):.0f} MB."])


def as_shown(lesson):
    """A lesson with its errors counted, and the 95th percentile in place of each spread of milliseconds."""
    p95 = {name: f"{values['p95']:.0f}" if values["count"] > 1 else "-"
           for name, values in lesson.items() if name.endswith("_ms")}
    return lesson | p95 | {"errors": len(lesson["errors"])}


def open_at_once(rows):
    """Megabytes at the peak for one student's server with these notebooks open, each with its kernel."""
    return max(row["server_peak_rss"] for row in rows) + sum(row["kernel_peak_rss"] for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--output", type=Path, default=bench.HERE / "classroom.json")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the table from what is stored")
    options = parser.parse_args()
    if not options.page:
        AsyncHTTPClient.configure(None, max_clients=2 * options.students)
        machine = bench.this_machine() | {"memory_gb": round(psutil.virtual_memory().total / 1e9)}
        lessons = [served(lesson, *who) for who in ((1, 0), (options.students, ARRIVING), (options.students, 0))]
        notebooks = [served(alone, path.stem) for path in sorted((bench.ROOT / "notebooks").glob("*.ipynb"))]
        bench.store(options.output, {"machine": machine, "lessons": lessons, "notebooks": notebooks})
    if options.output.resolve().parent == bench.HERE:
        bench.write_table(PAGE, "classroom", table(json.loads(options.output.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
