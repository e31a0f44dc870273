"""What is slow to make (films, book, slides, handouts) is kept in build/tests until something it depends on changes."""

import contextlib
import hashlib
import inspect
import shutil
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from tools.files import ROOT

FOLDER = ROOT / "build" / "tests"
SOURCES = "docs/**/*", "lstmlib/**/*", "notebooks/*", "tools/**/*", "pyproject.toml", "tests/films.py"


def kept(name, make):
    """The folder that make(folder) filled: here, in another process, or in an earlier run."""
    place = FOLDER / f"{name}-{fingerprint(inspect.getsourcefile(make))}"
    if not place.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as beside:
            made = Path(beside, "made")
            made.mkdir()
            make(made)
            for old in set(FOLDER.glob(f"{name}-*")) - {place}:
                shutil.rmtree(old, ignore_errors=True)
            with contextlib.suppress(OSError):  # another process was first
                made.rename(place)
    return place


def fingerprint(source):
    packages = sorted(f"{package.name} {package.version}" for package in distributions())
    digest = hashlib.sha256(repr([sys.version, packages]).encode() + Path(source).read_bytes())
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.name} {path.stat().st_size} ".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
