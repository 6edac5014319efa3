"""What a molecule is filed under. It decides nothing of a run, and takes RDKit as long as all the
rest of reading: of many molecules at once it can be left for later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .rdkit_log import listening

LEFT = ""
"""Stands in a structure for one that is still to come, from the SMILES beside it."""
_are_left: ContextVar[bool] = ContextVar("_are_left", default=False)


@contextmanager
def left_for_later() -> Iterator[None]:
    """Of what is read as SMILES meanwhile."""
    before = _are_left.set(True)
    try:
        yield
    finally:
        _are_left.reset(before)


def are_left() -> bool:
    return _are_left.get()


def of_molecule(mol: Any) -> str | None:
    from rdkit import Chem

    return Chem.MolToInchiKey(mol) or None


def of_smiles(smiles: str) -> str | None:
    """Of a canonical one, as a structure has it."""
    from rdkit import Chem

    with listening():
        return of_molecule(Chem.MolFromSmiles(smiles))
