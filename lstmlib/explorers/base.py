"""The one mechanism of all explorers: state -> numbers -> panels and words.

Whatever changes the controls, the reader's hand, a preset, a sentence in the text or a line of code, the same path is
taken: controls -> state -> numbers -> panels and words, under one lock, for widget events arrive on a second thread.
"""

import html
import re
import threading
from dataclasses import replace
from itertools import product

import ipywidgets as widgets
import traitlets
from IPython import get_ipython

from ..show.svg import as_image, sheet, with_fallback
from .controls import STYLE, Announcement, Answering, Heading, Panels, Presets, script


class Explorer(widgets.VBox):
    """Controls bound to panels.

    title     the explorer's name
    start     the first state: a frozen dataclass
    controls  {field of the state: widget with a `value`}
    numbers   state -> numbers: everything the panels show, computed by lstmlib
    draw      (state, numbers) -> a tuple of Panels
    words     (state, numbers) -> one or two sentences that say what is shown now
    headline  (state, numbers) -> (True, False or None, the verdict in a few words)
    presets   {name: {field: value, ...}}: named states, each set on top of `start`; "Reset" is always there
    poster    names of the presets whose panels stand for the explorer where no kernel runs ("Reset": the start)
    beside    widgets in front of the panels, such as a clickable graph; a control among them stands only there
    rows      {name of a panel: fields of the controls that stand in front of it}, or none

    `state`, `numbers` and `error` can be read at any time; `set(field=value, ...)` and `choose(preset)` move the
    controls. An exception, or an interrupt, is shown in the explorer, kept in `error`, and raised again.
    """

    newest = {}  # by title: the explorer that a cell made last

    def __init__(self, title, start, controls, numbers, draw, words, headline=lambda state, numbers: (None, ""),
                 presets=None, poster=("Reset",), beside=(), rows=None):
        self.title, self.start, self.controls, self.poster = title, start, controls, poster
        self.presets = {"Reset": {}} | (presets or {})
        self._numbers_of, self._draw, self._words_of, self._headline_of = numbers, draw, words, headline
        self.state = self.numbers = self.error = None
        self._lock, self._moving = threading.RLock(), False

        self.panels, self.words, self.alert = Panels(), Announcement(label="status"), Announcement(label="alert")
        self.menu = Presets(label="Example", names={one: self.preset_of(self.state_of(one)) for one in self.presets})
        fronts = [boxed(f"row-{name}", [controls[field] for field in fields]) for name, fields in (rows or {}).items()]
        placed = {*beside, *(control for front in fronts for control in front.children)}
        above = [control for control in controls.values() if control not in placed]
        stage = boxed("rows" if fronts else "stage", [*beside, *fronts, self.panels])
        super().__init__([boxed("top", [Heading(label=title), self.menu]), boxed("controls", above), self.words, stage,
                          self.alert])
        self.add_class("lstm-explorer")
        for control in controls.values():
            control.observe(self._control_moved, names="value")
        self.menu.on_msg(lambda _, message, buffers: self.press(message["chosen"]))
        self.choose("Reset")
        Explorer.newest[title] = self
        made_here(self)

    def set(self, **changes):
        """Move controls, then show the new state once. A field or a value that cannot be leaves everything as it was.

        Raises ValueError for a field that is not there; for a wrong value, what its control raises.
        """
        with self._lock:
            unknown = set(changes) - set(self.controls)
            if unknown:
                raise ValueError(f"{self.title}: no control named {', '.join(sorted(unknown))}; "
                                 f"there are {', '.join(self.controls)}")
            before = {name: self.controls[name].value for name in changes}
            self._moving = True
            try:
                self._move(changes)
            except BaseException:
                self._move(before)
                raise
            finally:
                self._moving = False
            self._show()

    def _move(self, values):
        for name, value in values.items():
            if value is None:  # to ipywidgets: nothing chosen
                raise ValueError(f"{self.title}: {name} must have a value, got None")
            self.controls[name].value = value

    def choose(self, preset):
        """Go to a named state ("Reset": the first one)."""
        self.move_to(self.state_of(preset))

    def press(self, preset):
        """Choose a named state as the menu does."""
        self.move_to(self.state_of(preset), self.moved_by(preset))

    def move_to(self, state, fields=None):
        """Move the controls of these fields, or of all, to their values in the state."""
        self.set(**{name: getattr(state, name) for name in fields or self.controls})

    def state_of(self, preset):
        """The state that a preset stands for."""
        if preset not in self.presets:
            raise ValueError(f"{self.title}: no preset named {preset!r}; there are {', '.join(self.presets)}")
        return replace(self.start, **self.presets[preset])

    def sentence(self, text):
        """A sentence with states to choose in its flow: "Put it on [the recurrent path](Recurrent path only)."."""
        return Sentence(self, text)

    def moved_by(self, preset):
        """The fields that the menu moves: of every control, unless an explorer has something else in mind."""
        return self.controls

    def _control_moved(self, _):
        with self._lock:  # a hand that moves a control while a cell does waits here, and is not overlooked
            if not self._moving:
                self._show()

    def _show(self):
        try:
            state = replace(self.start, **{name: control.value for name, control in self.controls.items()})
            numbers = self._numbers_of(state)
            drawn, words = self._draw(state, numbers), self._words_of(state, numbers)
            good, headline = self._headline_of(state, numbers)
            self.state, self.numbers, self.error = state, numbers, None
            self.panels.show(drawn)
            with self.words.hold_sync():
                self.words.good, self.words.headline, self.words.value = good, headline, words
            self.alert.value, self.menu.shown = "", self.preset_of(state)
        except (Exception, KeyboardInterrupt) as error:
            self.error = error
            met = "was interrupted" if isinstance(error, KeyboardInterrupt) else "met an error"
            self.alert.value = (f"This explorer {met}; the picture is the one before it. "
                                f"{type(error).__name__}: {error}".rstrip(": "))
            raise

    def preset_of(self, state):
        """The name of the preset that stands for the state, or None."""
        return next((name for name in self.presets if self.state_of(name) == state), None)

    def posters(self):
        """(name, verdict and words, panels) of every state that stands for the explorer; the start has no name."""
        for name in self.poster:
            state = self.state_of(name)
            numbers = self._numbers_of(state)
            said = self._headline_of(state, numbers)[1], self._words_of(state, numbers)
            yield name if name != "Reset" else "", ". ".join(filter(None, said)), self.pictures(state, numbers)

    def poster_html(self):
        """The posters as pictures, for wherever no kernel runs."""
        shown = []
        for name, words, panels in self.posters():
            title = f"<b>{html.escape(name)}.</b> " if name else ""
            shown.append(f"<p>{as_image(sheet(panels, words), margin=12)}</p><p>{title}{html.escape(words)}</p>")
        return f"<p><b>{html.escape(self.title)}</b> (a picture; run the notebook to move it)</p>{''.join(shown)}"

    def pictures(self, state, numbers):
        """What is shown of a state, as panels; an explorer with something `beside` adds a picture of that."""
        return self._draw(state, numbers)

    def _repr_mimebundle_(self, **kwargs):
        return with_fallback(self, super()._repr_mimebundle_(**kwargs), self.poster_html())

    def __repr__(self):
        return f"Explorer({self.title!r})"

    def close(self):
        """Free this explorer and all its parts, in the kernel and in the browser."""
        for part in inside(self):
            part.close()
            part.layout.close()
        super().close()
        self.layout.close()


def grid(start, **values):
    """States: every combination of these values, {field: values}, and all else as in `start`."""
    return (replace(start, **dict(zip(values, some))) for some in product(*values.values()))


def inside(box):
    """Every widget in a box, in their order; behind a box in it what is in that."""
    for child in box.children:
        yield child
        if hasattr(child, "children"):
            yield from inside(child)


def boxed(name, parts):
    """The parts in a box that the style sheet knows by name."""
    return widgets.Box(parts).add_class(f"lstm-{name}")


made = {}  # by cell: (the run of it, the widgets that it made)


def made_here(widget):
    """Note which run of which cell made the widget, and free what an earlier run of that cell had made."""
    kernel = getattr(get_ipython(), "kernel", None)
    request = kernel.get_parent("shell") if kernel else {}
    cell, run = request.get("metadata", {}).get("cellId"), request.get("header", {}).get("msg_id")
    if cell is None:
        return
    if cell in made and made[cell][0] != run:
        for old in made.pop(cell)[1]:
            old.close()
            old.layout.close()
    made.setdefault(cell, (run, []))[1].append(widget)


class Sentence(Answering):
    """Text with [words to press](preset) that set an explorer to a named state, and the newest of its title too."""

    parts = traitlets.List().tag(sync=True)

    _esm, _css = script("asking", "sentence"), STYLE

    def __init__(self, explorer, text):
        parts = self.parts_of(text)
        for _, preset in parts:
            if preset is not None:
                explorer.state_of(preset)
        self.explorer = explorer
        super().__init__(parts=parts)
        self.on_msg(lambda _, message, buffers: "chosen" in message and self._choose(message["chosen"]))
        made_here(self)

    @staticmethod
    def parts_of(text):
        """[[words, preset or None], ...]: the text in pieces."""
        pieces = re.split(r"(\[[^]]+\]\([^)]+\))", text)  # plain, link, plain, ...
        return [piece[1:-1].split("](", 1) if k % 2 else [piece, None] for k, piece in enumerate(pieces) if piece]

    def _choose(self, preset):
        for explorer in {self.explorer, Explorer.newest[self.explorer.title]}:
            explorer.choose(preset)

    def _repr_mimebundle_(self, **kwargs):
        words = "".join(html.escape(text) if preset is None else f"<b>{html.escape(text)}</b>"
                        for text, preset in self.parts)
        return with_fallback(self, super()._repr_mimebundle_(**kwargs), f"<p>{words}</p>")

    def __repr__(self):
        return "".join(text for text, _ in self.parts)
