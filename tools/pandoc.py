"""Pandoc, the one that comes with pypandoc_binary: another one may set formulas otherwise."""

import subprocess
import sys
from pathlib import Path

import pypandoc

PROGRAM = Path(pypandoc.__file__).parent / "files" / ("pandoc.exe" if sys.platform == "win32" else "pandoc")


def run_pandoc(markdown, name, *options, folder=None):
    """What pandoc makes of Markdown, with `folder` as working directory; a warning counts as a refusal."""
    done = subprocess.run([PROGRAM, "--fail-if-warnings", *options], input=markdown.encode(), cwd=folder,
                          capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"pandoc refused {name}: {done.stderr.decode().strip()}")
    return done.stdout.decode()
