"""Files are written beside their place and then moved into it: a full disk or a kill leaves what was there."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def folder_of(arguments, use, usual=None):
    """The folder that the arguments name, or the usual one; any other arguments end the program with its use."""
    if usual and not arguments:
        return usual
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise SystemExit(use.strip())
    return Path(arguments[0])


def announce(paths, what, folder):
    """Print every path as soon as it is written; a folder that cannot be written ends the program with a sentence."""
    try:
        for path in paths:
            print(path, flush=True)
    except OSError as problem:
        raise SystemExit(f"{what} cannot be written to {folder}: {problem.strerror or problem}.") from None


def read(path):
    return path.read_text(encoding="utf-8").strip()


def write(path, content):
    """Put text or bytes into a file, whole or not at all; folders that are missing are made."""
    path = Path(path).resolve()  # what a link leads to, not the link, is replaced
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
        beside.replace(path)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from None
    finally:
        beside.unlink(missing_ok=True)
