"""Structures: from a user's text to atoms. The web process reads too, so no engine is imported."""

from .elements import ATOMIC_NUMBERS
from .model import Crystal, Structure, StructureInput
from .molecules import lowest_multiplicity
from .resolve import resolve

__all__ = [
    "ATOMIC_NUMBERS",
    "Crystal",
    "Structure",
    "StructureInput",
    "lowest_multiplicity",
    "resolve",
]
