"""Numbers and names in words, the same wherever they are told."""


def percent(share, least="less than 1%", most="more than 99%"):
    """A share in whole percents; `least` and `most` where it would be rounded to the 0% or 100% that it is not."""
    if 0 < share <= 0.005:
        return least
    return most if 0.995 <= share < 1 - 1e-9 else f"{100 * share:.0f}%"


def minus(value):
    """A number as text, with a true minus sign."""
    return str(value).replace("-", "\N{MINUS SIGN}")


def listed(names):
    """Names in words: "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
