"""Where to put 1/|X|: the nine edges of the backward graph, and what crosses them.

Every gradient is a sum over the paths from the loss to a weight. A factor on a set of edges scales each path once for
every edge of the set that the path crosses, so a set is right when every path crosses it exactly once.
"""

import numpy as np

from .checks import count, crossing, maybe_complex, of_forward, takes, usable
from .sequence import Trace, backward
from .weights import Weights, scaled

EDGES = ("loss", "dy", "dh_above", "dz", "dh_next", "dc_next", "dWy_t", "dW_t", "dW")
RIGHT = (("loss",), ("dy",), ("dh_above", "dWy_t"), ("dW_t", "dWy_t"), ("dW",))  # every right set, where T >= 2


def edge_set(name, edges, seen=None):
    """`edges` as a frozenset, once every name is known to be in EDGES."""
    if isinstance(edges, str):
        raise TypeError(f"{name} must be a collection of names, such as {{{edges!r}}}, got the string {edges!r}")
    try:
        edges = frozenset(edges)
    except TypeError:
        raise TypeError(f"{name} must be a collection of names from {', '.join(EDGES)}, got {edges!r}") from None
    if unknown := sorted(map(str, edges - set(EDGES))):
        raise ValueError(f"{name} must be names from {', '.join(EDGES)}, got {', '.join(unknown)}")
    return edges


@takes(edges=edge_set, factor=maybe_complex)
def scale_at(edges, factor):
    """A hook for `backward`: it multiplies what crosses `edges`, a collection of names in EDGES, by a finite number."""
    return lambda edge, gradient: scaled(gradient, factor) if edge in edges else gradient


class record(dict):
    """A hook for `backward` that keeps what crosses `edges`.

        seen = record(["dz", "dh_next"])
        backward(weights, trace, dY, at=seen)
        seen["dh_next"]     the arrays that crossed, as a list: t = T-1 first

    at  another hook, which is called first: what it returns is what crosses
    ->  the hook, which is a dict too: {edge: [a copy of each gradient]}, in the order of EDGES
    Raises ValueError for a name that is not in EDGES, TypeError where edges is no collection or `at` no function.
    """

    def __init__(self, edges, at=None):
        edges = edge_set("edges", edges)
        super().__init__((edge, []) for edge in EDGES if edge in edges)
        self.at = crossing(at)

    def __call__(self, edge, gradient):
        crossed = self.at(edge, gradient)
        if edge in self:
            self[edge].append(crossed.copy())
        return crossed


@takes(weights=(Weights, usable), trace=(Trace, of_forward), dY="T B K", dh_T="B H", dc_T="B H", edges=edge_set)
def crossing_spectrum(weights, trace, dY, edges, dh_T=None, dc_T=None):
    """The gradient, sorted by how often its paths cross `edges`, in one backward pass.

    With a factor s on `edges` the gradient is the polynomial sum_k g_k s^k. Backward is linear, so the powers of s can
    be carried as an axis in front of every gradient: multiplying by s moves each entry up by one.

    dY (T, B, K), edges names in EDGES; dh_T, dc_T (B, H) as in `backward`
    ->  Weights with an axis k = 0..k_max in front: g_k is entry k
    """
    k_max = max(paths.bit_length() for paths in path_crossings(edges, len(dY)).values()) - 1

    def multiply_by_s(edge, gradient):
        return np.concatenate([np.zeros_like(gradient[:1]), gradient[:-1]]) if edge in edges else gradient

    def undivided(gradient):
        return None if gradient is None else np.stack([gradient, *[0 * gradient] * k_max])

    return backward(weights, trace, undivided(dY), multiply_by_s, undivided(dh_T), undivided(dc_T))


@takes(T=count, edges=edge_set)
def crosses_exactly_once(edges, T):
    """For each weight: does every path from the loss to it cross `edges`, names in EDGES, exactly once?

    T at least 1; counts paths, computes no gradient  ->  {"Wx": bool, "Wh": bool, "b": bool, "Wy": bool, "by": bool}
    """
    once = 1 << 1
    T = min(T, 2)  # if all paths cross once here, no hop through time crosses; if not, longer ones do not mend it
    return {name: paths == once for name, paths in path_crossings(edges, T).items()}


def shares(*arrays):
    """||g_k|| / sum_j ||g_j||, k along the first axis: the part of each g_k, over all the arrays together."""
    norms = np.sqrt(sum((np.abs(array.reshape(len(array), -1)) ** 2).sum(axis=1) for array in arrays))
    return norms / norms.sum()


def path_crossings(edges, T):
    """For each weight, how often the paths to it can cross `edges`: a set of numbers, kept as the bits of an integer.

    Bit k is set when some path crosses k times. Joining paths is `|`, crossing an edge of `edges` a shift by one.
    """
    edges = edge_set("edges", edges)
    return along_paths(T, lambda edge, t, paths: paths << 1 if edge in edges else paths, 1)


def along_paths(T, cross, start):
    """For each weight, what becomes of `start` on all the paths to it: the lines of `backward`, with `|` for a sum."""
    dh_next = dc_next = dW_t = dWy_t = start ^ start  # no path yet: 0, or an empty set
    for t in range(T, 0, -1):
        dy = cross("dy", t, cross("loss", t, start))
        dh = cross("dh_above", t, dy) | dh_next
        dc = dh | dc_next
        dz = cross("dz", t, dc | dh)
        dh_next = cross("dh_next", t, dz)
        dc_next = cross("dc_next", t, dc)
        dW_t |= cross("dW_t", t, dz)
        dWy_t |= cross("dWy_t", t, dy)
    dW, dWy = cross("dW", None, dW_t), cross("dW", None, dWy_t)
    return {"Wx": dW, "Wh": dW, "b": dW, "Wy": dWy, "by": dWy}
