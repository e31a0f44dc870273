"""The laboratory of notebook 04.

What is computed stands in `numbers`, what is drawn in `picture` and in `lstmlib.show.graph`.
"""

import traitlets

from ...show import graph
from ..base import Explorer
from ..controls import BackwardGraph, Menu, Slider
from .numbers import PLACEMENTS, ROUNDING, SIZES, T_MAX, TRUTH, State, film, headline, numbers, words  # noqa: F401
from .picture import draw


class Laboratory(Explorer):
    """An Explorer whose presets put 1/|X| somewhere and leave everything else as it is."""

    def moved_by(self, preset):
        return ("edges",) if preset in PLACEMENTS else super().moved_by(preset)

    def preset_of(self, state):
        """The name of the place where 1/|X| stands, whatever else is set."""
        places = (name for name, edges in PLACEMENTS.items() if set(edges) == set(state.edges))
        return super().preset_of(state) or next(places, None)

    def pictures(self, state, numbers):
        return graph.panel(state.T, state.edges, PLACEMENTS.get(state.beside)), *super().pictures(state, numbers)


def laboratory():
    """The laboratory of notebook 04: a backward graph to press on, places by name, and what becomes of the gradient."""
    picture = BackwardGraph()
    controls = {
        "size_X": Slider("|X| (items averaged over)", SIZES),
        "T": Slider("timesteps T", range(1, T_MAX + 1)),
        "forget_bias": Slider("forget bias", range(-6, 7)),
        "dtype": Menu("dtype", ROUNDING),
        "beside": Menu("against", [TRUTH, *PLACEMENTS], labels=[TRUTH, *(f"B: {name}" for name in PLACEMENTS)]),
        "edges": picture}
    traitlets.dlink((controls["T"], "value"), (picture, "T"))
    traitlets.dlink((controls["beside"], "value"), (picture, "other"), PLACEMENTS.get)
    presets = {name: {"edges": edges} for name, edges in PLACEMENTS.items()}
    presets["A beside B"] = {"edges": ("dy",), "beside": "At the end: dW"}
    return Laboratory(
        "Where to divide: choose the edges that carry 1/|X|", State(), controls, numbers, draw, words, headline,
        presets, poster=("At once: dy", "Recurrent path only: dh_next"), beside=(picture,))
