"""A molecule as chemists draw it."""

from __future__ import annotations

from typing import Any

MAX_CHARS = 2000
SIZE = (180, 120)


def drawing(smiles: str, size: tuple[int, int] = SIZE) -> str | None:
    """An SVG of so many pixels without ground; None where it is no molecule to be drawn.

    Of molecules that were read before, whose size is known: what RDKit cannot lay out in good time
    is not for here.
    """
    from rdkit import Chem
    from rdkit.Chem.Draw import rdMolDraw2D

    mol = Chem.MolFromSmiles(smiles) if len(smiles) <= MAX_CHARS else None
    if mol is None:
        return None
    drawer = rdMolDraw2D.MolDraw2DSVG(*size)
    options: Any = drawer.drawOptions()
    options.clearBackground = False
    options.bondLineWidth = 1
    options.padding = 0.06
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol)
    drawer.FinishDrawing()
    # Its declaration names another encoding than the one it is sent in.
    return str(drawer.GetDrawingText()).partition("?>\n")[2]
