"""One BLAS thread, and no test in a browser where there is no browser."""

import os

import pytest
from browser import BROWSERS, chromium

# Before anything imports numpy; the kernels that run notebooks inherit it.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(variable, "1")


def pytest_collection_modifyitems(items):
    if chromium() is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="no browser"))


def pytest_terminal_summary(terminalreporter):
    if chromium() is None:
        terminalreporter.write_line(f"The tests in a browser were skipped: none of {', '.join(BROWSERS)} is installed.")
