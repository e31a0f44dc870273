"""The laboratory's state, numbers and words: what becomes of the gradient where 1/|X| stands on any edges."""

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from ...checking import cosine, relative_error
from ...losses import squared_error
from ...placement import EDGES, crosses_exactly_once, crossing_spectrum, record, scale_at, shares
from ...sequence import backward, forward, local_slopes
from ...show.words import listed, percent
from ...weights import Weights
from ..base import grid

D, H, K, B, T_MAX = 2, 3, 4, 3, 6
SIZES = (1, 2, 3, 4, 5, 8, 10, 16, 20, 32, 64, 100)
SETS = [edges for size in range(len(EDGES) + 1) for edges in combinations(EDGES, size)]
ROUNDING = {"float64": 1e-15, "float32": 1e-6, "float16": 1e-2}  # norm-relative: closer than this is rounding alone

TRUTH = "the true gradient"
# Where 1/|X| may be put: the five right places, then those that are often tried.
PLACEMENTS = {
    "At once: loss": ("loss",),
    "At once: dy": ("dy",),
    "Into the top: dh_above, dWy_t": ("dh_above", "dWy_t"),
    "Each contribution: dW_t, dWy_t": ("dWy_t", "dW_t"),
    "At the end: dW": ("dW",),
    "Into the gates: dz": ("dz",),
    "At every step: dz, dWy_t": ("dz", "dWy_t"),
    "Recurrent path only: dh_next": ("dh_next",),
    "Cell path only: dc_next": ("dc_next",),
    "Both ends: dy and dW": ("dy", "dW"),
    "dh_above, forgetting dWy_t": ("dh_above",),
    "Nowhere": ()}


@dataclass(frozen=True)
class State:
    """edges: names that carry 1/|X|; beside: TRUTH, or a name of PLACEMENTS to compare with."""

    edges: tuple = ()
    size_X: int = 8
    T: int = 4
    dtype: str = "float64"
    forget_bias: int = 1
    beside: str = TRUTH


@dataclass(frozen=True)
class Numbers:
    """What the laboratory shows."""

    gradient: Weights  # yours: backward with 1/|X| on the chosen edges
    truth: Weights     # of C = L/|X|: the backward pass of L in the same dtype, times 1/|X|; or the gradient of B
    right: dict        # {weight: bool}: does every path to it cross exactly once?
    identical: bool    # whether every bit of gradient and truth agrees
    error: float       # ||gradient - truth|| / ||truth||
    cosine: float      # between gradient and truth
    length: float      # ||gradient|| / ||truth||
    shares: dict       # {weight: array}: ||g_k|| / sum_j ||g_j||, the part that was divided k times, in float64
    share: np.ndarray  # the same over all weights together
    way: dict          # {"dy": array (T,), ...}: norms of the intermediate gradients
    other_way: dict | None  # those of B

    all_right = property(lambda self: all(self.right.values()))
    within_rounding = property(lambda self: self.error < ROUNDING[self.gradient.dtype.name])


@cache
def problem(T, forget_bias, dtype):
    """A small LSTM and its loss, always the same -> weights, trace, dY. No state or bias is 0: every path is open."""
    rng = np.random.default_rng(1)
    Wx, Wh, b, Wy, by = (rng.normal(size=shape) for shape in ((D, 4 * H), (H, 4 * H), (4 * H,), (H, K), (K,)))
    b[H:2 * H] = forget_bias
    h0, c0 = rng.normal(0, 0.5, (2, B, H))
    X, targets = rng.normal(size=(T_MAX, B, D))[:T], rng.normal(size=(T_MAX, B, K))[:T]
    weights = Weights(*(array.astype(dtype) for array in (Wx, Wh, b, Wy, by)))
    trace = forward(weights, X, h0, c0)
    return weights, trace, squared_error(trace.Y, targets)[1]


def film():
    """The states that a film of the laboratory holds: all sets, and the named places beside everything else."""
    places = PLACEMENTS.values()
    yield from grid(State(), T=range(1, 5), size_X=(1, 2, 4, 8, 10, 100), edges=SETS)
    yield from grid(State(), edges=places, T=range(1, T_MAX + 1), size_X=SIZES)
    yield from grid(State(), edges=places, forget_bias=range(-6, 7))
    yield from grid(State(), edges=places, dtype=ROUNDING, size_X=(8, 10))
    yield from grid(State(), edges=places, beside=PLACEMENTS, size_X=(8, 10))


def numbers(state):
    given = problem(state.T, state.forget_bias, state.dtype)
    gradient, way = on_the_way(*given, state.edges, state.size_X)
    truth, other_way = ((backward(*given) * (1 / state.size_X), None) if state.beside == TRUTH
                        else on_the_way(*given, PLACEMENTS[state.beside], state.size_X))
    spectrum = crossing_spectrum(*problem(state.T, state.forget_bias, "float64"), state.edges)
    return Numbers(gradient, truth, crosses_exactly_once(state.edges, state.T), gradient.identical(truth),
                   relative_error(gradient, truth), cosine(gradient, truth), gradient.norm() / truth.norm(),
                   {name: shares(array) for name, array in spectrum.items()},
                   shares(*(array for _, array in spectrum.items())), way, other_way)


def on_the_way(weights, trace, dY, edges, size_X):
    """The gradient with 1/|X| on `edges`, and the norm of every gradient on the way, timestep by timestep."""
    passed = record(EDGES, scale_at(edges, 1 / size_X))
    gradient = backward(weights, trace, dY, at=passed)
    (dy,), (dh,), (dW_t,) = (passed[edge] for edge in ("dy", "dh_above", "dW_t"))
    dh[:-1] += np.reshape(passed["dh_next"][::-1], dh[1:].shape)
    dc = dh * local_slopes(trace)[0]
    dc[:-1] += np.reshape(passed["dc_next"][::-1], dc[1:].shape)
    flows = {"dy": dy, "dh": dh, "dc": dc, "dz": np.array(passed["dz"])[::-1], "dW_t": dW_t}
    return gradient, {name: np.linalg.norm(flow.astype(float).reshape(len(flow), -1), axis=1)
                      for name, flow in flows.items()}


def headline(state, numbers):
    """Whether it is the gradient (or: whether A and B agree), and the verdict in a few words."""
    agree = "bit for bit" if numbers.identical else "up to rounding" if numbers.within_rounding else ""
    if state.beside != TRUTH:
        return bool(agree), f"A and B: identical weight gradients, {agree}" if agree else (
            "A and B: different weight gradients")
    if state.size_X == 1:
        return True, "Identical, because |X| = 1"
    if not numbers.all_right:
        return False, f"Not the gradient{f', though {state.dtype} hides it' if numbers.within_rounding else ''}"
    return True, "Identical, bit for bit" if numbers.identical else "Identical up to rounding"


def words(state, numbers):
    if state.beside != TRUTH:
        return words_of_two(state, numbers)
    if state.size_X == 1:
        rule = "right: every path crosses" if numbers.all_right else "wrong: not every path crosses"
        return (f"A factor of 1 changes nothing, wherever it stands. By the rule this placement is {rule} "
                "exactly once. Choose another |X| to see it.")
    if numbers.all_right:
        how = "" if numbers.identical else f" The norm-relative difference is below {ROUNDING[state.dtype]:.0e}."
        only_here = "" if all(crosses_exactly_once(state.edges, 2).values()) else (
            " So it is at T = 1 only, where nothing flows from timestep to timestep; try T = 2.")
        return f"Every path from the loss to every weight crosses 1/|X| exactly once.{how}{only_here}"
    cosine = "no cosine" if np.isnan(numbers.cosine) else f"cosine {numbers.cosine:.3f}"  # 0 has none
    result = f"{cosine} and {numbers.length:.3g} times the true length."
    if not state.edges:
        return f"No edge carries 1/|X|: the result has {result} On which edges must 1/|X| stand?"
    right = [name for name, is_right in numbers.right.items() if is_right]
    where = f"Right for {listed(right)} only." if right else "Right for no weight."
    return f"{where} Over all five arrays, {not_once(numbers.share)}. The result has {result}"


def not_once(share):
    """What was not divided once, in words: "31% of it was never divided, 12% twice (...)"."""
    parts = {"never": share[0], "twice": share[2:3].sum(), "three times or more": share[3:].sum()}
    (first, part), *others = ((how, part) for how, part in parts.items() if part > 0)
    if part > 1 - 1e-9:
        return "no path is divided" if first == "never" else f"every path is divided {first}"
    divided = "never divided" if first == "never" else f"divided {first}"
    more = "".join(f", {percent(part)} {how}" for how, part in others)
    return f"{percent(part)} of it was {divided}{more} (shares of the parts' norms; parts can cancel)"


def words_of_two(state, numbers):
    """The verdict on A beside B."""
    reservation = ""
    if state.size_X == 1:
        reservation = "A factor of 1 changes nothing. "
    elif numbers.within_rounding and not numbers.all_right:
        # Beside a right A no mistake of B's is hidden: the smallest in PLACEMENTS is 1.1%, and no ROUNDING is so large.
        right = crosses_exactly_once(PLACEMENTS[state.beside], state.T)
        reservation = f"{'By the rule only B is right' if all(right.values()) else 'Neither is the true gradient'}. "
    groups = {}
    for name in numbers.way:
        groups.setdefault(factor(numbers, name, state.size_X), []).append(f"{name.removesuffix('_t')}_t")
    way = "; ".join(compared(power, names) for power, names in groups.items())
    return f"{reservation}On the way, {way}."


def compared(power, names):
    """How the gradients of those names differ between A and B."""
    are, differ = ("is", "differs") if len(names) == 1 else ("are", "differ")
    how = (f"{differ} by no one factor" if power is None else f"{are} the same" if power == 0
           else f"of A {are} {as_factor(power)} times B's")
    return f"{listed(names)} {how}"


def factor(numbers, name, size_X):
    """The power p with (norm of A) = |X|^p (norm of B) at every timestep, None where there is none."""
    ratio, rounding = numbers.way[name] / numbers.other_way[name], 8 * np.finfo(numbers.gradient.dtype).eps
    powers = range(-len(EDGES), len(EDGES) + 1)  # at the last timestep no path has crossed an edge twice
    fitting = [power for power in powers if np.all(np.abs(ratio / size_X ** power - 1) < rounding)]
    return min(fitting, key=abs, default=None)


def as_factor(power):
    """|X| to that power, as text."""
    exponent = f"{'⁰¹²³⁴⁵⁶⁷⁸⁹'[abs(power)]}" if abs(power) > 1 else ""
    return f"|X|{exponent}" if power > 0 else f"1/|X|{exponent}"
