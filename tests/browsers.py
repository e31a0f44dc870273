"""For tests and measurements: JupyterLab's server, a page in Chromium, one notebook after another, limits of time."""

import contextlib
import html
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from lstmlib import EDGES
from lstmlib.explorers.controls import BackwardGraph, Choice, Menu, Presets, Slider, Switch
from run import answers
from tools.files import ROOT, write

INSTALLED = ROOT / "lstmlib" / "show" / "jupyter"  # what an installation of the project gives to JupyterLab
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                    "--disable-background-networking", "--disable-component-update"]
PATIENCE = 120  # seconds for a server, a kernel or a notebook on a busy machine

ROLES = {Slider: "slider", Menu: "combobox", Presets: "combobox", Choice: "group", Switch: "checkbox"}
PICTURE = ".jp-OutputArea img[src^='data:image/svg+xml'][alt]"  # of an explorer, where no kernel runs

SMALL_TEXT = """(places) => [...document.querySelectorAll(`${places} *`)].filter((part) => {
    const words = [...part.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    const seen = part.checkVisibility({visibilityProperty: true});
    const drawn = part.getScreenCTM?.(), scale = drawn ? Math.hypot(drawn.a, drawn.b) : 1;
    return words && seen && !part.closest("script, style, option, math, sub, sup")
        && parseFloat(getComputedStyle(part).fontSize) * scale < 10.99;
}).map((part) => part.textContent.slice(0, 40))"""


def load_run(folder=ROOT):
    """run.py of this folder, as a module."""
    specification = importlib.util.spec_from_file_location("run", folder / "run.py")
    run = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(run)
    return run


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def chromium():
    """The path of a Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextlib.contextmanager
def jupyterlab(folder, options=(), application="jupyterlab"):
    """JupyterLab with a configuration of its own, serving `folder`: yields its address, with token.

    options  more of the command line;  application  "notebook": Jupyter Notebook 7 in its place
    """
    with tempfile.TemporaryDirectory(prefix="lstm-jupyter-") as home:
        home, port, token = Path(home), free_port(), secrets.token_hex(16)
        given = json.loads((INSTALLED / "lab/settings/overrides.d/lstmlib.json").read_text(encoding="utf-8"))
        settings = {**{name.removeprefix("@jupyterlab/").replace(":", "/"): values for name, values in given.items()},
                    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page
                    "apputils-extension/themes": {"theme": "JupyterLab Light"},
                    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}
        for name, values in settings.items():
            write(home / f"config/lab/user-settings/@jupyterlab/{name}.jupyterlab-settings", json.dumps(values))
        python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_DATA_DIR": str(home / "data"),
                       "IPYTHONDIR": str(home / "ipython"), "JUPYTER_CONFIG_PATH": str(INSTALLED),
                       "JUPYTER_PATH": str(INSTALLED), "PYTHONPATH": python_path, "OPENBLAS_NUM_THREADS": "1",
                       "JUPYTER_TOKEN": token}
        command = [sys.executable, "-m", application, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
                   f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}",
                   "--LabApp.expose_app_in_browser=True", *options]
        with open(home / "log", "wb") as log:
            server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log,
                                      start_new_session=True)
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("JupyterLab did not start:\n" + (home / "log").read_text()[-3000:])
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/{'lab' if application == 'jupyterlab' else 'tree'}?token={token}&reset"
        finally:
            server.terminate()  # it ends its kernels itself; whatever is left of its group after that is ended
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


@contextlib.contextmanager
def chromium_browser():
    from playwright.sync_api import sync_playwright

    with (sync_playwright() as playwright, contextlib.closing(
            playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)) as browser):
        yield browser


@contextlib.contextmanager
def browser_page(width=1280, height=1000, browser=None):
    """A page with an empty profile, in a Chromium of its own if none is given."""
    with (contextlib.nullcontext(browser) if browser else chromium_browser() as browser,
          contextlib.closing(browser.new_page(viewport={"width": width, "height": height})) as page):
        page.set_default_timeout(20_000)
        yield page


def write_notebook(path, *cells):
    """A new notebook with these code cells, given whole or as their source."""
    cells = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


class Lab:
    """A JupyterLab open in a page. `complaints` collects errors in the console and requests to other computers."""

    # It asks for files that need not be there, and for the kernel of a notebook that has none.
    NO_COMPLAINT = (r"Failed to load resource.*(404|409)|\(reading 'kernel'\)"
                    r"|^request to (data:|blob:|about:|(http|ws)://(127\.0\.0\.1|localhost)[:/])")

    def __init__(self, page, address):
        self.page, self.complaints = page, []
        page.on("console", lambda message: message.type == "error" and self._hear(f"console: {message.text}"))
        page.on("pageerror", lambda error: self._hear(f"error in the page: {error}"))
        for kind in ("request", "websocket"):
            page.on(kind, lambda event: self._hear(f"request to {event.url}"))
        page.goto(address, timeout=PATIENCE * 1000)
        page.wait_for_function("window.jupyterapp !== undefined", timeout=PATIENCE * 1000)
        page.evaluate("async () => { await jupyterapp.restored; jupyterapp.shell.collapseLeft(); }")

    def _hear(self, complaint):
        if not re.search(self.NO_COMPLAINT, complaint):
            self.complaints.append(complaint)

    def open(self, path, kernel=True):
        """Open the notebook at `path`, from the server's folder, and wait for its kernel, if it is to have one."""
        self.page.evaluate("""([path, preference]) => { window.panel = null;
            jupyterapp.commands.execute("docmanager:open", {path, factory: "Notebook", ...preference}).then(
                (panel) => { window.panel = panel; });
        }""", [path, {} if kernel else {"kernelPreference": {"shouldStart": False, "autoStartDefault": False}}])
        ready = "sessionContext.session?.kernel?.status === 'idle'" if kernel else "context.isReady"
        self.page.wait_for_function(f"panel?.content.widgets.length && panel.{ready}", timeout=PATIENCE * 1000)

    def run(self, cell, wait=True):
        """Run one cell of the open notebook, given by its number."""
        self.page.evaluate("""async ([cell, wait]) => {
            panel.content.activeCellIndex = cell;
            const finished = jupyterapp.commands.execute("notebook:run-cell");
            if (wait) await finished;
        }""", [cell, wait])

    def close(self):
        """End the notebook's kernel and close it without saving."""
        self.page.evaluate("""async () => {
            await panel.sessionContext.shutdown(); panel.context.model.dirty = false; panel.dispose();
        }""")


class Shown:
    """An explorer in the page, with its twin: the same explorer in this process, without a browser.

    Whatever is done to both must show the same words and the same picture.
    """

    SEEN = """(box) => [...[".lstm-status", ".lstm-alert", ".lstm-panels"].map((part) =>
        box.querySelector(part).textContent), [...box.querySelectorAll(".lstm-panels .lstm-panel")].map(
        (panel) => panel.drawn)]"""

    def __init__(self, page, twin):
        self.page, self.twin = page, twin
        self.box = page.locator(".lstm-explorer", has=page.locator(".lstm-heading", has_text=twin.title)).first

    def both(self, act=lambda twin: None):
        """Do to the twin what was done in the page, and wait until they agree."""
        act(self.twin)
        expected = [self.twin.words.headline + self.twin.words.value, self.twin.alert.value,
                    html.unescape(re.sub("<[^>]*>", "", self.twin.panels.text)),
                    [svg for _, svg, _, _ in self.twin.panels.value]]
        deadline = time.monotonic() + 10
        while (seen := self.box.evaluate(self.SEEN)) != expected:
            assert time.monotonic() < deadline, f"the page shows\n{seen}\nand not\n{expected}"
            time.sleep(0.02)

    def choose(self, preset):
        """Choose a named state in the explorer's menu."""
        self.element(self.twin.menu).select_option(preset)

    def press(self, preset):
        """Choose a named state on both sides."""
        self.choose(preset)
        self.both(lambda twin: twin.press(preset))

    def element(self, control):
        """What takes the keys of a control; of the graph, one of its edges."""
        if isinstance(control, BackwardGraph):
            return self.box.locator("[data-edge='dy']")
        role = next(role for kind, role in ROLES.items() if isinstance(control, kind))
        part = self.box.get_by_role(role, name=control.label, exact=True)
        return part.get_by_role("radio", checked=True) if isinstance(control, Choice) else part


def moves(control):
    """[(key, value of the control after it)]."""
    if isinstance(control, Slider):
        return [("End", control.values[-1]), ("ArrowLeft", control.values[-2]), ("Home", control.values[0])]
    if isinstance(control, Switch):
        return [("Space", not control.value), ("Space", control.value)]
    if isinstance(control, Menu | Choice):
        values, at = control.values, control.index
        return [("ArrowDown", values[at + 1])] if at + 1 < len(values) else [("ArrowUp", values[at - 1])]
    return [("Space", [edge for edge in EDGES if (edge == "dy") != (edge in control.value)]), ("Enter", control.value)]


def violations(page, context=None, **options):
    """What axe finds: [(rule, [element, ...]), ...]."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context, {"resultTypes": ["violations"], **options})
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found.response["violations"]]


def code_of(path):
    """The text of each code cell of a notebook."""
    return [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
