"""Structures that bring a parser to its knees, as mol blocks: measured on RDKit 2026.

`UNENDING` took 37 s unbounded, in which no other Python ran; `DEADLY` is a segmentation fault.
"""

from __future__ import annotations

from itertools import combinations


def clique(n: int) -> str:
    """Uranium atoms, each bound to each: every renumbering of them looks the same."""
    bonds = list(combinations(range(1, n + 1), 2))
    atoms = "".join(f"M  V30 {i} U {i}.0 0 0 0\n" for i in range(1, n + 1))
    lines = "".join(f"M  V30 {k} 1 {i} {j}\n" for k, (i, j) in enumerate(bonds, 1))
    return (
        "\n  x\n\n  0  0  0     0  0            999 V3000\nM  V30 BEGIN CTAB\n"
        f"M  V30 COUNTS {n} {len(bonds)} 0 0 0\nM  V30 BEGIN ATOM\n{atoms}M  V30 END ATOM\n"
        f"M  V30 BEGIN BOND\n{lines}M  V30 END BOND\nM  V30 END CTAB\nM  END\n"
    )


UNENDING = clique(50)
DEADLY = clique(100)
HOSTILE = {
    "a megabyte of SMILES": "C" * 1_000_000,
    "200 kB of SMILES": "C" * 199_000,
    "5 kB of SMILES": "C" * 5_000,
    "deep branches": "C" + "(" * 2_400 + "C" + ")" * 2_400,
    "open brackets": "[" * 4_999,
    "rings never closed": "C%(" * 1_600,
    "600 atoms in parts": ".".join(["[Na+]"] * 600),
    "stereo everywhere": "C" + "[C@@](F)(Cl)" * 170 + "C",
    "rings all over": ".".join(["O[C@H]1[C@H](O)[C@@H](O)[C@H](O)[C@H](O)[C@@H]1O"] * 45),
    "InChI that goes on": "InChI=1S/C" + "1" * 4_900,
    "a million lines": "C 0 0 0\n" * 1_000_000,
    "one long line": "C " + "1" * 190_000 + "\n0 0",
    "a count that lies": "\n\n\n  3  2  0  0  0  0            999 V2000\n" * 3_000,
    "digits below the line": "₁" * 190_000,
    "unending": UNENDING,
    "deadly": DEADLY,
}
