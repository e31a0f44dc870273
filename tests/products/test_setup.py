"""run.py: what it does and says, tried on a copy in a folder whose name has a space and letters beyond ASCII."""

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from lab import load_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    """A copy of what run.py needs, with neither notebooks nor environment."""
    folder = tmp_path / ("gross und klein" if sys.getfilesystemencoding() == "ascii" else "größe und maß")
    folder.mkdir()
    for name in ("run.py", "pyproject.toml", "constraints.txt", "README.md", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(ROOT / name, folder)
    return folder


def start(folder, *arguments, before="", **environment):
    """Start run.py as a process of its own, after some lines of Python that fake a piece of the world."""
    code = f"import runpy, sys\nsys.argv[0] = 'run.py'\n{before}\nrunpy.run_path('run.py', run_name='__main__')"
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, encoding="utf-8",
                          env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment})


def one_sentence(finished):
    """What a process that failed said: one line, no traceback."""
    assert finished.returncode != 0
    assert "Traceback" not in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1, finished.stderr
    return finished.stderr.strip()


class World:
    """Stands in for venv, pip and what comes after them, and writes down what was asked of each."""

    def __init__(self, folder):
        self.run = load_run(folder)
        self.done, self.became = [], []
        self.pip = lambda log: 0

    def subprocess_run(self, command, stdout=None, **_):
        module = command[command.index("-m") + 1]
        self.done.append((module, command[-1]))
        if module == "venv":
            assert "--clear" in command
            shutil.rmtree(self.run.ENVIRONMENT, ignore_errors=True)
            self.run.PYTHON.parent.mkdir(parents=True)
            self.run.PYTHON.touch()
            return SimpleNamespace(returncode=0)
        return SimpleNamespace(returncode=self.pip(stdout))

    def start(self, *arguments):
        """Everything that one start asked of venv and pip, and what it became."""
        self.done, self.became = [], []
        self.run.main(list(arguments))
        return self.done

    @property
    def modules(self):
        return [module for module, _ in self.done]


@pytest.fixture
def world(folder, monkeypatch):
    world = World(folder)
    monkeypatch.setattr(world.run.subprocess, "run", world.subprocess_run)
    monkeypatch.setattr(world.run, "become", lambda *command: world.became.extend(command))
    return world


LAB, TEST = ("pip", ".[lab]"), ("pip", ".[handout,lab,test]")


# What goes wrong: one sentence each.

def test_old_python_gets_a_sentence(folder):
    said = one_sentence(start(folder, before="sys.version_info = (3, 8, 18, 'final', 0)"))
    assert "needs Python 3.11 or newer" in said and "started with Python 3.8" in said


def test_old_python_can_read_the_file():
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_missing_module_gets_the_line_for_apt(folder, missing):
    said = one_sentence(start(folder, before=(
        "import importlib.util\nfind = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name: None if name == {missing!r} else find(name)")))
    assert "sudo apt install python3-venv" in said
    assert not (folder / ".venv").exists()


def test_no_network(folder):
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0",
               "PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0"}
    said = one_sentence(start(folder, "test", **nowhere))
    assert "connect this computer to the internet" in said
    assert (folder / ".venv/install.log").exists() and not (folder / ".venv/complete.json").exists()


@pytest.mark.parametrize("said", [
    b"WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError: Temporary failure in name "
    b"resolution'", b"connection broken by 'ProxyError('Cannot connect to proxy.')'", b"ReadTimeoutError",
])
def test_pip_has_several_words_for_no_network(world, said):
    world.pip = lambda log: log.write(said + b"\nERROR: No matching distribution found for numpy\n") and 1
    with pytest.raises(SystemExit, match="connect this computer to the internet"):
        world.start()


def test_pip_fails_for_another_reason(world):
    world.pip = lambda log: log.write(b"Collecting numpy\nERROR: No space left on device\nmore\n") and 1
    with pytest.raises(SystemExit, match="could not be installed.*ERROR: No space left on device"):
        world.start()
    assert not world.run.STAMP.exists() and not world.became


def test_environment_cannot_be_made(folder):
    (folder / ".venv").write_text("a file where a folder should be")
    assert ".venv" in one_sentence(start(folder))


@pytest.mark.parametrize("form", ["--port {}", "--port={}", "--no-browser --ServerApp.port={}"])
def test_busy_port(folder, form):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = one_sentence(start(folder, *form.format(port).split()))
    assert f"Port {port} is in use" in said and not (folder / ".venv").exists()


def test_free_port_passes(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    world.start("--port", port)
    assert world.became[-2:] == ["--port", port]


def test_unknown_command(folder):
    assert "no command 'tests'" in one_sentence(start(folder, "tests"))


def test_interruption_says_so(folder):
    said = one_sentence(start(folder, before=(
        "import subprocess\ndef interrupted(*_, **__): raise KeyboardInterrupt\nsubprocess.run = interrupted")))
    assert said.startswith("Stopped.")


@pytest.mark.parametrize("word", ["help", "--help", "-h"])
def test_help(folder, word):
    shown = start(folder, word)
    assert shown.returncode == 0 and "python run.py test" in shown.stdout and not shown.stderr


# When the environment is made.

def test_cold_then_warm(world):
    assert world.start() == [("venv", str(world.run.ENVIRONMENT)), LAB]
    begin = time.monotonic()
    assert world.start() == []
    assert time.monotonic() - begin < 1
    assert world.became[:2] == ["-m", "jupyterlab"]


def test_extras_are_added_and_stay(world):
    world.start()
    assert world.start("test") == [TEST]
    assert world.start() == world.start("test") == world.start("notebooks") == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "run.py"])
def test_changed_input_installs_again(world, name):
    world.start("test")
    with open(world.run.ROOT / name, "a") as file:
        file.write("\n# changed\n")
    assert world.start() == [TEST]
    assert world.start() == []


@pytest.mark.parametrize("change", [("version", "3.99.0"), ("base_prefix", "elsewhere")])
def test_other_python_makes_it_anew(world, monkeypatch, change):
    world.start()
    monkeypatch.setattr(sys, *change)
    world.start()
    assert world.modules == ["venv", "pip"]


def test_moved_folder_makes_it_anew(world, folder, monkeypatch):
    world.start()
    moved = World(folder.rename(folder.parent / "moved"))
    monkeypatch.setattr(moved.run.subprocess, "run", moved.subprocess_run)
    monkeypatch.setattr(moved.run, "become", lambda *command: None)
    moved.start()
    assert moved.modules == ["venv", "pip"]


@pytest.mark.parametrize("command", ["lab", "test"])
def test_interrupted_installation_is_not_taken_for_a_whole_one(world, command):
    def interrupted(log):
        raise KeyboardInterrupt
    world.start()
    (world.run.ROOT / "constraints.txt").write_text("numpy==2.0.0\n")
    world.pip = interrupted
    with pytest.raises(KeyboardInterrupt):
        world.start(command)
    world.pip = lambda log: 0
    world.start(command)
    assert world.modules == ["venv", "pip"]


@pytest.mark.parametrize("damage", [
    lambda run: run.STAMP.write_text("{"), lambda run: run.STAMP.unlink(), lambda run: run.PYTHON.unlink(),
], ids=["unreadable stamp", "no stamp", "no Python"])
def test_damaged_environment_is_made_anew(world, damage):
    world.start()
    damage(world.run)
    world.start()
    assert world.modules == ["venv", "pip"]


def test_settings_of_jupyterlab(world):
    world.start()
    stored = json.loads((world.run.ENVIRONMENT / "share/jupyter/lab/settings/overrides.json").read_text())
    assert stored == {
        "@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"},
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
    }


# What it becomes.

@pytest.mark.parametrize("names, first", [
    ([], None), (["03_backward", "01_linearity"], "01_linearity"), (["01_linearity", "00_start_here"], "00_start_here"),
])
def test_opens_the_first_notebook(world, names, first):
    (world.run.ROOT / "notebooks").mkdir()
    for name in names:
        (world.run.ROOT / f"notebooks/{name}.ipynb").touch()
    world.start("--no-browser")
    opened = [option.rpartition("/")[2] for option in world.became if "default_url" in option]
    assert opened == ([f"{first}.ipynb"] if first else [])


def test_only_this_computer_and_only_with_the_token(world):
    world.start("--no-browser", "--allow-root")
    assert "--ServerApp.ip=localhost" in world.became
    assert world.became[-2:] == ["--no-browser", "--allow-root"]
    assert not [option for option in world.became if "token" in option.lower() or "password" in option.lower()]


def test_options_pass_to_pytest_and_notebooks(world):
    world.start("test", "-k", "hygiene")
    assert world.became == ["-m", "pytest", "--nbval", "-n", "2", "--dist", "loadscope", "-k", "hygiene"]
    world.start("notebooks", "03")
    assert world.became == ["tools/notebooks.py", "03"]


def become(folder, code, inherited=os.environ, **environment):
    """Hand over to this Python instead of the environment's."""
    return subprocess.run([sys.executable, "-c", "import run, sys; run.PYTHON = sys.executable; run.become('-c', "
                           f"{code!r})"], cwd=folder, capture_output=True, text=True, env={**inherited, **environment})


def test_exit_code_is_handed_back(folder):
    assert become(folder, "raise SystemExit(7)").returncode == 7


def test_one_thread_unless_the_caller_wants_more(folder):
    show = "import os; print(os.environ['OMP_NUM_THREADS'], os.environ['MKL_NUM_THREADS'])"
    assert become(folder, show, OMP_NUM_THREADS="1", MKL_NUM_THREADS="2").stdout.split() == ["1", "2"]
    bare = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    assert become(folder, show, inherited=bare).stdout.split() == ["1", "1"]


@pytest.mark.skipif(os.name == "nt", reason="the home folder has another name there")
@pytest.mark.parametrize("home, kept", [(os.devnull, False), ("nowhere", False), ("home", True)])
def test_home_where_nothing_can_be_written_is_replaced(folder, home, kept):
    (folder / "home").mkdir()
    used = become(folder, "import os; print(os.path.expanduser('~'))", HOME=str(folder / home)).stdout.strip()
    assert used == str(folder / (home if kept else ".venv/home")) and os.path.isdir(used)


@pytest.mark.parametrize("optimize", ["", "1"])
def test_asserts_are_not_left_out(folder, optimize):
    assert become(folder, "assert False, 'checked'", PYTHONOPTIMIZE=optimize).returncode == 1
