"""Raw HTML in a notebook's Markdown: only elements, attributes and addresses of this list reach a page.

Anything else is shown as it is written: a script as the text of a script; attributes, event handlers above all, go.
"""

import html
import re

import bleach
from bleach.css_sanitizer import CSSSanitizer

TEXT = """a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure
    h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark nav ol p pre q s samp section small span strong sub summary sup
    table tbody td tfoot th thead tr u ul var wbr""".split()
FORMULAS = """annotation maction math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts
    mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none semantics""".split()
ATTRIBUTES = {
    "*": ["aria-hidden", "aria-label", "class", "dir", "id", "lang", "role", "style", "tabindex", "title"],
    "a": ["href"], "col": ["span"], "details": ["open"], "img": ["alt", "height", "src", "width"],
    "ol": ["start", "type"], "td": ["colspan", "rowspan"], "th": ["colspan", "rowspan", "scope"],
    **dict.fromkeys(FORMULAS, """accent columnalign columnspacing depth display displaystyle encoding fence form height
        linethickness lspace mathvariant maxsize minsize rowspacing rspace scriptlevel separator stretchy symmetric
        voffset width xmlns""".split()),
}
STYLES = ["color", "display", "font-family", "font-size", "font-style", "font-weight", "height", "margin", "max-width",
          "min-width", "padding", "padding-left", "padding-right", "text-align", "vertical-align", "width"]


def allowed(element, attribute, value):
    """Pictures come with the page."""
    address = re.sub(r"[\x00-\x20]", "", html.unescape(value)).lower()  # as a browser reads it
    if attribute == "src" and not address.startswith("data:image/") or attribute == "href" and address[:5] == "data:":
        return False
    return attribute in (*ATTRIBUTES["*"], *ATTRIBUTES.get(element, ()))


def safe_html(piece):
    """A piece of a page with nothing in it that runs or fetches by itself."""
    return bleach.clean(piece, tags={*TEXT, *FORMULAS}, attributes=allowed, strip_comments=True,
                        protocols={"data", "http", "https", "mailto"},
                        css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES))
