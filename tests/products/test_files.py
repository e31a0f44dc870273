"""A full disk in the middle of writing, or no folder to write in: what was there is whole, and trouble is named."""

import pytest

from lstmlib.explorers.film import put
from tools import book, handout, slides
from tools.files import write

resource = pytest.importorskip("resource", reason="a limit on the size of files stands in for a full disk")


@pytest.fixture
def full_disk():
    """After 1,000 bytes of a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("write", [write, put])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, full_disk, write):
    old, new = tmp_path / "old", tmp_path / "new"
    write(old, "é\n")
    for path in (old, new):
        with pytest.raises(OSError, match="too large"):
            write(path, 2000 * "x")
    assert [(path, path.read_bytes()) for path in tmp_path.iterdir()] == [(old, "é\n".encode())]


@pytest.mark.parametrize("tool", [book, handout, slides])
def test_a_folder_that_cannot_be_written_is_named_and_other_words_show_the_use(tmp_path, monkeypatch, tool):
    monkeypatch.setattr(tool, "build", lambda folder, *_: map(write, [folder / "a"], [""]))
    write(tmp_path / "file", "")
    with pytest.raises(SystemExit, match="cannot be written to .*file/below: Not a directory"):
        tool.main([str(tmp_path / "file" / "below")])
    with pytest.raises(SystemExit, match=f"run.py {tool.__name__[6:]} some/folder"):
        tool.main(["--nonsense"])
