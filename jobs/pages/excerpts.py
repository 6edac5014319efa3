"""The place in a text where it goes wrong, as a reader is shown it."""

from __future__ import annotations

from dataclasses import dataclass

AROUND = 24
"""Characters to either side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    before: str
    wrong: str
    after: str


def excerpt(text: str, position: int | None) -> Excerpt | None:
    """:param position: of the character, from 1."""
    text = text.strip()
    if position is None or not 1 <= position <= len(text):
        return None
    at = position - 1
    before, after = text[max(at - AROUND, 0) : at], text[position : position + AROUND]
    return Excerpt(
        before="…" + before if at > AROUND else before,
        wrong=text[at],
        after=after + "…" if position + AROUND < len(text) else after,
    )
