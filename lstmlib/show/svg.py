"""Pictures as SVG text, from small pure functions.

The same numbers give the same bytes: coordinates are rounded to a tenth of a pixel, so
that a last bit that differs on another machine does not show. Every picture stands on its own
white card, and is thus readable in a light and in a dark theme.
"""

import base64
import html
import math
from dataclasses import dataclass

from .colours import (  # noqa: F401 - part of this module's names
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SKY,
)


def picture(width, height, *parts, words):
    """A whole picture `width` by `height` pixels; `words` say what it shows to those who cannot see it."""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{html.escape(words)}" font-family="DejaVu Sans, Verdana, Arial, sans-serif" '
            f'style="display:block;width:100%;max-width:{width}px;height:auto;background:{PAPER}">'
            f'{rect(0, 0, width, height, fill=PAPER)}{"".join(parts)}</svg>')


def text(x, y, words, size=13, anchor="start", fill=INK, **attributes):
    """Words at (x, y); anchor "start", "middle" or "end". HTML marks in the words are shown as they are."""
    return element("text", html.escape(str(words)), x=x, y=y, font_size=size, text_anchor=anchor, fill=fill,
                   **attributes)


def rect(x, y, width, height, fill=BLUE, **attributes):
    return element("rect", x=x, y=y, width=max(width, 0), height=max(height, 0), fill=fill, **attributes)


def line(x1, y1, x2, y2, stroke=INK, width=1, **attributes):
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width, **attributes)


def circle(x, y, r, fill=BLUE, **attributes):
    return element("circle", cx=x, cy=y, r=r, fill=fill, **attributes)


def curve(points, stroke=BLUE, width=2, **attributes):
    """A line through (x, y) points; it stops at a point that is None and starts anew behind it."""
    steps, pen_down = [], False
    for point in points:
        if point is not None:
            steps.append(f"{'L' if pen_down else 'M'}{number(point[0])} {number(point[1])}")
        pen_down = point is not None
    return element("path", d="".join(steps), fill="none", stroke=stroke, stroke_width=width, stroke_linejoin="round",
                   **attributes)


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

    def axes(self, x_ticks=(), y_ticks=(), x_label="", y_label="", title="", labels=str, size=11):
        """Box, ticks with faint lines across, labels and a title. A tick is a value, or a pair (value, label)."""
        right, bottom = self.left + self.width, self.top + self.height
        parts = []
        for value, label in map(lambda tick: tick if isinstance(tick, tuple) else (tick, labels(tick)), x_ticks):
            parts += [line(self.x(value), self.top, self.x(value), bottom, stroke=FAINT),
                      text(self.x(value), bottom + size + 4, label, size, "middle", GREY)]
        for value, label in map(lambda tick: tick if isinstance(tick, tuple) else (tick, labels(tick)), y_ticks):
            parts += [line(self.left, self.y(value), right, self.y(value), stroke=FAINT),
                      text(self.left - 5, self.y(value) + size / 3, label, size, "end", GREY)]
        parts.append(rect(self.left, self.top, self.width, self.height, fill="none", stroke=GREY))
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


def as_image(svg, words, width="100%"):
    """The picture as an <img>, which is shown even in a notebook that is not trusted, and in exports."""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{html.escape(words)}" style="width:{width}" src="data:image/svg+xml;base64,{data}">'


def with_fallback(widget, bundle, fallback):
    """The widget's display data, with HTML for where no kernel runs."""
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return data | {"text/plain": repr(widget), "text/html": fallback}, metadata
