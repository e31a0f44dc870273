"""The laboratory: put 1/|X| on any edges of the backward graph, and read what becomes of the gradient.

`laboratory()` is the whole of it, `first_look()` three places only.
"""

from dataclasses import dataclass
from functools import lru_cache

import ipywidgets as widgets
import numpy as np
import traitlets

from ..checking import cosine, relative_error
from ..losses import squared_error
from ..placement import EDGES, crosses_exactly_once, crossing_spectrum, scale_at
from ..sequence import backward, forward, local_slopes
from ..weights import Weights
from . import graph, svg
from .base import Explorer, Slider

D, H, K, B, T_MAX = 2, 3, 4, 3, 6
SIZES = (1, 2, 3, 4, 5, 8, 10, 16, 20, 32, 64, 100)
ROUNDING = {"float64": 1e-15, "float32": 1e-6, "float16": 1e-2}  # norm-relative: closer than this is rounding alone

# Where 1/|X| may be put: the five right places, then those that are often tried.
PLACEMENTS = {
    "At once: loss": ("loss",),
    "At once: dy": ("dy",),
    "Into the top: dh_above and dWy_t": ("dh_above", "dWy_t"),
    "Each contribution: dW_t and dWy_t": ("dWy_t", "dW_t"),
    "At the end: dW": ("dW",),
    "At every step: dz": ("dz",),
    "Recurrent path only: dh_next": ("dh_next",),
    "Cell path only: dc_next": ("dc_next",),
    "Both ends: dy and dW": ("dy", "dW"),
    "dh_above, forgetting dWy_t": ("dh_above",),
    "Nowhere": (),
}


@dataclass(frozen=True)
class State:
    """edges: names that carry 1/|X|; beside: a name of PLACEMENTS to compare with, None for the true gradient."""

    edges: tuple = ("dy",)
    size_X: int = 8
    T: int = 4
    dtype: str = "float64"
    forget_bias: int = 1
    beside: str | None = None


@dataclass(frozen=True)
class Numbers:
    """What the laboratory shows.

    gradient    yours: backward with 1/|X| on the chosen edges
    truth       the gradient of C = L/|X|, or B's gradient where two placements are compared: the same backward pass in the
                same dtype, with 1/|X| on its finished sums (or on B's edges)
    right       {weight: bool}: does every path to it cross exactly once?
    identical   whether every bit of gradient and truth agrees
    error       ||gradient - truth|| / ||truth||
    cosine      between gradient and truth
    length      ||gradient|| / ||truth||
    shares      {weight: array}: ||g_k|| / sum_j ||g_j||, the part of the gradient that was divided k times, in float64
    share       the same over all weights together
    way, other_way  {"dy": array (T,), ...}: norms of the intermediate gradients, yours and those of B (None without B)
    """

    gradient: Weights
    truth: Weights
    right: dict
    identical: bool
    error: float
    cosine: float
    length: float
    shares: dict
    share: np.ndarray
    way: dict
    other_way: dict | None

    @property
    def all_right(self):
        """Whether every path to every weight crosses exactly once."""
        return all(self.right.values())


@lru_cache(maxsize=None)
def problem(T, forget_bias, dtype):
    """A small LSTM and its loss, always the same -> weights, trace, dY. No state or bias is zero, so every path is open."""
    rng = np.random.default_rng(1)
    Wx, Wh, b, Wy, by = (rng.normal(size=shape) for shape in ((D, 4 * H), (H, 4 * H), (4 * H,), (H, K), (K,)))
    b[H:2 * H] = forget_bias
    h0, c0 = rng.normal(0, 0.5, (2, B, H))
    X, targets = rng.normal(size=(T_MAX, B, D))[:T], rng.normal(size=(T_MAX, B, K))[:T]
    weights = Weights(*(array.astype(dtype) for array in (Wx, Wh, b, Wy, by)))
    trace = forward(weights, X, h0, c0)
    return weights, trace, squared_error(trace.Y, targets)[1]


def numbers(state):
    """State -> Numbers."""
    weights, trace, dY = problem(state.T, state.forget_bias, state.dtype)
    gradient, way = on_the_way(weights, trace, dY, state.edges, state.size_X)
    if state.beside is None:
        truth, other_way = backward(weights, trace, dY) * (1 / state.size_X), None
    else:
        truth, other_way = on_the_way(weights, trace, dY, PLACEMENTS[state.beside], state.size_X)
    spectrum = crossing_spectrum(*problem(state.T, state.forget_bias, "float64"), state.edges)
    return Numbers(gradient, truth, crosses_exactly_once(state.edges, state.T), gradient.identical(truth),
                   relative_error(gradient, truth), cosine(gradient, truth), gradient.norm() / truth.norm(),
                   {name: share_of([array]) for name, array in spectrum.items()},
                   share_of([array for _, array in spectrum.items()]), way, other_way)


def on_the_way(weights, trace, dY, edges, size_X):
    """The gradient with 1/|X| on `edges`, and the norm of every gradient on the way, timestep by timestep."""
    passed = {edge: [] for edge in EDGES}
    scale = scale_at(edges, 1 / size_X)

    def probe(edge, gradient):
        crossed = scale(edge, gradient)
        passed[edge].append(np.array(crossed))
        return crossed

    gradient = backward(weights, trace, dY, at=probe)
    dh, = passed["dh_above"]
    if trace.X.shape[0] > 1:
        dh[:-1] += passed["dh_next"][::-1]
    dc = dh * local_slopes(trace)[0]
    if trace.X.shape[0] > 1:
        dc[:-1] += passed["dc_next"][::-1]
    flows = {"dy": passed["dy"][0], "dh": dh, "dc": dc, "dz": np.array(passed["dz"][::-1]), "dW_t": passed["dW_t"][0]}
    return gradient, {name: np.linalg.norm(flow.astype(float).reshape(len(flow), -1), axis=1)
                      for name, flow in flows.items()}


def share_of(powers):
    """||g_k|| / sum_j ||g_j||, with k along the first axis of each array."""
    norms = np.sqrt(sum((array.reshape(len(array), -1) ** 2).sum(axis=1) for array in powers))
    return norms / norms.sum()


# The verdict

def headline(state, numbers):
    """The verdict in a few words."""
    below = numbers.error < ROUNDING[state.dtype]
    if state.beside is not None:
        return ("A and B: identical weight gradients, bit for bit" if numbers.identical else
                "A and B: identical weight gradients, up to rounding" if below else "A and B: different weight gradients")
    if state.size_X == 1:
        return "Identical, because |X| = 1"
    if numbers.all_right:
        return ("Identical, bit for bit" if numbers.identical else
                "Identical up to rounding" if below else f"The gradient, spoilt by {state.dtype}")
    return f"Not the gradient, though {state.dtype} hides it" if below else "Not the gradient"


def words(state, numbers):
    """The verdict in one or two sentences."""
    if state.beside is not None:
        return words_of_two(state, numbers)
    start = headline(state, numbers)
    if state.size_X == 1:
        rule = "every path crosses exactly once" if numbers.all_right else "not every path crosses exactly once"
        return f"{start}: a factor of 1 changes nothing, wherever it stands. By the rule this placement is " \
               f"{'right' if numbers.all_right else 'wrong'} ({rule}); choose another |X| to see it."
    if numbers.all_right:
        how = ("" if numbers.identical else f" (norm-relative difference below {ROUNDING[state.dtype]:.0e})"
               if numbers.error < ROUNDING[state.dtype] else f" (norm-relative difference {numbers.error:.1g})")
        return f"{start}{how}: every path from the loss to every weight crosses 1/|X| exactly once." + alone_at_one(state)
    return f"{start}: {not_once(numbers.share)}; cosine {numbers.cosine:.3f}, {times(numbers.length)} the true length. " \
           f"{where_right(numbers)}"


def alone_at_one(state):
    """At T = 1 more sets are right than the five: say so where this one is such a set."""
    if all(crosses_exactly_once(state.edges, 2).values()):
        return ""
    return " So it is at T = 1 only, where nothing flows from timestep to timestep; try T = 2."


def not_once(share):
    """ "31% of it was never divided, 12% twice": every part that was not divided once."""
    parts = [(share[0], "never divided"), (share[2:3].sum(), "divided twice"), (share[3:].sum(), "divided more often")]
    wrong = [(percent(part), how) for part, how in parts if part > 0]
    first, *others = wrong
    return f"{first[0]} of it was {first[1]}" + "".join(f", {part} {how.removeprefix('divided ')}" for part, how in others)


def percent(share):
    return "all" if share > 1 - 1e-9 else "less than 1%" if share < 0.005 else f"{100 * share:.0f}%"


def times(ratio):
    """A ratio in words, with two digits."""
    return f"{ratio:.2g} times" if ratio < 100 else f"{ratio:.0f} times"


def where_right(numbers):
    right = [name for name, is_right in numbers.right.items() if is_right]
    return f"Right for {' and '.join(', '.join(right).rsplit(', ', 1))} only." if right else "Right for no weight."


def words_of_two(state, numbers):
    """The verdict on A beside B."""
    end = " (|X| = 1: a factor of 1 changes nothing)" if state.size_X == 1 else ""
    flows = {name: factor(numbers, name, state.size_X) for name in numbers.way}
    apart = [name for name, power in flows.items() if power != 0]
    way = ("On the way they do not differ either" if not apart else "On the way " + ", ".join(
        f"{name} of A is {as_factor(flows[name])} that of B" if flows[name] is not None else f"{name} differs by no one factor"
        for name in apart))
    return f"{headline(state, numbers)}{end}. {way}."


def factor(numbers, name, size_X):
    """The power p with (norm of A) = |X|^p (norm of B) at every timestep, None where there is none."""
    ratio = numbers.way[name] / numbers.other_way[name]
    power = round(float(np.log(ratio[0]) / np.log(size_X))) if size_X > 1 else 0
    return power if np.allclose(ratio, float(size_X) ** power, rtol=1e-2) else None


def as_factor(power):
    exponent = "²³⁴⁵⁶⁷⁸⁹"[abs(power) - 2] if abs(power) > 1 else ""
    return f"|X|{exponent} times" if power > 0 else f"1/|X|{exponent} of"


# The picture

WIDTH, HEIGHT = 1000, 372
RATIO_TICKS = [(1e3, "1000"), (1e2, "100"), (10, "10"), (1, "1"), (0.1, "1/10"), (1e-2, "1/100"), (1e-3, "1/1000")]


def draw(state, numbers):
    """The panels: verdict, entries against the truth, crossing spectrum (or what differs on the way)."""
    return svg.picture(WIDTH, HEIGHT, panels(state, numbers), words=words(state, numbers))


def whole_picture(state, numbers):
    """Graph and panels in one: the laboratory on paper."""
    other = None if state.beside is None else PLACEMENTS[state.beside]
    below = svg.element("g", panels(state, numbers), transform=f"translate(0 {graph.HEIGHT})")
    words_of_both = f"{graph.description(state.T, state.edges, other)} {words(state, numbers)}"
    return svg.picture(WIDTH, graph.HEIGHT + HEIGHT, graph.drawing(state.T, state.edges, other), below, words=words_of_both)


def panels(state, numbers):
    if state.beside is None:
        return (verdict(state, numbers, facts(state, numbers)) + ratios(numbers, state, 66, 560, "Your entry / true entry")
                + differences(numbers, 66, 560) + spectrum_table(numbers, 690))
    return (verdict(state, numbers, f"A: {graph.listed(state.edges)}.   B: {graph.listed(PLACEMENTS[state.beside])}.   "
                                    f"|X| = {state.size_X}, {state.dtype}")
            + ways(state, numbers, 66, 520) + ratios(numbers, state, 672, 290, "Weights: entry of A / entry of B", 222))


def facts(state, numbers):
    right = [name for name, is_right in numbers.right.items() if is_right]
    return (f"|X| = {state.size_X}, {state.dtype}.   Crossed exactly once: {', '.join(right) or 'no weight'}.   "
            f"Cosine {numbers.cosine:.3f}, length {numbers.length:.3g} of the true one.")


def verdict(state, numbers, below):
    """The headline with its mark: a tick, or a cross."""
    good = headline(state, numbers).startswith(("Identical", "A and B: identical"))
    colour = svg.GREEN if good else svg.RED
    marks = [[(20, 28), (26, 35), (37, 20)]] if good else [[(21, 21), (35, 35)], [(35, 21), (21, 35)]]
    return (svg.circle(28, 28, 17, fill=colour) + "".join(svg.curve(m, stroke=svg.PAPER, width=4) for m in marks)
            + svg.text(56, 26, headline(state, numbers), 20, font_weight="bold") + svg.text(56, 46, below, 13, fill=svg.GREY))


def ratios(numbers, state, left, width, title, height=148):
    """Every entry of yours over that of the truth, on an axis that never changes."""
    gradient, truth = entries(numbers.gradient), entries(numbers.truth)
    frame = svg.Frame(left, 92, width, height, (0, len(truth)), (1e-3, 1e3), log="y")
    parts = [frame.axes(y_ticks=RATIO_TICKS, title=title), groups(frame, numbers.truth, names=state.beside is not None)]
    if state.size_X > 1:
        for value, label in ((state.size_X, "|X|"), (1 / state.size_X, "1/|X|")):
            parts += [svg.line(left, frame.y(value), left + width, frame.y(value), stroke=svg.GREY, stroke_dasharray="2 4"),
                      svg.text(left + width + 4, frame.y(value) + 4, label, 11, fill=svg.GREY)]
    parts.append(svg.line(left, frame.y(1), left + width, frame.y(1), stroke=svg.GREEN, width=2))
    for k, (mine, true) in enumerate(zip(gradient, truth)):
        if true != 0:
            parts.append(mark(frame, k + 0.5, mine / true))
    return "".join(parts)


def mark(frame, x, ratio):
    """A dot; a cross where the sign is wrong; a triangle at the edge where it lies beyond."""
    size, (low, high) = abs(ratio), frame.y_limits
    x, y = frame.x(x), frame.y(size if size > 0 else low)
    if size > high or size < low:
        tip = -5 if size > high else 5
        return svg.element("path", d=f"M{graph.point(x - 3, y)}L{graph.point(x + 3, y)}L{graph.point(x, y + tip)}Z", fill=svg.RED)
    if ratio < 0:
        return "".join(svg.line(x - 3, y - d, x + 3, y + d, stroke=svg.RED, width=1.5) for d in (3, -3))
    return svg.circle(x, y, 2.6)


def differences(numbers, left, width):
    """(yours - true) over the largest true entry of the same array, from -1 to 1."""
    frame = svg.Frame(left, 270, width, 70, (0, len(entries(numbers.truth))), (-1, 1))
    parts = [frame.axes(y_ticks=[(-1, "-1"), (0, "0"), (1, "1")], title="(yours - true) / largest true entry of the array"),
             groups(frame, numbers.truth), svg.line(left, frame.y(0), left + width, frame.y(0), stroke=svg.GREEN, width=2)]
    k = 0
    for (_, mine), (_, true) in zip(numbers.gradient.items(), numbers.truth.items()):
        largest = np.abs(true.astype(float)).max() or 1.0
        for value in ((mine.astype(float) - true.astype(float)) / largest).ravel():
            x, y = frame.x(k + 0.5), frame.y(value)
            parts.append(svg.line(x, frame.y(0), x, y, stroke=svg.BLUE, width=2.5))
            if abs(value) > 1:
                tip = -5 if value > 0 else 5
                parts.append(svg.element("path", d=f"M{graph.point(x - 3, y)}L{graph.point(x + 3, y)}L{graph.point(x, y + tip)}Z",
                                         fill=svg.RED))
            k += 1
    return "".join(parts)


def entries(gradient):
    """All entries in a row, in float64."""
    return np.concatenate([array.astype(float).ravel() for _, array in gradient.items()])


def groups(frame, gradient, names=True):
    """Lines between the five arrays, and their names below."""
    parts, start = [], 0
    bottom = frame.top + frame.height
    for name, array in gradient.items():
        end = start + array.size
        parts.append(svg.line(frame.x(end), frame.top, frame.x(end), bottom, stroke=svg.GREY))
        if names:
            parts.append(svg.text(frame.x((start + end) / 2), bottom + 17, name, 13, "middle", font_weight="bold"))
        start = end
    return "".join(parts)


def spectrum_table(numbers, left):
    """For each weight, the share of its gradient that was divided never, once, twice, more often."""
    parts = [svg.text(left, 84, "How often was it divided?", 13, font_weight="bold")]
    lefts = [left + 38 + 67 * k for k in range(4)]
    for x, words in zip(lefts, ("never", "once", "twice", "3+ times")):
        parts.append(svg.text(x + 30, 108, words, 12.5, "middle", font_weight="bold" if words == "once" else None))
    for row, (name, share) in enumerate(numbers.shares.items()):
        y = 118 + 41 * row
        parts.append(svg.text(left, y + 20, name, 13, font_weight="bold"))
        for k, x in enumerate(lefts):
            part = share[3:].sum() if k == 3 else share[k:k + 1].sum()
            parts += [svg.rect(x, y, 60, 28, fill="#f4f4f4", stroke=svg.GREEN if k == 1 else svg.FAINT,
                               stroke_width=2 if k == 1 else 1),
                      svg.rect(x, y, 60 * part, 28, fill="#8fd3bd" if k == 1 else "#f2b38c"),
                      svg.text(x + 30, y + 19, short_percent(part), 13, "middle", fill=svg.INK if part > 0 else svg.GREY)]
    parts += [svg.text(left, 344, "Crossing spectrum: the norm of the part that was", 11.5, fill=svg.GREY),
              svg.text(left, 360, "divided k times, as a share of the sum over k", 11.5, fill=svg.GREY)]
    return "".join(parts)


def short_percent(share):
    return "0" if share == 0 else "<1%" if share < 0.005 else f"{100 * share:.0f}%"


def ways(state, numbers, left, width):
    """The norms of the intermediate gradients of A and B, timestep by timestep."""
    frame = svg.Frame(left, 92, width, 222, (0, 5), (1e-4, 1e2), log="y")
    ticks = [(100, "100"), (10, "10"), (1, "1"), (0.1, "1/10"), (1e-2, "1/100"), (1e-3, "1/1000"), (1e-4, "1/10000")]
    parts = [frame.axes(y_ticks=ticks, title="On the way: norms at t = 1 to T (A filled, B open)")]
    for group, name in enumerate(numbers.way):
        x = frame.x(group + 0.5)
        power = factor(numbers, name, state.size_X)
        parts += [svg.line(frame.x(group + 1), frame.top, frame.x(group + 1), frame.top + frame.height, stroke=svg.GREY),
                  svg.text(x, 331, name if name == "dW_t" else f"{name}_t", 13, "middle", font_weight="bold"),
                  svg.text(x, 350, "no one factor" if power is None else "A = B" if power == 0 else
                           f"A = {as_factor(power).replace(' times', '').replace(' of', '')} · B", 12, "middle")]
        for t, (a, b) in enumerate(zip(numbers.way[name], numbers.other_way[name])):
            x = frame.x(group + (t + 1) / (state.T + 1))
            a, b = frame.y(max(a, 1e-4)), frame.y(max(b, 1e-4))
            parts += [svg.line(x, a, x, b, stroke=svg.GREY), svg.rect(x - 5, b - 5, 10, 10, fill=svg.PAPER, stroke=svg.PURPLE,
                                                                     stroke_width=2), svg.circle(x, a, 3.2)]
    return "".join(parts)


# The explorers

class Laboratory(Explorer):
    """An Explorer whose buttons put 1/|X| somewhere and leave everything else as it is."""

    def _preset_button(self, name):
        button = super()._preset_button(name)
        if name in PLACEMENTS:
            button._click_handlers.callbacks.clear()
            button.on_click(lambda _: self.set(edges=PLACEMENTS[name]))
        return button

    def poster_picture(self, state, numbers):
        return whole_picture(state, numbers)


def laboratory():
    """The laboratory of notebook 04: a backward graph to click on, checkboxes, places by name, and three panels."""
    picture = graph.BackwardGraph(State.edges)
    boxes = edge_checkboxes(picture)
    by_name = {"style": {"description_width": "initial"}}
    controls = {
        "size_X": Slider("|X|", SIZES),
        "T": Slider("timesteps T", range(1, T_MAX + 1)),
        "forget_bias": Slider("forget-gate bias", range(-6, 7)),
        "dtype": widgets.Dropdown(options=list(ROUNDING), description="dtype", layout=widgets.Layout(width="150px"), **by_name),
        "beside": widgets.Dropdown(options=[("the true gradient", None)] + [(f"B: {name}", name) for name in PLACEMENTS],
                                   description="compare with", layout=widgets.Layout(width="360px"), **by_name),
        "edges": picture,
    }
    traitlets.dlink((controls["T"], "value"), (picture, "T"))
    traitlets.dlink((controls["beside"], "value"), (picture, "other"), PLACEMENTS.get)
    presets = {name: {"edges": edges} for name, edges in PLACEMENTS.items()}
    presets["A beside B: at once, at the end"] = {"edges": ("dy",), "beside": "At the end: dW"}
    return Laboratory("Where to divide: click the edges that carry 1/|X|", State(), controls, numbers, draw, words, presets,
                      poster=("At once: dy", "Recurrent path only: dh_next"), above=(picture, boxes))


def edge_checkboxes(picture):
    """Nine checkboxes in step with the graph."""
    boxes = {name: widgets.Checkbox(description=name, indent=False, layout=widgets.Layout(width="auto")) for name in EDGES}

    def tick(_=None):
        for name, box in boxes.items():
            box.value = name in picture.value

    def put(change):
        chosen = set(picture.value) - {change.owner.description}
        picture.value = tuple(chosen | {change.owner.description}) if change.new else tuple(chosen)

    tick()
    picture.observe(tick, names="value")
    for box in boxes.values():
        box.observe(put, names="value")
    return widgets.Box([widgets.Label("1/|X| on:"), *boxes.values()],
                       layout=widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="0px 14px"))
