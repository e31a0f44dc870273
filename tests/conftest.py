"""One BLAS thread, the longest tests first, and no test in a browser where there is no browser."""

import os

import pytest

from run import ONE_THREAD

# Before anything imports numpy; the kernels that run notebooks inherit it.
for variable, number in ONE_THREAD.items():
    os.environ.setdefault(variable, number)


@pytest.fixture(scope="session")
def recorded():
    """{stem: film}, small films of every explorer"""
    from films import small_films

    return small_films()


@pytest.fixture(scope="session")
def small_book(recorded):
    """The folder of the book with small films."""
    from kept import kept

    from tools import book

    films = {film.title: film for film in recorded.values()}
    return kept("book", lambda folder: list(book.build(folder, recorded=films)))


def pytest_configure(config):
    config.option.loadscopereorder = False  # of pytest-xdist, which would begin with the largest number of tests


def pytest_collection_modifyitems(items):
    # What takes longest comes first, so that two processes end at about the same time.
    in_browser = [item for item in items if item.get_closest_marker("browser")]
    paths = {item.path for item in in_browser}
    items.sort(key=lambda item: (item.path not in paths, item.path.suffix != ".ipynb"))
    if in_browser:
        from browsers import chromium

        for item in in_browser if chromium() is None else []:
            item.add_marker(pytest.mark.skip(reason="no browser"))
