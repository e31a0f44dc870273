"""One BLAS thread, and no test in a browser where there is no browser."""

import os
import shutil

import pytest

# Before anything imports numpy; the kernels that run notebooks inherit it.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(variable, "1")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser_path():
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_collection_modifyitems(items):
    if browser_path() is None:
        no_browser = pytest.mark.skip(reason=f"none of these is installed: {', '.join(BROWSERS)}")
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(no_browser)


@pytest.fixture(scope="session")
def chromium():
    """The path of the installed Chromium."""
    return browser_path()
