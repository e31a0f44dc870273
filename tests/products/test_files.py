"""A full disk in the middle of writing, or no folder to write in: what was there is whole, and trouble is named."""

import contextlib

import pytest

from lstmlib.explorers.film import put
from tools import book, handout, slides
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


@pytest.mark.parametrize("write", [write, put])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, write):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("a day's work")
    for path in (old, new):
        with disk_full_after(1000), pytest.raises(OSError, match="too large"):
            write(path, 2000 * "x")
    assert [(path, path.read_text()) for path in tmp_path.iterdir()] == [(old, "a day's work")]
    write(new, "é\n")
    assert new.read_bytes() == "é\n".encode()


@pytest.mark.parametrize("tool", [book, handout, slides])
def test_a_folder_that_cannot_be_written_is_named_and_other_words_show_the_use(tmp_path, monkeypatch, tool):
    monkeypatch.setattr(tool, "build", lambda folder, *_: map(write, [folder / "a"], [""]))
    write(tmp_path / "file", "")
    with pytest.raises(SystemExit, match="cannot be written to .*file/below: Not a directory"):
        tool.main([str(tmp_path / "file" / "below")])
    with pytest.raises(SystemExit, match=f"run.py {tool.__name__[6:]} some/folder"):
        tool.main(["--nonsense"])
