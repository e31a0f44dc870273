"""What this project takes from others: its licences, and what is known against it.

    python tools/audit.py licences                 write docs/licences.md from the metadata of the installed packages
    python tools/audit.py advisories               ask pip-audit, which must be installed and needs a network
    python tools/audit.py advisories insecure.json compare with a database that is on disk, such as that of safety-db
"""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS, LISTED = ROOT / "constraints.txt", ROOT / "docs" / "licences.md"

PERMISSIVE = {"0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU",
              "PSF-2.0", "Zlib"}
FILE_BY_FILE = {"MPL-2.0"}  # asks that its own files, if changed, be passed on under it: they are used unchanged
COMPATIBLE = PERMISSIVE | FILE_BY_FILE

# Whose metadata do not say all, or which cannot be installed on every system.
BY_HAND = {
    "appnope": "BSD-2-Clause",
    "colorama": "BSD-3-Clause",
    "defusedxml": "PSF-2.0",
    "matplotlib": "PSF-2.0",
    "overrides": "Apache-2.0",
    "pywinpty": "MIT",
    "rfc3987-syntax": "MIT",
}
# Programs that are started as such and become no part of what is made with them: {package: (program, licence)}.
PROGRAMS_INSIDE = {"pypandoc-binary": ("pandoc", "GPL-2.0-or-later")}
NOT_PINNED = {"jax": "Apache-2.0", "torch": "BSD-3-Clause"}  # the extra `bench`
# Files of others that lie in this repository: {pattern: (what, licence, file with the licence)}.
BUNDLED = {
    "tools/slides/reveal/*.*s": ("reveal.js, with marked in its notes plugin", "MIT", "tools/slides/reveal/LICENSE"),
    "tools/handout/fonts/STIXTwoMath.woff2": ("a subset of STIX Two Math", "OFL-1.1", "tools/handout/fonts/OFL.txt"),
    "tools/handout/fonts/DejaVuSans*.ttf": ("subsets of DejaVu Sans", "Bitstream-Vera",
                                            "tools/handout/fonts/DejaVu-LICENSE.txt"),
}

SPDX = [  # the first pattern that is found in what the metadata say
    (r"MPL.2|Mozilla Public", "MPL-2.0"), (r"Apache", "Apache-2.0"), (r"MIT", "MIT"),
    (r"ISC", "ISC"), (r"PSF|Python Software", "PSF-2.0"), (r"3.Clause", "BSD-3-Clause"), (r"2.Clause", "BSD-2-Clause"),
    (r"BSD", "BSD"),
]


PAGE = """# Licences of what this project uses

Written by `python tools/audit.py licences` from the metadata of the packages in `constraints.txt`. None of these
packages is part of this repository. All are under permissive licences, or under the MPL 2.0, which binds only its own
files; `tests/products/test_safety.py` holds the list to that.

| package | version | licence |
|---|---|---|
{packages}
Only for the speed comparison, and not pinned: {others}.

pandoc is started as a program of its own, to make handouts and slides: its licence covers neither this project nor what
it makes. Compiled packages (NumPy, matplotlib, Pillow, playwright, typst and others) bring further libraries with them,
and name these in their own licence files.

## Files of others in this repository

| files | what | licence | its text |
|---|---|---|---|
{bundled}"""


def pinned():
    """{package: [versions]} of constraints.txt."""
    pins = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", CONSTRAINTS.read_text(), re.M):
        pins.setdefault(name, []).append(version)
    return pins


def licence(package):
    """Its licence as an SPDX expression, or None where nothing is known."""
    if package in BY_HAND:
        return BY_HAND[package]
    try:
        metadata = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        return None
    if metadata["License-Expression"]:
        return metadata["License-Expression"]
    classifiers = [line for line in metadata.get_all("Classifier") or [] if line.startswith("License")]
    first_line = (metadata["License"] or "").strip().partition("\n")[0]
    return next((name for said in (first_line, *classifiers) for pattern, name in SPDX if re.search(pattern, said)),
                None)


def compatible(expression):
    """Whether code under BSD 3-Clause may stand on a package with this licence."""
    return any(all(part.strip(" ()") in COMPATIBLE for part in choice.split(" AND "))
               for choice in expression.split(" OR "))


def table():
    """docs/licences.md as text."""
    packages, bundled = [], []
    for package, versions in pinned().items():
        program, its = PROGRAMS_INSIDE.get(package, ("", ""))
        inside = f"; the program {program} in it: {its}" if program else ""
        packages.append(f"| {package} | {' or '.join(versions)} | {licence(package)}{inside} |\n")
    for pattern, (what, its, text) in BUNDLED.items():
        bundled.append(f"| `{pattern}` | {what} | {its} | `{text}` |\n")
    others = ", ".join(f"{package} ({its})" for package, its in NOT_PINNED.items())
    return PAGE.format(packages="".join(packages), bundled="".join(bundled), others=others)


def write_licences():
    unknown = [package for package in pinned() if licence(package) is None]
    if unknown:
        sys.exit(f"No licence is known of {', '.join(unknown)}: install them, or add them to BY_HAND.")
    LISTED.write_text(table(), encoding="utf-8")


def ask_pip_audit():
    """The exit code of pip-audit, over the pins that hold on this system."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "-r", str(CONSTRAINTS)]
    return subprocess.run(command).returncode


def compare(database):
    """Print the pins that a database of the form {package: [{"specs": [...], ...}]} advises against; how many."""
    advisories = json.loads(Path(database).read_text(encoding="utf-8"))
    pins = pinned()
    hits = [f"{package} {version}: {advisory.get('advisory', advisory)}" for package, versions in pins.items()
            for advisory in advisories.get(package, []) for version in versions
            if any(matches(version, specifier) for specifier in advisory["specs"])]
    known = sum(package in advisories for package in pins)
    print(*hits, f"{len(pins)} packages, {known} of them in the database; {len(hits)} advisories apply.", sep="\n")
    return len(hits)


def matches(version, specifier):
    try:
        return version in SpecifierSet(specifier)
    except InvalidSpecifier:
        return False


def main(arguments):
    match arguments:
        case ["licences"]:
            write_licences()
        case ["advisories"]:
            return ask_pip_audit()
        case ["advisories", database]:
            return 1 if compare(database) else 0
        case _:
            print(__doc__.strip())
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
