"""From Markdown to a page: no HTML of its own gets through, no script, no style."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

HERE = "http://127.0.0.1:8000"
"""How the texts call this site; a reader sees it by the name that they asked for it by."""
CURL = re.compile(r"^(\s*)curl ", re.MULTILINE)


def addressed(text: str, url: str, *, asks_for_key: bool) -> str:
    """The text as it holds for this reader: at the site's own address, with a key if need be."""
    if asks_for_key:
        text = CURL.sub(r'\1curl -H "Authorization: Bearer $BACKPLANE_KEY" ', text)
    return text.replace(HERE, url)


def as_html(text: str, path: str) -> SafeString:
    """:param path: of the text among the others, `simulations/docking.md`."""
    # Escaped by the renderer: `html` is off.
    return mark_safe(_markdown().render(_without_header(text), {"path": path}))


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable("table")
    for name, rule in RULES.items():
        markdown.add_render_rule(name, rule)
    return markdown


def _without_header(text: str) -> str:
    """Skills begin with a header for programs."""
    return re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)


def _heading(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    words = re.sub(r"[^\w\s-]", "", tokens[at + 1].content.lower())
    tokens[at].attrSet("id", re.sub(r"\s+", "-", words.strip()))
    return str(self.renderToken(tokens, at, options, env))


def _link(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    href = str(tokens[at].attrGet("href") or "")
    tokens[at].attrSet("href", page_of(href, env["path"]))
    return str(self.renderToken(tokens, at, options, env))


def _image(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """A drawing that lies among the texts, wherever the page of this one is."""
    source = str(tokens[at].attrGet("src") or "")
    if source.endswith(".svg") and ":" not in source and not source.startswith("/"):
        tokens[at].attrSet("src", f"/docs/{_among_texts(source, env['path'])}")
    tokens[at].attrSet("class", "drawing")
    return str(self.image(tokens, at, options, env))


def page_of(href: str, path: str) -> str:
    """The page of another text, where a link names the text: `waiting.md#by-event`."""
    place, _, part = href.partition("#")
    if not place.endswith(".md") or ":" in place or place.startswith("/"):
        return href
    found = _among_texts(place, path)
    return f"/docs/{found.removesuffix('.md')}/" + (f"#{part}" if part else "")


def _among_texts(place: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), place))


def _code(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """With a button that copies it, for whom a script runs."""
    name = f"code-{at}"
    text = escapeHtml(tokens[at].content.rstrip("\n"))
    button = f'<button type="button" class="btn js-only" data-copy="#{name}">Copy</button>'
    return f'<div class="snippet">{button}<pre id="{name}" tabindex="0">{text}</pre></div>\n'


def _table(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return '<div class="scroll">' + str(self.renderToken(tokens, at, options, env))


def _end_of_table(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return str(self.renderToken(tokens, at, options, env)) + "</div>\n"


def _cell(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """Figures at the right, by our style sheet: a style of its own is nobody's here."""
    if tokens[at].attrs.pop("style", "") == "text-align:right":
        tokens[at].attrSet("class", "num")
    return str(self.renderToken(tokens, at, options, env))


RULES = {
    "th_open": _cell,
    "td_open": _cell,
    "heading_open": _heading,
    "link_open": _link,
    "image": _image,
    "fence": _code,
    "table_open": _table,
    "table_close": _end_of_table,
}
