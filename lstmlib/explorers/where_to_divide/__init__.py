"""The laboratory of notebook 04.

Put 1/|X| on any edges of the backward graph and read what becomes of the gradient. What is
computed stands in `numbers`, what is drawn in `picture` and `graph`.
"""

import ipywidgets as widgets
import traitlets

from ...placement import EDGES
from ...show import graph
from ..base import Explorer, Slider
from .numbers import PLACEMENTS, ROUNDING, SIZES, T_MAX, TRUTH, State, numbers, words
from .picture import draw, whole_picture


class Laboratory(Explorer):
    """An Explorer whose buttons put 1/|X| somewhere and leave everything else as it is."""

    def press(self, preset):
        if preset in PLACEMENTS:
            self.set(edges=PLACEMENTS[preset])
        else:
            self.choose(preset)

    def poster_picture(self, state, numbers):
        return whole_picture(state, numbers)


def laboratory():
    """The laboratory of notebook 04: a backward graph to click on, checkboxes, places by name, and three panels."""
    picture = graph.BackwardGraph(State.edges)
    boxes = edge_checkboxes(picture)

    def dropdown(description, options, width):
        return widgets.Dropdown(description=description, options=options, layout=widgets.Layout(width=width),
                                style={"description_width": "initial"})

    controls = {
        "size_X": Slider("|X|", SIZES),
        "T": Slider("timesteps T", range(1, T_MAX + 1)),
        "forget_bias": Slider("forget-gate bias", range(-6, 7)),
        "dtype": dropdown("dtype", list(ROUNDING), "150px"),
        "beside": dropdown("compare with", [(TRUTH, TRUTH)] + [(f"B: {name}", name) for name in PLACEMENTS], "360px"),
        "edges": picture,
    }
    traitlets.dlink((controls["T"], "value"), (picture, "T"))
    traitlets.dlink((controls["beside"], "value"), (picture, "other"), PLACEMENTS.get)
    presets = {name: {"edges": edges} for name, edges in PLACEMENTS.items()}
    presets["A beside B"] = {"edges": ("dy",), "beside": "At the end: dW"}
    return Laboratory("Where to divide: click the edges that carry 1/|X|", State(), controls, numbers, draw, words,
                      presets, poster=("At once: dy", "Recurrent path only: dh_next"), above=(picture, boxes))


def edge_checkboxes(picture):
    """Nine checkboxes in step with the graph."""
    boxes = {name: widgets.Checkbox(description=name, indent=False, layout=widgets.Layout(width="auto"))
             for name in EDGES}

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
