"""The project in other environments, each made anew by nox with uv. Not part of the test run; see docs/trust.md.

    uvx nox -l                       what there is
    uvx nox -s suite-3.12            one version of Python, with the packages as pinned, oldest and newest
    uvx nox -s "place(old processor)"

A version of Python that is not on this computer is skipped. What stands behind -- goes to pytest.
"""

import os
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["suite", "place", "notebook7"]

PINNED = ("-c", "constraints.txt", "-e", ".[handout,lab,test]")
PACKAGES = {"pinned": PINNED, "oldest": ("--resolution", "lowest-direct", PINNED[-1]), "newest": ("-U", PINNED[-1])}
SUITE = ("pytest", "--nbval", "-q", "-n", "2", "--dist", "loadscope", "-p", "no:cacheprovider")
NO_BROWSER = ("-m", "not browser")
# Where a place has several peculiarities and passes, each of them does no harm.
PLACES = {
    "threads and Turkish": {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "LC_ALL": "tr_TR.UTF-8",
                            "TZ": "Asia/Kolkata", "COLUMNS": "40", "PYTHONHASHSEED": "1"},
    "Latin-1": {"LC_ALL": "de_DE.ISO-8859-1", "PYTHONUTF8": "0", "TZ": "Pacific/Chatham", "PYTHONHASHSEED": "2"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONHASHSEED": "3"},
    "old processor": {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512_SKX"},
    "new processor": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "warnings are errors": {"PYTHONWARNINGS": "error,ignore::ResourceWarning"},
    "no asserts": {"PYTHONOPTIMIZE": "1"},
    "no home": {"HOME": os.devnull},
}


@nox.session(python=["3.11", "3.12", "3.13"])
@nox.parametrize("packages", list(PACKAGES), ids=list(PACKAGES))
def suite(session, packages):
    """Every test and every notebook, with the oldest, the pinned and the newest packages."""
    session.install(*PACKAGES[packages])
    session.run(*SUITE, *NO_BROWSER, *session.posargs)


@nox.session
@nox.parametrize("where", list(PLACES), ids=list(PLACES))
def place(session, where):
    """Every test and every notebook with other threads, languages, time zones, processors and homes."""
    session.install(*PINNED)
    session.run(*SUITE, *NO_BROWSER, *session.posargs, env=PLACES[where])


@nox.session
def notebook7(session):
    """A notebook in Jupyter Notebook 7, in Chromium."""
    session.install(*PINNED, "notebook>=7,<8")
    session.run("pytest", "-q", "tests/browser/test_notebook7.py", *session.posargs)


@nox.session
@nox.parametrize("packages", [".[frameworks]", ". torch transformers==4.57.1 accelerate==1.10.1",
                              ". torch transformers==4.45.2 accelerate==1.0.1"], ids=["new", "2025", "2024"])
def frameworks(session, packages):
    """The recipes of docs/recipes, and the record in docs/your-own-code.md made anew; downloads much."""
    session.install(*packages.split(), "pytest")
    if "[frameworks]" in packages:
        session.run("pytest", "-q", "--noconftest", "--override-ini", "addopts=", "tests/core/test_weighing_torch.py",
                    "tests/products/test_recipes.py", *session.posargs)
    session.run("python", "docs/recipes/record.py")


@nox.session
def licences(session):
    """Write the table of docs/licences.md, with pip-licenses."""
    session.install(*PINNED, "pip-licenses==5.5.5")
    page, mark = Path("docs/licences.md"), "<!-- table by pip-licenses -->\n"
    not_ours = "lstmlib", "pip", "pip-licenses", "prettytable", "setuptools", "tomli", "uv"
    table = session.run("pip-licenses", "--format=markdown", "--with-system", "--ignore-packages", *not_ours,
                        silent=True)
    before, _, after = page.read_text(encoding="utf-8").split(mark)
    page.write_text(f"{before}{mark}{table.strip()}\n{mark}{after}", encoding="utf-8")


@nox.session
def advisories(session):
    """What is known against the pinned packages, by pip-audit; it needs a network."""
    session.install("pip-audit")
    session.run("pip-audit", "-r", "constraints.txt", "--no-deps", "--disable-pip")


if __name__ == "__main__":
    sys.exit("Start it with nox: uvx nox -l")
