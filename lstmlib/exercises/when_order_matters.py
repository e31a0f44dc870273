"""Feedback on the exercises of notebook 06."""

import math

import numpy as np

from .base import NotYet, all_answered, answered, check, expect, same

LARGEST_FLOAT16 = 65504.0


@check
def check_sizes_after(sizes_after):
    """Divide first and the limit is for the mean; clip first and it is for the sum.

    sizes_after  (norm of the summed gradient, |X|, limit) -> (norm after divide, clip; norm after clip, divide)
    """
    for norm, size_X, limit in ((2.0, 8, 5.0), (40.0, 8, 3.0), (40.0, 8, 10.0), (7.0, 1, 5.0), (640.0, 64, 5.0)):
        answer = answered(sizes_after(norm, size_X, limit))
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise NotYet("Return a pair: the norm after divide-then-clip, the norm after clip-then-divide.")
        divided_first, clipped_first = min(norm / size_X, limit), min(norm, limit) / size_X
        given = f"norm {norm:g}, |X| = {size_X}, limit {limit:g}"
        expect(answer[0], divided_first, f"divide-then-clip, {given}", mistakes=[
            (clipped_first, "this is clip-then-divide. The pair begins with divide-then-clip."),
            (limit, "a clip does not lengthen: a gradient below the limit stays as it is."),
            (norm / size_X, "this was not clipped, though it is longer than the limit."),
            (min(norm, limit), "divide before you clip.")])
        expect(answer[1], clipped_first, f"clip-then-divide, {given}", mistakes=[
            (divided_first, "this is divide-then-clip."),
            (min(norm, limit), "the division behind the clip is missing."),
            (limit / size_X, "a clip does not lengthen: a gradient below the limit stays as it is."),
            (norm / size_X, "this was not clipped, though the sum is longer than the limit.")])


@check
def check_halving_size(halving_size):
    """Adam's epsilon counts for as much as the entry of the mean gradient when |X| = |G| / epsilon.

    halving_size  (G, epsilon) -> the |X| at which the first step is half as long as with epsilon = 0
    """
    for G, epsilon in ((3.0, 1e-2), (-0.5, 1e-3), (3e-4, 1e-8), (3.0, 0.7)):
        received, size = halving_size(G, epsilon), abs(G)
        expect(received, size / epsilon, f"G = {G:g}, epsilon = {epsilon:g}", mistakes=[
            (G / epsilon, "the step depends on the size of G, not on its sign; |X| is positive."),
            (epsilon / size, "this is the inverse: a larger epsilon is felt at a smaller |X|."),
            (2 * size / epsilon, "there the step is a third of its full length: |G| / (|G| + 2|G|)."),
            (size / (2 * epsilon), "there the step is two thirds of its full length: |G| / (|G| + |G|/2)."),
            (size / (size + epsilon), "this is the length of the step for |X| = 1. Which |X| makes it 1/2?"),
            (G ** 2 / epsilon, "|X| is a ratio of two sizes of one kind: |G| and epsilon."),
            (round(size / epsilon), "do not round: |X| need not be a whole number here."),
            (epsilon * size, "write the step of (6.6) with 1/2 on one side and solve for |X|.")])


@check
def check_choose_scale(choose_scale):
    """The largest power of two that does not overflow: no rounding, and as far from underflow as can be.

    choose_scale  the size of the largest number on the way -> S, a power of two
    """
    for largest in (1.0, 65504.0, 65505.0, 3e-7, 1e6, 0.7, 1023.5):
        try:
            received = answered(choose_scale(largest))
        except ValueError as error:
            if "negative integer powers" not in str(error):
                raise
            raise NotYet(f"For largest = {largest:.6g} your answer raised ValueError: {error} Hint: S may be below 1. "
                         "Write `2.0 **`, for NumPy keeps powers of the integer 2 whole.") from None
        if isinstance(received, bool) or not isinstance(received, int | float | np.number) or not received > 0:
            raise NotYet(f"S must be a number above 0, received {received!r}.")
        right = 2.0 ** math.floor(math.log2(LARGEST_FLOAT16 / largest))
        if same(received, math.log2(right)):
            hint = f"this is the exponent; S is 2 to the power {received:g}."
        elif math.frexp(received)[0] != 0.5:
            hint = "S is not a power of two, so multiplying by it rounds."
        elif received * largest > LARGEST_FLOAT16:
            hint = f"S * largest = {received * largest:.6g} overflows: float16 ends at 65504."
        else:
            hint = f"S * largest = {received * largest:.6g} leaves room for another factor of 2."
        expect(received, right, f"largest = {largest:.6g}", hint)


@check
def check_settings_for_sum(settings_for_sum):
    """Whatever is compared with the gradient, or added to it, is multiplied by |X|; the rate of SGD is divided.

    settings_for_sum  (settings, |X|) -> settings: dicts with the keys sgd_rate, adam_rate, limit, decay, epsilon
    """
    for size_X, *values in ((16, 0.5, 0.01, 2.0, 0.1, 1e-8), (337, 0.1, 0.002, 5.0, 1e-3, 1e-4)):
        settings = dict(zip(OF_THE_SUM, values))
        handed_over = dict(settings)
        received = answered(settings_for_sum(handed_over, size_X))
        if not isinstance(received, dict) or not set(received) <= set(settings):
            raise NotYet(f"Return a dict with the keys {', '.join(settings)}.")
        all_answered({name: received.get(name) for name in settings})
        if handed_over != settings:
            raise NotYet("The dict that was given has been changed. Leave it as it is and return a new one.")
        for name, (power, hints) in OF_THE_SUM.items():
            kept = settings[name]
            expect(received[name], kept * float(size_X) ** power, f"{name} = {kept:g}, |X| = {size_X}", mistakes=[
                (kept * float(size_X) ** other, hint) for other, hint in hints.items()])


ADAM = "Adam divides by the gradient's own size, so a constant factor is gone already; keep the rate."
LONGER = "the sum is |X| times as long as the mean, not |X|^2 times."
OF_THE_SUM = {  # each setting, the power of |X| that it is multiplied by, and hints for other powers
    "sgd_rate": (-1, {0: "the sum is |X| times as long as the mean, so with the same rate the step would be too.",
                      1: "the longer gradient needs the smaller rate."}),
    "adam_rate": (0, {-1: ADAM, 1: ADAM}),
    "limit": (1, {0: "the limit is compared with the gradient, and the sum is |X| times as long as the mean.",
                  -1: "the longer gradient needs the higher limit.", 2: LONGER}),
    "decay": (1, {0: "the decay is added to the gradient; beside the sum it would be |X| times too weak.",
                  -1: "the longer gradient needs the stronger decay beside it.", 2: LONGER}),
    "epsilon": (1, {0: "epsilon is compared with the size of the gradient's entries, which are |X| times as large now.",
                    -1: "the larger entries need the larger epsilon.",
                    2: "Adam compares epsilon with the root of the mean square, which grows as |X|."})}
