"""Pages are made by templates of Jinja and by the pandoc of pypandoc_binary: another may set formulas otherwise."""

import html
import subprocess
import sys
from pathlib import Path

import jinja2
import pypandoc

from tools.files import read

PROGRAM = Path(pypandoc.__file__).parent / "files" / ("pandoc.exe" if sys.platform == "win32" else "pandoc")
TEMPLATES = jinja2.Environment(undefined=jinja2.StrictUndefined)
TEMPLATES.filters["e"] = html.escape


def run_pandoc(markdown, name, *options, folder=None):
    """What pandoc makes of Markdown, with `folder` as working directory; a warning counts as a refusal."""
    done = subprocess.run([PROGRAM, "--fail-if-warnings", *options], input=markdown.encode(), cwd=folder,
                          capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"pandoc refused {name}: {done.stderr.decode().strip()}")
    return done.stdout.decode()


def filled(template, **parts):
    """The text of a file with these parts; in it, `| e` is for text that is no HTML yet."""
    return TEMPLATES.from_string(read(template)).render(parts)
