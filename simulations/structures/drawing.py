"""A molecule in 2D as SVG that a strict content policy lets in: no style in it, and no colours
that a dark page could not change."""

from __future__ import annotations

import re
from typing import Any

from .rdkit_log import listening

MAX_HEAVY_ATOMS = 200
"""Beyond, nobody reads a drawing."""
BOND_PX = 26
_STYLE = re.compile(r"\sstyle='([^']*)'")
_HEAD = re.compile(r"^.*?<svg[^>]*viewBox='([^']*)'[^>]*>", re.DOTALL)
_UNUSED = re.compile(r"\sclass='[^']*'|<!--.*?-->|\n\s*")


def draw(smiles: str) -> str:
    """Its formula in lines; empty for what has none, or too large a one.

    Carbon and its bonds have the colour of the text around them; the other elements keep theirs
    as an attribute, for a style sheet to change.
    """
    from rdkit import Chem

    with listening():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or not 0 < mol.GetNumHeavyAtoms() <= MAX_HEAVY_ATOMS:
        return ""
    return _plain(_drawn(mol))


def _drawn(mol: Any) -> str:
    from rdkit.Chem.Draw import rdMolDraw2D

    canvas = rdMolDraw2D.MolDraw2DSVG(-1, -1)
    options: Any = canvas.drawOptions()
    options.clearBackground = False
    options.fixedBondLength = BOND_PX
    options.padding = 0.04
    rdMolDraw2D.PrepareAndDrawMolecule(canvas, mol)
    canvas.FinishDrawing()
    return str(canvas.GetDrawingText())


def _plain(svg: str) -> str:
    """RDKit's SVG with attributes for styles, and a size that the page decides."""
    head = r"<svg xmlns='http://www.w3.org/2000/svg' viewBox='\1'>"
    attributes = _STYLE.sub(lambda found: _attributes(found[1]), _HEAD.sub(head, svg, count=1))
    return _UNUSED.sub("", attributes).replace("'#000000'", "'currentColor'").strip()


def _attributes(style: str) -> str:
    pairs = (each.partition(":") for each in style.split(";") if each)
    return "".join(f" {name.strip()}='{value.strip()}'" for name, _, value in pairs)
