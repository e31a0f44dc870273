"""A full disk, or a kill, in the middle of writing: what was there is whole, and what happened is said."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lstmlib.explorers.film import put
from tools import book, handout, notebooks, slides, student
from tools.files import write

resource = pytest.importorskip("resource", reason="a limit on the size of files stands in for a full disk")


@contextlib.contextmanager
def disk_full_after(size):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("before", [None, b"a day's work"])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, before):
    path = tmp_path / "new" / "a.txt"
    if before:
        write(path, before)
    with disk_full_after(1000), pytest.raises(OSError, match="too large.*a.txt"):
        write(path, 2000 * "x")
    assert (path.read_bytes() if path.exists() else None) == before
    assert list(path.parent.iterdir()) == [path] * bool(before)
    write(path, "é\n")
    assert path.read_bytes() == "é\n".encode()


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither these modes nor these links")
def test_mode_and_link_of_a_file_stay(tmp_path):
    path, link = tmp_path / "a", tmp_path / "b"
    write(path, "1")
    (tmp_path / "usual").touch()
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode
    path.chmod(0o640)
    link.symlink_to(path)
    write(link, "2")
    assert link.is_symlink() and path.read_text() == "2" and path.stat().st_mode & 0o777 == 0o640


def test_a_kill_while_writing_leaves_what_was_there(tmp_path):
    path = tmp_path / "a"
    write(path, "before")
    code = "import os, sys; from tools.files import write; os.fsync = lambda _: os.kill(os.getpid(), 9); " \
           "write(sys.argv[1], 'after')"
    killed = subprocess.run([sys.executable, "-c", code, str(path)], cwd=notebooks.NOTEBOOKS.parent)
    assert killed.returncode == -signal.SIGKILL and path.read_text() == "before"


def test_an_authors_notebook_is_left_as_it_was(tmp_path, monkeypatch, capsys):
    path = tmp_path / "01_a.ipynb"
    cells = [new_code_cell("print('x')"), new_markdown_cell("A day's work of the author.")]
    write(path, notebooks.text_of(new_notebook(cells=cells)))
    before = path.read_bytes()
    monkeypatch.setattr(notebooks, "run", lambda notebook, folder: None)
    with disk_full_after(300):
        assert notebooks.main([str(path)]) == 1
    assert path.read_bytes() == before and "not stored" in (said := capsys.readouterr().err) and "too large" in said
    assert notebooks.main([str(path)]) == 0


def test_student_notebooks_go_on_where_the_disk_was_full(tmp_path, capsys):
    with disk_full_after(20_000), pytest.raises(SystemExit, match=r"cannot be written to .*too large"):
        student.main([str(tmp_path / "class")])
    assert all(path.read_text(encoding="utf-8").endswith("}\n") for path in tmp_path.glob("class/**/*.ipynb"))
    student.main([str(tmp_path / "class")])


@pytest.mark.parametrize("tool", [book, handout, slides])
def test_a_folder_that_cannot_be_written_is_named_and_other_words_show_the_use(tmp_path, monkeypatch, tool):
    def build(folder, *_):
        write(folder / "a", "")
        yield folder / "a"

    monkeypatch.setattr(tool, "build", build)
    write(tmp_path / "file", "")
    with pytest.raises(SystemExit, match="cannot be written to .*file/below: Not a directory"):
        tool.main([str(tmp_path / "file" / "below")])
    for words in (["--nonsense"], ["a", "b"]):
        with pytest.raises(SystemExit, match=f"run.py {tool.__name__[6:]} some/folder"):
            tool.main(words)


def test_the_films_and_the_curves_are_written_whole(tmp_path):
    path = tmp_path / "film.json"
    put(path, "before")
    with disk_full_after(20), pytest.raises(OSError, match="too large"):
        put(path, 30 * "after")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
