"""The one mechanism of all explorers: state -> numbers -> picture and words.

An explorer is made of three pure functions and some controls. The state is a small frozen
dataclass; each control is bound to the field of its name. Whatever changes, the reader's hand, a
preset, a sentence in the text or a line of code, the same path is taken: controls -> state ->
numbers -> picture and words, under one lock, for widget events arrive on a second thread.
"""

import html
import re
import threading
from dataclasses import fields, replace

import anywidget
import ipywidgets as widgets
import traitlets

from ..show.svg import as_image, with_fallback


class Explorer(widgets.VBox):
    """Controls bound to a picture.

    title     the explorer's name
    start     the first state: a frozen dataclass
    controls  {field of the state: widget with a `value`}
    numbers   state -> numbers: everything the picture shows, computed by lstmlib
    draw      (state, numbers) -> SVG text, of a size that never changes
    words     (state, numbers) -> one or two sentences that say what the picture shows now
    presets   {name: {field: value, ...}}: named states, each set on top of `start`; "Reset" is always there
    poster    names of the presets whose pictures stand for the explorer where no kernel runs ("Reset": the start)
    above     widgets between controls and picture, such as a clickable graph; a control among them stands only there

    `state`, `numbers` and `error` can be read at any time; `set(field=value, ...)` and `choose(preset)` move the
    controls. An exception, or an interrupt, is shown in the explorer, kept in `error`, and raised again.
    """

    newest = {}  # by title: the explorer that a cell made last

    def __init__(self, title, start, controls, numbers, draw, words, presets=None, poster=("Reset",), above=()):
        self.title, self.start, self.controls = title, start, dict(controls)
        self._numbers_of, self._draw, self._words_of = numbers, draw, words
        self.presets = {"Reset": {}} | dict(presets or {})
        self.poster = poster
        self.state = self.numbers = self.error = None
        self._lock, self._moving = threading.RLock(), False
        for name in self.presets:
            self.state_of(name)
        unknown = set(self.controls) - {field.name for field in fields(start)}
        if unknown:
            raise ValueError(f"controls must be named after fields of the state, got {sorted(unknown)}")

        self.picture, self.words, self.alert = widgets.HTML(), Announcement("status"), Announcement("alert")
        row = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 14px")
        super().__init__([
            Heading(title=title),
            widgets.Box([control for control in self.controls.values() if control not in above], layout=row),
            widgets.Box([self._preset_button(name) for name in self.presets], layout=row),
            *above, self.picture, self.words, self.alert])
        self.add_class("lstm-explorer")
        for control in self.controls.values():
            control.observe(self._control_moved, names="value")
        self.choose("Reset")
        Explorer.newest[title] = self

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
        state = self.state_of(preset)
        self.set(**{name: getattr(state, name) for name in self.controls})

    def state_of(self, preset):
        """The state that a preset stands for."""
        if preset not in self.presets:
            raise ValueError(f"{self.title}: no preset named {preset!r}; there are {', '.join(self.presets)}")
        return replace(self.start, **self.presets[preset])

    def sentence(self, text):
        """A sentence with states to choose in its flow: "Put it on [the recurrent path](Recurrent path only)."."""
        return Sentence(self, text)

    def _preset_button(self, name):
        button = widgets.Button(description=name, tooltip=f"{self.title}: {name}",
                                layout=widgets.Layout(width="auto", height="auto"))
        button.on_click(lambda _: self.press(name))
        return button

    def press(self, preset):
        """What the button of a preset does: `choose`, unless an explorer has something else in mind."""
        self.choose(preset)

    def _control_moved(self, _):
        with self._lock:  # a hand that moves a control while a cell does waits here, and is not overlooked
            if not self._moving:
                self._show()

    def _show(self):
        try:
            state = replace(self.start, **{name: control.value for name, control in self.controls.items()})
            numbers = self._numbers_of(state)
            drawing, words = self._draw(state, numbers), self._words_of(state, numbers)
            self.state, self.numbers, self.error = state, numbers, None
            self.picture.value, self.words.value, self.alert.value = drawing, words, ""
        except (Exception, KeyboardInterrupt) as error:
            self.error = error
            met = "was interrupted" if isinstance(error, KeyboardInterrupt) else "met an error"
            self.alert.value = (f"This explorer {met}; the picture is the one before it. "
                                f"{type(error).__name__}: {error}".rstrip(": "))
            raise

    def poster_html(self):
        """Pictures of the poster states, for wherever no kernel runs."""
        shown = []
        for name in self.poster:
            state = self.state_of(name)
            numbers = self._numbers_of(state)
            words = self._words_of(state, numbers)
            heading = f"<b>{html.escape(name)}.</b> " if name != "Reset" else ""
            image = as_image(self.poster_picture(state, numbers), words)
            shown.append(f"<p>{image}</p><p>{heading}{html.escape(words)}</p>")
        return f"<p><b>{html.escape(self.title)}</b> (a picture; run the notebook to move it)</p>{''.join(shown)}"

    def poster_picture(self, state, numbers):
        """SVG text of a poster state; an explorer with more to show than its picture overrides this."""
        return self._draw(state, numbers)

    def _repr_mimebundle_(self, **kwargs):
        return with_fallback(self, super()._repr_mimebundle_(**kwargs), self.poster_html())

    def __repr__(self):
        return f"Explorer({self.title!r})"


class Answering(anywidget.AnyWidget):
    """A widget whose part in the browser can find out whether the kernel is there."""

    ASKING = """
    // When `soon` was not called for a while, the kernel is asked; while it is silent, `words` stand in `note`.
    const asking = (model, note, words) => {
      let questions = 0, timer = null;
      const silent = () => { note.textContent = words; };
      const ask = () => {
        timer = setTimeout(silent, 2000);
        try { model.send({ question: ++questions }); } catch { silent(); }
      };
      model.on("msg:custom", (message) => {
        if (message.answer === questions) { clearTimeout(timer); note.textContent = ""; }
      });
      return { soon: () => { clearTimeout(timer); timer = setTimeout(ask, 700); }, stop: () => clearTimeout(timer) };
    };
    """

    def __init__(self, **traits):
        super().__init__(**traits)
        self.on_msg(lambda _, message, buffers: self.send({"answer": message["question"]}))


class Heading(Answering):
    """An explorer's title, and its manners in the browser.

    It names the explorer's frame, and keeps JupyterLab from taking keys that are pressed on a control for commands
    of its own ("a" would insert a cell, "d d" delete one). It tells the reader when the kernel is gone, for then the
    picture no longer follows the controls: at once after a restart, which also stops the controls; otherwise when a
    question that follows each pause of the hand finds no answer.
    """

    title = traitlets.Unicode().tag(sync=True)

    _esm = Answering.ASKING + """
    export default { render({ model, el }) {
      const title = document.createElement("b"), note = document.createElement("div"), text = model.get("title");
      title.className = "lstm-heading"; title.textContent = text;
      note.className = "lstm-note"; note.setAttribute("role", "alert"); el.append(title, note);
      const enter = (event) => {
        const explorer = el.closest(".lstm-explorer");
        if (!explorer?.contains(event.target)) return;
        event.target.dataset.lmSuppressShortcuts = "true";
        const radios = event.target.closest(".widget-radio");
        radios?.setAttribute("role", "radiogroup");
        radios?.setAttribute("aria-label", radios.querySelector(".widget-label").textContent);
      };
      document.addEventListener("focusin", enter);

      const RESTARTED = "Not connected: the kernel has been restarted. Run this cell again, after those above it.";
      const SILENT = "The kernel does not answer. If a cell is running, the picture follows when it has finished; " +
        "if none is, run this cell again, after those above it.";
      const answer = asking(model, note, SILENT);
      let lost = false;
      const stopped = new MutationObserver(([{ target }]) => {
        if (lost === target.classList.contains("jupyter-widgets-disconnected")) return;
        lost = !lost; answer.stop(); note.textContent = lost ? RESTARTED : "";
        for (const part of target.children) {
          part.inert = lost && part !== el && !part.matches(".widget-html, :has(> .lstm-status, > .lstm-alert)");
        }
      });

      const frame = setInterval(() => {
        const explorer = el.closest(".lstm-explorer");
        if (!explorer) return;
        explorer.setAttribute("role", "group"); explorer.setAttribute("aria-label", text); clearInterval(frame);
        for (const event of ["click", "input", "keydown"]) explorer.addEventListener(event, answer.soon, true);
        stopped.observe(explorer, { attributes: true, attributeFilter: ["class"] });
      }, 50);
      return () => {
        document.removeEventListener("focusin", enter); clearInterval(frame); answer.stop(); stopped.disconnect();
      };
    } }
    """
    _css = """
    .lstm-explorer {border: 1px solid var(--jp-border-color2, #ccc); border-radius: 6px; padding: 8px;
      max-width: 1040px; box-sizing: border-box; color: var(--jp-ui-font-color1, #111); font-size: 14px}
    .lstm-explorer .widget-html {margin: 0}
    .lstm-note {border-left: 4px solid #D55E00; padding: 4px 8px; margin-top: 4px; font-size: 14px}
    .lstm-note:empty {display: none}
    .lstm-explorer [inert] {opacity: 0.5}
    .lstm-explorer.jupyter-widgets-disconnected::before,
    .lstm-explorer .jupyter-widgets-disconnected::before {display: none}
    .lstm-explorer :focus-visible, .lstm-sentence :focus-visible {outline: 3px solid #0072B2; outline-offset: 2px}
    """

    def __repr__(self):
        return f"Heading({self.title!r})"


class Announcement(anywidget.AnyWidget):
    """Text that screen readers read out whenever it changes. It keeps the height of its longest text so far.

    role  "status": read out when the reader pauses; "alert": at once
    """

    role = traitlets.Unicode().tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)

    _esm = """
    export default { render({ model, el }) {
      const text = document.createElement("div"), role = model.get("role");
      text.className = `lstm-${role}`; text.setAttribute("role", role); el.append(text);
      const show = () => {
        text.textContent = model.get("value");
        if (role === "status" && text.offsetHeight) text.style.minHeight = `${text.offsetHeight}px`;
      };
      model.on("change:value", show); show();
    } }
    """
    _css = """
    .lstm-status, .lstm-alert {font-size: 14px; line-height: 1.45; padding: 2px 4px; box-sizing: border-box;
      color: var(--jp-ui-font-color1, #111)}
    .lstm-status {min-height: calc(3 * 1.45em + 4px)}
    .lstm-alert {border-left: 4px solid #D55E00; padding: 4px 8px}
    .lstm-alert:empty {display: none}
    """

    def __init__(self, role):
        super().__init__(role=role)

    def __repr__(self):
        return f"Announcement({self.role!r})"


class Slider(anywidget.AnyWidget):
    """A slider over a list of values: a native range input, so it has a name and works from the keyboard.

    label   what is set, shown in front and read out
    values  the values to choose from, in order; labels  their texts (str of each where None)
    """

    label = traitlets.Unicode().tag(sync=True)
    texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    value = traitlets.Any()

    _esm = """
    export default { render({ model, el }) {
      const label = document.createElement("label"), name = document.createElement("span");
      const input = document.createElement("input"), output = document.createElement("span");
      label.className = "lstm-slider"; output.ariaHidden = "true"; input.type = "range"; input.min = 0; input.step = 1;
      input.dataset.lmSuppressShortcuts = "true";
      label.append(name, input, output); el.append(label);
      const show = () => {
        const texts = model.get("texts"), text = texts[model.get("index")];
        const widest = Math.max(...texts.map((t) => t.length));
        name.textContent = model.get("label"); input.max = texts.length - 1; input.value = model.get("index");
        input.setAttribute("aria-label", model.get("label")); input.setAttribute("aria-valuetext", text);
        output.textContent = text; output.style.minWidth = widest + "ch";
      };
      input.addEventListener("input", () => { model.set("index", Number(input.value)); model.save_changes(); show(); });
      model.on("change:index", show); model.on("change:texts", show); show();
    } }
    """
    _css = """
    .lstm-slider {display: inline-flex; align-items: center; gap: 8px; font-size: 13px;
      color: var(--jp-ui-font-color1, #111)}
    .lstm-slider input {width: 150px; accent-color: #0072B2}
    .lstm-slider [aria-hidden] {font-variant-numeric: tabular-nums}
    """

    def __init__(self, label, values, value=None, labels=None):
        self.values = list(values)
        texts = [str(v) for v in self.values] if labels is None else list(labels)
        super().__init__(label=label, texts=texts)
        self.observe(lambda change: setattr(self, "value", self.values[change.new]), names="index")
        self.value = self.values[0] if value is None else value

    @traitlets.observe("value")
    def _value_set(self, change):
        self.index = self.values.index(change.new)

    @traitlets.validate("value")
    def _check_value(self, proposal):
        if proposal.value not in self.values:
            raise ValueError(f"{self.label} must be one of {self.values}, got {proposal.value!r}")
        return proposal.value

    def __repr__(self):
        return f"Slider({self.label!r})"


class Sentence(Answering):
    """Text with [words to press](preset) that set an explorer to a named state.

    When the explorer's cell has been run again, they set the new explorer too.
    """

    parts = traitlets.List().tag(sync=True)
    chosen = traitlets.List().tag(sync=True)

    _esm = Answering.ASKING + """
    export default { render({ model, el }) {
      const note = document.createElement("span"); note.setAttribute("role", "alert");
      const answer = asking(
        model, note, " (The kernel does not answer: run the explorer's cell again, then this one.)");
      const p = document.createElement("p"); p.className = "lstm-sentence"; el.append(p);
      model.get("parts").forEach(([text, preset]) => {
        if (preset === null) { p.append(text); return; }
        const button = document.createElement("button");
        button.textContent = text; button.dataset.lmSuppressShortcuts = "true";
        button.addEventListener("click", () => {
          answer.soon(); model.set("chosen", [preset, Date.now()]); model.save_changes();
        });
        p.append(button);
      });
      p.append(note);
      return answer.stop;
    } }
    """
    _css = """
    .lstm-sentence {font-size: 14px; line-height: 1.6; color: var(--jp-content-font-color1, #111); margin: 4px 0}
    .lstm-sentence button {font: inherit; color: var(--jp-content-link-color, #005a8e); background: none; border: none;
      border-bottom: 2px dotted currentColor; padding: 0 1px; cursor: pointer}
    """

    def __init__(self, explorer, text):
        pieces = re.split(r"\[([^]]+)\]\(([^)]+)\)", text)
        parts = []
        for plain, label, preset in zip(pieces[::3], pieces[1::3] + [None], pieces[2::3] + [None]):
            parts += [[plain, None]] + ([[label, preset]] if preset else [])
        for _, preset in parts:
            if preset is not None:
                explorer.state_of(preset)
        self.explorer = explorer
        super().__init__(parts=parts)

    @traitlets.observe("chosen")
    def _choose(self, change):
        for explorer in {self.explorer, Explorer.newest[self.explorer.title]}:
            explorer.choose(change.new[0])

    def _repr_mimebundle_(self, **kwargs):
        words = "".join(html.escape(text) if preset is None else f"<b>{html.escape(text)}</b>"
                        for text, preset in self.parts)
        return with_fallback(self, super()._repr_mimebundle_(**kwargs), f"<p>{words}</p>")

    def __repr__(self):
        return "".join(text for text, _ in self.parts)
