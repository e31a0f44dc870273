"""Two tasks of Hochreiter & Schmidhuber (1997), "Long Short-Term Memory", as arrays with masks."""

from functools import partial

import numpy as np

from .checks import count, takes

REBER_SYMBOLS = "BTPSXVE"

# The Reber grammar as a graph: state -> the symbols that may come next, and the states they lead to.
REBER = {"start": {"B": "a"}, "a": {"T": "b", "P": "c"}, "b": {"S": "b", "X": "d"}, "c": {"T": "c", "V": "e"},
         "d": {"X": "c", "S": "f"}, "e": {"P": "d", "V": "f"}, "f": {"E": "end"}}


@takes(T=partial(count, at_least=6), B=count, rng=np.random.Generator)
def adding_problem(T, B, rng):
    """Experiment 4 of the paper: add two marked numbers, seen long before the end.

    Each sequence is a list of pairs (number, marker); its length is drawn from T to T + T/10. One of the first ten
    pairs is marked 1 (its number is X1), then one of the first T/2 - 1 still unmarked pairs (X2). The first and the
    last pair are marked -1; where the first pair was drawn, its number counts as 0. The target, at the last pair only,
    is 0.5 + (X1 + X2)/4.

    T at least 6, B at least 1, rng a numpy Generator
    ->  X (T', B, 2), targets (T', B, 1), mask (T', B): true at the last pair. T' is the longest length;
        shorter sequences are padded with zeros behind.
    """
    lengths = rng.integers(T, T + T // 10, endpoint=True, size=B)
    columns = np.arange(B)
    times = np.arange(lengths.max())[:, None]
    number = np.where(times < lengths, rng.uniform(-1, 1, (lengths.max(), B)), 0)
    first = rng.integers(0, min(10, T - 1), size=B)
    second = rng.integers(0, T // 2 - 1, size=B)
    second += second >= first  # numbers the pairs that are still unmarked
    marker = np.zeros_like(number)
    marker[first, columns] = marker[second, columns] = 1
    marker[0] = marker[lengths - 1, columns] = -1
    X1, X2 = (np.where(drawn > 0, number[drawn, columns], 0) for drawn in (first, second))
    mask = times == lengths - 1
    targets = np.where(mask, 0.5 + (X1 + X2) / 4, 0)
    return np.stack([number, marker], axis=-1), targets[..., None], mask


@takes(n=count, rng=np.random.Generator)
def reber_strings(n, rng, embedded=True):
    """n strings of the (embedded) Reber grammar, and the symbol that follows each symbol.

    Where the grammar offers two symbols each is drawn with probability 1/2. An embedded string is B, then T or P, then
    a string of the plain grammar, then the same T or P, then E: the second symbol must be remembered to the last but
    one (experiment 1 of the paper).

    n at least 1, rng a numpy Generator, embedded true or false
    ->  X (T, n, 7) one-hot in the order of REBER_SYMBOLS, labels (T, n): the next symbol, mask (T, n): true where
        there is one. T is the longest length less one; behind shorter strings X, labels and mask are 0.
    """
    if not isinstance(embedded, bool | np.bool_):
        raise TypeError(f"embedded must be True or False, got {type(embedded).__name__}")
    strings = [reber_string(rng, embedded) for _ in range(n)]
    lengths = np.array([len(string) for string in strings])
    symbols = np.zeros((lengths.max(), n), int)
    for k, string in enumerate(strings):
        symbols[:len(string), k] = [REBER_SYMBOLS.index(symbol) for symbol in string]
    mask = np.arange(1, len(symbols))[:, None] < lengths
    return mask[..., None] * np.eye(len(REBER_SYMBOLS))[symbols[:-1]], symbols[1:], mask


def reber_string(rng, embedded=True):
    """One string of the grammar, as text."""
    if embedded:
        remembered = rng.choice(["T", "P"])
        return f"B{remembered}{reber_string(rng, embedded=False)}{remembered}E"
    string, state = "", "start"
    while state != "end":
        symbol = rng.choice(list(REBER[state]))
        string, state = string + symbol, REBER[state][symbol]
    return string
