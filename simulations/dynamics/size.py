"""How large a molecular dynamics run is, and how its cost grows with that."""

from __future__ import annotations

from typing import Any

from simulations.costs import Cost, Size
from simulations.costs.law import Term, law

from .inspect import protein_of, solvated_atoms
from .params import MdParams
from .pdb_text import REPLACED, PdbText
from .schedule import environment, schedule

ATOMS_OF = {
    "ALA": 10, "ARG": 24, "ASN": 14, "ASP": 12, "CYS": 11, "GLN": 17, "GLU": 15, "GLY": 7,
    "HIS": 17, "ILE": 19, "LEU": 19, "LYS": 22, "MET": 17, "PHE": 20, "PRO": 14, "SER": 11,
    "THR": 14, "TRP": 24, "TYR": 21, "VAL": 16, "ACE": 6, "NME": 6,
    "ASH": 13, "CYM": 10, "CYX": 10, "GLH": 16, "HID": 17, "HIE": 17, "HIP": 18, "LYN": 21,
    "HSD": 17, "HSP": 18,
}  # fmt: skip
"""Hydrogens included, within a chain, as Amber's templates have them at pH 7."""
ATOMS_OF_ENDS = 3
"""Of a chain without caps: two hydrogens more at one end, an oxygen at the other."""


def md_size(params: MdParams, structure: dict[str, Any] | None) -> Size | None:
    plan = schedule(params)
    steps = {"n_steps": plan.n_steps, "n_frames": plan.n_frames}
    if params.protein is None:
        n_atoms = structure["n_atoms"] if structure else None
        return {"kind": "small molecule", "n_atoms": n_atoms, "n_particles": n_atoms, **steps}
    protein = protein_of(params)
    n_atoms = protein_atoms(protein)
    around = environment(params)
    n_particles = solvated_atoms(params, protein) if around == "explicit" else n_atoms
    kind = f"{around} {params.implicit_model}" if around == "implicit" else around
    return {"kind": kind, "n_atoms": n_atoms, "n_particles": n_particles, **steps}


def protein_atoms(text: PdbText) -> int:
    """With the atoms that are to be added."""
    residues = text.protein
    names = [REPLACED.get(residue.name, residue.name) for residue in residues]
    chains = {(residue.chain, residue.segment) for residue in residues}
    ends = 0 if {"ACE", "NME"} <= set(names) else ATOMS_OF_ENDS * len(chains)
    return sum(ATOMS_OF[name] for name in names) + ends


DYNAMICS = Cost(
    size=md_size,
    seconds=law(0.3, Term("n_particles", 1.3, 0.4), Term("n_steps", 1.0, 0.1)),
    memory=law(0.3, Term("n_particles", 0.8, 0.3)),
)
