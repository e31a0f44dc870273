"""Panels as SVG text, from small pure functions.

The same numbers give the same bytes: coordinates are rounded to a tenth of a pixel, so that a last bit that differs on
another machine does not show. Colours are CSS variables with the colours of the light theme behind them: the page
decides, and where no page does, the light ones stand.
"""

import base64
import html
import math
import re
from dataclasses import dataclass, replace
from itertools import groupby

from . import colours

SMALLEST = 11  # pixels: no text in a panel is ever shown smaller

LIGHT = {name.lower(): value for name, value in vars(colours).items() if name.isupper() and isinstance(value, str)} | {
    "soft": "#f4f4f4", "band": "#f3ead2", "on": "#ffffff",  # the last is for text on a filled shape
    "pale-blue": "#d6ebf8", "pale-green": "#8fd3bd", "pale-red": "#f2b38c"}
LIGHT |= {f"deep-{name}": colours.DEEP[value] for name, value in LIGHT.items() if value in colours.DEEP}


def variable(name):
    """A colour that a theme can replace."""
    return f"var(--lstm-{name}, {LIGHT[name]})"


BLUE, ORANGE, GREEN, RED, PURPLE, SKY, INK, GREY, FAINT, PAPER, SOFT, BAND, ON, PALE_BLUE, PALE_GREEN, PALE_RED = (
    variable(name) for name in LIGHT if not name.startswith("deep-"))
DEEP = {variable(name): variable(f"deep-{name}") for name in LIGHT if f"deep-{name}" in LIGHT}
EDGE = {fill: {"stroke": DEEP[fill]} for fill in (ORANGE, SKY)}  # of shapes in a pale colour


@dataclass(frozen=True)
class Panel:
    """A small picture. It may be shrunk from its natural `width` in pixels to `least`: there its text is SMALLEST."""

    name: str
    content: str
    words: str
    width: float
    height: float
    least: int

    svg = property(lambda self: self.drawn(), doc="The SVG text, in colours that a theme can replace.")

    def drawn(self, margin=0, **attributes):
        """The SVG text with these attributes in front, and with a margin around the picture."""
        box = f"{-margin} {-margin} {number(self.width + 2 * margin)} {number(self.height + 2 * margin)}"
        return element("svg", self.content, **attributes, xmlns="http://www.w3.org/2000/svg", viewBox=box, role="img",
                       aria_label=self.words, font_family="Arial, Liberation Sans, DejaVu Sans, sans-serif")


def panel(name, width, height, *parts, words):
    """A panel `width` by `height` pixels; `words` say what it shows to those who cannot see it."""
    content = "".join(parts)
    smallest = min(map(float, re.findall('font-size="([^"]+)"', content)), default=13)
    if smallest < SMALLEST:
        raise ValueError(f"text in a panel must have at least {SMALLEST} pixels, got {smallest:g} in {name!r}")
    return Panel(name, content, words, width, height, math.ceil(width * SMALLEST / smallest))


def text(x, y, words, size=13, anchor="start", fill=INK, bold=False, **attributes):
    """Words at (x, y); anchor "start", "middle" or "end". HTML marks in the words are shown as they are."""
    return element("text", html.escape(str(words)), x=x, y=y, font_size=size, text_anchor=anchor,
                   fill=DEEP.get(fill, fill), **attributes, font_weight="bold" if bold else None)


def rect(x, y, width, height, fill=BLUE, **attributes):
    return element("rect", x=x, y=y, width=max(width, 0), height=max(height, 0), fill=fill,
                   **EDGE.get(fill, {}) | attributes)


def line(x1, y1, x2, y2, stroke=INK, width=1, **attributes):
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=DEEP.get(stroke, stroke), stroke_width=width,
                   **attributes)


def circle(x, y, r, fill=BLUE, **attributes):
    return element("circle", cx=x, cy=y, r=r, fill=fill, **EDGE.get(fill, {}) | attributes)


def curve(points, stroke=BLUE, width=2, **attributes):
    """A line through (x, y) points; it stops at a point that is None and starts anew behind it."""
    runs = (run for there, run in groupby(points, lambda point: point is not None) if there)
    track = "".join("M" + "L".join(f"{number(x)} {number(y)}" for x, y in run) for run in runs)
    return element("path", d=track, fill="none", stroke=DEEP.get(stroke, stroke), stroke_width=width,
                   stroke_linejoin="round", **attributes)


def element(tag, content="", **attributes):
    """<tag attributes>content</tag>; underscores in attribute names become hyphens."""
    pairs = "".join(f' {name.rstrip("_").replace("_", "-")}="{number(value)}"'
                    for name, value in attributes.items() if value is not None)
    return f"<{tag}{pairs}>{content}</{tag}>" if content else f"<{tag}{pairs}/>"


def in_the_light(css):
    """A style sheet, each variable of it with the colour of the light theme behind it."""
    return re.sub(r"var\(--lstm-([\w-]+)\)", lambda found: variable(found[1]), css)


def number(value):
    """A coordinate as text, to a tenth of a pixel; text is escaped."""
    if isinstance(value, str):
        return html.escape(value)
    if not math.isfinite(value):
        raise ValueError(f"a coordinate must be finite, got {value}")
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")  # + 0.0 turns -0.0 into 0.0


@dataclass(frozen=True)
class Frame:
    """A plot area whose corner is at (left, top), with fixed limits: x and y map values to pixels.

    log  "x", "y" or "xy" for logarithmic axes. Values outside the limits are held at the edge.
    """

    left: float
    top: float
    width: float
    height: float
    x_limits: tuple
    y_limits: tuple
    log: str = ""

    right = property(lambda self: self.left + self.width)
    middle = property(lambda self: self.left + self.width / 2)
    bottom = property(lambda self: self.top + self.height)

    def x(self, value):
        return self.left + self.width * self._share(value, self.x_limits, "x" in self.log)

    def y(self, value):
        return self.top + self.height * (1 - self._share(value, self.y_limits, "y" in self.log))

    @staticmethod
    def _share(value, limits, log):
        low, high = limits
        at = (low, high, min(max(float(value), low), high))
        low, high, value = map(math.log10, at) if log else at
        return (value - low) / (high - low)

    def axes(self, x_ticks=(), y_ticks=(), x_label="", y_label="", title="", labels=str):
        """Box, ticks with faint lines across, labels and a title. A tick is a value, or a pair (value, label)."""
        def pairs(ticks):
            return (tick if isinstance(tick, tuple) else (tick, labels(tick)) for tick in ticks)

        parts = []
        for value, label in pairs(x_ticks):
            parts += [line(self.x(value), self.top, self.x(value), self.bottom, stroke=FAINT),
                      text(self.x(value), self.bottom + 16, label, 12, "middle", GREY) if label else ""]
        for value, label in pairs(y_ticks):
            parts += [self.level(value, stroke=FAINT),
                      text(self.left - 5, self.y(value) + 4, label, 12, "end", GREY) if label else ""]
        parts.append(rect(self.left, self.top, self.width, self.height, fill="none", stroke=FAINT))
        parts.append(text(self.middle, self.bottom + 34, x_label, 13, "middle") if x_label else "")
        parts.append(text(self.left, self.top - 8, title, 14, bold=True) if title else "")
        if y_label:
            x, y = self.left - 43.2, self.top + self.height / 2
            parts.append(text(x, y, y_label, 13, "middle", transform=f"rotate(-90 {number(x)} {number(y)})"))
        return "".join(parts)

    def level(self, y, **attributes):
        """A line across at the value y."""
        return line(self.left, self.y(y), self.right, self.y(y), **attributes)

    def curve(self, xs, ys, **attributes):
        """A line through the values; it breaks where a value is not finite."""
        finite = (math.isfinite(x) and math.isfinite(y) for x, y in zip(xs, ys))
        return curve([(self.x(x), self.y(y)) if ok else None for ok, x, y in zip(finite, xs, ys)], **attributes)


def powers_of_10(*exponents):
    """Ticks: pairs (10^k, "1e" and k)."""
    return [(10.0 ** k, f"1e{k}" if k else "1") for k in range(*exponents)]


def sheet(panels, words, title="", width=760):
    """Panels in rows of at most `width` pixels, below a title, as one panel: for paper and wherever nothing flows."""
    parts, x, y, row, right = [text(0, 22, title, 19, bold=True)] if title else [], 0, 40 if title else 0, 0, 0
    for each in panels:
        if x and x + each.width > width:
            x, y, row = 0, y + row + 20, 0
        parts.append(each.drawn(x=x, y=y, width=each.width, height=each.height))
        right = max(right, x + each.width)
        x, row = x + each.width + 20, max(row, each.height)
    return panel("sheet", right, y + row, *parts, words=words)


def alone(panel, margin=0):
    """The panel as a picture by itself, in the colours of the light theme: on white or, with a margin, on a card."""
    width, height = panel.width + 2 * margin, panel.height + 2 * margin
    card = rect(0.5 - margin, 0.5 - margin, width - 1, height - 1, colours.PAPER, rx=8, stroke=colours.FAINT)
    on_card = replace(panel, content=card + panel.content) if margin else panel
    picture = on_card.drawn(margin, width=width, height=height, style=None if margin else "background:#fff")
    return re.sub(r"var\([\w-]+, ([^)]*)\)", r"\1", picture)


def as_image(panel, margin=0, words=None):
    """The panel as an <img> that `words` describe: it is shown even in a notebook not trusted, and in exports."""
    data = base64.b64encode(alone(panel, margin).encode()).decode()
    width = number(panel.width + 2 * margin)
    return f'<img alt="{html.escape(words or panel.words)}" width="{width}" src="data:image/svg+xml;base64,{data}">'


def with_fallback(widget, bundle, fallback):
    """The widget's display data, with HTML for where no kernel runs."""
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return data | {"text/plain": repr(widget), "text/html": fallback}, metadata
