"""How many functions a basis set has on each element: read from PySCF's files, without PySCF.

To import PySCF for it would cost the process that asks a second and 70 MB.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from .methods import BasisName

logger = logging.getLogger(__name__)

FILES: dict[BasisName, str] = {
    "sto-3g": "sto-3g.dat",
    "6-31g": "pople-basis/6-31G.dat",
    "6-31g*": "pople-basis/6-31Gs.dat",
    "6-31g**": "pople-basis/6-31Gss.dat",
    "6-311g**": "pople-basis/6-311Gss.dat",
    "def2-svp": "def2-svp.dat",
    "def2-tzvp": "def2-tzvp.dat",
    "def2-tzvpp": "def2-tzvpp.dat",
    "def2-qzvp": "def2-qzvp.dat",
    "cc-pvdz": "cc-pvdz.dat",
    "cc-pvtz": "cc-pvtz.dat",
    "cc-pvqz": "cc-pvqz.dat",
    "aug-cc-pvdz": "aug-cc-pvdz.dat",
    "aug-cc-pvtz": "aug-cc-pvtz.dat",
}
SHELLS = {letter: 2 * momentum + 1 for momentum, letter in enumerate("SPDFGHI")}
"""Functions of a shell, spherical."""


def n_basis_functions(counts: Mapping[str, int], basis: BasisName) -> int | None:
    """Of a molecule with so many atoms of each element; None if PySCF's files do not tell."""
    known = _functions(basis)
    if any(symbol not in known for symbol in counts):
        return None
    return sum(n * known[symbol] for symbol, n in counts.items())


@cache
def _functions(basis: BasisName) -> dict[str, int]:
    """By element; nothing without PySCF, or with one whose files lie elsewhere."""
    spec = find_spec("pyscf")
    if spec is None or spec.origin is None:
        return {}
    path = Path(spec.origin).parent / "gto" / "basis" / FILES[basis]
    try:
        return count_functions(path.read_text())
    except (OSError, ValueError, KeyError):
        logger.exception("basis functions cannot be counted from %s", path)
        return {}


def count_functions(text: str) -> dict[str, int]:
    """By element, of a basis in NWChem's format: a line `C  SP`, then exponents and coefficients.

    Each column of coefficients is a shell; of an SP block each column is its own kind.
    """
    found: dict[str, int] = {}
    element, kind, is_first = "", "", False
    # What follows are core potentials, in blocks that look alike.
    for line in text.partition("\nECP")[0].splitlines():
        words = line.partition("#")[0].split()
        if len(words) == 2 and words[0].isalpha() and set(words[1].upper()) <= SHELLS.keys():
            element, kind = words[0].capitalize(), words[1].upper()
            is_first = True
        elif is_first and words and _is_number(words[0]):
            # A block's first line has all of its columns.
            is_first = False
            n_shells = 1 if len(kind) > 1 else len(words) - 1
            functions = n_shells * sum(SHELLS[letter] for letter in kind)
            found[element] = found.get(element, 0) + functions
    return found


def _is_number(word: str) -> bool:
    try:
        float(word.replace("D", "E").replace("d", "e"))
    except ValueError:
        return False
    return True
