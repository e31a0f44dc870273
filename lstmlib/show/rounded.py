"""Numbers that are printed alike on every machine."""

import math


def bound(error):
    """A rounding error as the next even power of ten, from 1e-14 on: of 3.1e-16 "below 1e-14"."""
    return f"below 1e{max(2 * math.floor(math.log10(error or 1e-300) / 2) + 2, -14):+03d}"


def deviation(error):
    """A relative error: if it is one of rounding, its bound; if not, its first two digits."""
    return bound(error) if error < 1e-10 else f"{error:.2g}"
