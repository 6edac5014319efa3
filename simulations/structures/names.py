"""Molecules known by name: common ones as SMILES, and the G2 set that ships with ASE."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from typing import Any

from . import formula
from .elements import ATOMIC_NUMBERS

SMILES_BY_NAME = {
    "acetic acid": "CC(=O)O",
    "acetone": "CC(C)=O",
    "acetonitrile": "CC#N",
    "adenine": "Nc1ncnc2[nH]cnc12",
    "alanine": "C[C@H](N)C(=O)O",
    "ammonia": "N",
    "aniline": "Nc1ccccc1",
    "anthracene": "c1ccc2cc3ccccc3cc2c1",
    "argon": "[Ar]",
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "azulene": "c1ccc2cccc2cc1",
    "benzene": "c1ccccc1",
    "benzoic acid": "O=C(O)c1ccccc1",
    "biphenyl": "c1ccc(-c2ccccc2)cc1",
    "butane": "CCCC",
    "caffeine": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "carbon dioxide": "O=C=O",
    "carbon monoxide": "[C-]#[O+]",
    "chlorine": "ClCl",
    "chloroform": "ClC(Cl)Cl",
    "cyclohexane": "C1CCCCC1",
    "dichloromethane": "ClCCl",
    "diethyl ether": "CCOCC",
    "dimethyl carbonate": "COC(=O)OC",
    "dimethyl sulfoxide": "CS(C)=O",
    "dopamine": "NCCc1ccc(O)c(O)c1",
    "ethane": "CC",
    "ethanol": "CCO",
    "ethylene": "C=C",
    "ethylene carbonate": "O=C1OCCO1",
    "fluorine": "FF",
    "formaldehyde": "C=O",
    "formic acid": "O=CO",
    "furan": "c1ccoc1",
    "glycine": "NCC(=O)O",
    "helium": "[He]",
    "hydrogen": "[H][H]",
    "hydrogen cyanide": "C#N",
    "hydrogen peroxide": "OO",
    "ibuprofen": "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "imidazole": "c1c[nH]cn1",
    "methane": "C",
    "methanol": "CO",
    "naphthalene": "c1ccc2ccccc2c1",
    "neon": "[Ne]",
    "nicotine": "CN1CCC[C@H]1c1cccnc1",
    "nitrogen": "N#N",
    "paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "phenol": "Oc1ccccc1",
    "propane": "CCC",
    "pyridine": "c1ccncc1",
    "pyrrole": "c1cc[nH]c1",
    "styrene": "C=Cc1ccccc1",
    "tetrahydrofuran": "C1CCOC1",
    "thiophene": "c1ccsc1",
    "toluene": "Cc1ccccc1",
    "urea": "NC(N)=O",
    "water": "O",
}
SYNONYMS = {
    "acetaminophen": "paracetamol",
    "acetylsalicylic acid": "aspirin",
    "dcm": "dichloromethane",
    "dmc": "dimethyl carbonate",
    "dmso": "dimethyl sulfoxide",
    "ec": "ethylene carbonate",
    "ethene": "ethylene",
    "mecn": "acetonitrile",
    "thf": "tetrahydrofuran",
}


def smiles_of(name: str) -> str | None:
    key = " ".join(name.lower().split())
    return SMILES_BY_NAME.get(SYNONYMS.get(key, key))


@cache
def g2_counts() -> dict[str, Counter[str]]:
    """The molecules of ASE's G2 collection, each with its composition."""
    from ase.collections import g2

    return {name: Counter(g2[name].get_chemical_symbols()) for name in g2.names}


def g2_matches(text: str) -> list[str]:
    """The G2 molecules of that name, or else those of that formula in any order."""
    if text in g2_counts():
        return [text]
    if text in ATOMIC_NUMBERS:
        return []  # `Co` is cobalt, and no carbon monoxide
    by_name, by_counts = _g2_index()
    folded = by_name.get(text.lower(), [])
    if len(folded) == 1:
        return folded
    counts = formula.parse(text)
    return by_counts.get(frozenset(counts.items()), []) if counts else []


@cache
def _g2_index() -> tuple[dict[str, list[str]], dict[frozenset[tuple[str, int]], list[str]]]:
    """By name, whatever its case, and by composition: a campaign asks for ten thousand."""
    by_name: dict[str, list[str]] = defaultdict(list)
    by_counts: dict[frozenset[tuple[str, int]], list[str]] = defaultdict(list)
    for name, counts in sorted(g2_counts().items()):
        by_name[name.lower()].append(name)
        by_counts[frozenset(counts.items())].append(name)
    return dict(by_name), dict(by_counts)


def g2_atoms(name: str) -> Any:
    from ase.collections import g2

    return g2[name]


def known_names() -> list[str]:
    return [*SMILES_BY_NAME, *SYNONYMS]
