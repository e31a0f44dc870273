"""run.py: what it does and says, tried on a copy in a folder whose name has a space and letters beyond ASCII."""

import ast
import contextlib
import json
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest
from browsers import ROOT, load_run

from tools.files import write

LAB, TEST = "pip .[lab]", "pip .[handout,lab,test]"


@pytest.fixture
def folder(tmp_path):
    """A copy of what run.py needs, with neither notebooks nor environment."""
    folder = tmp_path / ("gross und klein" if sys.getfilesystemencoding() == "ascii" else "größe und maß")
    (folder / "tests").mkdir(parents=True)
    for path in (*map(ROOT.joinpath, ("run.py", "pyproject.toml", "constraints.txt")), *ROOT.glob("tools/*.py")):
        write(folder / path.relative_to(ROOT), path.read_bytes())
    return folder


class World:
    """Stands in for venv, uv, pip and what comes after them, and writes down what was asked of each."""

    def __init__(self, folder, monkeypatch):
        self.run, self.done, self.became = load_run(folder), [], []
        self.pip = self.uv = lambda: 0
        self.imports = {"importlib.util.find_spec": True, "__import__": True}
        monkeypatch.chdir(folder)
        monkeypatch.setattr(self.run.shutil, "which", lambda name: None)
        self.run.watched = self.watched
        self.run.works = lambda extras, look="importlib.util.find_spec": self.imports[look]
        self.run.become = lambda *command, **_: self.became.extend(map(str, command))

    def watched(self, *command):
        words = [str(word) for word in command]
        if "venv" in words:
            self.done.append("venv")
            write(self.run.PYTHON, "")
            return 0
        name = "uv" if words[0].endswith("uv") else "pip"
        self.done.append(f"{name} {words[words.index('-e') + 1]}")
        return getattr(self, name)()

    def start(self, *arguments):
        """What one start asks of venv and pip; what it becomes is in `became`."""
        self.done, self.became = [], []
        self.run.main(list(arguments))
        return self.done


@pytest.fixture
def world(folder, monkeypatch):
    return World(folder, monkeypatch)


# What goes wrong is said.

@pytest.mark.parametrize("before, said", [
    ("sys.version_info = (3, 8, 18, 'final', 0)", "needs Python 3.11 or newer, but it was started with Python 3.8"),
    ("sys.modules['venv'] = None", "sudo apt install python3-venv"),
    ("import subprocess\ndef stop(*_, **__): raise KeyboardInterrupt\nsubprocess.Popen = stop", "Stopped."),
    ("import os\nos.remove('tools/slides.py')\nsys.argv[1:] = ['slides']",  # a class has no slides
     "no command 'slides': the commands are test, book, handout, student"),
], ids=["old", "venv", "interrupted", "command"])
def test_in_one_sentence(folder, before, said):
    """run.py as a process of its own, after some lines of Python that fake a piece of the world."""
    code = f"import runpy, sys\nsys.argv[0] = 'run.py'\n{before}\nrunpy.run_path('run.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", code], cwd=folder, capture_output=True, encoding="utf-8")
    assert done.returncode != 0 and said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_old_python_can_read_the_file():
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("logged, said", [
    ("connection broken by 'ProxyError('Cannot connect to proxy.')'", "connect this computer"),
    ("Collecting numpy\nERROR: No space left on device\nmore", "installed.*: ERROR: No space left on device")])
def test_why_pip_failed(world, logged, said):
    world.pip = lambda: world.run.LOG.write_text(logged)  # returns a length, which is no success
    with pytest.raises(SystemExit, match=said):
        world.start()
    assert not world.run.STAMP.exists() and not world.became


def test_a_busy_port_is_refused_before_anything_is_made(world):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit, match="Port .* is in use"):
        world.start("--port", str(taken.getsockname()[1]))
    assert world.done == []


# When the environment is made.

def test_cold_then_warm_extras_are_added_and_stay_and_a_moved_one_is_made_anew(world, folder, monkeypatch):
    assert world.start() == ["venv", LAB]
    assert world.start() == [] and world.became[:2] == ["-m", "jupyterlab"]
    assert world.start("test") == [TEST]
    assert world.start() == world.start("test") == world.start("notebooks") == []
    assert World(folder.rename(folder.parent / "moved"), monkeypatch).start() == ["venv", LAB]


@pytest.mark.parametrize("change, done", [
    (lambda world, _: write(world.run.ROOT / "pyproject.toml", "# changed"), [TEST]),
    (lambda world, monkeypatch: monkeypatch.setattr(sys, "version", "3.99.0"), ["venv", TEST]),
    (lambda world, _: world.run.STAMP.write_text("{"), ["venv", TEST]),
    (lambda world, _: world.run.PYTHON.unlink(), ["venv", TEST]),
    (lambda world, _: world.imports.update({"importlib.util.find_spec": False}), ["venv", TEST])])
def test_what_changes_or_is_damaged_is_made_again(world, monkeypatch, change, done):
    world.start("test")
    change(world, monkeypatch)
    assert world.start("test") == done


def test_interrupted_installation_is_not_taken_for_a_whole_one(world):
    world.start()
    write(world.run.ROOT / "constraints.txt", "numpy==2.0.0\n")
    world.pip = Mock(side_effect=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.start()
    world.pip = lambda: 0
    assert world.start() == ["venv", LAB]


@pytest.mark.parametrize("uv, imported, installers", [
    (None, True, [LAB]), (0, True, ["uv .[lab]"]), (2, True, ["uv .[lab]", LAB]), (0, False, ["uv .[lab]", LAB])])
def test_uv_where_there_is_one_and_pip_where_it_does_not_do(world, monkeypatch, uv, imported, installers):
    if uv is not None:
        monkeypatch.setattr(world.run.shutil, "which", "/somewhere/{}".format)
    world.uv = lambda: uv
    world.imports["__import__"] = imported
    with contextlib.nullcontext() if imported else pytest.raises(SystemExit, match="cannot be imported from .venv"):
        world.start()
    assert world.done == ["venv", *installers] and world.run.STAMP.exists() is imported


def test_a_second_start_waits_for_the_first_and_a_killed_one_leaves_no_lock(folder):
    code = "import run, sys\nwith run.no_other_start(): print('in', flush=True); sys.stdin.read()"
    start = partial(subprocess.Popen, [sys.executable, "-c", code], cwd=folder, text=True, stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE)
    with start() as first:
        assert first.stdout.readline() == "in\n"
        with start() as second:
            assert second.stdout.readline().startswith("Another start is making the environment here: waiting")
            first.kill()
            assert second.stdout.readline() == "in\n"


# What it becomes.

def notebooks(world, **texts):
    """Write notebooks of the project, start, and read the reader's: {name: text}."""
    for name, text in texts.items():
        write(world.run.ROOT / f"notebooks/{name}.ipynb", text)
    world.start("--no-browser")
    return {path.stem: path.read_text() for path in world.run.ROOT.glob("my-notebooks/*.ipynb")}


def test_a_readers_copy_is_never_overwritten_and_what_changed_is_put_beside_it(world, capsys):
    assert notebooks(world, a="old", b="old") == notebooks(world) == {"a": "old", "b": "old"}
    assert "--LabApp.default_url=/lab/tree/my-notebooks/a.ipynb" in world.became
    own = world.run.ROOT / "my-notebooks/a.ipynb"
    write(own, "work")
    assert notebooks(world) == {"a": "work", "b": "old"} and "beside" not in capsys.readouterr().out
    assert notebooks(world, a="new", c="new") == {"a": "work", "a_2": "new", "b": "old", "c": "new"}
    assert capsys.readouterr().out.endswith("the copies that you have: a_2.ipynb.\n")
    write(own.with_stem("a_2"), "more work")
    assert notebooks(world, a="newest") == {"a": "work", "a_2": "more work", "a_3": "newest", "b": "old", "c": "new"}
    own.unlink()  # whoever takes a copy away gets a fresh one
    assert notebooks(world)["a"] == "newest"


def test_options_pass_and_relative_folders_are_those_of_the_caller(world, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    world.start("test", "-k", "hygiene")
    assert world.became == ["-m", "pytest", "--nbval", "-n", "2", "--dist", "loadscope", "-k", "hygiene"]
    world.start("handout", "out")
    assert Path.cwd() == tmp_path and world.became == [str(world.run.ROOT / "tools"), "handout", "out"]


HANDED_ON = {"PIP_INDEX_URL", "PIP_CERT", "UV_DEFAULT_INDEX", "HTTPS_PROXY", "HOME", "PYTHONIOENCODING"}
KEPT_OUT = {"PYTHONPATH", "PYTHONHOME", "PYTHONOPTIMIZE", "PIP_PREFIX", "PIP_NO_DEPS", "PIP_USER", "UV_TARGET"}


def test_what_is_started_has_no_variables_of_another_environment_and_hands_back_its_exit_code(folder):
    """Numbers are of one thread, unless the caller wants more."""
    show = "import json, os; print(json.dumps(dict(os.environ))); raise SystemExit(7)"
    code = f"""import sys; sys.path.insert(0, ""); import run; run.PYTHON = sys.executable
if run.watched(sys.executable, "-c", {show!r}) == 7: run.become("-c", {show!r})"""
    given = {"MKL_NUM_THREADS": "2", **dict.fromkeys(HANDED_ON | KEPT_OUT | {"JUPYTER_PATH"}, "utf-8")}
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, env=given)
    of_pip, of_lab = (json.loads(text) for text in ((folder / ".venv.log").read_text(), done.stdout.splitlines()[-1]))
    assert done.returncode == 7
    assert (HANDED_ON | KEPT_OUT) & of_pip.keys() == (HANDED_ON | KEPT_OUT) & of_lab.keys() == HANDED_ON
    assert of_lab["JUPYTER_PATH"] == os.pathsep.join([str(folder / ".venv/share/jupyter"), "utf-8"])
    assert [of_lab["OMP_NUM_THREADS"], of_lab["MKL_NUM_THREADS"]] == ["1", "2"]
