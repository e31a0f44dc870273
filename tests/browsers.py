"""JupyterLab in Chromium, for tests and measurements: a server of our own, one page, one notebook after another.

`PATIENCE` is the limit of every test in a browser.
"""

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
from urllib.parse import urlsplit

import nbformat

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = ROOT / "lstmlib" / "show" / "jupyter"  # what an installation of the project gives to JupyterLab
BROWSERS = "chromium", "chromium-browser", "google-chrome"
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                    "--disable-background-networking", "--disable-component-update"]
PATIENCE = 120  # seconds for a server, a kernel or a notebook on a busy machine

PICTURE = ".jp-OutputArea img[src^='data:image/svg+xml'][alt]"  # of an explorer, where no kernel runs

# Functions for a page. Each takes a selector.
SMALL_TEXT = """(places) => [...document.querySelectorAll(`${places} *`)].filter((part) => {
    const words = [...part.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    const small = "script, style, option, annotation, sub, sup, msub, msup, msubsup, munder, munderover, mfrac";
    if (!words || part.closest(small) || !part.checkVisibility({visibilityProperty: true})) return false;
    const drawn = part.getScreenCTM?.(), scale = drawn ? Math.hypot(drawn.a, drawn.b) : 1;
    return parseFloat(getComputedStyle(part).fontSize) * scale < 10.99;
}).map((part) => part.textContent.slice(0, 40))"""
LETTERS_IN_A_LINE = """(blocks) => {
    const length = (block) => block.innerText.length;
    const [longest] = [...document.querySelectorAll(blocks)].sort((a, b) => length(b) - length(a));
    return longest && length(longest) / (longest.offsetHeight / parseFloat(getComputedStyle(longest).lineHeight));
}"""


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
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextlib.contextmanager
def jupyterlab(folder, options=(), application="jupyterlab"):
    """JupyterLab with a configuration of its own, serving `folder`: yields its address, with token.

    options  more of the command line;  application  "notebook": Jupyter Notebook 7 in its place
    """
    with tempfile.TemporaryDirectory(prefix="lstm-jupyter-") as home:
        home = Path(home)
        given = json.loads((INSTALLED / "lab/settings/overrides.d/lstmlib.json").read_text(encoding="utf-8"))
        settings = {**{name.removeprefix("@jupyterlab/").replace(":", "/"): values for name, values in given.items()},
                    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page
                    "apputils-extension/themes": {"theme": "JupyterLab Light"},
                    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}
        for name, values in settings.items():
            path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        own_places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
                      "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
                      "IPYTHONDIR": "ipython"}
        python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, **{name: str(home / place) for name, place in own_places.items()},
                       "JUPYTER_CONFIG_PATH": str(INSTALLED), "JUPYTER_PATH": str(INSTALLED),
                       "PYTHONPATH": python_path, "OPENBLAS_NUM_THREADS": "1", "JUPYTER_TOKEN": secrets.token_hex(16)}
        with open(home / "log", "wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", application, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
                 f"--ServerApp.port={free_port()}", f"--ServerApp.root_dir={folder}",
                 "--LabApp.expose_app_in_browser=True", *options],
                cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            page = "lab" if application == "jupyterlab" else "tree"
            yield f"{_address(server, home)}{page}?token={environment['JUPYTER_TOKEN']}&reset"
        finally:
            _stop(server)


def _address(server, home):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        for path in (home / "runtime").glob(f"jpserver-{server.pid}.json"):
            with contextlib.suppress(ValueError):  # half written
                info = json.loads(path.read_text())
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", info["port"]), timeout=1).close()
                    return info["url"]
        time.sleep(0.1)
    raise RuntimeError("JupyterLab did not start:\n" + (home / "log").read_text()[-3000:])


def _stop(server):
    """The server ends its kernels itself when asked; whatever is left of its group after that is ended."""
    server.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@contextlib.contextmanager
def chromium_browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def browser_page(width=1280, height=1000, browser=None):
    """A page with an empty profile, in a Chromium of its own if none is given."""
    with contextlib.nullcontext(browser) if browser else chromium_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(20_000)
        try:
            yield page
        finally:
            page.context.close()


def write_notebook(path, *cells, markdown=()):
    """A new notebook with this text and these code cells, given whole or as their source."""
    cells = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_markdown_cell, markdown), *cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


class Lab:
    """A JupyterLab open in a page. `complaints` collects errors in the console and requests to other computers."""

    def __init__(self, page, address):
        self.page, self.complaints = page, []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"error in the page: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("websocket", lambda socket: self._request(socket.url))
        page.goto(address, timeout=PATIENCE * 1000)
        page.wait_for_function("window.jupyterapp !== undefined", timeout=PATIENCE * 1000)
        page.evaluate("async () => { await jupyterapp.restored; jupyterapp.shell.collapseLeft(); }")

    def _console(self, message):
        # The server answers 404 to JupyterLab's own questions for files that need not be there.
        if message.type == "error" and not re.search(r"Failed to load resource.*(404|409)", message.text):
            self.complaints.append(f"console: {message.text}")

    def _request(self, url):
        where = urlsplit(url)
        if where.scheme not in ("data", "blob", "about") and where.hostname not in ("127.0.0.1", "localhost"):
            self.complaints.append(f"request to {url}")

    def open(self, path, kernel=True):
        """Open the notebook at `path`, from the server's folder, and wait for its kernel, if it is to have one."""
        self.page.evaluate("""([path, preference]) => { window.panel = null;
            jupyterapp.commands.execute("docmanager:open", {path, factory: "Notebook", ...preference}).then(
                (panel) => { window.panel = panel; });
        }""", [path, {} if kernel else {"kernelPreference": {"shouldStart": False, "autoStartDefault": False}}])
        if not kernel:
            self.page.wait_for_function("panel?.context.isReady && panel.content.widgets.length")
            return
        self.page.wait_for_function("panel?.sessionContext.session?.kernel?.status === 'idle'", timeout=PATIENCE * 1000)

    def run(self, cell, wait=True):
        """Run one cell of the open notebook, given by its number."""
        self.page.evaluate("""async ([cell, wait]) => {
            panel.content.activeCellIndex = cell;
            const finished = jupyterapp.commands.execute("notebook:run-cell");
            if (wait) await finished;
        }""", [cell, wait])

    def run_all(self):
        """Run every cell; what each left behind is in errors()."""
        self.page.evaluate("""() => { window.finished = false;
            jupyterapp.commands.execute("notebook:run-all-cells").finally(() => { window.finished = true; }); }""")
        self.page.wait_for_function("""finished && panel.sessionContext.session.kernel.status === 'idle' &&
            panel.content.widgets.every((cell) => cell.prompt !== '*')""", timeout=PATIENCE * 1000)
        self.page.wait_for_timeout(300)  # the pictures of the last widgets

    def errors(self):
        """The error outputs of the open notebook: [(number of the cell, name, message)]."""
        return self.page.evaluate("""panel.content.widgets.flatMap((cell, n) => cell.model.type !== 'code' ||
            (cell.model.getMetadata('tags') || []).includes('raises-exception') ? [] :
            cell.model.outputs.toJSON().filter((o) => o.output_type === 'error').map((o) => [n, o.ename, o.evalue]))""")

    def close(self):
        """End the notebook's kernel and close it without saving."""
        self.page.evaluate("""async () => {
            await panel.sessionContext.shutdown(); panel.context.model.dirty = false; panel.dispose();
        }""")

    @property
    def height(self):
        """How much of the open notebook is seen at a time, in pixels."""
        view = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer").first
        return view.bounding_box()["height"]


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
        texts = self.twin.words.headline + self.twin.words.value, self.twin.alert.value
        drawn = html.unescape(re.sub("<[^>]*>", "", self.twin.panels.text))
        self.until(self.SEEN, [*texts, drawn, [svg for _, svg, _, _ in self.twin.panels.value]])

    def until(self, seen, expected):
        """Wait until `seen`, a function of the box, gives what is expected; its parts change one after the other."""
        deadline = time.monotonic() + 10
        agree = f"""async (box, expected) => {{
            const agree = () => JSON.stringify(({seen})(box)) === JSON.stringify(expected);
            for (let wait = 0; wait < 500 && box.isConnected && !agree(); wait++)
                await new Promise((go) => setTimeout(go, 20));
            return agree();
        }}"""
        while not self.box.evaluate(agree, expected):
            assert time.monotonic() < deadline, f"the page shows\n{self.box.evaluate(seen)}\nand not\n{expected}"

    def choose(self, preset):
        """Choose a named state in the explorer's menu."""
        self.part("combobox", self.twin.menu).select_option(preset)

    def press(self, preset):
        """Choose a named state on both sides."""
        self.choose(preset)
        self.both(lambda twin: twin.press(preset))

    def part(self, role, control):
        return self.box.get_by_role(role, name=control.label, exact=True)

    def slider(self, control):
        return self.part("slider", control)


def violations(page, context=None, **options):
    """What axe finds: [(rule, [element, ...]), ...]."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context, {"resultTypes": ["violations"], **options})
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found.response["violations"]]


def code_of(path):
    """The text of each code cell of a notebook."""
    return [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
