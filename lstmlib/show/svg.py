"""Panels as SVG text, from small pure functions.

The same numbers give the same bytes: coordinates are rounded to a tenth of a pixel, so that a last bit that differs on
another machine does not show. Colours are CSS variables with the colours of the light theme behind them: the page
decides, and where no page does, the light ones stand.
"""

import base64
import html
import math
import re
from dataclasses import dataclass

from . import colours

SMALLEST = 11  # pixels: no text in a panel is ever shown smaller


def variable(name, light):
    """A colour that a theme can replace."""
    return f"var(--lstm-{name}, {light})"


BLUE, ORANGE, GREEN, RED, PURPLE, SKY, INK, GREY, FAINT, PAPER = (
    variable(name.lower(), getattr(colours, name))
    for name in ("BLUE", "ORANGE", "GREEN", "RED", "PURPLE", "SKY", "INK", "GREY", "FAINT", "PAPER"))
SOFT, BAND, ON = (variable(*pair) for pair in (  # the last is for text on a filled shape
    ("soft", "#f4f4f4"), ("band", "#f3ead2"), ("on", "#ffffff")))
PALE_BLUE, PALE_GREEN, PALE_RED = (variable(*pair) for pair in (
    ("pale-blue", "#d6ebf8"), ("pale-green", "#8fd3bd"), ("pale-red", "#f2b38c")))
DEEP = {globals()[name]: variable(f"deep-{name.lower()}", colours.DEEP[getattr(colours, name)])
        for name in ("ORANGE", "GREEN", "RED", "PURPLE", "SKY")}
PALE = (ORANGE, SKY)  # their edges are drawn in the deep colour


@dataclass(frozen=True)
class Panel:
    """A small picture. It may be shrunk from its natural `width` in pixels to `least`: there its text is SMALLEST."""

    name: str
    svg: str
    words: str
    width: float
    height: float
    least: int


def panel(name, width, height, *parts, words):
    """A panel `width` by `height` pixels; `words` say what it shows to those who cannot see it."""
    content = "".join(parts)
    smallest = min(map(float, re.findall('font-size="([^"]+)"', content)), default=13)
    if smallest < SMALLEST:
        raise ValueError(f"text in a panel must have at least {SMALLEST} pixels, got {smallest:g} in {name!r}")
    picture = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" role="img" '
               f'aria-label="{html.escape(words)}" font-family="Arial, Liberation Sans, DejaVu Sans, sans-serif">'
               f"{content}</svg>")
    return Panel(name, picture, words, width, height, math.ceil(width * SMALLEST / smallest))


def text(x, y, words, size=13, anchor="start", fill=INK, **attributes):
    """Words at (x, y); anchor "start", "middle" or "end". HTML marks in the words are shown as they are."""
    return element("text", html.escape(str(words)), x=x, y=y, font_size=size, text_anchor=anchor,
                   fill=DEEP.get(fill, fill), **attributes)


def rect(x, y, width, height, fill=BLUE, **attributes):
    return element("rect", x=x, y=y, width=max(width, 0), height=max(height, 0), fill=fill,
                   **edge_of(fill) | attributes)


def line(x1, y1, x2, y2, stroke=INK, width=1, **attributes):
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=DEEP.get(stroke, stroke), stroke_width=width,
                   **attributes)


def circle(x, y, r, fill=BLUE, **attributes):
    return element("circle", cx=x, cy=y, r=r, fill=fill, **edge_of(fill) | attributes)


def edge_of(fill):
    return {"stroke": DEEP[fill]} if fill in PALE else {}


def curve(points, stroke=BLUE, width=2, **attributes):
    """A line through (x, y) points; it stops at a point that is None and starts anew behind it."""
    steps, pen_down = [], False
    for point in points:
        if point is not None:
            steps.append(f"{'L' if pen_down else 'M'}{number(point[0])} {number(point[1])}")
        pen_down = point is not None
    return element("path", d="".join(steps), fill="none", stroke=DEEP.get(stroke, stroke), stroke_width=width,
                   stroke_linejoin="round", **attributes)


def element(tag, content="", **attributes):
    """<tag attributes>content</tag>; underscores in attribute names become hyphens."""
    pairs = "".join(f' {name.rstrip("_").replace("_", "-")}="{number(value)}"'
                    for name, value in attributes.items() if value is not None)
    return f"<{tag}{pairs}>{content}</{tag}>" if content else f"<{tag}{pairs}/>"


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

    def x(self, value):
        return self.left + self.width * self._share(value, self.x_limits, "x" in self.log)

    def y(self, value):
        return self.top + self.height * (1 - self._share(value, self.y_limits, "y" in self.log))

    @staticmethod
    def _share(value, limits, log):
        low, high = limits
        value = min(max(float(value), low), high)
        if log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return (value - low) / (high - low)

    def axes(self, x_ticks=(), y_ticks=(), x_label="", y_label="", title="", labels=str, size=12):
        """Box, ticks with faint lines across, labels and a title. A tick is a value, or a pair (value, label)."""
        right, bottom = self.left + self.width, self.top + self.height
        parts = []
        for value, label in map(lambda tick: tick if isinstance(tick, tuple) else (tick, labels(tick)), x_ticks):
            parts += [line(self.x(value), self.top, self.x(value), bottom, stroke=FAINT),
                      text(self.x(value), bottom + size + 4, label, size, "middle", GREY) if label != "" else ""]
        for value, label in map(lambda tick: tick if isinstance(tick, tuple) else (tick, labels(tick)), y_ticks):
            parts += [line(self.left, self.y(value), right, self.y(value), stroke=FAINT),
                      text(self.left - 5, self.y(value) + size / 3, label, size, "end", GREY) if label else ""]
        parts.append(rect(self.left, self.top, self.width, self.height, fill="none", stroke=FAINT))
        middle = self.left + self.width / 2
        parts.append(text(middle, bottom + 2 * size + 10, x_label, size + 1, "middle") if x_label else "")
        parts.append(text(self.left, self.top - 2 - size / 2, title, size + 2, font_weight="bold") if title else "")
        if y_label:
            x, y = self.left - 3.6 * size, self.top + self.height / 2
            parts.append(text(x, y, y_label, size + 1, "middle", transform=f"rotate(-90 {number(x)} {number(y)})"))
        return "".join(parts)

    def curve(self, xs, ys, **attributes):
        """A line through the values; it breaks where a value is not finite."""
        finite = (math.isfinite(x) and math.isfinite(y) for x, y in zip(xs, ys))
        return curve([(self.x(x), self.y(y)) if ok else None for ok, x, y in zip(finite, xs, ys)], **attributes)


def sheet(panels, words, title="", width=760, gap=20):
    """Panels in rows of at most `width` pixels, below a title, as one panel: for paper and wherever nothing flows."""
    parts, x, y, row, right = [text(0, 22, title, 19, font_weight="bold")] if title else [], 0, 40 if title else 0, 0, 0
    for each in panels:
        if x and x + each.width > width:
            x, y, row = 0, y + row + gap, 0
        place = {"x": x, "y": y, "width": each.width, "height": each.height}
        attributes = "".join(f' {name}="{number(value)}"' for name, value in place.items())
        parts.append(each.svg.replace("<svg", f"<svg{attributes}", 1))
        x, row = x + each.width + gap, max(row, each.height)
        right = max(right, x - gap)
    return panel("sheet", right, y + row, *parts, words=words)


def alone(panel, margin=0):
    """The panel as a picture by itself, in the colours of the light theme: on white or, with a margin, on a card.

    A picture's own background has no round corners.
    """
    width, height = panel.width + 2 * margin, panel.height + 2 * margin
    card = rect(0.5 - margin, 0.5 - margin, width - 1, height - 1, colours.PAPER, rx=8, stroke=colours.FAINT)
    size = f'width="{number(width)}" height="{number(height)}"' + ' style="background:#fff"' * (margin == 0)
    picture = re.sub(r"var\([\w-]+, ([^)]*)\)", r"\1", panel.svg).replace("<svg", f"<svg {size}", 1)
    picture = picture.replace(">", f">{card}", 1) if margin else picture
    return re.sub(r'viewBox="0 0 [^"]+"', f'viewBox="{-margin} {-margin} {number(width)} {number(height)}"', picture,
                  count=1)


def as_image(panel, margin=0):
    """The panel as an <img>, which is shown even in a notebook that is not trusted, and in exports."""
    picture = alone(panel, margin)
    width, data = re.search('width="([^"]+)"', picture)[1], base64.b64encode(picture.encode()).decode()
    return f'<img alt="{html.escape(panel.words)}" width="{width}" src="data:image/svg+xml;base64,{data}">'


def with_fallback(widget, bundle, fallback):
    """The widget's display data, with HTML for where no kernel runs."""
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return data | {"text/plain": repr(widget), "text/html": fallback}, metadata
