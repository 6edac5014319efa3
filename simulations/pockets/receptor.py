"""The receptor as Vina reads it, made with Meeko, and a report of all that was done to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from simulations.errors import ScienceError

from . import engines
from .box import Box
from .inspect import Site
from .mending import cut_side_chains, dropped_caps, mend
from .params import ReceptorReport
from .pdb import Residue, write

NEAR_BOX_ANGSTROM = 4.0
"""Vina's terms reach 8 Å; a hole this near to the box would let the ligand in."""

HINTS = (
    "Give the file as the PDB has it, or one prepared with hydrogens at the pH you want.",
    "Rebuild the residue in a structure editor, or move the box away from it.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedReceptor:
    """A receptor ready for docking.

    :param polymer: Meeko's, which knows every bond.
    """

    polymer: Any
    pdbqt: str
    pdb: str
    report: ReceptorReport


def prepare_receptor(site: Site, log: TextIO) -> PreparedReceptor:
    """:raises ScienceError: Meeko cannot make sense of residues that matter."""
    kept = [r for r in site.pdb.of_kind("polymer", "metal") if r is not site.box.marker]
    mended = [mend(residue) for residue in kept]
    with _meeko_writes_to(log):
        polymer, clashes = _build(write(mended))
        removed = [residue for residue in mended if residue.key in polymer.get_ignored_monomers()]
        _refuse_holes(removed, site.box)
        pdbqt, _ = engines.meeko().PDBQTWriterLegacy.write_from_polymer(polymer)
    pdb = polymer.to_pdb()
    report = ReceptorReport(
        n_residues=len(polymer.get_valid_monomers()),
        n_atoms=len(pdb.splitlines()),
        n_hydrogens_added=_hydrogens(pdb) - _hydrogens_of(mended, removed),
        n_waters_removed=len(site.pdb.of_kind("water")),
        hetero_kept=[residue.label for residue in kept if residue.kind == "metal"],
        hetero_removed=[residue.label for residue in site.pdb.of_kind("hetero")],
        alternate_locations=[f"{r.label}: {r.altloc}" for r in kept if r.altloc],
        chain_gaps=site.pdb.gaps(),
        side_chains_cut=cut_side_chains(kept, mended),
        caps_removed=dropped_caps(kept, mended),
        residues_removed=[residue.label for residue in removed],
        bonds_ignored=clashes,
    )
    return PreparedReceptor(polymer=polymer, pdbqt=pdbqt, pdb=f"{pdb}END\n", report=report)


def _build(pdb: str) -> tuple[Any, list[str]]:
    """Meeko's polymer, and the pairs of residues whose clash was taken for a bond.

    :raises ScienceError: it cannot read them at all.
    """
    meeko = engines.meeko()
    try:
        polymer = meeko.Polymer.from_pdb_string(pdb, allow_bad_res=True)
        clashes = _clashes(polymer)
        if clashes:
            polymer = meeko.Polymer.from_pdb_string(
                pdb, allow_bad_res=True, bonds_to_delete=clashes
            )
    except meeko.PolymerCreationError as exc:
        raise ScienceError(f"Meeko refuses the receptor: {exc.error.strip()}", hints=HINTS) from exc
    except (ValueError, RuntimeError, NotImplementedError) as exc:
        raise ScienceError(f"Meeko refuses the receptor: {exc}", hints=HINTS) from exc
    if not polymer.get_valid_monomers():
        raise ScienceError("No residue of the receptor fits a template of Meeko's.", hints=HINTS)
    return polymer, [f"{one}–{other}" for one, other in clashes]


def _clashes(polymer: Any) -> list[tuple[str, str]]:
    """Bonds that Meeko inferred from short distances and that no template has."""
    excess = set(polymer.log["matched_with_excess_bond"]) & set(polymer.get_ignored_monomers())
    return [
        pair
        for pair, bonds in polymer.bonds.items()
        if len(bonds) == 1 and set(pair) & excess and not _are_neighbours(polymer, *pair, *bonds)
    ]


def _are_neighbours(polymer: Any, one: str, other: str, bond: tuple[int, int]) -> bool:
    """Whether the bond is a peptide bond: of a C with an N."""
    pairs = zip((one, other), bond, strict=True)
    atoms = [polymer.monomers[key].raw_rdkit_mol.GetAtomWithIdx(index) for key, index in pairs]
    names = {atom.GetPDBResidueInfo().GetName().strip() for atom in atoms}
    return names in ({"C", "N"}, {"P", "O3'"})


def _refuse_holes(removed: list[Residue], box: Box) -> None:
    holes = [r.label for r in removed if box.touches(r, NEAR_BOX_ANGSTROM)]
    if holes:
        raise ScienceError(
            f"{', '.join(holes)} at the site fit no residue template of Meeko's, and without them "
            "there would be a hole in the receptor.",
            hints=HINTS,
        )


def _hydrogens(pdb: str) -> int:
    return sum(line[76:78].strip() == "H" for line in pdb.splitlines())


def _hydrogens_of(residues: list[Residue], removed: list[Residue]) -> int:
    return sum(not a.is_heavy for r in residues if r not in removed for a in r.atoms)


@contextmanager
def _meeko_writes_to(log: TextIO) -> Iterator[None]:
    """Route Meeko's log, and leave the root logger alone."""
    handler = logging.StreamHandler(log)
    logger = logging.getLogger("meeko")
    propagate = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
