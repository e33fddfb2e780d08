"""Pages of HTML, read as a browser reads them: tags, what they nest, and where links lead."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag


class Tags(HTMLParser):
    """Every tag with its attributes, and whether they nest."""

    VOID = frozenset(("meta", "input", "br", "rect", "link"))

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags_of(page):
    parser = Tags()
    parser.feed(page)
    assert parser.open == []
    return parser.found


def broken_links(folder: Path) -> list[str]:
    """Links of a folder's pages that lead nowhere in it: to no file, to no id, or out of it."""
    tags = {path.resolve(): tags_of(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    ids = {path: {attrs["id"] for _, attrs in found if "id" in attrs} for path, found in tags.items()}
    wrong = []
    for path, found in tags.items():
        for _, attrs in found:
            for link in (attrs[name] for name in ("href", "src") if name in attrs):
                to, fragment = urldefrag(link)
                target = (path.parent / unquote(to)).resolve() if to else path
                if target not in ids or (fragment and fragment not in ids[target]):
                    wrong.append(f"{path.name}: {link}")
    return wrong
