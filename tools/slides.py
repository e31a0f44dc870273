"""Make the slides of two lessons of 45 minutes, without a network; the explorers in them work without a server.

    python run.py slides some/folder      into some/folder (build/slides if none is named)

Each lesson is a file in tools/slides: headings, a few words, what to draw (by drawings.py) or which explorer to play,
and notes for the speaker. S opens the speaker's view, F fills the screen; add ?print-pdf to the address to print.
"""

import html
import re
from typing import NamedTuple

from tools import drawings
from tools.book import embed, films, font_face
from tools.files import ROOT, announce, folder_of, read, write
from tools.pages import filled, run_pandoc

PARTS = ROOT / "tools" / "slides"
LESSONS = sorted(PARTS.glob("[0-9]_*.md"))
PANDOC_OPTIONS = ("--from=markdown-auto_identifiers-implicit_figures", "--to=revealjs", "--mathml", "--slide-level=2",
                  "--wrap=preserve")

HEADING = re.compile(r'## (?P<heading>.+?) \{(?P<classes>[^}"]*?) ?minutes=(?P<minutes>\d+)'
                     r'(?: work=(?P<work>\d+))? see="(?P<see>[^"]+)"\}')
BODY_AND_NOTES = re.compile(r"(.*?)((?:^>[^\n]*\n?)*)", re.DOTALL | re.MULTILINE)  # the notes are the last quote
SHOWN = re.compile(r"\[(draw|film) (\w+)((?: [^\] ]+)*)\]")


class Slide(NamedTuple):
    heading: str
    classes: str
    minutes: int
    work: int    # seconds in which the class votes, writes, looks
    start: int   # minutes from the beginning of the lesson
    see: str     # where the notebooks have it
    body: str    # Markdown
    notes: str   # Markdown


def main(arguments):
    folder = folder_of(arguments, __doc__, ROOT / "build" / "slides")
    announce(build(folder), "The slides", folder)


def build(folder, recorded=None):
    """Write both lessons; yield their paths. `recorded` {title: Film}: those of the book, where None."""
    recorded = films(ROOT / "build" / "film") if recorded is None else recorded
    by_name = {film.name: film for film in recorded.values()}
    for path in LESSONS:
        write(folder / f"{path.stem}.html", page(*read_lesson(path), by_name))
        yield folder / f"{path.stem}.html"


def read_lesson(path):
    """The title and the slides of a lesson."""
    title, *sections = re.split(r"^(?=## )", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    slides, start = [], 0
    for section in sections:
        first, *lines = section.strip().split("\n")
        found = HEADING.fullmatch(first)
        if not found:
            raise SystemExit(f'{path.name}: a slide begins with `## Heading {{minutes=2 see="..."}}`, got {first!r}')
        body, notes = BODY_AND_NOTES.fullmatch("\n".join(lines)).groups()
        slides.append(Slide(found["heading"], found["classes"], int(found["minutes"]), int(found["work"] or 0), start,
                            found["see"], body.strip(), re.sub(r"^> ?", "", notes, flags=re.MULTILINE)))
        start += slides[-1].minutes
    return title.strip().removeprefix("# "), slides


def page(title, slides, films):
    """The slides as one HTML file that asks for nothing outside itself. `films` {name: Film}"""
    reveal = PARTS / "reveal"
    markdown = "\n\n".join(slide_for_page(slide, films) for slide in slides)
    font = font_face("Slides Math", "STIXTwoMath")  # that of the handouts, where no such font is installed
    styles = [read(path) for path in (reveal / "reveal.css", PARTS / "graph.css", PARTS / "deck.css")]
    return filled(PARTS / "deck.html", title=title, style="\n".join([font, *styles]),
                  slides=run_pandoc(markdown, title, *PANDOC_OPTIONS),
                  reveal=read(reveal / "reveal.js") + "\n" + read(reveal / "notes.js"),
                  script=filled(PARTS / "deck.js", minutes=slides[-1].start + slides[-1].minutes))


def slide_for_page(slide, films):
    blocks = re.split(r"\n\s*\n", slide.body)
    shown = [raw(*found.groups(), films) if (found := SHOWN.fullmatch(block)) else block for block in blocks]
    if "steps" in slide.classes:  # drawings one after the other, in the same place
        drawn = [new for block, new in zip(blocks, shown) if block != new]
        kinds = [".step", *[".fragment .current-visible"] * (len(drawn) - 1)]
        stack = ["::: {.r-stack}", *(f"::: {{{kind}}}\n{block}\n:::" for kind, block in zip(kinds, drawn)), ":::"]
        shown = [*stack, *(block for block in blocks if block in shown)]
    time = f"**Minute {slide.start} to {slide.start + slide.minutes}.**"
    time += f" The class: {slide.work} s." if slide.work else ""
    return "\n\n".join([f"## {slide.heading} {{{slide.classes} data-timing={60 * slide.minutes}}}",
                        f"::: source\nNotebook {slide.see}\n:::", f"::: notes\n{time}\n\n{slide.notes}\n:::", *shown])


def raw(kind, name, more, films):
    """A drawing, or an explorer in a frame of its own, as HTML for pandoc to let through."""
    if kind == "draw":
        content = f'<div class="picture">{getattr(drawings, name)(*more.split())}</div>'
    else:
        light = "matchMedia = () => ({addEventListener() {}});"  # as the deck is, whatever the reader's system prefers
        head = (f"<style>{read(PARTS / 'graph.css')}\n{read(PARTS / 'film.css')}</style>"
                f'<script>{light} location.hash = "{name}={more.strip()}";</script>')
        inside = embed(films[name]).replace("</head>", f"{head}</head>", 1)
        content = (f'<iframe class="explorer" title="{html.escape(films[name].title)}" '
                   f'srcdoc="{html.escape(inside)}"></iframe>')
    return f"```{{=html}}\n{content}\n```"
