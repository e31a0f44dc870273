"""From nothing but Python to the laboratory, or to the tests.

    python run.py [--no-browser] [other options of JupyterLab]
        make the environment and open the first notebook in JupyterLab

    python run.py test [options of pytest]
        make the environment and run every test and every notebook, in two processes (-n 0: in one)

    python run.py handout [folder]
        make the handouts, PDF and HTML, for students and for instructors (in build/handout if no folder is named)

    python run.py slides [--live] [folder]
        make the slides of a 45-minute lesson (in build/slides if no folder is named); with --live, show them in
        JupyterLab, where the laboratory on its slide can be used

    python run.py student [--nbgrader] [--force] folder
        write the notebooks without their solutions into a folder, for a class; with --nbgrader, a course of nbgrader;
        with --force, over notebooks that are there already and differ

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

import hashlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = ENVIRONMENT / "complete.json"
INSTALL_LOG = ENVIRONMENT / "install.log"
# The programs in tools/ that are commands here, with the extras that each needs.
TOOLS = {"handout": ("handout",), "slides": ("handout", "lab"), "student": ("handout",), "notebooks": ("lab", "test")}
INPUTS = ("pyproject.toml", "constraints.txt", "run.py")

# Widget callbacks keep to the kernel's main thread, and no news window covers the first notebook.
JUPYTERLAB_SETTINGS = {
    "@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
}
# More threads do not make matrices of this size faster, and one thread gives the same sums on every machine.
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
# Whatever stands in one file, the cells of a notebook above all, stays in one process and in order.
TWO_PROCESSES = ("-n", "2", "--dist", "loadscope")
SIGNS_OF_NO_NETWORK = (
    b"NewConnectionError", b"NameResolutionError", b"ConnectTimeoutError", b"ReadTimeoutError", b"ProxyError",
    b"Temporary failure in name resolution", b"Network is unreachable", b"Failed to establish a new connection",
    b"(from versions: none)",
)


def main(arguments):
    command, *options = ["lab", *arguments] if not arguments or arguments[0].startswith("-") else arguments
    if command == "help" or arguments[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
    elif command == "lab":
        open_laboratory(options)
    elif command == "test":
        make_environment("handout", "lab", "test")
        become("-m", "pytest", "--nbval", *TWO_PROCESSES, *options)
    elif command in TOOLS:
        make_environment(*TOOLS[command])
        become(f"tools/{command}.py", *options)
    else:
        sys.exit(f"There is no command {command!r}: the commands are test, {', '.join(TOOLS)} and help; "
                 "without one, JupyterLab is opened.")


def open_laboratory(options):
    refuse_a_busy_port(options)
    make_environment("lab")
    notebooks = sorted(ROOT.glob("notebooks/*.ipynb"))  # 00_start_here comes first
    first = [f"--LabApp.default_url=/lab/tree/notebooks/{notebooks[0].name}"] if notebooks else []
    become("-m", "jupyterlab", "--ServerApp.ip=localhost", f"--ServerApp.root_dir={ROOT}",
           "--ServerApp.contents_manager_class=lstmlib.show.pictures.Notebooks", *first, *options)


def refuse_a_busy_port(options):
    """JupyterLab moves on to the next port without a word; whoever names a port wants that one."""
    for option, following in zip_longest(options, options[1:], fillvalue=""):
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


def make_environment(*extras):
    """Leave an environment with these extras in .venv; one that is complete is left as it is."""
    found = read_stamp()
    same_python = found.get("python") == python_and_place()
    if same_python and found.get("inputs") == fingerprint() and set(extras) <= set(found["extras"]):
        return
    STAMP.unlink(missing_ok=True)  # from here to the end nothing can take the environment for a complete one
    if same_python:
        extras = sorted({*extras, *found["extras"]})
    else:
        make_empty_environment()
    install(extras)
    write_jupyterlab_settings()
    STAMP.write_text(json.dumps({"python": python_and_place(), "inputs": fingerprint(), "extras": list(extras)}))


def read_stamp():
    try:
        return json.loads(STAMP.read_text()) if PYTHON.exists() else {}
    except (OSError, ValueError):
        return {}


def python_and_place():
    """An environment works only with the Python that made it, in the folder where it was made."""
    return [sys.version, sys.base_prefix, str(ROOT)]


def fingerprint():
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in INPUTS)).hexdigest()


def make_empty_environment():
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        sys.exit("This Python comes without the modules venv and ensurepip: install them first, on Debian and "
                 "Ubuntu with: sudo apt install python3-venv")
    print("Making the environment in .venv: once, about a minute.", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], capture_output=True)
    if made.returncode != 0:
        sys.exit("The environment could not be made in .venv: " + last_line(made.stderr or made.stdout))


def install(extras):
    print("Installing the packages ...", flush=True)
    wanted = ["-c", "constraints.txt", "-e", f".[{','.join(extras)}]"]
    with open(INSTALL_LOG, "wb") as log:
        pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *wanted]
        installed = subprocess.run(pip, cwd=ROOT, stdout=log, stderr=log)
    if installed.returncode != 0:
        said = INSTALL_LOG.read_bytes()
        if any(sign in said for sign in SIGNS_OF_NO_NETWORK):
            sys.exit("The packages could not be fetched: connect this computer to the internet and start again "
                     "(all that pip said is in .venv/install.log).")
        sys.exit("The packages could not be installed (all that pip said is in .venv/install.log): " + last_line(said))


def last_line(said):
    lines = [line.strip() for line in said.decode("utf-8", "replace").strip().splitlines()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no reason was given"])[-1]


def write_jupyterlab_settings():
    settings = ENVIRONMENT / "share/jupyter/lab/settings/overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(JUPYTERLAB_SETTINGS, indent=2) + "\n")


def home_to_write_in():
    """Jupyter, IPython and matplotlib write in the home folder: where they cannot, there is one in the environment."""
    home = os.path.expanduser("~")
    if os.path.isdir(home) and os.access(home, os.W_OK | os.X_OK):
        return {}
    own = ENVIRONMENT / "home"
    own.mkdir(parents=True, exist_ok=True)
    return {"USERPROFILE" if os.name == "nt" else "HOME": str(own)}


def become(*arguments):
    """Hand over to the environment's Python: its signals and its exit code are ours from here on."""
    command = [str(PYTHON), *arguments]
    environment = {**ONE_THREAD, **os.environ, **home_to_write_in()}
    environment.pop("PYTHONOPTIMIZE", None)  # it leaves out every assert, with which the notebooks check what they say
    os.chdir(ROOT)
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
