"""Nothing listens to the outside, nothing asks the outside, and nothing runs whatever it is given."""

import ast
import json
import re
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from html.parser import HTMLParser

import nbformat
import psutil
import pytest
from browsers import PATIENCE, ROOT, as_run_starts_jupyterlab, code_of, free_port
from packaging.utils import canonicalize_name

from tools.files import write
from tools.safe_html import FORMULAS, PICTURES, TEXT, safe_html

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROGRAMS = [ROOT / "run.py", *sorted(path for folder in ("lstmlib", "tools", "benchmarks")
                                     for path in (ROOT / folder).rglob("*.py"))]


# The server that run.py starts.

OPENS_THE_DOOR = """c = get_config()
c.ServerApp.token = c.IdentityProvider.token = c.ServerApp.password = c.PasswordIdentityProvider.hashed_password = ""
"""
ANOTHER_KERNEL = {"argv": ["another-python", "{connection_file}"], "display_name": "Another", "language": "python"}


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """JupyterLab with the very arguments and variables that run.py hands to it, among settings of a user's own that
    ask for no token and name another kernel: (process, address, token, folder of its run time)."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    run, arguments = as_run_starts_jupyterlab("--no-browser", f"--port={port}", "--allow-root")
    for name in ("jupyter_config", "jupyter_server_config", "jupyter_lab_config"):
        write(home / f"CONFIG/{name}.py", OPENS_THE_DOOR)
    for place in ("DATA", "PATH"):
        write(home / place / "kernels/python3/kernel.json", json.dumps(ANOTHER_KERNEL))
    users = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    users |= {"JUPYTER_PATH": str(home / "PATH"), "JUPYTER_PREFER_ENV_PATH": "0", "JUPYTER_TOKEN": "",
              "IPYTHONDIR": str(home / "ipython")}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in users.items():
            patched.setenv(name, value)
        environment = run.variables_of_the_laboratory() | {"PYTHONPATH": str(ROOT)}
    with open(home / "log", "wb") as log:
        server = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and server.poll() is None and not run.answers(port):
            time.sleep(0.1)
        assert run.answers(port), (home / "log").read_text()[-2000:]
        token = json.loads((home / f"RUNTIME/jpserver-{server.pid}.json").read_text())["token"]
        until_said(home / "log", f"?token={token}")  # with the address, for whoever opens no browser
        yield server, f"http://localhost:{port}", token, home / "RUNTIME"
    finally:
        server.terminate()
        server.wait(60)


def until_said(log, words):
    deadline = time.monotonic() + PATIENCE
    while words not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.1)


def answer(address, token=None, method="GET", body=None, **headers):
    """(status, body, where it ended) of a request."""
    headers |= {"Authorization": f"token {token}"} if token else {}
    request = urllib.request.Request(address, method=method, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode(), response.url
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(errors="replace"), refusal.url


@pytest.mark.parametrize("path", ["api/kernels", "api/contents/run.py", "api/sessions", "files/README.md", "lab"])
@pytest.mark.parametrize("token", [None, "wrong"])
def test_nothing_is_told_without_the_token(started, path, token):
    _, address, right, _ = started
    status, said, end = answer(f"{address}/{path}", token)
    assert status == 403 or "/login" in end
    assert right not in said and "become(" not in said and "lstmlib" not in said
    assert len(right) > 30 and answer(f"{address}/{path}", right)[0] == 200


def test_the_kernel_is_that_of_the_environment(started):
    _, address, token, _ = started
    kernel = json.loads(answer(f"{address}/api/kernelspecs", token)[1])["kernelspecs"]["python3"]
    assert "another-python" not in kernel["spec"]["argv"]


def test_no_kernel_starts_without_the_token(started):
    _, address, token, _ = started
    assert answer(f"{address}/api/kernels", method="POST", body=b"{}")[0] == 403
    assert json.loads(answer(f"{address}/api/kernels", token)[1]) == []


def test_a_page_elsewhere_that_takes_the_name_of_this_computer_is_refused(started):
    """DNS rebinding: the request comes to this computer, but under another name."""
    _, address, token, _ = started
    assert answer(f"{address}/api/kernels", token, Host="attacker.example")[0] == 403


def test_listens_on_this_computer_alone(started):
    server, address, token, _ = started
    kernel = json.loads(answer(f"{address}/api/kernels", token, "POST", b"{}")[1])
    try:
        deadline = time.monotonic() + PATIENCE
        while True:  # until the kernel listens too
            family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
            heard = {process.pid: {connection.laddr.ip for connection in process.net_connections("inet")
                                   if connection.status == psutil.CONN_LISTEN} for process in family}
            if len([ips for ips in heard.values() if ips]) > 1 or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        assert heard[server.pid] and len([ips for ips in heard.values() if ips]) > 1
        assert set.union(*heard.values()) <= {"127.0.0.1", "::1"}
    finally:
        answer(f"{address}/api/kernels/{kernel['id']}", token, "DELETE")


def test_the_token_is_kept_from_others(started):
    """It stands neither in the list of processes nor in a file that others can read."""
    server, address, token, runtime = started
    assert token not in " ".join(psutil.Process(server.pid).cmdline())
    files = [path for path in runtime.parent.rglob("*") if path.is_file()]
    holders = [path for path in files if token in path.read_text(errors="replace")]
    assert {path.parent for path in holders} <= {runtime, runtime.parent}  # the log, which is the terminal's, as well
    private = [path for path in holders if path.parent == runtime]
    assert private
    for path in private:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or stat.S_IMODE(runtime.stat().st_mode) & 0o077 == 0


SERVES = re.compile(r"http\.server|HTTPServer|socketserver|serve_forever|static_paths|jupyter(lab|_server|-lab)$")


def words_of_a_server(source):
    """What in a program could serve files: names, and arguments of a command."""
    nodes = list(ast.walk(ast.parse(source)))
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    names = [name for node in nodes for name in (getattr(node, "id", ""), getattr(node, "attr", ""),
                                                 getattr(node, "module", ""), getattr(node, "name", ""))]
    return {text for text in [*texts, *names] if isinstance(text, str) and " " not in text and SERVES.search(text)}


def test_no_command_but_the_laboratory_serves_anything():
    found = {path.relative_to(ROOT).as_posix(): words_of_a_server(path.read_text(encoding="utf-8"))
             for path in PROGRAMS if "benchmarks" not in path.parts}
    assert {name: words for name, words in found.items() if words} == {"run.py": {"jupyterlab"}}


@pytest.mark.parametrize("source", [
    "import http.server", "from http.server import HTTPServer", 'run([python, "-m", "jupyterlab"])',
    "subprocess.run(['jupyter-lab'])", "f'--ServerApp.extra_static_paths={folder}'", "server.serve_forever()",
])
def test_planted_server_is_found(source):
    assert words_of_a_server(source)


# What is stored asks nobody.

LOADING = {"src", "srcset", "poster", "data", "background"}


class Loads(HTMLParser):
    """Collects what a browser would fetch by itself, and every script, of a piece of HTML; elements and links too."""

    def __init__(self, text):
        super().__init__()
        self.found, self.tags, self.links = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.add(tag)
        self.links.append(values.get("href") or "")
        if tag == "script" or any(name.startswith("on") for name in values):
            self.found.append(f"<{tag}> with a script")
        self.found += [value for name, value in attributes
                       if (name in LOADING or name == "href" and tag in ("link", "image", "use"))
                       and value and not value.startswith(("data:", "#"))]
        self.found += re.findall(r"url\(\s*['\"]?(?!data:|#)([^)]*)", values.get("style") or "")


def loads(notebook):
    """What the page of a notebook would fetch by itself or run, without a click: markdown, attachments and outputs."""
    found = []
    for cell in notebook.cells:
        markdown = [cell.source] if cell.cell_type == "markdown" else []
        html = []
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            html += [data[kind] for kind in ("text/html", "image/svg+xml") if kind in data]
            markdown += [data["text/markdown"]] if "text/markdown" in data else []
            found += [kind for kind in data if "javascript" in kind or "widget" in kind]
        found += [place for text in markdown for place in re.findall(r"!\[[^]]*\]\((?!attachment:)([^)]*)", text)]
        found += [place for text in markdown + html for place in Loads(text).found]
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_loads_nothing(path):
    assert loads(nbformat.read(path, 4)) == []


@pytest.mark.parametrize("cell", [
    nbformat.v4.new_markdown_cell("![a](https://example.org/a.png)"),
    nbformat.v4.new_markdown_cell('<img src="https://example.org/a.png">'),
    nbformat.v4.new_markdown_cell('<p style="background: url(//example.org/a.png)">a</p>'),
    nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output(
        "display_data", {"text/html": '<link rel="stylesheet" href="https://example.org/a.css">'})]),
    nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output(
        "display_data", {"text/html": "<p onclick='a()'>a</p>"})]),
    nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output(
        "display_data", {"application/javascript": "a()"})]),
])
def test_what_loads_would_be_found(cell):
    assert len(loads(nbformat.v4.new_notebook(cells=[cell]))) == 1


ASKING = re.compile(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts)\b"
                    r"|\bimport\s*\(|@import|https?://|\burl\(")


def test_no_script_of_an_explorer_asks_anybody():
    scripts = {path.name: path.read_text(encoding="utf-8") for ending in ("*.js", "*.css")
               for path in (ROOT / "lstmlib").rglob(ending)}
    assert len(scripts) > 10 and [name for name, script in scripts.items() if ASKING.search(script)] == []


# Raw HTML in the Markdown of a notebook, on its way into a page.

RUNS_OR_FETCHES = [
    "<script>harm()</script>", "<SCRIPT SRC=//e.example></SCRIPT>", "<b onclick='harm()'>b</b>",
    "<img src=x onerror=harm()>", "<img src='//e.example/a.png'>", "<a href='javascript:harm()'>a</a>",
    "<a href='jav&#x09;ascript:harm()'>a</a>", "<a href='data:text/html,<script>harm()</script>'>a</a>",
    "<a href='d&#97;ta:text/html,x'>a</a>", "<svg><script>harm()</script><path onload=harm() d='M0 0'/></svg>",
    "<svg><path fill='u&#114;l(//e.example)'/><use href='//e.example#a'/><image href='//e.example'/></svg>",
    "<svg><style><img src=x onerror=harm()></style></svg>", "<p style='background: url(//e.example)'>a</p>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror=harm()></annotation-xml></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=harm()&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=harm()>'></noscript>", "<iframe srcdoc='x'></iframe>",
    "<object data=x></object><embed src=x><base href='//e.example/'>", "<input type=image src=x>",
    "<meta http-equiv=refresh content='0;url=//e.example'><link rel=stylesheet href=x>",
    "<form action=x><button formaction='javascript:harm()'>a</button></form>", "<video poster=x src=x></video>",
]
HARMLESS = [
    '<h2 id="a">A <code>b</code> &lt; c &amp; d</h2>', '<a href="03_backward.ipynb#a">a</a><a href="#b">b</a>',
    '<img alt="a" src="data:image/png;base64,AA==">', "<details open><summary>a</summary>\n\n<p>b</p></details>",
    '<li><label><input type="checkbox" checked>a</label></li>',
    '<table><thead><tr><th style="text-align: left;">a</th></tr></thead></table>',
    '<math display="block" xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mtable><mtr>'
    '<mtd columnalign="right" style="text-align: right; padding-right: 0;"><mo stretchy="false">|</mo></mtd></mtr>'
    '</mtable><annotation encoding="application/x-tex">a &amp;= b</annotation></semantics></math>',
    '<svg viewBox="0 0 1 1"><path d="M0 0" marker-end="url(#a)"></path><text text-anchor="end">a</text></svg>',
]


@pytest.mark.parametrize("piece", RUNS_OR_FETCHES)
def test_what_runs_or_fetches_is_shown_as_text_or_left_out(piece):
    page = Loads(safe_html(piece))
    assert page.found == [] and page.tags <= {*TEXT, *FORMULAS, *map(str.lower, PICTURES)}
    assert not any(re.match("javascript|data", re.sub(r"\s", "", link)) for link in page.links)


@pytest.mark.parametrize("piece", HARMLESS)
def test_what_a_page_needs_passes_as_it_is(piece):
    assert safe_html(piece) == piece


# Code that would run whatever it is given.

FORBIDDEN_CALLS = {"eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve", "joblib"}


def dangers(source):
    """Names of what must not be in a program."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [name for name in names if name.partition(".")[0] in FORBIDDEN_MODULES]
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        found += [name] if name in FORBIDDEN_CALLS else []
        found += [f"{word.arg}=True" for word in node.keywords if word.arg in ("shell", "allow_pickle")
                  and not (isinstance(word.value, ast.Constant) and word.value.value is False)]
        if name.startswith("subprocess.") and node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
            found.append(f"{name} of a string")
    return found


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_dangerous_call_in_a_program(path):
    assert list(dangers(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_dangerous_call_in_a_notebook(path):
    assert [danger for cell in code_of(path) for danger in dangers(cell)] == []


@pytest.mark.parametrize("source", [
    "import pickle", "from pickle import loads", "eval('1')", "exec(text)", "yaml.load(text)", "os.system('ls')",
    "subprocess.run(['ls'], shell=True)", "subprocess.run('ls')", "subprocess.run(f'ls {x}')",
    "np.load(path, allow_pickle=True)", "subprocess.run(command, shell=flag)",
])
def test_a_dangerous_call_would_be_found(source):
    assert len(dangers(source)) == 1


# Licences: after a change of constraints.txt, uvx nox -s licences.

LICENCES = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
FREE = re.compile(r"0BSD|Apache|BSD|CC0|ISC|MIT|MPL|Mozilla|PSF|Python Software Foundation|Zlib")
ELSEWHERE = {"appnope", "colorama", "pywinpty"}  # for other systems


def test_every_pinned_package_is_listed_with_a_compatible_licence():
    rows = {canonicalize_name(name): (version, licence) for name, version, licence in
            re.findall(r"^\| ([\w.-]+) +\| (\d\S*) +\| (.*?) +\|$", LICENCES, re.M)}
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "constraints.txt").read_text(), re.M)
    assert {name for name, _ in pins} - ELSEWHERE == set(rows)
    assert {name for name, (version, _) in rows.items() if (name, version) not in pins} == set()
    doubtful = {name: licence for name, (_, licence) in rows.items()
                if not any(all(map(FREE.search, choice.split(" AND "))) for choice in licence.split(" OR "))}
    assert doubtful == {}


def test_every_file_of_others_is_listed_with_its_licence():
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| [^|]+ \| `([^`]+)` \|$", LICENCES, re.M)
    listed = {path for pattern, _ in rows for path in ROOT.glob(pattern)}
    assert all(len((ROOT / text).read_text(encoding="utf-8")) > 500 for _, text in rows)
    candidates = [path for folder in ("docs", "lstmlib", "tools", "notebooks") for path in (ROOT / folder).rglob("*")
                  if path.suffix in {".js", ".css", ".woff", ".woff2", ".ttf", ".otf"}]
    foreign = {path for path in candidates if path.suffix not in (".js", ".css")
               or re.search(r"copyright|licen[sc]ed", path.read_text(encoding="utf-8"), re.I)}
    assert foreign and foreign <= listed
