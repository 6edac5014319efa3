"""Which residues of a PDB file belong to a receptor, and of which heavy atoms they consist."""

from __future__ import annotations

WATERS = {"HOH", "WAT", "DOD", "H2O", "SOL", "TIP", "TP3"}
METALS = {"CA", "CU", "FE", "MG", "MN", "ZN"}
"""The ions that Meeko has templates for and Vina a radius."""

BACKBONE = {"N", "CA", "C", "O"}
TERMINAL = {"OXT", "OT1", "OT2", "O1", "O2"}
SIDE_CHAINS: dict[str, str] = {
    "ALA": "CB",
    "ARG": "CB CG CD NE CZ NH1 NH2",
    "ASN": "CB CG OD1 ND2",
    "ASP": "CB CG OD1 OD2",
    "CYS": "CB SG",
    "GLN": "CB CG CD OE1 NE2",
    "GLU": "CB CG CD OE1 OE2",
    "GLY": "",
    "HIS": "CB CG ND1 CD2 CE1 NE2",
    "ILE": "CB CG1 CG2 CD1",
    "LEU": "CB CG CD1 CD2",
    "LYS": "CB CG CD CE NZ",
    "MET": "CB CG SD CE",
    "PHE": "CB CG CD1 CD2 CE1 CE2 CZ",
    "PRO": "CB CG CD",
    "SER": "CB OG",
    "THR": "CB OG1 CG2",
    "TRP": "CB CG CD1 CD2 NE1 CE2 CE3 CZ2 CZ3 CH2",
    "TYR": "CB CG CD1 CD2 CE1 CE2 CZ OH",
    "VAL": "CB CG1 CG2",
}
VARIANTS = {
    "HID": "HIS",
    "HIE": "HIS",
    "HIP": "HIS",
    "CYX": "CYS",
    "CYM": "CYS",
    "ASH": "ASP",
    "GLH": "GLU",
    "LYN": "LYS",
}
"""Amber's names of protonation states, and the residue each is a state of."""

RENAMED = {"HSD": "HID", "HSE": "HIE", "HSP": "HIP", "MSE": "MET"}
"""CHARMM's names, and selenomethionine, which crystallographers put in methionine's place."""

MODIFIED = {"ACE", "NME", "NHE", "SEP", "TPO", "PTR", "HYP", "ALY", "NLE"}
NUCLEOTIDES = {"A", "C", "G", "U", "DA", "DC", "DG", "DT"}
POLYMER = {*SIDE_CHAINS, *VARIANTS, *RENAMED, *MODIFIED, *NUCLEOTIDES}


def expected_atoms(name: str) -> set[str]:
    """Heavy atoms that an amino acid must have; empty for other residues."""
    name = RENAMED.get(name, name)
    side_chain = SIDE_CHAINS.get(VARIANTS.get(name, name))
    return set() if side_chain is None else BACKBONE | set(side_chain.split())
