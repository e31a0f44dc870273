"""The tests and the notebooks on many computers at once: other versions, processors, languages, users and folders.

    python tools/matrix.py                      every cell of the matrix
    python tools/matrix.py oldest threads       those whose names begin so
    python tools/matrix.py --in FOLDER names    with the environments in that folder, where they stay
    python tools/matrix.py --quick names        without the longest notebooks and tests, and without storing the result
    python tools/matrix.py --table              only write the table again

Each cell works on a clone of the committed state, with an environment that is made with uv, or with venv and pip where
there is no uv. Its result goes into docs/trust/matrix.json, and the table in docs/trust/matrix.md is made from that.
A cell whose Python, user or language this computer lacks is left out, and the reason is stored.
"""

import json
import locale
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
import tomllib
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PAGE = (ROOT / "docs" / "trust" / name for name in ("matrix.json", "matrix.md"))
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
EXTRAS = ("handout", "lab", "test")
SHOWN = ("numpy", "matplotlib", "jupyterlab", "ipywidgets", "anywidget", "ipykernel", "nbval", "nbclient", "pytest")
PATIENCE = 120
NOT_OURS = re.compile(r"PYTHON|LC_|LANG|JUPYTER|(OPENBLAS|OMP|MKL|VECLIB)_|(HOME|TZ|COLUMNS|LINES|TMPDIR|VIRTUAL_ENV)$")
STRANGE = "maß ñ 測定"  # short: Chromium makes sockets in TMPDIR, whose paths may have 107 bytes

SUITE = ("-m", "pytest", "--nbval", "-q", "-rs", "--durations=60", "-p", "no:cacheprovider")
TWO_PROCESSES = ("-n", "2", "--dist", "loadscope")
NO_BROWSER = (*TWO_PROCESSES, "-m", "not browser")
# What says which NumPy kernels run is read from NumPy itself: its names for them change between versions.
ABOUT = """
import json, platform, sys
from importlib.metadata import version
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from threadpoolctl import threadpool_info
import numpy.linalg
print(json.dumps({"python": platform.python_version(), **{name: version(name) for name in sys.argv[1:]},
    "blas": [found["architecture"] for found in threadpool_info() if "architecture" in found],
    "simd": [name for name in __cpu_dispatch__ if __cpu_features__[name]]}))
"""


@dataclass(frozen=True)
class Cell:
    """An environment, and the steps that are taken in it."""

    about: str
    packages: str = "pinned"  # pinned, oldest, newest, or "run.py", which makes its own environment
    python: str = "3.11"
    more: tuple = ()  # packages besides
    variables: dict = field(default_factory=dict)  # None: not set
    options: tuple = NO_BROWSER  # of pytest
    steps: tuple = ("suite",)
    folder: str = "checkout"
    user: str | None = None
    umask: int = -1
    simd: bool = True


def old_processor(blas):
    """OpenBLAS as on an older processor, NumPy with nothing but what every processor has."""
    return {"variables": {"OPENBLAS_CORETYPE": blas}, "simd": False}


STORE, ONE_IN_BROWSER = ("store",), ("-m", "browser", "-k", "04_where_to_divide")
QUICK = ("-k", "not (07_ or 08_ or exercises_ or errors or storing or no_network or explorer_ or laboratory)")
# A cell has several peculiarities at once: where it passes, each of them does no harm.
CELLS = {
    "pinned-3.11": Cell("one process, every test in the browser too", options=()),
    "pinned-3.12": Cell("two BLAS threads; tr_TR.UTF-8, India's time, 40 columns, hash seed 1", python="3.12",
                        variables={
        "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kolkata",
        "COLUMNS": "40", "LINES": "10", "PYTHONHASHSEED": "1"}),
    "newest-3.13": Cell("newest of every range; de_DE.UTF-8 without LC_ALL, hash seed 4", "newest", "3.13",
                        variables={"LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "4"}),
    "oldest-3.11": Cell("lower end of every range; processor with SSE3 alone", "oldest", **old_processor("Prescott")),
    "store-pinned": Cell("notebooks run and stored again", steps=STORE),
    "store-oldest": Cell("notebooks run and stored again", "oldest", steps=STORE),
    "store-newest": Cell("notebooks run and stored again", "newest", "3.13", steps=STORE),
    "browser-oldest": Cell("notebook 04 in Chromium", "oldest", options=ONE_IN_BROWSER),
    "browser-newest": Cell("notebook 04 in Chromium", "newest", "3.13", options=ONE_IN_BROWSER),
    "folder": Cell(f"notebook 00 in Chromium, in {STRANGE}", folder=STRANGE, variables={"TMPDIR": STRANGE},
                           options=("-m", "browser", "-k", "00_start_here")),
    "run": Cell(f"python run.py test, and the laboratory, in {STRANGE}, TMPDIR too; a user without a home, umask 077",
                "run.py", user="nobody", umask=0o77, folder=STRANGE, variables={"HOME": None, "TMPDIR": STRANGE},
                steps=("suite", "lab")),
    "latin": Cell("de_DE.ISO-8859-1, which is not UTF-8; time of Chatham, hash seed 2; BLAS with SSE4.2", variables={
        "LC_ALL": "de_DE.ISO-8859-1", "PYTHONUTF8": "0", "TZ": "Pacific/Chatham", "PYTHONHASHSEED": "2",
        "OPENBLAS_CORETYPE": "Nehalem"}),
    "ascii": Cell("LC_ALL=C, held to ASCII, no LANG, hash seed 3; BLAS with AVX-512", variables={
        "LC_ALL": "C", "LANG": None, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONHASHSEED": "3",
        "OPENBLAS_CORETYPE": "SkylakeX"}),
    "read-only": Cell("another user, who may not write in the clone; BLAS with SSE3, NumPy with its baseline",
                      user="nobody", steps=("suite", "lab"), **old_processor("Prescott")),
    "warnings": Cell("every warning but ResourceWarning is an error; BLAS with AVX2, NumPy with its baseline",
                     simd=False, variables={"PYTHONWARNINGS": "error,ignore::ResourceWarning",
                                            "OPENBLAS_CORETYPE": "Haswell"}),
    "optimize": Cell("PYTHONOPTIMIZE=1: no assert in libraries and notebooks; HOME is not a folder",
                     variables={"PYTHONOPTIMIZE": "1", "HOME": os.devnull}),
    "random-order": Cell("the tests in tests/ in random order", more=("pytest-randomly",),
                         options=(*NO_BROWSER, "tests")),
    "xdist": Cell("two processes, every test in the browser too", options=TWO_PROCESSES),
}


class Missing(Exception):
    """This computer lacks what a cell needs."""


class Workshop:
    """The folder in which environments and clones are made."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)

    def run(self, name, cell):
        """Take the steps of one cell; the result as it is stored."""
        begin = time.monotonic()
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        checkout = place / cell.folder
        say("git", "clone", "--quiet", ROOT, checkout)
        if cell.user and cell.packages == "run.py":
            say("chown", "-R", cell.user, checkout)
        variables = self.variables(cell, place)
        python = self.environment(cell, checkout, variables)
        result = {"date": date.today().isoformat(), "commit": say("git", "rev-parse", "--short", "HEAD", cwd=ROOT)}
        counts, failures = Counter(), []
        for step in cell.steps:
            done, faults = STEPS[step](cell, python, checkout, variables)
            counts, failures = counts + done, failures + faults
        python = checkout / ".venv" / "bin" / "python" if cell.packages == "run.py" else python
        found = json.loads(say(python, "-c", ABOUT, *SHOWN, env=variables))
        result |= {"passed": counts["passed"], "failed": len(failures), "skipped": counts["skipped"],
                   "seconds": round(time.monotonic() - begin), "failures": failures, "versions": found}
        if counts["pictures"]:
            result["only pictures differ"] = counts["pictures"]
        shutil.rmtree(place, ignore_errors=True)
        return result

    def variables(self, cell, place):
        """The caller's variables without those that a cell is about, and the cell's own."""
        kept = {name: value for name, value in os.environ.items() if not NOT_OURS.match(name)}
        home, temporary = place / "home", place / "tmp" / cell.variables.get("TMPDIR", "")
        for folder in home, temporary:
            folder.mkdir(parents=True)
            if cell.user:
                shutil.chown(folder, cell.user)
        wanted = {"LANG": "C.UTF-8", "HOME": str(home), "JUPYTER_TOKEN": secrets.token_hex(16), **cell.variables,
                  "TMPDIR": str(temporary)}
        wanted_locale = cell.variables.get("LC_ALL") or wanted["LANG"]
        if wanted_locale and not has_locale(wanted_locale):
            raise Missing(f"the language {wanted_locale} is not installed here")
        return {**kept, **{name: value for name, value in wanted.items() if value is not None}}

    def environment(self, cell, checkout, variables):
        """The Python to start with: of an environment in which the clone is installed."""
        python = interpreter(cell.python, for_everyone=cell.user is not None)
        if cell.packages == "run.py":
            return python
        place = self.folder / "-".join(["env", cell.packages, cell.python, *cell.more])
        inside = place / "bin" / "python"
        make_environment(place, python, cell)
        install(inside, "--no-deps", "-e", checkout)
        if not cell.simd:
            found = json.loads(say(inside, "-c", ABOUT, *SHOWN, env=variables))["simd"]
            variables["NPY_DISABLE_CPU_FEATURES"] = " ".join(found)
        return inside


def say(*command, **options):
    """What a program prints; it must succeed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, encoding="utf-8", **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout.strip()


def has_locale(name):
    before = locale.setlocale(locale.LC_ALL)
    try:
        return bool(locale.setlocale(locale.LC_ALL, name))
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)


def interpreter(version, for_everyone):
    """A Python of this version; one outside of anybody's home where there is one."""
    in_path = [Path(folder) / f"python{version}" for folder in os.get_exec_path()]
    of_pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    candidates = [Path(sys.executable), *in_path, *of_pyenv]
    candidates.sort(key=lambda path: Path.home() in path.resolve().parents)
    for candidate in candidates:
        ask = [candidate, "-I", "-c", "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"]
        done = os.access(candidate, os.X_OK) and subprocess.run(ask, capture_output=True, text=True)
        private = Path.home() in candidate.resolve().parents
        if done and done.stdout.strip() == version and not (for_everyone and private):
            return candidate
    raise Missing(f"there is no Python {version} here" + " that every user can start" * for_everyone)


def make_environment(place, python, cell):
    bounds = []
    if cell.packages != "newest":
        bounds = ["-c", place.with_name(f"{place.name}.txt")]
        lines = lower_ends() if cell.packages == "oldest" else pinned()
        bounds[1].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    complete, wanted = place / "complete", "\n".join([*requirements(), *cell.more, *map(Path.read_text, bounds[1:])])
    if complete.exists() and complete.read_text(encoding="utf-8") == wanted:
        return
    uv = shutil.which("uv")
    say(*([uv, "venv", "-q", "--clear", "--python", python] if uv else [python, "-m", "venv", "--clear"]), place)
    install(place / "bin" / "python", "--upgrade", *bounds, *requirements(), *cell.more)
    complete.write_text(wanted, encoding="utf-8")


def install(python, *wanted):
    uv = shutil.which("uv")
    tool = [uv, "pip", "install", "-q", "--python", python] if uv else [python, "-m", "pip", "install", "-q"]
    say(*tool, *wanted)


def requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]


def pinned():
    return (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def lower_ends():
    """`name==version` of the lower end of each range."""
    ranges = [re.match(r"([\w-]+)[^\d]*([\d.]+)", line).groups() for line in requirements()]
    return sorted({f"{name}=={version}" for name, version in ranges})


def as_user(cell):
    """How subprocess starts what a cell runs: as whom, and with which umask."""
    user = {"user": cell.user, "group": int(say("id", "-g", cell.user)), "extra_groups": []} if cell.user else {}
    return {"umask": cell.umask, **user}


# The steps: each gives its counts and the names of what failed.

def suite(cell, python, checkout, variables):
    report = Path(variables["TMPDIR"]) / "report.xml"
    before = (python, "run.py", "test", *SUITE[3:]) if cell.packages == "run.py" else (python, *SUITE)
    done = subprocess.run([*before, *cell.options, f"--junitxml={report}"], cwd=checkout, env=variables,
                          capture_output=True, **as_user(cell))
    (checkout.parent.parent / f"{checkout.parent.name}.log").write_bytes(done.stdout + done.stderr)
    if not report.exists():
        return Counter(), ["the suite did not start: " + (done.stderr or done.stdout).decode(errors="replace")[-600:]]
    tests = list(ElementTree.parse(report).iter("testcase"))
    failed = [f"{test.get('classname')}::{test.get('name')}" for test in tests
              if test.find("failure") is not None or test.find("error") is not None]
    skipped = sum(test.find("skipped") is not None for test in tests)
    if done.returncode and not failed:
        failed = [f"pytest ended with {done.returncode}"]
    return Counter(passed=len(tests) - len(failed) - skipped, skipped=skipped), failed


def store(cell, python, checkout, variables):
    """Each notebook, run and stored again: as it was, or other pictures alone, or a failure."""
    done = subprocess.run([python, "tools/notebooks.py"], cwd=checkout, env=variables, capture_output=True,
                          encoding="utf-8", **as_user(cell))
    failures = [line for line in done.stderr.splitlines() if "not stored" in line]
    counts = Counter()
    for path in sorted(checkout.glob("notebooks/*.ipynb")):
        before, after = ((folder / "notebooks" / path.name).read_text(encoding="utf-8") for folder in (ROOT, checkout))
        if before == after:
            counts["passed"] += 1
        elif without_pictures(before) == without_pictures(after):
            counts["pictures"] += 1
        else:
            failures.append(f"{path.name} is not what was stored")
    return counts, failures


def without_pictures(text):
    """A stored notebook as nested lists, its PNG pictures left out."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/png", None)
    return notebook


def lab(cell, python, checkout, variables):
    """Does JupyterLab start, ask for its token, list the notebooks, and start a kernel?"""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    command = ["run.py", *options] if cell.packages == "run.py" else ["-m", "jupyterlab", *options]
    server = subprocess.Popen([python, *command], cwd=checkout, env=variables, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True, **as_user(cell))
    try:
        ask = Server(port, variables["JUPYTER_TOKEN"], server)
        faults = questions(ask)
    except (OSError, RuntimeError) as problem:
        faults = [f"the laboratory: {problem}"]
    finally:
        server.terminate()
        said = server.communicate()[0].decode(errors="replace")
    if faults:
        faults.append(said[-600:])
    return Counter(passed=not faults), faults


class Server:
    """A JupyterLab that may still be starting."""

    def __init__(self, port, token, process):
        self.address, self.token, self.process = f"http://localhost:{port}/api", token, process

    def __call__(self, path, token=True, sent=None):
        headers = {"Authorization": f"token {self.token}"} if token else {}
        data = json.dumps(sent).encode() if sent else None
        request = urllib.request.Request(f"{self.address}/{path}", data, headers)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as refusal:
                return {"refused": refusal.code}
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("it does not answer") from None
                time.sleep(0.2)


def questions(ask):
    if ask("contents/notebooks", token=False).get("refused") != 403:
        return ["the laboratory answers without its token"]
    listed = [file["name"] for file in ask("contents/notebooks").get("content", []) if file["type"] == "notebook"]
    if len(listed) != len(list(ROOT.glob("notebooks/*.ipynb"))):
        return [f"the laboratory lists {listed}"]
    kernel = ask("kernels", sent={"name": "python3", "path": "notebooks"})
    if "id" not in kernel:
        return [f"the laboratory starts no kernel: {kernel}"]
    time.sleep(5)  # one that cannot work is dead by then
    state = ask(f"kernels/{kernel['id']}").get("execution_state")
    return [] if state in ("starting", "idle") else [f"the kernel is {state}"]


STEPS = {"suite": suite, "store": store, "lab": lab}


# The stored results.

def stored():
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def keep(results):
    ordered = {name: results[name] for name in CELLS if name in results}
    RESULTS.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if PAGE.exists():
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_table(page, ordered), encoding="utf-8")


def with_table(page, results):
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(results)}\n{END}{rest.partition(END)[2]}"


def table(results):
    lines = ["| cell | what it is | packages | Python | passed | failed | skipped | seconds |",
             "|---|---|---|---|---|---|---|---|"]
    for name, result in results.items():
        cell = CELLS[name]
        if "missing" in result:
            counts = f"| not run: {result['missing']} | | | |"
        else:
            pictures = result.get("only pictures differ")
            passed = f"{result['passed']}" + f" (and {pictures} with other pictures)" * bool(pictures)
            counts = f"| {passed} | {result['failed']} | {result['skipped']} | {result['seconds']} |"
        lines.append(f"| {name} | {cell.about} | {cell.packages} | {cell.python} {counts}")
    return "\n".join(lines)


def chosen(names):
    found = [name for name in CELLS if not names or name.startswith(tuple(names))]
    if not found:
        raise SystemExit(f"No cell has a name that begins with {' or '.join(names)}: there are {', '.join(CELLS)}.")
    return found


def main(arguments):
    if arguments == ["--table"]:
        return keep(stored())
    quick = "--quick" in arguments
    arguments = [argument for argument in arguments if argument != "--quick"]
    if arguments[:1] == ["--in"]:
        return work(Workshop(arguments[1]), chosen(arguments[2:]), quick)
    with tempfile.TemporaryDirectory(prefix="matrix-", ignore_cleanup_errors=True) as folder:
        return work(Workshop(folder), chosen(arguments), quick)


def work(workshop, names, quick):
    failed = 0
    for name in names:
        cell = replace(CELLS[name], options=(*CELLS[name].options, *QUICK)) if quick else CELLS[name]
        try:
            result = workshop.run(name, cell)
        except Missing as reason:
            result = {"missing": str(reason)}
        if not quick:
            keep({**stored(), name: result})
        failed += bool(result.get("failed"))
        print(f"{name}:", *(f"{value} {key}" for key, value in result.items() if key not in ("versions", "failures")),
              *result.get("failures", []), sep="\n    ", flush=True)
    return failed


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    sys.exit(1 if main(sys.argv[1:]) else 0)
