"""The parts of an explorer that a reader sees and moves, each with its JavaScript in `static/`.

They are built of native elements, which have names and work from the keyboard. Of its model their JavaScript knows only
`get`, `set`, `save_changes`, `on` and `send`: where no kernel runs, a stand-in of a few lines takes its place.
"""

from pathlib import Path

import anywidget
import traitlets

from ..placement import EDGES, edge_set
from ..show import graph

STATIC = Path(__file__).parent / "static"
STYLE = (STATIC / "explorer.css").read_text(encoding="utf-8")


def script(*names):
    """The JavaScript files of these names as one module."""
    return "\n".join((STATIC / f"{name}.js").read_text(encoding="utf-8") for name in names)


class Part(anywidget.AnyWidget):
    """A part with a label; a control has a value besides."""

    label = traitlets.Unicode().tag(sync=True)

    def __init__(self, label="", **traits):
        super().__init__(label=label, **traits)

    def __repr__(self):
        return f"{type(self).__name__}({self.label!r})"


class Pick(Part):
    """One of several values: a slider over them, a menu of them, or a radio button for each.

    label   what is chosen, shown and read out
    values  the values to choose from, in order; labels  their texts (str of each where None)
    colour  the name of a colour of lstmlib.show.colours in small letters, or ""
    """

    texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    colour = traitlets.Unicode().tag(sync=True)
    value = traitlets.Any()

    def __init__(self, label, values, labels=None, colour=""):
        self.values = list(values)
        super().__init__(label, texts=list(labels or map(str, self.values)), colour=colour)
        self.value = self.values[0]

    @traitlets.observe("index")
    def _index_set(self, change):
        self.value = self.values[change.new]

    @traitlets.observe("value")
    def _value_set(self, change):
        self.index = self.values.index(change.new)

    @traitlets.validate("value")
    def _check_value(self, proposal):
        if proposal.value not in self.values:
            raise ValueError(f"{self.label} must be one of {self.values}, got {proposal.value!r}")
        return proposal.value


class Slider(Pick):
    _esm = script("slider")


class Menu(Pick):
    _esm = script("menu")


class Choice(Pick):
    _esm = script("choice")


class Switch(Part):
    """A checkbox."""

    value = traitlets.Bool(False).tag(sync=True)
    values = (False, True)
    _esm = script("switch")


class Answering(Part):
    """A part that finds out whether the kernel is there. What is chosen on it comes as a message, too, and at once: a
    trait's next value waits until the kernel is done with the last, and a key on a control would overtake it."""

    def __init__(self, **traits):
        super().__init__(**traits)
        self.on_msg(lambda _, message, buffers: self.send({"answer": message["question"]}))


class Presets(Answering):
    """The menu of an explorer's named states. It shows the one that stands, or none."""

    names = traitlets.Dict().tag(sync=True)  # {name: the first with the same state, which is what is shown of it}
    shown = traitlets.Unicode(allow_none=True, default_value=None).tag(sync=True)

    _esm = script("presets")


class BackwardGraph(Part):
    """The backward graph to click on. Every name can be reached with Tab, and pressed with space or Enter.

    value  names of the chosen edges, in the order of EDGES;  other  those of a second placement, or None
    """

    value = traitlets.Tuple().tag(sync=True)
    other = traitlets.Tuple(allow_none=True, default_value=None).tag(sync=True)
    counts = traitlets.Dict().tag(sync=True)
    paths = traitlets.Dict().tag(sync=True)  # {"Wx": every path to it, as what is drawn of it; "Wy": likewise}
    T = traitlets.Int(4, min=1)
    panel = traitlets.List().tag(sync=True)

    _esm = script("graph")

    def __init__(self):
        super().__init__("Backward graph: each of its nine edges is a checkbox")
        self._drawn()
        self._counted()

    @traitlets.validate("value", "other")
    def _in_order(self, proposal):
        edges = edge_set("edges", proposal.value or ())
        return proposal.value and tuple(name for name in EDGES if name in edges)

    @traitlets.observe("T")
    def _drawn(self, _=None):
        self.panel = sent(graph.panel(self.T))
        self.paths = {weight: [list(graph.counted(path, (), self.T)) for path in graph.paths_to(weight, self.T)]
                      for weight in ("Wx", "Wy")}

    @traitlets.observe("value", "other", "T")
    def _counted(self, _=None):
        self.counts = graph.crossings(self.value, self.T, self.other)


class Panels(Part):
    """Panels side by side where there is room, and below each other where not."""

    value = traitlets.List().tag(sync=True)
    _esm = script("panels")

    def show(self, panels):
        self.value = [sent(panel) for panel in panels]

    text = property(lambda self: "".join(svg for _, svg, *_ in self.value), doc="The SVG text of all panels.")


def sent(panel):
    """What the browser needs of a panel."""
    return [panel.name, panel.svg, panel.width, panel.least]


class Announcement(Part):
    """Text that screen readers read out whenever it changes.

    label  "status": read out when the reader pauses; "alert": at once
    good   True, False, or None for a headline that neither praises nor blames
    """

    value = traitlets.Unicode().tag(sync=True)
    headline = traitlets.Unicode().tag(sync=True)
    good = traitlets.Bool(None, allow_none=True).tag(sync=True)

    _esm = script("announcement")


class Heading(Answering):
    """An explorer's title, and its manners in the browser.

    It names the explorer's frame, keeps JupyterLab from taking keys pressed on a control for commands of its own, and
    says when the kernel is gone: at once after a restart, else when a question after a pause of the hand stays open.
    """

    _esm, _css = script("asking", "heading"), STYLE
