"""A class at work: many kernels of one notebook at once on one JupyterLab server. Linux only.

    python benchmarks/classroom.py [--students 30] [--output benchmarks/classroom.json]
    python benchmarks/classroom.py --page    # only brings the table in docs/teaching.md up to date

Takes about eight minutes. The server and the kernels are real; the students are programs that speak to the server as
a browser does: each opens notebook 4, starts a kernel, runs all cells, and then moves the laboratory's controls, about
once a second. They come one after the other, and, in a second lesson, all at once. At the end of each lesson all of
them drag a slider at the same time. It is no test: no number is judged.
"""

import argparse
import asyncio
import json
import random
import re
import shutil
import tempfile
import time
from itertools import cycle
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import bench
import browsers
import numpy as np
import psutil
from jupyter_client.session import Session
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

PAGE = bench.ROOT / "docs" / "teaching.md"
PATIENCE = 300  # seconds for one reply
ARRIVING, PLAYING, DRAGGING = 60, 60, 10  # seconds: to come one after the other, to play once all are there, to drag
SLIDERS = "|X| (items averaged over)", "timesteps T", "forget bias"
PRESETS = "At once: dy", "At the end: dW", "Into the gates: dz", "Reset"
FRAME = 1 / 60  # a browser sends no more than one change per frame


class Server:
    """What a browser needs of a JupyterLab server."""

    def __init__(self, address):
        parts = urlsplit(address)
        self.place, self.token = parts.netloc, parse_qs(parts.query)["token"][0]
        self.process, = (child for child in psutil.Process().children() if "jupyterlab" in child.cmdline())

    async def ask(self, path, **options):
        reply = await AsyncHTTPClient().fetch(f"http://{self.place}/api/{path}?token={self.token}", **options)
        return json.loads(reply.body)

    def kernels(self):
        """Megabytes of each kernel."""
        return [megabytes(child) for child in self.process.children()
                if any("ipykernel" in word for word in child.cmdline())]


class Student:
    """One browser with one notebook.

    after  {what: seconds since the kernel was asked for}
    times  for each change that led to another picture: when it was sent, milliseconds until the picture came
    """

    def __init__(self, server, number=0, notebook="04_where_to_divide"):
        self.server, self.number, self.notebook = server, number, notebook
        self.random, self.session = random.Random(number), Session()
        self.widgets, self.after, self.times, self.problems = {}, {}, [], []

    async def come(self):
        """Open the notebook, start a kernel, run all cells."""
        await self.server.ask(f"contents/notebooks/{self.notebook}.ipynb")
        self.start = time.perf_counter()
        path = f"notebooks/{self.notebook}-{self.number}.ipynb"
        session = await self.server.ask("sessions", method="POST", body=json.dumps(
            {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}))
        self.socket = await websocket_connect(
            f"ws://{self.server.place}/api/kernels/{session['kernel']['id']}/channels?token={self.server.token}"
            f"&session_id={self.session.session}", max_message_size=2 ** 27)
        self.listening = asyncio.create_task(self.listen())
        await self.request("kernel_info_request", {})
        self.note("kernel ready")
        for code in browsers.code_of(bench.ROOT / "notebooks" / f"{self.notebook}.ipynb"):
            await self.request("execute_request", {"code": code, "silent": False, "store_history": True,
                                                   "allow_stdin": False, "stop_on_error": True})
        self.note("all cells run")

    def note(self, what):
        self.after[what] = time.perf_counter() - self.start

    async def request(self, kind, content):
        """Send a message to the kernel, and wait until it is done with it; note when a picture came for it."""
        message = self.session.msg(kind, content)
        self.asked, self.done, self.picture = message["msg_id"], asyncio.Event(), None
        sent = time.perf_counter()
        await self.socket.write_message(json.dumps(message | {"channel": "shell"}, default=str))
        await asyncio.wait_for(self.done.wait(), PATIENCE)
        if self.picture and kind == "comm_msg":
            self.times.append((sent, 1000 * (self.picture - sent)))

    async def listen(self):
        while (text := await self.socket.read_message()) is not None:
            self.hear(json.loads(text))
        self.problems.append("the connection was closed")

    def hear(self, message):
        answer = message["parent_header"].get("msg_id") == self.asked
        match message["header"]["msg_type"], message["content"]:
            case "error", {"ename": name, "evalue": value}:
                self.problems.append(f"{name}: {value}")
            case "stream", {"name": "stderr", "text": text}:
                self.problems.append(f"stderr: {text[:200]}")
            case "execute_result", {"data": {"text/plain": text}} if text.startswith("Explorer("):
                self.note("laboratory shown")
            case "comm_open", {"comm_id": name, "data": data}:
                self.widgets[name] = data.get("state", {})
            case "comm_msg", {"comm_id": name, "data": {"method": "update", "state": state}}:
                widget = self.widgets[name]
                widget.update(state)
                if answer and "value" in state and widget.get("_anywidget_id", "").endswith(".Panels"):
                    self.picture = self.picture or time.perf_counter()
                if state.get("value") and widget.get("label") == "alert":
                    self.problems.append(state["value"])
            case "status", {"execution_state": "idle"} if answer:
                self.done.set()
            case "status", {"execution_state": "dead" | "restarting"}:
                self.problems.append("the kernel was lost")

    # The laboratory, through the messages that the browser sends.

    async def tell(self, label, **data):
        widget, = (name for name, has in self.widgets.items() if has.get("label") == label)
        await self.request("comm_msg", {"comm_id": widget, "data": data})

    async def press(self, preset):
        await self.tell("Example", method="custom", content={"question": None, "chosen": preset})

    def places(self, slider):
        texts, = (has["texts"] for has in self.widgets.values() if has.get("label") == slider and "texts" in has)
        return range(len(texts))

    async def play(self, over):
        """About once a second, until `over` is set: a slider is moved, or an example chosen."""
        while not over.is_set():
            await asyncio.sleep(self.random.uniform(0.5, 1.5))
            if slider := self.random.choice([*SLIDERS, None]):
                await self.tell(slider, method="update", state={"index": self.random.choice(self.places(slider))})
            else:
                await self.press(self.random.choice(PRESETS))

    async def drag(self):
        """Move a slider to and fro: as in the browser, the next change waits until the kernel is idle."""
        places, end = self.places(SLIDERS[-1]), time.perf_counter() + DRAGGING
        for index in cycle([*places, *places[-2:0:-1]]):
            if (now := time.perf_counter()) > end:
                break
            await self.tell(SLIDERS[-1], method="update", state={"index": index})
            await asyncio.sleep(now + FRAME - time.perf_counter())


async def at_once(group, act):
    """Every student acts at the same time; what fails is among its problems."""
    for student, problem in zip(group, await asyncio.gather(*map(act, group), return_exceptions=True)):
        student.problems += [repr(problem)] if problem else []


async def lesson(address, students, arriving):
    """A class of so many students, who come within `arriving` seconds -> what was measured."""
    server, load, over = Server(address), bench.load(), asyncio.Event()
    group, playing = [Student(server, number) for number in range(students)], {}

    async def attend(student):
        await asyncio.sleep(arriving * student.number / students)
        await student.come()
        playing[student] = asyncio.create_task(student.play(over))

    await at_once(group, attend)
    last_came = time.perf_counter()
    await asyncio.sleep(PLAYING)
    over.set()
    await at_once(playing, playing.get)
    await at_once(group, lambda student: student.press("Recurrent path only: dh_next"))
    began = time.perf_counter()
    await at_once(group, Student.drag)
    ended = time.perf_counter()

    def seconds(what):
        return median_and(100, [student.after[what] for student in group if what in student.after], digits=1)

    def between(begin, end):
        return [milliseconds for student in group for sent, milliseconds in student.times if begin <= sent < end]

    dragged = between(began, ended)
    kernels, of_server = server.kernels(), megabytes(server.process)
    total = sum(kernel["pss"] for kernel in kernels) + of_server["pss"]
    problems = [f"student {student.number}: {problem}" for student in group for problem in student.problems]
    for problem in problems:
        print(problem)
    return {
        "load of the machine before": f"{load}",
        "kernel ready, s (median / slowest)": seconds("kernel ready"),
        "laboratory shown, s after the kernel was asked for (median / slowest)": seconds("laboratory shown"),
        "all cells run, s (median / slowest)": seconds("all cells run"),
        "one event a second, while others still start, ms (median / p95)": median_and(95, between(0, last_came)),
        "one event a second, all there, ms (median / p95)": median_and(95, between(last_came, began)),
        "everyone drags a slider, ms (median / p95)": median_and(95, dragged),
        "pictures per second and student in the drag": f"{len(dragged) / (ended - began) / students:.1f}",
        "memory of a kernel, MB: proportional (largest)": f"{max(kernel['pss'] for kernel in kernels):.0f}",
        "memory of the server, MB: resident": f"{of_server['rss']:.0f}",
        "memory per student with a share of the server, MB": f"{total / len(kernels):.0f}",
        "memory of the class with the server, MB": f"{total:.0f}",
        "errors; kernels lost": f"{len(problems)}; {students - len(kernels)}"}


def median_and(percent, values, digits=0):
    """Median and a percentile, as they are shown."""
    if not values:
        return "-"
    median, other = np.percentile(values, [50, percent])
    return f"{median:.{digits}f} / {other:.{digits}f}"


def megabytes(process):
    """Proportional, resident and peak resident memory, in megabytes of 1,000,000 bytes."""
    now = process.memory_full_info()
    peak = 1024 * int(re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1])
    return {name: round(size / 1e6, 1) for name, size in (("pss", now.pss), ("rss", now.rss), ("peak", peak))}


async def alone(address, notebook):
    """One student with one notebook: megabytes of the kernel and of its server at their peak."""
    server = Server(address)
    student = Student(server, notebook=notebook)
    await at_once([student], Student.come)
    kernel, = server.kernels()
    return {"notebook": notebook, "kernel_peak_rss": kernel["peak"],
            "server_peak_rss": megabytes(server.process)["peak"], "errors": student.problems}


def served(measure, *arguments):
    """Measure on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(bench.ROOT / "notebooks", Path(folder) / "notebooks")
        with browsers.jupyterlab(folder) as address:
            measured = asyncio.run(measure(address, *arguments))
            print(json.dumps(measured), flush=True)
            return measured


def table(data):
    """The table in docs/teaching.md."""
    machine, lessons = data["machine"], data["lessons"]
    mildest, *_, third, second, hungriest = sorted(data["notebooks"], key=lambda row: row["kernel_peak_rss"])
    hungry = third, second, hungriest
    open_at_once = max(row["server_peak_rss"] for row in hungry) + sum(row["kernel_peak_rss"] for row in hungry)
    rows = [["", *lessons], ["---", *["---:"] * len(lessons)]]
    rows += [[what, *(lesson[what] for lesson in lessons.values())] for what in next(iter(lessons.values()))]
    return "\n".join([
        f"{machine['date']}, {machine['processors']} processors ({machine['processor']}), {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}.", "", *(f"| {' | '.join(row)} |" for row in rows),
        "", f"Each notebook run alone: the kernel of {mildest['notebook']} needs least at its peak, "
        f"{mildest['kernel_peak_rss']:.0f} MB, that of {hungriest['notebook']} most, "
        f"{hungriest['kernel_peak_rss']:.0f} MB. A server of one's own with the three that need most "
        f"({', '.join(row['notebook'] for row in hungry)}) still open: {open_at_once:.0f} MB."])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--output", type=Path, default=bench.HERE / "classroom.json")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the table from what is stored")
    options = parser.parse_args()
    if not options.page:
        AsyncHTTPClient.configure(None, max_clients=2 * options.students,
                                  defaults={"request_timeout": PATIENCE, "connect_timeout": PATIENCE})
        machine = bench.this_machine() | {"memory_gb": round(psutil.virtual_memory().total / 1e9)}
        many = options.students
        classes = {"one student": (1, 0),
                   f"{many} students within {ARRIVING} s": (many, ARRIVING), f"{many} at once": (many, 0)}
        lessons = {title: served(lesson, *who) for title, who in classes.items()}
        notebooks = [served(alone, path.stem) for path in sorted((bench.ROOT / "notebooks").glob("*.ipynb"))]
        bench.store(options.output, {"machine": machine, "lessons": lessons, "notebooks": notebooks})
    if options.output.resolve().parent == bench.HERE:
        bench.write_table(PAGE, "classroom", table(json.loads(options.output.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
