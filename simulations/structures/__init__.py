"""Structures: from a user's text to atoms. The web process reads too, so no engine is imported."""

from .elements import ATOMIC_NUMBERS
from .model import Crystal, Structure, StructureInput
from .resolve import resolve
from .spins import lowest_multiplicity, multiplicity_of_atoms, unsure_metals

__all__ = [
    "ATOMIC_NUMBERS",
    "Crystal",
    "Structure",
    "StructureInput",
    "lowest_multiplicity",
    "multiplicity_of_atoms",
    "resolve",
    "unsure_metals",
]
