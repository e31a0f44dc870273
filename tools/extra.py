"""The packages of the extra `handout`: where one is missing, a sentence says so and what to do."""

import contextlib


@contextlib.contextmanager
def extra_handout(what, command):
    """Imports for `what`, which `python run.py` with this command makes."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise SystemExit(f"{what} need the package {missing.name}: start with `python run.py {command}`, or install "
                         'the extra with `pip install -c constraints.txt -e ".[handout]"`.') from None
