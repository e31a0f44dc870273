"""Raw HTML in a notebook's Markdown: only elements, attributes and addresses of this list reach a page.

Anything else is shown as it is written: a script as the text of a script; attributes, event handlers above all, go.
"""

import html
import re

import bleach
from bleach.css_sanitizer import CSSSanitizer

TEXT = """a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure
    h1 h2 h3 h4 h5 h6 hr i img input ins kbd label li mark nav ol p pre q s samp section small span strong sub summary
    sup table tbody td tfoot th thead tr u ul var wbr""".split()
FORMULAS = """annotation maction math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts
    mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none semantics""".split()
# Without animate, foreignObject, image, script, set and use, which fetch, run or change what stands elsewhere.
PICTURES = """circle clipPath defs desc ellipse g line linearGradient marker path polygon polyline rect stop svg text
    title tspan""".split()

ATTRIBUTES = {
    "*": ["aria-describedby", "aria-hidden", "aria-label", "aria-labelledby", "class", "dir", "id", "lang", "role",
          "style", "tabindex", "title"],
    "a": ["href"], "col": ["span"], "details": ["open"], "img": ["alt", "height", "src", "width"],
    "input": ["checked", "disabled", "type"], "ol": ["start", "type"],
    "td": ["colspan", "rowspan"], "th": ["colspan", "rowspan", "scope"],
    **dict.fromkeys(FORMULAS, """accent accentunder columnalign columnlines columnspacing columnspan depth display
        displaystyle encoding fence form height linethickness lspace mathsize mathvariant maxsize minsize notation
        rowlines rowspacing rowspan rspace scriptlevel separator stretchy symmetric voffset width xmlns""".split()),
    **dict.fromkeys(PICTURES, """clip-path cx cy d dominant-baseline dx dy fill fill-opacity focusable font-family
        font-size font-style font-weight gradientUnits height marker-end marker-start markerHeight markerUnits
        markerWidth offset opacity orient points preserveAspectRatio r refX refY rx ry stop-color stroke
        stroke-dasharray stroke-linecap stroke-linejoin stroke-opacity stroke-width text-anchor textLength transform
        viewBox width x x1 x2 xmlns y y1 y2""".split()),
}
STYLES = ["color", "display", "font-family", "font-size", "font-style", "font-weight", "height", "margin", "max-width",
          "min-width", "padding", "padding-left", "padding-right", "text-align", "vertical-align", "width"]


def allowed(element, attribute, value):
    """Pictures come with the page, and styles fetch nothing."""
    if attribute not in (*ATTRIBUTES["*"], *ATTRIBUTES.get(element, ())):
        return False
    value = re.sub(r"[\x00-\x20]", "", html.unescape(value)).lower()  # as a browser reads an address
    if attribute == "src":
        return value.startswith("data:image/")
    if attribute == "href":
        return not value.startswith("data:")
    if (element, attribute) == ("input", "type"):
        return value == "checkbox"
    return attribute == "style" or not re.search(r"url\((?!#)", value)


def safe_html(piece):
    """A piece of a page with nothing in it that runs or fetches by itself."""
    return bleach.clean(piece, tags={*TEXT, *FORMULAS, *PICTURES}, attributes=allowed, strip_comments=True,
                        protocols={"data", "http", "https", "mailto"},
                        css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES))
