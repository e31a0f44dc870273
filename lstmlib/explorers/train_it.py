"""Training curves of placements: 1/|X| on some edges, the adding problem at T = 20, SGD or Adam.

The curves are data, `train_it.json` beside this module; `python -m lstmlib.explorers.train_it` trains them once more,
in a minute or two. Another machine rounds otherwise and may give other last digits.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import Weights, adam, adding_problem, crossing_spectrum, forward, scale_at, sgd, squared_error, summed, train
from ..placement import RIGHT as RIGHT_SETS
from ..placement import shares as spectral_shares
from ..show import svg
from ..show.words import percent
from . import Choice, Explorer, Menu
from .film import put

DATA = Path(__file__).with_suffix(".json")
T, H, BATCHES, WINDOW, SEED = 20, 8, 1500, 50, 0
OPTIMISERS = {"SGD": (sgd, 1.0), "Adam": (adam, 0.01)}
DIED = 1e6  # a mean squared error above this ends a run
BEST_CONSTANT = (9 / 10 + 9 / 10) / 48  # the mean squared error of answering 0.5 always, at T = 20: (7.2)


def named(*sets):
    return {f"{{{', '.join(edges)}}}": set(edges) for edges in sets}


RIGHT = named(*RIGHT_SETS)
PLACEMENTS = RIGHT | {"{ }: nowhere": set()} | named(
    ("loss", "dW"), ("dh_above",), ("dz",), ("dh_next",), ("dc_next",), ("loss", "dh_next"), ("loss", "dc_next"))


@dataclass(frozen=True)
class State:
    """Where 1/|X| stands, the optimiser, and |X|, the number of sequences in a batch."""

    placement: str = "{dW}"
    optimiser: str = "SGD"
    size_X: int = 8


class Numbers(NamedTuple):
    """What the picture shows."""

    chosen: dict    # the stored run of the chosen placement
    right: dict     # that of {loss}
    shares: dict    # {"Wx": what part of its gradient is divided never, once, twice, more often, before training}
    outcome: tuple  # (good, what became of the run, what stands behind that)


def start_weights():
    """Weights for T = 20: uniform in +-0.5, biases 0 but for forget gates at 3 and input gates at -1."""
    rng = np.random.default_rng(SEED)
    Wx, Wh, Wy = (rng.uniform(-0.5, 0.5, shape) for shape in ((2, 4 * H), (H, 4 * H), (H, 1)))
    return Weights(Wx, Wh, np.repeat([-1.0, 3.0, 0.0, 0.0], H), Wy, np.zeros(1))


def run(edges, optimiser, size_X, batches=BATCHES):
    """Train with 1/|X| on `edges`; the same start and the same batches each time.

    ->  the loss sum of every batch, and the weights after every WINDOW batches
    """
    rng, losses, kept = np.random.default_rng(SEED), [], []
    examples = (adding_problem(T, size_X, rng) for _ in range(batches))
    gradient = summed(squared_error, at=scale_at(edges, 1 / size_X))
    for loss, weights in train(start_weights(), examples, gradient, *OPTIMISERS[optimiser]):
        losses.append(loss)
        if 2 * loss / size_X > DIED:
            break
        if len(losses) % WINDOW == 0:
            kept.append(weights)
    return losses, kept


def curve(losses, size_X):
    """The mean squared error of each WINDOW of batches; a run that died leaves its last one out."""
    whole = len(losses) // WINDOW * WINDOW
    return 2 / size_X * np.reshape(losses[:whole], (-1, WINDOW)).mean(axis=1)


def make_data():
    """Train every curve and store it, one run to a line."""
    lines = []
    for size_X, optimiser in product((8, 10), OPTIMISERS):
        _, right = run({"loss"}, optimiser, size_X)
        for name, edges in PLACEMENTS.items():
            print(name, optimiser, size_X)
            losses, kept = run(edges, optimiser, size_X)
            apart = [(weights - truth).norm() / truth.norm() for weights, truth in zip(kept, right)]
            found = {"mse": [float(f"{value:.3g}") for value in curve(losses, size_X)],
                     "distance": [float(f"{value:.2g}") for value in apart],
                     "died": len(losses) if len(losses) < BATCHES else None}
            lines.append(f"{json.dumps(f'{name} {optimiser} {size_X}')}: {json.dumps(found)}")
    put(DATA, "{\n" + ",\n".join(lines) + "\n}\n")


@lru_cache
def stored():
    """{"placement optimiser |X|": {"mse": of every WINDOW batches, "distance" from {loss}, "died": batch or None}}"""
    return json.loads(DATA.read_text(encoding="utf-8"))


@lru_cache
def shares(placement):
    """{"Wx": [the part of its gradient that is divided never, once, twice, more often]}, on the first batch."""
    weights = start_weights()
    X, targets, mask = adding_problem(T, 8, np.random.default_rng(SEED))
    trace = forward(weights, X)
    _, dY = squared_error(trace.Y, targets, mask)
    spectrum = crossing_spectrum(weights, trace, dY, PLACEMENTS[placement])
    every = {name: [*spectral_shares(array), 0, 0, 0] for name, array in spectrum.items()}
    return {name: [*parts[:3], sum(parts[3:])] for name, parts in every.items()}


def numbers(state):
    chosen, right = (stored()[f"{name} {state.optimiser} {state.size_X}"] for name in (state.placement, "{loss}"))
    return Numbers(chosen, right, shares(state.placement), outcome(chosen, right))


def outcome(run, right):
    """(good, what became of a run, what stands behind that)."""
    if run["died"]:
        return False, "dies", f"At batch {run['died']} its loss is beyond all bounds."
    last, best, far = end_of(run), end_of(right), max(run["distance"])
    apart = f"The weights are at most {far:.0e} apart, norm-relative."
    ends = f"It ends at a mean squared error of {last:.2g}, {{loss}} at {best:.2g}"
    if far == 0:
        return True, "trains as {loss} does, bit for bit", "The weights never differ."
    if far < 1e-9:
        return True, "trains as {loss} does, up to rounding", apart
    if last > 0.8 * BEST_CONSTANT:
        return False, "learns next to nothing", f"{ends}; always answering 0.5 gives {BEST_CONSTANT:.2g}."
    if last > 3 * best:
        return False, "falls far behind" if last > 20 * best else "drifts behind", f"{ends}."
    return (None, "is forgiven", apart) if far < 0.01 else (None, "survives on another way", f"{ends}.")


def end_of(run):
    return np.mean(run["mse"][-4:])


def headline(state, numbers):
    good, became, _ = numbers.outcome
    return good, f"{state.placement} {became}"


def words(state, numbers):
    """What stands behind the headline, and what is divided how often."""
    *_, told = numbers.outcome
    return f"{state.optimiser}, |X| = {state.size_X}. {told} {spectrum_words(numbers.shares)}"


def spectrum_words(shares):
    """What is divided how often, before training: Wh and b as Wx, by as Wy."""
    Wx, Wy = shares["Wx"], shares["Wy"]
    if min(max(Wx), max(Wy)) < 1 - 1e-12:
        return (f"Before training {percent(Wx[0])} of the gradient of Wx is never divided, {percent(Wx[1])} once; "
                f"of that of Wy {percent(Wy[0])} is never divided.")
    often = [("never divided", "divided once", "divided twice")[np.argmax(parts)] for parts in (Wx, Wy)]
    if often == ["divided once", "divided once"]:
        return "Every path is divided exactly once."
    return f"Each array has one factor for all its paths: Wx, Wh and b are {often[0]}, Wy and by {often[1]}."


STEPS = range(WINDOW, BATCHES + 1, WINDOW)
CURVES = svg.Frame(52, 52, 342, 192, (0, BATCHES), (1e-4, 10), log="y")
CHOSEN = {"stroke": svg.RED, "width": 2.5, "stroke_dasharray": "7 4"}
DISTANCE = svg.Frame(50, 52, 162, 192, (0, BATCHES), (1e-17, 10), log="y")


def draw(state, numbers):
    return curves_panel(state, numbers), shares_panel(numbers.shares), distance_panel(numbers.chosen["distance"])


def curves_panel(state, numbers):
    """Mean squared error of the right placement and of the chosen one."""
    right, chosen = numbers.right, numbers.chosen
    ends = f"died at batch {chosen['died']}" if chosen["died"] else f"ends at {end_of(chosen):.2g}"
    parts = [CURVES.axes([0, 500, 1000, 1500], svg.powers_of_10(-4, 2), "batch"),
             svg.text(4, 16, "Mean squared error", 13, bold=True),
             svg.line(4, 34, 34, 34, stroke=svg.SKY, width=6), svg.text(40, 38, "{loss}, right", 12),
             svg.line(130, 34, 160, 34, **CHOSEN), svg.text(166, 38, state.placement, 12),
             CURVES.level(BEST_CONSTANT, stroke=svg.GREY, stroke_dasharray="1 4"),
             svg.text(CURVES.right - 4, CURVES.y(BEST_CONSTANT) - 5, "always 0.5", 12, "end", svg.GREY),
             CURVES.curve(STEPS, right["mse"], stroke=svg.SKY, width=6), CURVES.curve(STEPS, chosen["mse"], **CHOSEN)]
    if chosen["died"]:
        x = CURVES.x(chosen["died"])
        parts += [svg.line(x, CURVES.top, x, CURVES.bottom, **CHOSEN), svg.text(x + 8, 72, ends, 13, bold=True)]
    said = f"{{loss}} ends at {end_of(right):.2g}, {state.placement} {ends}"
    return svg.panel("curves", 414, 284, *parts, words=f"Mean squared error over {BATCHES:,} batches: {said}.")


def distance_panel(distance):
    said = f"up to {max(distance):.1g}" if distance else "the run died too soon"
    ticks = [*svg.powers_of_10(-12, 1, 4), (1e-17, "0")]
    return svg.panel("distance", 232, 284, DISTANCE.axes([0, 750, 1500], ticks, "batch"),
                     svg.text(4, 16, "Weights: distance to {loss}", 13, bold=True),
                     svg.text(4, 38, "norm-relative", 12, fill=svg.GREY),
                     DISTANCE.curve(STEPS, distance, stroke=svg.RED, width=2.5),
                     words=f"Distance of the weights from those of {{loss}}: {said}.")


def shares_panel(shares):
    """One bar for each array, cut into the shares that cross 0, 1, 2, ... divisions."""
    dark = "#1a1a1a"  # on fills that are bright in both themes
    looks = [("never", svg.DEEP[svg.RED], svg.ON), ("once", svg.SKY, dark), ("twice", svg.ORANGE, dark),
             ("3 times or more", svg.PURPLE, svg.ON)]
    parts = [svg.text(4, 16, "Divided how often?", 13, bold=True),
             svg.text(4, 38, "shares, before training", 12, fill=svg.GREY)]
    said = []
    for row, (name, values) in enumerate(shares.items()):
        y, x = 52 + 32 * row, 34.0
        parts.append(svg.text(28, y + 16, name, 12, "end"))
        for (_, colour, ink), share in zip(looks, values):
            width = round(160 * share)
            parts += [svg.rect(x, y, width, 24, fill=colour)] * (width > 0)
            parts += [svg.text(x + width / 2, y + 16, percent(share), 12, "middle", ink)] * (width >= 30)
            x += width
        said.append(f"{name}: " + ", ".join(f"{look} {percent(share)}"
                                            for (look, *_), share in zip(looks, values) if share))
    for k, (name, colour, _) in enumerate(looks):
        x, y = 4 + 80 * (k % 2), 238 + 24 * (k // 2)
        parts += [svg.rect(x, y - 11, 14, 14, fill=colour), svg.text(x + 20, y + 1, name, 12)]
    return svg.panel("shares", 204, 284, *parts, words=f"Divided how often. {'; '.join(said)}.")


def training_curves():
    """The explorer of notebook 7."""
    controls = {"placement": Menu("1/|X| on", PLACEMENTS),
                "optimiser": Choice("optimiser", OPTIMISERS), "size_X": Choice("|X|", (8, 10))}
    presets = {
        "At the end": {}, "Rounded": {"placement": "{dW}", "size_X": 10},
        "Nowhere, SGD": {"placement": "{ }: nowhere"},
        "Nowhere, Adam": {"placement": "{ }: nowhere", "optimiser": "Adam"},
        "Twice, SGD": {"placement": "{loss, dW}"},
        "Cell path, Adam": {"placement": "{dc_next}", "optimiser": "Adam"}}
    return Explorer("Training curves of placements", State(), controls, numbers, draw, words, headline, presets,
                    poster=("At the end", "Nowhere, SGD", "Cell path, Adam"))


if __name__ == "__main__":
    make_data()
