"""What needs no hypothesis: calls that agree, arguments that stay as they are, lengths that can be asked."""

from contextlib import nullcontext

import numpy as np

from ..show.words import listed
from .asking import LOSSES, Data, Own, close, other_targets, patched, same_random_numbers


def calls_agree(asked, sizes, seed, d):
    """Whether calls with the same arguments agree, or can be made to; where they do not, the diagnosis `d` says so."""
    try:
        first = Data.random(asked, sizes, np.random.default_rng([seed, 0]))
    except Exception as error:
        if not isinstance(error, ValueError) or "read-only" not in str(error):
            if error is asked.raised:
                error.add_note(advice(asked, sizes, seed))
            raise
        d.add("arguments: changed in place")
        d.notes.append(f"the weights are read-only here, and the code writes into them ({error})")
        return False
    if not same(first, second := first.again()):
        d.add("calls: differ")
        if (first := steadied(first, second, d)) is None:
            return False
    all_sequences_count(first)
    asked.single = in_single_precision(first, np.random.default_rng([seed, 1]))
    return True


def same(one, two):
    return same_loss(one, two) and all(close(a, two.gradient[k], 1e-6) for k, a in one.gradient.items())


def same_loss(one, two):
    return one.loss is None or bool(np.isclose(one.loss, two.loss, 1e-6))


DIFFER = (  # the context in which calls agree, the cause, and what is put in its place
    (lambda: patched(np, empty=np.zeros, empty_like=np.zeros_like),
     "an array is made with np.empty, and not set to zero before it is added to", "zeros in their place"),
    (same_random_numbers, "random numbers are drawn at each call", "the same random numbers at every call"))


def steadied(first, second, d):
    """A question whose answers are the same at every call, as far as it can be had; what they differ by is told."""
    asked, one, two, three = first.asked, first.gradient, second.gradient, first.again().gradient
    differ = [k for k in one if not close(one[k], two[k], 1e-6)]
    if same_loss(first, second) and all(close(two[k] - one[k], three[k] - two[k], 1e-4) for k in differ):
        asked.keeps_sums = differ
        d.numbers["calls"] = "the sums grow from call to call, never cleared"
        d.notes.append("the rest is read from what a call adds to the sums")
        return first.again()
    d.numbers["calls"] = f"{listed(differ or ['the loss'])} differ{'s' * (len(differ) < 2)} at the second call"
    for context, cause, instead in DIFFER:
        asked.steadied = context
        steady = first.again()
        if same(steady, steady.again()):
            d.numbers["calls"] += f": {cause}"
            start = asked.start(first.weights, first.X, first.targets)
            asked.starts = any(abs(array).max() > 1e-12 for array in start.values())
            taken_off = asked.starts and context is same_random_numbers
            d.notes.append(f"the rest is read with {instead}"
                           + ", and what they leave in the sums is taken off" * taken_off)
            return steady.again()
    asked.steadied = nullcontext
    if same_loss(first, second) and len(differ) < len(one):
        asked.left_out = differ
        d.notes.append(f"not judged: {', '.join(differ)}")
        return first.again()
    d.notes.append("the same weights and data give another result at the second call (a kept state, a random "
                   "start): nothing more can be read before that is mended")
    return None


def advice(asked, sizes, seed):
    """What was asked when it raised, and what it does not raise at."""
    said = (f"diagnose asked own(weights, X, {'dh' if asked.given else 'targets'}) with weights of D, H, K = "
            f"{sizes.D}, {sizes.H}, {sizes.K} and X of shape (T, B, D) = {(sizes.T, sizes.B, sizes.D)}")
    one, loss, last, other = sizes._replace(B=1), asked.loss, not asked.many_to_one, LOSSES[asked.loss == LOSSES[0]]
    tried = [(f"loss={other!r}", sizes, other, not last), ("B=1", one, loss, not last),
             (f"many_to_one={last}", sizes, loss, last), (f"B=1, many_to_one={last}", one, loss, last)]
    for answer, other_sizes, other_loss, many_to_one in tried[1:2] if asked.given else tried:
        try:
            Data.random(Own(asked.own, other_loss, many_to_one), other_sizes, np.random.default_rng([seed, 0]))
        except Exception:
            continue
        one_hot = " (Code for one-hot labels wants np.eye(weights.K)[targets].)" * (other_loss == LOSSES[1] != loss)
        return f"{said}. With {answer} it answers: diagnose(own, ..., {answer}).{one_hot}"
    return (f"{said}. Call own with such arguments by itself to see where it raises. Code for fixed sizes needs "
            "T=, D=, H= or K=; code for vectors as columns wants X[t].T, of shape (D, B).")


def all_sequences_count(data):
    """ValueError where other targets of the first sequence change something, and those of the others nothing."""
    def matters(sequences):
        targets = data.targets.copy()
        targets[:, sequences] = other_targets(targets[:, sequences], data.sizes.K)
        if data.asked.many_to_one and data.asked.given:
            targets[:-1] = 0
        new = data.again(targets)
        return new.loss != data.loss or any((new.gradient[k] != a).any() for k, a in data.gradient.items())

    if data.sizes.B > 1 and not matters(slice(1, None)) and matters(slice(1)):
        raise ValueError(f"own takes no notice of any sequence but the first of the {data.sizes.B} in X[:, b]: for "
                         "code that takes one sequence say diagnose(own, ..., B=1)")


def in_single_precision(data, rng):
    """Whether it does not follow a change of the weights of 1e-10, and one ten times as large tenfold."""
    towards, moved = rng.uniform(0.5, 1, data.weights.Wh.size * 8), []
    for step in (1e-10, 1e-9):
        near = data.weights.map(lambda a: a * (1 + step * np.resize(towards, a.shape)))
        loss, gradient = data.asked(near, data.X, data.targets)
        loss = [] if loss is None else [np.array([loss - data.loss])]
        moved.append([gradient[k] - a for k, a in data.gradient.items()] + loss)
    return not all(close(10 * a, b, 0.05) for a, b in zip(*moved)) or not any(a.any() for a in moved[0])


def all_lengths(asked, sizes, seed, d):
    """Questions of T = 1 to 6, and of that of the examination; those at which it raises are noted."""
    data, failed = [], {}
    for T in sorted({*range(1, 7), sizes.T}):
        try:
            data.append(Data.random(asked, sizes._replace(T=T), np.random.default_rng([seed, 10 + T])))
        except Exception as error:
            failed[T] = f"{type(error).__name__} ({error})"
    if failed:
        d.notes.append(f"it raises at T = {', '.join(map(str, failed))}: {failed[min(failed)]}")
    if asked.changed:
        d.add("arguments: changed in place")
    return data
