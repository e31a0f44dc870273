"""What the recipes share: four items of different lengths and masked shares, and what can be asked of an item.

An item is a dict of two lists, `input_ids` and `labels`; labels of -100 do not count. Yours may be anything.
"""

import random
from functools import partial

IGNORED, SYMBOLS = -100, 32


def make_items(sizes=((3, 5), (6, 6), (9, 12), (5, 9)), seed=0):
    """(n, T): T symbols, of which the last n have a label that counts."""
    draw, items = random.Random(seed), []
    for n, T in sizes:
        symbols = [draw.randrange(4, SYMBOLS) for _ in range(T)]
        items.append({"input_ids": symbols, "labels": [IGNORED] * (T - n) + symbols[T - n:]})
    return items


def tokens(item, first=0):
    """How many of its labels count, from the first on."""
    return sum(label != IGNORED for label in item["labels"][first:])


def length(item):
    """How long it is, masked tokens too."""
    return len(item["labels"])


def keep(item, start, stop, first=0):
    """The same item, where only these of the labels that count still do."""
    counting = [t for t, label in enumerate(item["labels"]) if t >= first and label != IGNORED]
    dropped = counting[:start] + counting[stop:]
    return item | {"labels": [IGNORED if t in dropped else label for t, label in enumerate(item["labels"])]}


# A causal language model shifts the labels by one: the first label of a row is predicted by nothing.
SHIFTED = {"tokens": partial(tokens, first=1), "length": length, "keep": partial(keep, first=1),
           "counts": {"labels before the shift": tokens}}


def padded(items):
    """Lists of rows of one length: input_ids, attention_mask, labels."""
    longest = max(map(length, items))
    rows = [(item, longest - length(item)) for item in items]
    return {"input_ids": [item["input_ids"] + [0] * more for item, more in rows],
            "attention_mask": [[1] * length(item) + [0] * more for item, more in rows],
            "labels": [item["labels"] + [IGNORED] * more for item, more in rows]}


def show(reports):
    """Print named reports; what a recipe does when it is run."""
    for name, report in reports.items():
        print(f"{name}\n{'-' * len(name)}\n{report}\n")
