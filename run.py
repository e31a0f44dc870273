"""From nothing but Python to the laboratory, or to the tests.

    python run.py [--no-browser] [other options of JupyterLab]
        make the environment and open the first notebook in JupyterLab: your own copy, in my-notebooks

    python run.py test [options of pytest]
        make the environment and run every test and every notebook, in two processes (-n 0: in one)

    python run.py book [--open] [--instructor] [folder]
        make the book, pages for any browser (in build/book if no folder is named); with --open, show it; with
        --instructor, the teaching notes are unfolded, and what is said to wrong answers is in it

    python run.py handout [folder]
        make worksheets, a summary sheet and the notebooks as PDF (in build/handout if no folder is named)

    python run.py slides [folder]
        make the slides of two lessons, for any browser (in build/slides if no folder is named)

    python run.py student [--nbgrader] [--force] folder
        write a folder for a class, which works by itself: the notebooks without their solutions and all that they
        need; with --nbgrader, a course of nbgrader; with --force, over notebooks that are there already and differ

    python run.py notebooks [notebooks]
        run the named notebooks (all of them if none is named) and store them in normal form

    python run.py help
        show this text

The environment is the folder .venv beside this file. It is made once, and again when the packages it needs change.
JupyterLab answers on this computer only, and only to those who have its token.
"""

import sys

OLDEST_PYTHON = (3, 11)
if sys.version_info < OLDEST_PYTHON:
    sys.exit("This needs Python %d.%d or newer, but it was started with Python %d.%d: start it with a newer one, "
             "for example: python3.12 run.py" % (OLDEST_PYTHON + sys.version_info[:2]))

import contextlib
import hashlib
import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from tools.files import write

ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = ENVIRONMENT / "complete.json"
LOG, LOCK = ROOT / ".venv.log", ROOT / ".venv.lock"
# The programs in tools/ that are commands here, with the extras that each needs.
TOOLS = {"book": ("handout", "lab"), "handout": ("handout",), "slides": ("handout", "lab"), "student": ("handout",),
         "notebooks": ("lab", "test")}
# What must be there of each extra.
MODULES = {
    "lab": ("anywidget", "ipykernel", "ipywidgets", "jupyterlab", "matplotlib", "threadpoolctl"),
    "handout": ("bleach", "jinja2", "nbformat", "pypandoc", "typst"),
    "test": ("autograd", "hypothesis", "nbclient", "nbval", "playwright", "pytest", "ruff", "xdist", "yaml"),
}
# More threads do not make matrices of this size faster, and one thread gives the same sums on every machine.
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
# Of the user's variables for Python, pip and uv only these go on: where packages come from, and how text is written.
# The others could put packages elsewhere, import others, or leave out every assert.
HANDED_ON = re.compile("INDEX|LINKS|CERT|PROXY|HOST|TIMEOUT|RETRIES|CACHE|CONFIG|OFFLINE|"
                       "ENCODING|UTF8|WARNINGS|BUFFERED|BYTECODE|HASHSEED")
# Whatever stands in one file, the cells of a notebook above all, stays in one process and in order.
TWO_PROCESSES = ("-n", "2", "--dist", "loadscope")
SIGNS_OF_NO_NETWORK = (
    b"NewConnectionError", b"NameResolutionError", b"ConnectTimeoutError", b"ReadTimeoutError", b"ProxyError",
    b"Temporary failure in name resolution", b"Network is unreachable", b"Failed to establish a new connection",
    b"(from versions: none)",
)


def main(arguments):
    command, *options = ["lab", *arguments] if not arguments or arguments[0].startswith("-") else arguments
    places = {"test": "tests", **{name: f"tools/{name}.py" for name in TOOLS}}
    here = [name for name, place in places.items() if (ROOT / place).exists()]  # a class does not get all of them
    if command == "help" or arguments[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
    elif command == "lab":
        open_laboratory(options)
    elif command not in here:
        sys.exit(f"There is no command {command!r}: the commands are {', '.join([*here, 'help'])}; "
                 "without one, JupyterLab is opened.")
    elif command == "test":
        make_environment("handout", "lab", "test")
        become("-m", "pytest", "--nbval", *TWO_PROCESSES, *options, folder=ROOT)
    else:
        make_environment(*TOOLS[command])
        become(ROOT / "tools", command, *options)


def open_laboratory(options):
    refuse_a_busy_port(options)
    make_environment("lab")
    root, first = readers_copies()
    page = [f"--LabApp.default_url=/lab/tree/{first.relative_to(root).as_posix()}"] if first else []
    become("-m", "jupyterlab", "--ServerApp.ip=localhost", f"--ServerApp.root_dir={root}",
           "--ServerApp.identity_provider_class=lstmlib.show.server.TokenProvider", *page, *options, folder=root)


def refuse_a_busy_port(options):
    """JupyterLab moves on to the next port without a word; whoever names a port wants that one."""
    for option, following in itertools.zip_longest(options, options[1:], fillvalue=""):
        name, _, value = option.partition("=")
        port = value or following
        if name in ("--port", "--ServerApp.port") and port.isdecimal() and answers(int(port)):
            sys.exit(f"Port {port} is in use by another program: name another one, or leave out --port "
                     "and JupyterLab finds a free one.")


def answers(port):
    try:
        socket.create_connection(("localhost", port), timeout=0.5).close()
    except (OSError, OverflowError):
        return False
    return True


# The reader's copies of the notebooks.

def readers_copies():
    """(the server's folder, the first notebook): reading changes no file of the project, and no copy is overwritten."""
    root = ROOT if os.access(ROOT, os.W_OK) else Path.home() / "my-lstm-notebooks"
    folder = root / "my-notebooks" if root == ROOT else root
    record = folder / ".copied.json"  # {name: fingerprints of what was copied}
    copied = read_json(record)
    news, own = [], []
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):  # 00_start_here comes first
        content, marks = path.read_bytes(), copied.setdefault(path.name, [])
        names = itertools.chain([path.name], (f"{path.stem}_{number}.ipynb" for number in itertools.count(2)))
        own.append(folder / path.name)
        if not own[-1].exists() or hashlib.sha256(content).hexdigest() not in marks:
            news.append(next(place for place in map(folder.joinpath, names) if not place.exists()))
            write(news[-1], content)
            marks.append(hashlib.sha256(content).hexdigest())
            write(record, json.dumps(copied, indent=1))
    beside = [path.name for path in news if path not in own]
    if own:
        print(f"Your own copies of the notebooks are in {folder}: write in them as you like.")
    if beside:
        print(f"Changed in the meantime, and put beside the copies that you have: {', '.join(beside)}.")
    return root, own[0] if own else None


# The environment.

def make_environment(*extras):
    """Leave an environment with these extras in .venv; one that is complete is left as it is."""
    if is_complete(extras):
        return
    if not os.access(ROOT, os.W_OK):
        sys.exit(f"The environment belongs in {ROOT}, where you may not write: copy the folder to a place of your own.")
    with no_other_start():
        if is_complete(extras):  # by now
            return
        found = read_stamp()
        STAMP.unlink(missing_ok=True)  # from here to the end nothing can take the environment for a complete one
        if found.get("python") == python_and_place() and works(found["extras"]):
            extras = sorted({*extras, *found["extras"]})
        else:
            make_empty_environment()
        install(extras)
        write(STAMP, json.dumps({"python": python_and_place(), "inputs": fingerprint(), "extras": list(extras)}))


def is_complete(extras):
    found = read_stamp()
    return (found.get("python") == python_and_place() and found.get("inputs") == fingerprint()
            and set(extras) <= set(found["extras"]) and works(extras))


def read_stamp():
    return read_json(STAMP) if PYTHON.exists() else {}


def read_json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def python_and_place():
    """An environment works only with the Python that made it, in the folder where it was made."""
    return [sys.version, sys.base_prefix, str(ROOT)]


def fingerprint():
    settings = sorted(path for path in ROOT.glob("lstmlib/show/jupyter/**/*.*") if path.is_file())
    inputs = [ROOT / "pyproject.toml", ROOT / "constraints.txt", ROOT / "run.py", *settings]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs)).hexdigest()


def works(extras, look="importlib.util.find_spec"):
    """Whether the environment's Python, with nothing of the user's, imports NumPy and finds (or imports) the rest."""
    modules = [name for extra in extras for name in MODULES[extra]]
    code = f"import sys, importlib.util, lstmlib; sys.exit(None in map({look}, {modules}))"
    return subprocess.run([PYTHON, "-I", "-c", code], capture_output=True).returncode == 0


@contextlib.contextmanager
def no_other_start():
    """One start at a time makes the environment. The lock ends with its process, in whatever way that ends."""
    with open(LOCK, "a") as file:
        if not locks(file):
            print("Another start is making the environment here: waiting until it is done.", flush=True)
            while not locks(file):
                time.sleep(0.2)
        yield


def locks(file):
    try:
        if os.name == "nt":
            import msvcrt
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def make_empty_environment():
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        sys.exit("This Python comes without the modules venv and ensurepip: install them first, on Debian and "
                 "Ubuntu with: sudo apt install python3-venv")
    print("Making the environment in .venv: once, about a minute.", flush=True)
    if watched(sys.executable, "-I", "-m", "venv", "--clear", ENVIRONMENT) != 0:
        sys.exit(f"The environment could not be made in .venv: {last_line(LOG)}")


def install(extras):
    """With uv where there is one; else, or where that did not do, with pip."""
    wanted = ["install", "-c", "constraints.txt", "-e", f".[{','.join(extras)}]"]
    uv = shutil.which("uv")
    installers = [[uv, "pip", *wanted, "--python", PYTHON]] if uv else []
    # pip would compile all that it installs; Python compiles what is imported, where it may keep that.
    later = [] if sys.dont_write_bytecode else ["--no-compile"]
    installers.append([PYTHON, "-I", "-m", "pip", *wanted, *later, "--disable-pip-version-check", "--progress-bar=off"])
    for installer in installers:
        print("Installing the packages ...", flush=True)
        failed = watched(*installer) != 0
        if not failed and works(extras, "__import__"):
            return
    if not failed:
        sys.exit("The packages were installed, but they cannot be imported from .venv. Perhaps pip's own settings sent "
                 "them elsewhere (python -m pip config list); all that pip said is in .venv.log.")
    if any(sign in LOG.read_bytes() for sign in SIGNS_OF_NO_NETWORK):
        sys.exit("The packages could not be fetched: connect this computer to the internet and start again "
                 "(all that pip said is in .venv.log).")
    sys.exit(f"The packages could not be installed (all that pip said is in .venv.log): {last_line(LOG)}")


# Ends what it starts when the pipe from its parent closes: when that ends, in whatever way.
GUARD = """
import os, signal, subprocess, sys, threading
def end_with_parent():
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") else started.kill()
started = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=end_with_parent, daemon=True).start()
sys.exit(started.wait())
"""


def watched(*command):
    """The exit code of a program that does not outlive this one; how long it takes and its last words are shown."""
    begin, terminal = time.monotonic(), sys.stdout.isatty()
    with open(LOG, "wb") as log, subprocess.Popen(
            [sys.executable, "-I", "-c", GUARD, *command], cwd=ROOT, env=variables(), stdin=subprocess.PIPE,
            stdout=log, stderr=log, start_new_session=True) as process:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1 if terminal else 10)
            line = f"{time.monotonic() - begin:4.0f} s  {last_line(LOG, '')}"[:78]
            print(f"\r{line:78}" if terminal else line, end="" if terminal else "\n", flush=True)
    print(end="\n" * terminal)
    return process.returncode


def last_line(log, otherwise="no reason was given"):
    lines = [line.strip() for line in log.read_text("utf-8", "replace").strip().splitlines()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or [otherwise])[-1]


# What is started in it.

def variables():
    """The user's variables, without those for Python, pip and uv that could make it another environment."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PIP_", "UV_")) or HANDED_ON.search(name)}


def home_to_write_in():
    """Jupyter, IPython and matplotlib write in the home folder: where they cannot, there is one in the environment."""
    home = os.path.expanduser("~")
    if os.path.isdir(home) and os.access(home, os.W_OK | os.X_OK):
        return {}
    own = ENVIRONMENT / "home"
    own.mkdir(parents=True, exist_ok=True)
    return {"USERPROFILE" if os.name == "nt" else "HOME": str(own)}


def variables_of_the_laboratory():
    """The kernel is that of this environment, before any other of its name; a user's others stay."""
    paths = [str(ENVIRONMENT / "share" / "jupyter"), os.environ.get("JUPYTER_PATH")]
    return {**ONE_THREAD, **variables(), **home_to_write_in(), "JUPYTER_PATH": os.pathsep.join(filter(None, paths))}


def become(*arguments, folder=Path()):
    """Hand over to the environment's Python, in a folder: its signals and its exit code are ours from here on."""
    command = [str(PYTHON), *map(str, arguments)]
    environment = variables_of_the_laboratory()
    os.chdir(folder)
    sys.stdout.flush()
    if os.name == "nt":  # where exec returns at once to the shell
        signal.signal(signal.SIGINT, lambda *_: None)
        sys.exit(subprocess.call(command, env=environment))
    os.execve(PYTHON, command, environment)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("Stopped. What was half done is made anew at the next start.")
    except OSError as problem:
        sys.exit(f"This could not be done: {problem}")
