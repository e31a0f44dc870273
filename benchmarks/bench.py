"""What the benchmarks share: the project's folders on the path, the machine in words, and where numbers are written."""

import json
import os
import platform
import re
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tools.files import write  # noqa: E402


def this_machine():
    """What is needed to judge the numbers; no name of a host, no path."""
    info = Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    model = re.search(r"^model name\s*: (.*)", info, re.MULTILINE)
    wide = "AVX-512" if "avx512f" in info else "AVX2" if "avx2" in info else ""
    return {"date": date.today().isoformat(), "system": platform.system(), "python": platform.python_version(),
            "processor": f"{model[1] if model else platform.machine()} {wide}".strip(), "processors": os.cpu_count(),
            "load_at_start": load()}


def load():
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def store(path, data):
    write(path, json.dumps(data, indent=1) + "\n")


def with_table(text, name, table):
    """The text of a page with this table between `<!-- name: ... -->` and `<!-- end of name -->`."""
    before, begin, rest = re.split(rf"(<!-- {name}: .*-->\n)", text)
    return f"{before}{begin}\n{table}\n\n{rest[rest.index(f'<!-- end of {name} -->'):]}"


def write_table(page, name, table):
    write(page, with_table(page.read_text(encoding="utf-8"), name, table))
