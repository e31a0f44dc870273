"""What tests of products look for in a page of HTML or of Markdown."""

import re
from html.parser import HTMLParser

UNSEEN = ("annotation", "script", "style", "title")


class Page(HTMLParser):
    """Tags with their attributes, the texts that a reader sees (formulas without their TeX), and the style sheets."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.styles, self.unseen = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in UNSEEN:
            self.unseen.append(tag)

    def handle_endtag(self, tag):
        if tag in UNSEEN:
            self.unseen.pop()

    def handle_data(self, data):
        if not self.unseen:
            self.texts.append(data)
        elif self.unseen[-1] == "style":
            self.styles.append(data)

    @property
    def text(self):
        return "".join(self.texts)

    def all(self, tag):
        """The attributes of every such tag."""
        return [attributes for found, attributes in self.tags if found == tag]


def squeezed(text):
    return re.sub(r"\s+", "", text)


def outside_addresses(page):
    """Addresses that a browser would load: none but data may be named."""
    loading = {"src", "srcset", "data-src", "poster", "data", "data-background-image", "data-background-iframe",
               "action", "background"}
    named = [attributes[name] for tag, attributes in page.tags for name in attributes
             if name in loading or name == "href" and tag in ("link", "base", "image", "use")]
    named += [attributes["style"] for _, attributes in page.tags if "url(" in (attributes.get("style") or "")]
    styled = re.findall(r"url\(\s*['\"]?([^)]{0,40})|(@import[^;]{0,60})", "".join(page.styles))
    return [address[:80] for address in [*named, *(url or rule for url, rule in styled)]
            if not address.startswith(("data:", "#"))]


def what_runs(page):
    """Scripts, handlers of events, and links that are programs or pages of their own."""
    return [f"<{tag} {name}" for tag, attributes in page.tags for name, value in [("", ""), *attributes.items()]
            if tag == "script" or name.startswith("on")
            or name == "href" and re.match("javascript|data", re.sub(r"\s", "", value or ""), re.IGNORECASE)]


def pictures_without_alt(page):
    return [attributes for attributes in page.all("img") if not (attributes.get("alt") or "").strip()]


def table_rows(markdown):
    """The cells of every line of its tables: heads, and the lines under them, too."""
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in markdown.splitlines()
            if line.startswith("|")]
