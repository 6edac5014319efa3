"""References as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable

from .citations import Reference

BIBTEX_NAME = "references.bib"
SPECIAL = str.maketrans({"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_"})


def bibtex(references: Iterable[Reference]) -> str:
    """An entry for each, `@article`."""
    return "\n".join(map(_entry, references))


def _entry(reference: Reference) -> str:
    fields = {
        "author": _authors(reference.authors),
        # In double braces a style leaves the capitals of names alone.
        "title": f"{{{reference.title.translate(SPECIAL)}}}",
        "journal": reference.journal.translate(SPECIAL),
        "year": str(reference.year),
        # A DOI is an address: nothing in it is escaped.
        "doi": reference.doi,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@article{{{reference.key},\n{lines}\n}}\n"


def _authors(authors: str) -> str:
    """`Sun et al.` is `Sun and others`; a comma of a list is an `and`."""
    return authors.replace(" et al.", " and others").replace(", ", " and ")
