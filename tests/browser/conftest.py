"""One Chromium and one JupyterLab for all tests of this folder: starting them takes longer than most of the tests."""

import pytest
from browsers import Lab, browser_page, chromium_browser, jupyterlab


@pytest.fixture(scope="package")
def browser():
    with chromium_browser() as browser:
        yield browser


@pytest.fixture(scope="package")
def lab(browser, tmp_path_factory):
    """A JupyterLab in a page; it serves lab.folder, in which each file of tests opens notebooks of its own."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyterlab(folder) as address, browser_page(browser=browser) as page:
        lab = Lab(page, address)
        lab.folder, lab.address = folder, address
        yield lab
