"""One list of packages in three places: pyproject.toml, constraints.txt and environment.yml."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
NAMES_ON_CONDA = {"matplotlib": "matplotlib-base"}
HOSTS = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|anaconda\.(?:org|com)|crates\.io", re.IGNORECASE)
ABSOLUTE_PATH = re.compile(
    r"(?<![\w.:/~])/(?:etc|home|media|mnt|opt|private|root|srv|tmp|usr|var|work|Users|Volumes)/\w|[A-Z]:\\+Users")


def declared(*extras):
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    return [Requirement(line) for requirements in lists for line in requirements]


# constraints.txt

def pins(text):
    """The lines `name==version [; marker]` as {name: [version, ...]}."""
    found = {}
    for line in text.splitlines():
        name, _, version = line.partition(";")[0].strip().partition("==")
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def faults_of_constraints(text):
    faults = [f"not a name and a version: {line}" for line in text.splitlines()
              if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[0-9][0-9a-z.+]*( ; [^:/]+)?", line)]
    pinned = pins(text)
    for requirement in declared("handout", "lab", "test"):
        versions = pinned.get(canonicalize_name(requirement.name), ["none"])
        faults += [f"{requirement.name}=={version} is not in {requirement.specifier}" for version in versions
                   if version == "none" or version not in requirement.specifier]
    return faults


def test_constraints():
    assert faults_of_constraints(CONSTRAINTS) == []
    for planted in (CONSTRAINTS.replace("ipywidgets==", "ipywidget=="), CONSTRAINTS + "other>=1\n",
                    re.sub("matplotlib==.*", "matplotlib==2.0", CONSTRAINTS),
                    CONSTRAINTS + "other @ https://example.org/other.whl\n"):
        assert len(faults_of_constraints(planted)) == 1


def installed_requirements(requirements):
    """The names of everything that these requirements bring along in this environment."""
    needed, waiting = set(), [(item.name, frozenset(item.extras)) for item in requirements]
    while waiting:
        item = waiting.pop()
        if item not in needed:
            needed.add(item)
            for line in metadata.requires(item[0]) or []:
                child = Requirement(line)
                if not child.marker or any(child.marker.evaluate({"extra": extra}) for extra in {"", *item[1]}):
                    waiting.append((canonicalize_name(child.name), frozenset(child.extras)))
    return {canonicalize_name(name) for name, _ in needed}


def test_constraints_cover_what_the_packages_need_in_turn():
    pinned, names = pins(CONSTRAINTS), [canonicalize_name(item.name) for item in declared("handout", "lab", "test")]
    others = [name for name in names if metadata.version(name) not in pinned[name]]
    if others:
        pytest.skip(f"not in the versions that are pinned, and so with needs of their own: {', '.join(others)}")
    needed = installed_requirements(declared("handout", "lab", "test"))
    assert len(needed) > 80
    assert needed - set(pins(CONSTRAINTS)) == set()


# environment.yml

def test_conda_environment():
    lines = [line.partition(" ") for line in CONDA["dependencies"][:-1]]
    ranges = {NAMES_ON_CONDA.get(item.name, item.name): item.specifier for item in declared("lab")}
    assert {name: SpecifierSet(range) for name, _, range in lines} == {
        "python": SpecifierSet(PROJECT["requires-python"]), **ranges, "pip": SpecifierSet()}
    assert CONDA["dependencies"][-1] == {"pip": ["-e ."]}
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]


# Every file of the project

def tracked_texts():
    """Name and text of each file that git knows."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a clone: there is no list of the project's files")
    git = ["git", "-c", f"safe.directory={ROOT}"]  # it may be the clone of another user
    listed = subprocess.run([*git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode("utf-8").split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in path.read_bytes():
            yield name, path.read_text(encoding="utf-8")


def foreign_words(text):
    """Hosts of package registries, and paths that exist on one machine only."""
    return HOSTS.findall(text) + [found.group() for found in ABSOLUTE_PATH.finditer(re.sub(r"\A#!.*", "", text))]


def test_files_name_no_registry_and_no_machine():
    texts = dict(tracked_texts())
    assert "pyproject.toml" in texts
    assert {name: foreign_words(text) for name, text in texts.items() if foreign_words(text)} == {}


def test_planted_hosts_and_paths_are_found():
    hosts = [".".join(words) for words in (["pypi", "org"], ["files.pythonhosted", "org"], ["registry.npmjs", "org"])]
    paths = ["/".join(["", folder, "data"]) for folder in ("home", "root", "work", "tmp")]
    for words in [*hosts, *paths, "C:" + "\\Users"]:
        assert foreign_words(f"see '{words}'")


def ruff(*arguments, **options):
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)


def test_ruff_finds_nothing():
    found = ruff(".")
    assert found.returncode == 0, found.stdout + found.stderr


def test_ruff_finds_in_programs_and_notebooks_what_runs_whatever_it_is_given():
    planted = ["eval(x)", "exec(x)", "subprocess.run(x, shell=True)", "pickle.loads(x)", "os.system(x)"]
    code = "\n".join(["import os, pickle, subprocess", *planted])
    notebook = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]))
    for name, text in (("lstmlib/a.py", code), ("notebooks/a.ipynb", notebook)):
        assert {"S307", "S102", "S602", "S301", "S605"} <= set(re.findall(r"\bS\d+", ruff(
            "--stdin-filename", name, "-", input=text).stdout))
