"""Nothing listens to the outside, nothing asks the outside, and nothing runs whatever it is given."""

import http.client
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from browsers import PATIENCE, ROOT, free_port, load_run
from packaging.utils import canonicalize_name
from pages import Page, outside_addresses, what_runs

from tools.files import write
from tools.notebooks import stored
from tools.safe_html import FORMULAS, TEXT, safe_html

# The server that run.py starts.

OPENS_THE_DOOR = """c = get_config()
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.token = c.IdentityProvider.token = c.ServerApp.password = c.PasswordIdentityProvider.hashed_password = ""
"""


def status(port, token):
    with closing(http.client.HTTPConnection("localhost", port)) as connection:
        connection.request("GET", "/api/kernelspecs", headers={"Authorization": f"token {token}"})
        return connection.getresponse().status


def test_whatever_a_user_configured_the_server_is_heard_here_alone_and_asks_for_its_token(tmp_path, monkeypatch):
    """JupyterLab with the very arguments and variables that run.py hands to it."""
    write(tmp_path / "CONFIG/jupyter_lab_config.py", OPENS_THE_DOOR)
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name))
    monkeypatch.setenv("JUPYTER_TOKEN", "")
    run, arguments, port, log = load_run(), [], free_port(), tmp_path / "log"
    run.make_environment, run.become = (lambda *extras: None), (lambda *words, **_: arguments.extend(words))
    run.ENVIRONMENT, run.readers_copies = Path(sys.prefix), lambda: (ROOT, None)
    run.main(["--no-browser", f"--port={port}", "--allow-root"])
    environment = run.variables_of_the_laboratory() | {"PYTHONPATH": str(ROOT)}
    with open(log, "wb") as file, subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=file,
                                                   stderr=file) as server:
        try:
            deadline = time.monotonic() + PATIENCE
            while not ((shown := re.search(rf"localhost:{port}/\S*\?token=(\w{{30,}})", log.read_text()))
                       and run.answers(port)):
                assert server.poll() is None and time.monotonic() < deadline, log.read_text()[-2000:]
                time.sleep(0.1)
            assert [status(port, token) for token in ("", "wrong", shown[1])] == [403, 403, 200]
            heard = {connection.laddr.ip for connection in psutil.Process(server.pid).net_connections("inet")
                     if connection.status == psutil.CONN_LISTEN}
            assert heard and heard <= {"127.0.0.1", "::1"}
        finally:
            server.terminate()


# What is stored asks nobody.

@pytest.mark.parametrize("notebook", stored().values(), ids=stored())
def test_a_stored_notebook_loads_and_runs_nothing_without_a_click(notebook):
    for cell in notebook.cells:
        shown = [output.get("data", {}) for output in cell.get("outputs", [])]
        assert not any("javascript" in kind or "widget" in kind for data in shown for kind in data), cell.id
        texts = [data[kind] for data in shown for kind in ("text/html", "text/markdown", "image/svg+xml")
                 if kind in data]
        for text in [*texts, cell.source] if cell.cell_type == "markdown" else texts:
            assert re.findall(r"!\[[^]]*\]\((?!attachment:)([^)]*)", text) == [], cell.id
            assert outside_addresses(Page(text)) == what_runs(Page(text)) == [], cell.id


# Raw HTML in the Markdown of a notebook, on its way into a page.

RUNS_OR_FETCHES = [
    "<script>harm()</script>", "<b onclick='harm()'>b</b>", "<img src='//e.example/a.png'>",
    "<a href='jav&#x09;ascript:harm()'>a</a>", "<a href='d&#97;ta:text/html'></a>", "<iframe srcdoc='x'></iframe>",
    "<svg><script>harm()</script><path onload=harm() d='M0 0'/><use href='//e.example#a'/></svg>",
    "<svg><style><img src=x onerror=harm()></style></svg>", "<p style='background: url(//e.example)'>a</p>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror=harm()></annotation-xml></math>",
    "<noscript><p title='</noscript><img src=x onerror=harm()>'></noscript>",
    "<object data=x></object><embed src=x><base href='//e.example/'><meta http-equiv=refresh content='0;url=x'>"]
HARMLESS = (
    '<h2 id="a">A <code>b</code> &lt; c &amp; d</h2><a href="03_backward.ipynb#a">a</a><a href="#b">b</a>'
    '<img alt="a" src="data:image/png;base64,AA=="><details open><summary>a</summary>\n\n<p>b</p></details>'
    '<math display="block" xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mtable><mtr>'
    '<mtd columnalign="right" style="text-align: right; padding-right: 0;"><mo stretchy="false">|</mo></mtd></mtr>'
    '</mtable><annotation encoding="application/x-tex">a &amp;= b</annotation></semantics></math>')


@pytest.mark.parametrize("piece", RUNS_OR_FETCHES)
def test_what_runs_or_fetches_is_shown_as_text_or_left_out(piece):
    page = Page(safe_html(piece))
    assert outside_addresses(page) == what_runs(page) == []
    assert {tag for tag, _ in page.tags} <= {*TEXT, *FORMULAS}


def test_what_a_page_needs_passes_as_it_is():
    assert safe_html(HARMLESS) == HARMLESS


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
