"""A molecule drawn flat: as SVG that a strict content policy lets in, or as the lines of a picture
in one ink, with the names that others know it by."""

from __future__ import annotations

import re
from typing import Any

from .rdkit_log import listening

MAX_ATOMS = 150
"""Beyond, nobody reads a drawing. Hydrogen has an atom of its own where it is on no heavy one."""
WIDTH, HEIGHT = 240, 180
BOND_PX = 26
_STYLE = re.compile(r"\sstyle='([^']*)'")
_HEAD = re.compile(r"^.*?<svg[^>]*viewBox='([^']*)'[^>]*>", re.DOTALL)
_UNUSED = re.compile(r"\sclass='[^']*'|<!--.*?-->|\n\s*")
_PATH = re.compile(r"<path [^>]*?\bd='([MLQCZ\d\s,.\-]+)'([^>]*)>")
_STROKE_PX = re.compile(r"stroke-width:([\d.]+)px")


def draw(smiles: str) -> str:
    """Its formula in lines; empty for what has none, or too large a one.

    Carbon and its bonds have the colour of the text around them; the other elements keep theirs
    as an attribute, for a style sheet to change.
    """
    mol = _read(smiles)
    return _plain(_canvas(mol, (-1, -1), padding=0.04)) if _is_legible(mol) else ""


def drawn(smiles: str) -> dict[str, Any]:
    """Paths with the width of their stroke, 0 for those to fill; none of what cannot be drawn."""
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    mol = _read(smiles)
    if mol is None:
        return {"paths": [], "inchi": "", "mass_dalton": None}
    return {
        "paths": _paths(mol) if _is_legible(mol) else [],
        "inchi": Chem.MolToInchi(mol),
        "mass_dalton": rdMolDescriptors._CalcMolWt(mol),
    }


def _read(smiles: str) -> Any:
    from rdkit import Chem

    with listening():
        return Chem.MolFromSmiles(smiles)


def _is_legible(mol: Any) -> bool:
    return mol is not None and 0 < mol.GetNumAtoms() <= MAX_ATOMS


def _canvas(mol: Any, size: tuple[int, int], **wanted: Any) -> str:
    from rdkit.Chem.Draw import rdMolDraw2D

    canvas = rdMolDraw2D.MolDraw2DSVG(*size)
    options: Any = canvas.drawOptions()
    options.clearBackground = False
    options.fixedBondLength = BOND_PX
    for name, value in wanted.items():
        setattr(options, name, value)
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


def _paths(mol: Any) -> list[dict[str, Any]]:
    # The colours are not read: a page gives the one ink, and in the dark it is another.
    svg = _canvas(mol, (WIDTH, HEIGHT), maxFontSize=16)
    return [_path(line, rest) for line, rest in _PATH.findall(svg)]


def _path(line: str, rest: str) -> dict[str, Any]:
    width = _STROKE_PX.search(rest) if "fill:none" in rest else None
    return {"d": " ".join(line.split()), "stroke_px": float(width[1]) if width else 0}
