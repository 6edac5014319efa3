"""A molecule drawn flat, as the lines of a picture, and the names that others know it by."""

from __future__ import annotations

import re
from typing import Any

WIDTH, HEIGHT = 240, 180
MOST_ATOMS = 150
"""Of more nothing can be told apart in a picture of this size."""
PATH = re.compile(r"<path [^>]*?\bd='([MLQCZ\d\s,.\-]+)'([^>]*)>")
STROKE_PX = re.compile(r"stroke-width:([\d.]+)px")


def drawn(smiles: str) -> dict[str, Any]:
    """Paths with the width of their stroke, 0 for those to fill; none of what cannot be drawn."""
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return {"paths": [], "inchi": "", "mass_dalton": None}
    return {
        "paths": _paths(mol) if 0 < mol.GetNumAtoms() <= MOST_ATOMS else [],
        "inchi": Chem.MolToInchi(mol),
        "mass_dalton": rdMolDescriptors._CalcMolWt(mol),
    }


def _paths(mol: Any) -> list[dict[str, Any]]:
    from rdkit.Chem.Draw import rdMolDraw2D

    drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    options: Any = drawer.drawOptions()
    # One ink, which the page gives: it is another in the dark.
    options.useBWAtomPalette()
    options.clearBackground = False
    options.maxFontSize = 16
    options.fixedBondLength = 26
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol)
    drawer.FinishDrawing()
    return [_path(line, rest) for line, rest in PATH.findall(drawer.GetDrawingText())]


def _path(line: str, rest: str) -> dict[str, Any]:
    width = STROKE_PX.search(rest) if "fill:none" in rest else None
    return {"d": " ".join(line.split()), "stroke_px": float(width[1]) if width else 0}
