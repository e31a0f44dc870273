"""Feedback on the exercises of notebook 01."""

import numpy as np

from .base import NotYet, check, expect, same


@check
def check_three_paths(dw_of_mean):
    """Three gradients meet at h, and each of them carries 1/3."""
    for w, targets in ((0.05, (7.0, 21.0, 13.0)), (0.02, (1.0, 5.0, -3.0)), (-0.1, (0.5, -2.0, 4.0))):
        dy1, dy2, dy3 = three_errors(w, targets)
        a, b, c = 2 * dy1, 2 * 100 * w * dy2, 3 * dy3
        received, given = dw_of_mean(w, targets), f"w = {w}, targets = {targets}"
        hints = [(100 * (a + b + c), "this is the gradient of the sum of the losses. Where is the 1/|X| of the mean?"),
                 (100 * (a + b + c) / 2, "there are three losses now, so |X| is 3."),
                 (100 * (a + b) / 3, "the third path, through y3, is not in the sum."),
                 (100 * (a / 3 + b + c), "only the first summand is divided, and all three are gradients of the mean."),
                 (100 * (a + b + c) / 9, "this divides twice: each path carries 1/3 exactly once."),
                 (a / 3 + b / 3 + c / 3, "this is dh. One more local slope, dh/dw = 100, leads to w.")]
        expect(received, 100 * (a + b + c) / 3, given, likely(received, hints))


def three_errors(w, targets):
    """dy1, dy2, dy3 of the half squared errors of y1 = 2h, y2 = h^2, y3 = 3h, with h = 100 w."""
    h = 100 * w
    return 2 * h - targets[0], h ** 2 - targets[1], 3 * h - targets[2]


@check
def check_divide_contributions(backward_divided):
    """Each of the three contributions carries 1/|X|, and so the whole gradient does."""
    for seed, (B, H, K, size_X) in enumerate(((8, 4, 2, 8), (5, 3, 1, 7), (1, 6, 3, 32))):
        rng = np.random.default_rng(seed)
        W, V, X, dY = (rng.normal(size=shape) for shape in ((H, H), (H, K), (B, H), (B, K)))
        h1 = np.tanh(X @ W)
        h2 = np.tanh(h1 @ W)
        from_first, from_second, dV = contributions(W, V, X, h1, h2, dY)
        answer = backward_divided(W, V, X, h1, h2, dY, size_X)
        if answer is None:
            raise NotImplementedError
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise NotYet("Return the pair dW, dV.")
        given = f"random arrays with B = {B}, H = {H}, K = {K} and |X| = {size_X}"
        hints_W = [(from_first + from_second, "dW was never divided."),
                   (from_first / size_X + from_second, "only X.T @ dz1 is divided; h1.T @ dz2 is a gradient too."),
                   (from_first + from_second / size_X, "only h1.T @ dz2 is divided; X.T @ dz1 is a gradient too."),
                   ((from_first + from_second) / size_X ** 2, "dW is divided twice: once on the way and once more.")]
        hints_V = [(dV, "dV was never divided, and V is a weight as well."), (dV / size_X ** 2, "dV is divided twice.")]
        expect(answer[0], (from_first + from_second) / size_X, f"dW, {given}", likely(
            answer[0], hints_W, "divide where a weight gradient is made, and leave dh and dz as they are."))
        expect(answer[1], dV / size_X, f"dV, {given}", likely(answer[1], hints_V))


def contributions(W, V, X, h1, h2, dY):
    """The backward pass of the notebook's network: the two contributions to dW, and dV."""
    dz2 = dY @ V.T * (1 - h2 ** 2)
    dz1 = (dY @ V.T + dz2 @ W.T) * (1 - h1 ** 2)
    return X.T @ dz1, h1.T @ dz2, (h1 + h2).T @ dY


@check
def check_fooled_by_clip(pair):
    """One doubling is one sample: a clip that finds nothing to cut leaves no trace."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise NotYet("Give a pair of numbers: (unnoticed, caught).")
    names = "unnoticed", "caught"
    for name, value in zip(names, pair):
        if value is None or value is ...:
            raise NotImplementedError
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
            raise NotYet(f"{name} must be a number, received {value!r}.")
    unnoticed, caught = map(float, pair)
    if unnoticed == 0:
        raise NotYet("For unnoticed = 0 anything that leaves 0 alone passes. Find a number that is not 0.")
    if not doubles_under_clip(unnoticed):
        raise NotYet(f"clip(2 * {unnoticed:g}) = {clip_at_one(2 * unnoticed):g}, but 2 * clip({unnoticed:g}) = "
                     f"{2 * clip_at_one(unnoticed):g}: the test would notice. "
                     "Hint: the doubled number must stay inside the limit too.")
    if doubles_under_clip(caught):
        raise NotYet(f"clip(2 * {caught:g}) and 2 * clip({caught:g}) are both {clip_at_one(2 * caught):g}: the clip "
                     "is not noticed. Hint: the doubled number must be cut off at 1.")


def clip_at_one(u):
    """u, held within -1 and 1."""
    return min(max(u, -1.0), 1.0)


def doubles_under_clip(u):
    return clip_at_one(2 * u) == 2 * clip_at_one(u)


@check
def check_weight_decay(gradient_of_objective):
    """The decay does not come from the items, so it is not averaged with them."""
    for seed, (decay, size_X) in enumerate(((0.1, 8), (0.5, 3), (2.0, 1), (0.0, 16))):
        rng = np.random.default_rng(seed)
        summed, w = rng.normal(size=(2, 5))
        received = gradient_of_objective(summed, w, decay, size_X)
        hints = [((summed + decay * w) / size_X, "the decay was divided by |X| too, but it stands outside the mean."),
                 (summed + decay * w, "the gradients of the items were not averaged."),
                 (summed / size_X, "the derivative of the decay term is missing."),
                 (summed / size_X + decay / 2 * w, "the derivative of w^2/2 is w: the square's 2 cancels the 1/2."),
                 (summed / size_X + 2 * decay * w, "the derivative of w^2/2 is w, not 2 w."),
                 (summed / size_X - decay * w, "the decay is added to the objective, so its derivative is added.")]
        expect(received, summed / size_X + decay * w, f"lambda = {decay}, |X| = {size_X} and random arrays",
               likely(received, hints))


def likely(received, hints, otherwise=""):
    """The hint of the wrong answer that was received; `otherwise` where it is none of the known ones."""
    return next((hint for wrong, hint in hints if same(received, wrong)), otherwise)
