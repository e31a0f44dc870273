"""What `examine` found, in words, as a table, and as bars."""

import textwrap
from dataclasses import dataclass, field
from html import escape

from ..show.colours import BLUE, ORANGE, RED


@dataclass(frozen=True)
class Fault:
    """`kind`, one of a dozen words to ask for, and a sentence; `str` has both."""

    kind: str
    sentence: str

    def __str__(self):
        return f"{self.kind}: {self.sentence}"


@dataclass
class Report:
    """What `examine` found. Every name that explains the measured weights is named, never one of several."""

    divides_by: list = field(default_factory=list)  # names of |X|
    pieces_by: list = field(default_factory=list)   # names of the rule that combines pieces
    terms: dict = field(default_factory=dict)       # {term of the loss: names of |X|}, for several references
    factor: float = 1.0                             # a constant on top, seen with a reference (for several: a dict)
    measured: float = None                          # with a reference: what the whole batch was divided by (likewise)
    weights: dict = field(default_factory=dict)     # {cut: {part: its weight}}; the first cut is the whole batch
    predicted: dict = field(default_factory=dict)   # the same for the first name and rule that fit
    residual: float = None                          # the largest share of a gradient that is no weighted sum
    split_error: float = None                       # the largest relative difference between cuts of the same items
    worst_cut: str = None                           # the cut with that difference, where it is a fault
    calls: int = 0
    notes: list = field(default_factory=list)       # sentences that are no faults
    faults: list = field(default_factory=list)
    relative: bool = True                           # there is no reference: weights are relative to each part alone
    single_term: bool = True                        # there is one reference, or none
    counted: bool = True                            # tokens or counts were given

    def fault(self, kind, sentence):
        self.faults.append(Fault(kind, sentence))
        return self

    def kinds(self):
        return {fault.kind for fault in self.faults}

    def named(self, names, kind):
        unnamed = f"no {kind} that I know" if self.counted else f"a {kind} without a name (no tokens were given)"
        return " or ".join(names) or unnamed

    def summary(self):
        """[(label, words)]: the report without its table."""
        lines, cut = [], self.split_error is not None
        if self.weights:
            lines += [("a batch is divided by", self.named(self.divides_by, "number") + constants(self.factor))]
            lines += [(f"  its term {term!r} by", self.named(names, "number")) for term, names in self.terms.items()]
            lines += [("measured", f"divided by {self.measured:.6g}")] if isinstance(self.measured, float) else []
            lines += [("pieces are combined by", self.named(self.pieces_by, "rule"))] if cut or self.pieces_by else []
        lines += [("cut otherwise, it differs by", small(self.split_error))] if cut else []
        lines += [("not a weighted sum", f"{small(self.residual)} of a gradient")] if self.residual is not None else []
        lines += [("FAULT", str(fault)) for fault in self.faults] + [("note", note) for note in self.notes]
        return [*lines, ("calls", str(self.calls))]

    def table(self):
        """The heading; for each part its weight in the whole batch, as predicted, and in the worst cut (or None)."""
        weights, predicted = next(iter(self.weights.values()), {}), next(iter(self.predicted.values()), {})
        worst = self.weights.get(self.worst_cut, {})
        heading = ("relative to each part alone" if self.relative else "relative to its reference",
                   "weight in the batch", f"by {self.divides_by[0]}" if self.divides_by else "",
                   f"in the cut {self.worst_cut}" if worst else "")
        return heading, [(part_name(part), weight, predicted.get(part), worst.get(part))
                         for part, weight in weights.items()]

    def __str__(self):
        lines = [textwrap.fill(f"{label:<29s}{words}", 116, subsequent_indent=" " * 29, break_on_hyphens=False)
                 for label, words in self.summary()]
        heading, rows = self.table()
        cells = [[part, *("" if w is None else f"{w:.4g}" for w in all_weights)] for part, *all_weights in rows]
        table = [f"{{:<29s}}{{:<22s}}{{:<{max(22, len(heading[2]) + 3)}s}}{{}}".format(*row).rstrip()
                 for row in [heading, *cells]]
        return "\n".join(lines + ["", *table] if rows else lines)

    def _repr_html_(self):
        heading, rows = self.table()
        largest = max((abs(w) for _, *some in rows for w in some if w is not None), default=1) or 1
        cells = [[escape(part), *("" if w is None else f"{bar(w / largest, colour)} {w:.4g}"
                                  for w, colour in zip(some, (BLUE, ORANGE, RED)))] for part, *some in rows]
        lines = [[f"<b>{escape(label).replace(' ', '&nbsp;')}</b>", escape(words)] for label, words in self.summary()]
        return (html_table(lines)
                + html_table([[f"<b>{escape(text)}</b>" for text in heading], *cells] if rows else []))


def bar(share, colour):
    """A bar on the text's own background: for a light and a dark theme, and where scripts and SVG are not shown."""
    return (f'<span style="display:inline-block;width:{max(abs(share) * 12, 0.1):.2f}em;height:0.8em;'
            f'background-color:{colour}"></span>')


def html_table(rows):
    cells = ("".join(f'<td style="text-align:left;vertical-align:top">{cell}</td>' for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>" if rows else ""


def part_name(part):
    """b, (b, start, stop) or (term, b) in words."""
    if not isinstance(part, tuple):
        return f"item {part}"
    return f"{part[0]}, item {part[1]}" if len(part) == 2 else f"item {part[0]}, tokens {part[1]}:{part[2]}"


def constants(factor):
    factors = factor if isinstance(factor, dict) else {"": factor}
    return "".join(f", times a constant {f:.4g}{term and f' ({term})'}" for term, f in factors.items()
                   if f is not None and abs(f - 1) > 1e-3)


def small(number):
    return "less than 1e-6" if number < 1e-6 else f"{number:.2g}"


def cut_name(cut):
    return " | ".join(" ".join(map(str, rows)) for rows in cut)
