"""MMFF94 as OpenMM forces: RDKit finds the parameters, OpenMM moves the atoms.

Functional forms: T. A. Halgren, J. Comput. Chem. 17 (1996) 490. Lengths are nm here and energies
kJ/mol; the published constants are in Å, degrees and kcal/mol.
"""

from __future__ import annotations

from itertools import combinations
from math import pi, radians
from typing import Any

KJ_PER_KCAL = 4.184
NM_PER_ANGSTROM = 0.1
STRETCH = 143.9325 * KJ_PER_KCAL
"""From mdyn/Å to kJ/mol/Å²."""
BEND = STRETCH * radians(1) ** 2
STRETCH_BEND = STRETCH * radians(1)
COULOMB = 332.0716 * KJ_PER_KCAL
COULOMB_1_4 = 0.75
LINEAR_TYPES = frozenset({4, 53, 61})
"""MMFF atom types whose two bonds lie in a line: an alkyne's C, an azide's and a diazonium's N."""

BOND_ENERGY = "0.5*k*d^2*(1-2*d+(7/3)*d^2); d=10*(r-r0)"
ANGLE_ENERGY = f"0.5*k*d^2*(1-0.006981317*d); d=(theta-theta0)*{180 / pi!r}"
LINEAR_ENERGY = "k*(1+cos(theta))"
STRETCH_BEND_ENERGY = (
    f"10*(k1*(distance(p1,p2)-r1)+k2*(distance(p2,p3)-r2))*(angle(p1,p2,p3)-theta0)*{180 / pi!r}"
)
OUT_OF_PLANE_ENERGY = (
    f"0.5*k*(asin(s)*{180 / pi!r})^2; s=sin(angle(p3,p2,p4))*sin(dihedral(p1,p3,p2,p4))"
)
PAIR_ENERGY = (
    "eps*(1.07*R/(r+0.07*R))^7*(1.12*R^7/(r^7+0.12*R^7)-2)+qq/(10*r+0.05)"  # buffered, both
)


def without_parameters(mol: Any) -> bool:
    """Whether MMFF94 lacks a type for some atom of it."""
    from rdkit.Chem import rdForceFieldHelpers

    return not rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol)


def mmff_system(mol: Any) -> Any:
    """An `openmm.System` with RDKit's MMFF94 energy of this molecule, hydrogens included."""
    import openmm
    from rdkit.Chem import rdForceFieldHelpers

    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    system = openmm.System()
    for atom in mol.GetAtoms():
        system.addParticle(atom.GetMass())
    for force in (
        _bonds(mol, properties),
        *_angles(mol, properties),
        _out_of_plane(mol, properties),
        _torsions(mol, properties),
        _pairs(mol, properties),
    ):
        system.addForce(force)
    return system


def bond_length_nm(mol: Any, properties: Any, i: int, j: int) -> float:
    return float(properties.GetMMFFBondStretchParams(mol, i, j)[2]) * NM_PER_ANGSTROM


def hydrogen_bond_lengths(mol: Any) -> list[tuple[int, int, float]]:
    """Each bond to a hydrogen, with its reference length in nm."""
    from rdkit.Chem import rdForceFieldHelpers

    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    return [
        (i, j, bond_length_nm(mol, properties, i, j))
        for i, j in _bonded(mol)
        if 1 in (mol.GetAtomWithIdx(i).GetAtomicNum(), mol.GetAtomWithIdx(j).GetAtomicNum())
    ]


def _bonded(mol: Any) -> list[tuple[int, int]]:
    return [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]


def _neighbours(atom: Any) -> list[int]:
    return [other.GetIdx() for other in atom.GetNeighbors()]


def _bonds(mol: Any, properties: Any) -> Any:
    from openmm import CustomBondForce

    force = CustomBondForce(BOND_ENERGY)
    force.addPerBondParameter("k")
    force.addPerBondParameter("r0")
    for i, j in _bonded(mol):
        _, k, r0 = properties.GetMMFFBondStretchParams(mol, i, j)
        force.addBond(i, j, [k * STRETCH, r0 * NM_PER_ANGSTROM])
    return force


def _angles(mol: Any, properties: Any) -> tuple[Any, Any, Any]:
    """Bends, bends of linear centres, and the coupling of bends to their two bonds."""
    from openmm import CustomAngleForce

    bend = CustomAngleForce(ANGLE_ENERGY)
    bend.addPerAngleParameter("k")
    bend.addPerAngleParameter("theta0")
    linear = CustomAngleForce(LINEAR_ENERGY)
    linear.addPerAngleParameter("k")
    coupling = _stretch_bend_force()
    for atom in mol.GetAtoms():
        j = atom.GetIdx()
        for i, k in combinations(_neighbours(atom), 2):
            _, strength, theta0 = properties.GetMMFFAngleBendParams(mol, i, j, k)
            if properties.GetMMFFAtomType(j) in LINEAR_TYPES:
                linear.addAngle(i, j, k, [strength * STRETCH])
                continue
            bend.addAngle(i, j, k, [strength * BEND, radians(theta0)])
            _couple(coupling, mol, properties, (i, j, k), radians(theta0))
    return bend, linear, coupling


def _stretch_bend_force() -> Any:
    from openmm import CustomCompoundBondForce

    force = CustomCompoundBondForce(3, STRETCH_BEND_ENERGY)
    for name in ("k1", "k2", "r1", "r2", "theta0"):
        force.addPerBondParameter(name)
    return force


def _couple(
    force: Any, mol: Any, properties: Any, atoms: tuple[int, int, int], theta0: float
) -> None:
    i, j, k = atoms
    found = properties.GetMMFFStretchBendParams(mol, i, j, k)
    if found is None:
        return
    r1, r2 = (bond_length_nm(mol, properties, end, j) for end in (i, k))
    force.addBond(atoms, [found[1] * STRETCH_BEND, found[2] * STRETCH_BEND, r1, r2, theta0])


def _out_of_plane(mol: Any, properties: Any) -> Any:
    from openmm import CustomCompoundBondForce

    force = CustomCompoundBondForce(4, OUT_OF_PLANE_ENERGY)
    force.addPerBondParameter("k")
    for atom in mol.GetAtoms():
        if atom.GetDegree() != 3:
            continue
        j = atom.GetIdx()
        a, b, c = _neighbours(atom)
        strength = properties.GetMMFFOopBendParams(mol, a, j, b, c)
        if strength:
            for i, k, out in ((a, b, c), (b, c, a), (c, a, b)):
                force.addBond([i, j, k, out], [strength * BEND])
    return force


def _torsions(mol: Any, properties: Any) -> Any:
    from openmm import PeriodicTorsionForce

    force = PeriodicTorsionForce()
    for j, k in _bonded(mol):
        for i in _neighbours(mol.GetAtomWithIdx(j)):
            for end in _neighbours(mol.GetAtomWithIdx(k)):
                if i != k and end not in (i, j):
                    _add_torsion(force, mol, properties, (i, j, k, end))
    return force


def _add_torsion(force: Any, mol: Any, properties: Any, atoms: tuple[int, int, int, int]) -> None:
    found = properties.GetMMFFTorsionParams(mol, *atoms)
    if found is None:
        return
    for periodicity, (height, phase) in enumerate(zip(found[1:], (0.0, pi, 0.0), strict=True), 1):
        # A term of no height would still have forces of 0/0 where its atoms lie in a line.
        if height:
            force.addTorsion(*atoms, periodicity, phase, 0.5 * height * KJ_PER_KCAL)


def _pairs(mol: Any, properties: Any) -> Any:
    """Buffered 14-7 and Coulomb between all atoms three or more bonds apart, without a cutoff."""
    from openmm import CustomBondForce
    from rdkit import Chem

    force = CustomBondForce(PAIR_ENERGY)
    for name in ("R", "eps", "qq"):
        force.addPerBondParameter(name)
    charges = [properties.GetMMFFPartialCharge(i) for i in range(mol.GetNumAtoms())]
    bonds_between = Chem.GetDistanceMatrix(mol)
    for i, j in combinations(range(mol.GetNumAtoms()), 2):
        if bonds_between[i, j] > 2.5:
            scale = COULOMB_1_4 if bonds_between[i, j] < 3.5 else 1.0
            *_, radius, depth = properties.GetMMFFVdWParams(i, j)
            product = COULOMB * scale * charges[i] * charges[j]
            force.addBond(i, j, [radius * NM_PER_ANGSTROM, depth * KJ_PER_KCAL, product])
    return force
