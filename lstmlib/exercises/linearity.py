"""Feedback on the exercises of notebook 01."""

from itertools import product

import numpy as np

from .base import NotYet, brief, check, expect, same


@check
def check_three_paths(dw_of_mean):
    """Three gradients meet at h, and each of them carries 1/3."""
    def mean(*parts_of_dh):
        return 100 * sum(parts_of_dh) / 3

    for w, targets in ((0.05, (7.0, 21.0, 13.0)), (0.02, (1.0, 5.0, -3.0)), (-0.1, (0.5, -2.0, 4.0))):
        dy1, dy2, dy3 = three_errors(w, targets)
        a, b, c = 2 * dy1, 2 * 100 * w * dy2, 3 * dy3
        of_y1, of_y2, of_y3 = three_errors(0.05, targets)  # with the y1 and y2 of the cells above
        some = (each for each in product((1, 3), repeat=3) if len(set(each)) == 2)
        slopes = product((1, 2), (1, 200 * w), (1, 3))  # the last of these is right: it needs no hint
        hint = "follow each path back alone: y - t, times the slopes between y and w; the mean divides each sum by 3."
        expect(dw_of_mean(w, targets), mean(a, b, c), f"w = {w}, targets = {targets}", hint, [
            (100 * (a + b + c), "this is the gradient of the sum of the losses. Where is the 1/|X| of the mean?"),
            (100 * (a + b + c) / 2, "there are three losses now, so |X| is 3."),
            (mean(a, b), "the third path, through y3, is not in the sum."),
            *((mean(a * k, b * m, c * n), "only some of the summands are divided, and all three are gradients of the "
               "mean.") for k, m, n in some),
            (mean(-a, -b, -c), "the sign is turned: the derivative of (y - t)^2 / 2 is y - t."),
            (mean(a, 2 * dy2, c), "the derivative of h^2 is 2 h, not 2."),
            (mean(a, 100 * w * dy2, c), "the derivative of h^2 is 2 h, not h."),
            *((mean(k * dy1, m * dy2, n * dy3), "each of dy1, dy2, dy3 still meets a local slope on its way to h: the "
               "derivative of 2h, of h^2, of 3h.") for k, m, n in slopes),
            *((of_cells_above, "y1, y2 and h of the cells above belong to w = 0.05: compute them from the argument w.")
              for of_cells_above in (mean(2 * of_y1, 200 * w * of_y2, c), mean(2 * of_y1, 10 * of_y2, 3 * of_y3))),
            (mean(2 * (200 * w - 7), 200 * w * (1e4 * w ** 2 - 21), c),
             "7 and 21 are the targets of (1.2): take t1 and t2 from the argument targets."),
            (mean(a, b, c) / 3, "this divides twice: each path carries 1/3 exactly once."),
            (mean(a, b, c) / 100, "this is dh. One more local slope, dh/dw = 100, leads to w.")])


def three_errors(w, targets):
    """dy1, dy2, dy3 of the half squared errors of y1 = 2h, y2 = h^2, y3 = 3h, with h = 100 w."""
    return 200 * w - targets[0], (100 * w) ** 2 - targets[1], 300 * w - targets[2]


@check
def check_divide_contributions(backward_divided):
    """The gradient of the mean. Every path meets 1/|X| once, wherever you put it: the result cannot tell where."""
    for seed, (B, H, K, size_X) in enumerate(((8, 4, 2, 8), (5, 3, 1, 7), (1, 6, 3, 32))):
        rng = np.random.default_rng(seed)
        W, V, X, dY = (rng.normal(size=shape) for shape in ((H, H), (H, K), (B, H), (B, K)))
        h1 = np.tanh(X @ W)
        h2 = np.tanh(h1 @ W)
        dz2 = dY @ V.T * (1 - h2 ** 2)
        from_first, from_second = X.T @ ((dY @ V.T + dz2 @ W.T) * (1 - h1 ** 2)), h1.T @ dz2
        dW, dV = from_first + from_second, (h1 + h2).T @ dY
        without_dz2 = X.T @ (dY @ V.T * (1 - h1 ** 2))
        answer = backward_divided(W, V, X, h1, h2, dY, size_X)
        if answer is None:
            raise NotImplementedError
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise NotYet("Return the pair dW, dV.")
        given = f"random arrays with B = {B}, H = {H}, K = {K} and |X| = {size_X}"
        if same(answer[0], dV / size_X) and same(answer[1], dW / size_X):
            raise NotYet("dW and dV have changed places: return dW, dV.")
        expect(answer[0], dW / size_X, f"dW, {given}", length(answer[0], dW / size_X), [
            (dW, "dW was never divided."), (dW / 8, "this divides by 8; divide by the argument size_X."),
            (dW / B, f"this divides by {B}, the rows of X; size_X is given."),
            *(((without_dz2 + from_second * part) / size_X, "dh1 has two parts: dY @ V.T and dz2 @ W.T.")
              for part in (1, 0)),
            (from_first / size_X + from_second, "only X.T @ dz1 is divided; h1.T @ dz2 is a gradient too."),
            (from_first + from_second / size_X, "only h1.T @ dz2 is divided; X.T @ dz1 is a gradient too."),
            (dW / size_X ** 2, "dW is divided twice: once on the way and once more.")])
        expect(answer[1], dV / size_X, f"dV, {given}", mistakes=[
            (dV / 8, "this divides by 8; divide by the argument size_X."),
            (dV, "dV was never divided, and V is a weight as well."), (dV / size_X ** 2, "dV is divided twice.")])


def length(received, right):
    """A hint for an array of the right shape that is none of the known mistakes."""
    if np.shape(received) != right.shape or not np.issubdtype(np.asarray(received).dtype, np.number):
        return ""
    return (f"its norm is {np.linalg.norm(received) / np.linalg.norm(right):.3g} times the right one. Does every path "
            "from dY to W meet the division once?")


@check
def check_fooled_by_clip(is_noticed):
    """A clip shows only where it cuts something: factors on one side may all miss it."""
    inside = "neither the gradient nor any multiple of it is longer than the limit, so nothing is ever cut."
    for norm, limit, factors, right, hint in (
            (4, 128, (2, 8), False, inside),
            (4, 128, (1 / 2, 64), True, "64 times the gradient is cut, and one factor that tells is enough."),
            (4, 8, (2, 1 / 2), False, "twice the gradient is just as long as the limit, so nothing is cut."),
            (4, 3, (1 / 2, 1 / 4), True, "the gradient itself is cut, so s clip(u) is too short for smaller factors."),
            (4, 3, (1 / 4, 2), True, "the gradient itself is cut: 2 clip(u) is longer than the limit."),
            (4, 3, (1,), False, "the factor 1 compares clip(u) with itself."),
            (4, 128, (1 / 1024, 1 / 2), False, inside)):
        received = is_noticed(norm, limit, factors)
        if not (received is None or received is ... or isinstance(received, bool | np.bool_)):
            raise NotYet(f"Expected the value True or False, received {brief(received)}. Hint: any(...) of comparisons "
                         "is True or False; a sum is a number, and text is text.")
        expect(received, right, f"norm = {norm}, limit = {limit}, factors = {factors}", hint)


@check
def check_weight_decay(gradient_of_objective):
    """The decay does not come from the items, so it is not averaged with them."""
    for seed, (decay, size_X) in enumerate(((0.1, 8), (0.5, 3), (2.0, 1), (0.0, 16))):
        summed, w = np.random.default_rng(seed).normal(size=(2, 5))
        received = gradient_of_objective(summed.copy(), w.copy(), decay, size_X)  # the answer may work in place
        mean = summed / size_X
        expect(received, mean + decay * w, f"lambda = {decay}, |X| = {size_X} and random arrays", mistakes=[
            ((summed + decay * w) / size_X, "the decay was divided by |X| too, but it stands outside the mean."),
            (summed + decay * w, "the gradients of the items were not averaged."),
            (mean, "the derivative of the decay term is missing."),
            (mean + decay / 2 * w, "the derivative of w^2/2 is w: the square's 2 cancels the 1/2."),
            (mean + 2 * decay * w, "the derivative of w^2/2 is w, not 2 w."),
            (mean + w, "lambda is missing: the decay term is lambda/2 ||w||^2."),
            (mean + decay / 2 * np.sum(w ** 2), "this adds the decay term itself; add its derivative."),
            (mean + decay / 2 * w ** 2, "lambda/2 w^2 is the decay term itself; add its derivative."),
            (mean + decay * w ** 2, "the derivative of w^2/2 is w, not w^2."),
            (mean + decay * np.linalg.norm(w), "this adds one number to every entry: the derivative of ||w||^2/2 by an "
                                               "entry of w is that entry, not the norm."),
            (mean - decay * w, "the decay is added to the objective, so its derivative is added.")])
