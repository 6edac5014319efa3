"""From params to atoms that can move."""

from __future__ import annotations

from typing import Any

from simulations.base import Context, Note
from simulations.quantum.geometry import embed
from simulations.structures import Structure, resolve

from .mmff import hydrogen_bond_lengths, mmff_system
from .molecule import molecule
from .params import MdParams
from .prepared import Prepared
from .protein import prepare_protein
from .schedule import is_constrained


def prepare(params: MdParams, context: Context) -> Prepared:
    """:raises InvalidParams: the force field does not fit what was given."""
    if params.protein is not None:
        return prepare_protein(params, context)
    assert params.structure is not None  # inspect has seen to it
    return _prepare_molecule(resolve(params.structure), params, context)


def _prepare_molecule(structure: Structure, params: MdParams, context: Context) -> Prepared:
    import numpy as np

    mol = molecule(structure, params.charge)
    positions = structure.positions_angstrom
    if positions is None:
        context.report(0.0, "making a 3D structure", stage="minimise")
        positions = embed(structure, params.seed, context.log).positions
    system = mmff_system(mol)
    if is_constrained(params):
        for bond in hydrogen_bond_lengths(mol):
            system.addConstraint(*bond)
    return Prepared(
        system=system,
        topology=_topology(mol),
        positions=np.array(positions) / 10,
        notes=_notes(structure),
    )


def _notes(structure: Structure) -> list[Note]:
    return [
        Note(code="structure", message=structure.sentence),
        *(Note(code="structure_warning", message=text) for text in structure.warnings),
    ]


def _topology(mol: Any) -> Any:
    """One residue MOL, atoms named by element and number, with its bonds."""
    from openmm.app import Element, Topology

    topology = Topology()
    residue = topology.addResidue("MOL", topology.addChain("A"))
    counts: dict[str, int] = {}
    atoms = []
    for atom in mol.GetAtoms():
        symbol = atom.GetSymbol()
        counts[symbol] = counts.get(symbol, 0) + 1
        element = Element.getBySymbol(symbol)
        atoms.append(topology.addAtom(f"{symbol}{counts[symbol]}", element, residue))
    for bond in mol.GetBonds():
        topology.addBond(atoms[bond.GetBeginAtomIdx()], atoms[bond.GetEndAtomIdx()])
    return topology
