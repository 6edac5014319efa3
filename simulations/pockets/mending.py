"""Residues as Meeko can read them: renamed, and cut back to what can be relied on."""

from __future__ import annotations

from dataclasses import replace

from .pdb import Atom, Residue
from .residues import BACKBONE, RENAMED, TERMINAL, expected_atoms


def mend(residue: Residue) -> Residue:
    """The residue under the name that Meeko knows, cut back to what the file really has."""
    if residue.name == "MSE":
        residue = replace(residue, atoms=tuple(map(_sulphur, residue.atoms)))
    atoms = tuple(atom for atom in residue.atoms if atom.element != "D")
    residue = replace(residue, name=RENAMED.get(residue.name, residue.name), atoms=atoms)
    return _without_caps(_without_half_a_side_chain(residue))


def _without_half_a_side_chain(residue: Residue) -> Residue:
    # Counted, as names differ between programs (CD or CD1) and Meeko goes by bonds.
    n_heavy = len(_heavy(residue) - {"OXT"})
    if n_heavy >= len(expected_atoms(residue.name)) or not _heavy(residue) >= BACKBONE:
        return residue
    # Rebuilt side chains often break Meeko's templates; an alanine is honest about the gap.
    name = "ALA" if residue.atom("CB") else "GLY"
    return _only(replace(residue, name=name), {*expected_atoms(name), "OXT"})


def _without_caps(residue: Residue) -> Residue:
    """CHARMM counts the caps of a chain's ends to the residues there."""
    expected = expected_atoms(residue.name)
    if not expected or not _heavy(residue) >= expected or not _extra(residue):
        return residue
    return _only(residue, expected)


def _extra(residue: Residue) -> set[str]:
    expected = expected_atoms(residue.name)
    return _heavy(residue) - expected - TERMINAL if expected else set()


def _heavy(residue: Residue) -> set[str]:
    return {atom.name for atom in residue.atoms if atom.is_heavy}


def _only(residue: Residue, names: set[str]) -> Residue:
    """These atoms; hydrogens come back with Meeko."""
    return replace(residue, atoms=tuple(atom for atom in residue.atoms if atom.name in names))


def _sulphur(atom: Atom) -> Atom:
    return replace(atom, name="SD", element="S") if atom.element == "Se" else atom


def cut_side_chains(before: list[Residue], after: list[Residue]) -> list[str]:
    """Which residues are docked as another one, `LYS A:2 as ALA`."""
    return [
        f"{given.label} as {mended.name}"
        for given, mended in zip(before, after, strict=True)
        if mended.name != RENAMED.get(given.name, given.name)
    ]


def dropped_caps(before: list[Residue], after: list[Residue]) -> list[str]:
    """Which residues lost atoms that are not theirs, `TYR A:38: CAY, CY, OY`."""
    return [
        f"{given.label}: {', '.join(sorted(_extra(given)))}"
        for given, mended in zip(before, after, strict=True)
        if _extra(given) and not _extra(mended) and given.name == mended.name
    ]
