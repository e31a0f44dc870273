"""Numbers and names in words, the same wherever they are told."""


def percent(share, low=0, high=float("inf")):
    """A share in percents, with tenths below `low` and above `high`; in words where 0% or 100% would be untrue."""
    digits, step = (1, 0.001) if share < low or share > high else (0, 0.01)
    if 0 < share <= step / 2:
        return f"less than {step:.{digits}%}"
    if 1 - step / 2 <= share < 1 - 1e-12:
        return f"more than {1 - step:.{digits}%}"
    return f"{share:.{digits}%}"


def minus(value):
    """A number as text, with a true minus sign."""
    return str(value).replace("-", "\N{MINUS SIGN}")


def listed(names):
    """Names in words: "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
