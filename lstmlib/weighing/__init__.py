"""What does an item weigh in your training step? Any framework, from outside; NumPy alone.

The gradient of a training step is a weighted sum of the gradients of its items, G = sum_b omega_b S_b. `measure` calls
the step on items alone, on batches and on the same batch cut into pieces, and reads the weights off by least squares.
Every |X| predicts weights of its own (`plan`); `explain` compares. What is left over says whether it is a sum at all.
"""

import numpy as np

from .. import checks
from .explaining import explain
from .measuring import Recorder, measure, weigh
from .plan import KNOWN, TIMESTEPS, Part, Plan, hypothesis_name, inseparable
from .report import Fault, Report


def examine(gradient, items, tokens=None, length=None, keep=None, reference=None, counts=None, cuts=None, means=None,
            empty=True, *, sample=100_000, quiet=False):
    """Find out what each item weighs in a training step, and which |X| and which faults explain it.

    gradient   gradient(pieces): your step up to, not including, the optimiser; `pieces` is a list of micro-batches (or
               ranks), each a list of your own items. Returns an array, or a dict, list or tuple of arrays.
    items      a handful, of different lengths and masked shares
    tokens     tokens(item): how many of its tokens count in the loss
    length     length(item): how long it is, masked tokens too
    keep       keep(item, start, stop): the item with only these of its counting tokens counting, nothing else changed
    reference  reference(item): the gradient of its summed loss; {name: function} for a loss of several terms
    counts     {name: function of an item}: other numbers to try; sums and differences of two numbers are tried too
    cuts       the ways to cut: lists of pieces, which are lists of item numbers. They rule every call: each has the
               shape of one of them, and an item alone stands in all places.
    means      the |X| that you intend, such as "tokens"; another one is then a fault
    empty      whether an item and a micro-batch without a token are tried (needs `keep`)
    sample     how many entries of a larger gradient are looked at
    quiet      whether to print nothing beforehand

    ->  Report. What these items cannot show is printed before anything is called, and stands in its notes.
    Raises TypeError or ValueError for wrong use; what your step raises on an ordinary batch passes through.
    """
    a_sequence = hasattr(items, "__iter__") or hasattr(items, "__getitem__")
    if isinstance(items, str) or hasattr(items, "keys") or not a_sequence:
        raise TypeError(f"items must be a list of a few training items, got {type(items).__name__}")
    items = list(items)
    check(gradient, items, tokens, length, keep, reference, counts, sample)
    references = reference if isinstance(reference, dict) or reference is None else {None: reference}
    things, parts = divide(items, tokens, keep if references is None else None, references or [None])
    numbers = {"sequences": lambda item: 1, "tokens": tokens, TIMESTEPS: length} | (counts or {})
    plan = make_plan(things, parts, cuts, references is None, {k: of for k, of in numbers.items() if of}, len(items))
    check_meaning(means, plan)
    empties = []
    if keep and empty:
        things.append(kept(keep, tokens, items, 0, 0, 0))
        empties = without_a_token(plan, len(things) - 1)
    report = Report(notes=inseparable(plan), relative=plan.relative, single_term=len(references or [None]) == 1,
                    counted=bool(plan.counted))
    for note in [] if quiet else report.notes:
        print(note)

    call = Recorder(gradient, len(plan.cuts) + len(parts) * plan.relative + 2 + len(empties), sample)
    explain(report, plan, measure(call, plan, things, references, empties), means)
    report.calls = call.calls
    report.notes += unseen(report, plan, call, tokens, keep, empties)
    return report


def divide(items, tokens, keep, terms):
    """All things that can be put into a batch, items first; the parts that are weighed: halves where there is keep."""
    things, parts = list(items), []
    for b in range(len(items)):
        n = int(number(tokens, f"tokens(items[{b}])", items[b])) if tokens else None
        if n == 0:
            raise ValueError("items must have tokens that count (an empty one is tried anyway), "
                             f"got none in items[{b}]")
        if keep and n > 1:
            for start, stop in ((0, n // 2), (n // 2, n)):
                parts.append(Part((b, start, stop), len(things), b))
                things.append(kept(keep, tokens, items, b, start, stop))
        else:
            parts += [Part(b if term is None else (term, b), b, b, term) for term in terms]
    return things, parts


def make_plan(things, parts, cuts, relative, functions, B):
    """The numbers of all things, and what is called."""
    said = {name: f"counts[{name!r}]" for name in functions} | {TIMESTEPS: "length", "tokens": "tokens"}
    numbers = {name: np.array([number(function, f"{said[name]}({f'items[{k}]' if k < B else 'half of an item'})", thing)
                               for k, thing in enumerate(things)]) for name, function in functions.items()}
    if cuts is None:
        order = np.argsort(numbers.get("tokens", numbers.get(TIMESTEPS, np.arange(B)))[:B], kind="stable").tolist()
        some = [[order[:-1]], [order[1:]]] if B > 2 else []
        places = [B // 2] * (B % 2 == 0) + [1, B - 1] if B > 2 else []
        in_two = [[order[:k], order[k:]] for k in places]  # short items stand beside short ones
        shape, tried = [[0]], [[list(range(B))], *some, [[0, 0]], [[b] for b in range(B)], *in_two]
    else:
        tried = check_cuts(cuts, B)
        shape = min(tried, key=lambda cut: len(sum(cut, [])))
        tried += [[[into if thing == out else thing for thing in rows] for rows in cut]  # other batches of this shape
                  for cut in tried for into, out in ((0, B - 1), (B - 1, 0)) if B > 2]
    if len(things) > B or not relative:
        tried += [[[b] * len(rows) for rows in shape] for b in range(B)]
    alone = [[[part.thing] * len(rows) for rows in shape] for part in parts]
    return Plan(numbers, parts, alone, list({str(cut): cut for cut in tried}.values()), relative)


def without_a_token(plan, thing):
    """[(words, cut)]: a batch, and a micro-batch, of this empty thing alone."""
    pieces = next((cut for cut in plan.cuts if len(cut) > 1), None)
    of_one_piece = [("a micro-batch", [[thing] * len(pieces[0]), *pieces[1:]])] if pieces else []
    return [("a batch", [[thing] * len(rows) for rows in plan.alone[0]]), *of_one_piece]


def unseen(report, plan, call, tokens, keep, empties):
    """What this examination cannot show, in a sentence or two."""
    notes = [f"looked at {len(call.chosen):,} of {call.total:,} entries, drawn at random (seed 0)"
             ] if len(call.chosen) < call.total else []
    things = ["where a common factor stands (all right places look the same)"]
    if plan.relative:
        things.append("a constant factor (needs reference)")
        things += ["what each sequence's loss is divided by first (needs keep or reference)"] * (len(plan.owns) < 2)
        things += [] if keep else ["a vector that is added to every mean, such as decay (needs keep or reference)"]
    things += [] if tokens else ["tokens by their name (needs tokens)"]
    if empties and "no token" not in report.kinds():
        things.append("whether the loss without a token is NaN (PyTorch's mean of nothing is, even where its gradient "
                      "is zero)")
    return notes + ["not to be seen from here: " + "; ".join(things)] if report.weights else notes


# What is asked of arguments.

def check(gradient, items, tokens, length, keep, reference, counts, sample):
    if counts is not None:
        checks.instance("counts", counts, dict)
        if taken := sorted(set(counts) & set(KNOWN)):
            raise ValueError(f"counts must have names of their own, got {', '.join(taken)}")
    if reference == {}:
        raise ValueError("reference must be a function, or a dict of at least one, got {}")
    functions = {"gradient": gradient, "tokens": tokens, "length": length, "keep": keep}
    for name, given in (("counts", counts or {}), ("reference", reference)):
        functions |= {f"{name}[{k!r}]": of for k, of in given.items()} if isinstance(given, dict) else {name: given}
    for name, function in functions.items():
        if not callable(function) and (function is not None or name not in ("tokens", "length", "keep", "reference")):
            raise TypeError(f"{name} must be a function, got {type(function).__name__}")
    if len(items) < 2:
        raise ValueError(f"items must hold at least two (a handful, of different lengths), got {len(items)}")
    if keep and not tokens:
        raise ValueError("keep needs tokens, which says where half of an item is, got no tokens")
    checks.count("sample", sample, at_least=100)


def check_cuts(cuts, B):
    wrong = f"cuts must be lists of pieces, lists of item numbers from 0 to {B - 1}, such as [[[0, 1], [2]]], got "
    if not isinstance(cuts, (list, tuple)) or not cuts:
        raise ValueError(f"{wrong}{cuts!r}")
    for cut in cuts:
        if not (isinstance(cut, (list, tuple)) and cut and all(
                isinstance(rows, (list, tuple)) and rows and all(k in range(B) for k in rows) for rows in cut)):
            raise ValueError(f"{wrong}{cut!r}")
    return [[[int(k) for k in rows] for rows in cut] for cut in cuts]


def check_meaning(means, plan):
    own = [hypothesis_name(name, size) for name in plan.numbers if name != "sequences" for size in plan.plain]
    if means is not None and means not in plan.names + own:
        raise ValueError(f"means must be one of {', '.join(plan.plain)}, or 'NAME of each sequence, then NAME' (names "
                         f"come with tokens, length and counts), got {means!r}")


def number(function, name, item):
    """function(item) as a plain number."""
    value = called(function, (item,), name, "a number")
    value = called(getattr(value, "item", lambda: value), (), name, "a number")
    return checks.number(name, int(value) if isinstance(value, bool) else value, at_least=0)


def kept(keep, tokens, items, b, start, stop):
    """keep(item, start, stop), once `tokens` says that so many are left, in a copy of the item."""
    name = f"keep(items[{b}], {start}, {stop})"
    before = tokens(items[b])
    result = called(keep, (items[b], start, stop), name, "an item")
    if tokens(items[b]) != before:
        raise ValueError(f"{name} must change a copy, and items[{b}] itself has another number of tokens now")
    left = number(tokens, f"tokens({name})", result)
    if left != stop - start:
        raise ValueError(f"{name} must have {stop - start} tokens that count, got {left:g}")
    return result


def called(function, given, name, wanted):
    try:
        return function(*given)
    except Exception as error:
        raise ValueError(f"{name} must be {wanted}, and {type(error).__name__} was raised: {error}") from error
