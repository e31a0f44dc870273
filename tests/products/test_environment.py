"""One list of packages in three places: pyproject.toml, constraints.txt and environment.yml; and what ruff says."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools.files import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
# Hosts of package registries, and paths that exist on one machine only.
FOREIGN = (r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|anaconda\.(?:org|com)|crates\.io|[A-Z]:\\+Users|"
           r"(?<![\w.:/~!])/(?:etc|home|media|mnt|opt|private|root|srv|tmp|usr|var|work|Users|Volumes)/\w")


def declared(*extras):
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    return [Requirement(line) for requirements in lists for line in requirements]


def test_every_line_of_the_constraints_is_a_pin_and_every_package_has_one_in_its_range():
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==([0-9][0-9a-z.+]*)(?: ; [^:/\n]+)?$", CONSTRAINTS, re.MULTILINE)
    assert len(pins) == len(CONSTRAINTS.splitlines())
    for requirement in declared("handout", "lab", "test"):
        versions = [version for name, version in pins if canonicalize_name(name) == canonicalize_name(requirement.name)]
        assert versions and all(version in requirement.specifier for version in versions), requirement


def test_conda_environment():
    lines = [line.partition(" ") for line in CONDA["dependencies"][:-1]]
    ranges = {item.name.replace("matplotlib", "matplotlib-base"): item.specifier for item in declared("lab")}
    assert {name: SpecifierSet(range) for name, _, range in lines} == {
        "python": SpecifierSet(PROJECT["requires-python"]), **ranges, "pip": SpecifierSet()}
    assert CONDA["dependencies"][-1] == {"pip": ["-e ."]} and CONDA["channels"] == ["conda-forge", "nodefaults"]


def test_files_name_no_registry_and_no_machine():
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a clone: there is no list of the project's files")
    git = ["git", "-c", f"safe.directory={ROOT}"]  # it may be the clone of another user
    found = subprocess.run([*git, "grep", "-InP", FOREIGN], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 1, found.stdout + found.stderr


def test_ruff_finds_nothing():
    found = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", "."], cwd=ROOT, capture_output=True,
                           text=True)
    assert found.returncode == 0, found.stdout + found.stderr
