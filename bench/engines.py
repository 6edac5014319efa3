"""How long until a molecule's geometry is there: ours, and the engine's defaults. `python -m
bench.engines`

Ten molecules, one geometry optimisation each, by turns and with the same threads: as
`python -m simulations run dft_optimization` does it (relaxed by GFN2-xTB first, integrals fitted,
each step beginning with the density of the one before) and as PySCF and geomeTRIC do it when they
are told nothing. Which of the two geometries is the better one is judged by the engine's own
exact energy at both: below zero, ours.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .circumstances import children_s

XC, BASIS = "b3lypg", "def2-svp"
MOLECULES = {
    "water": "O",
    "ammonia": "N",
    "formaldehyde": "C=O",
    "methanol": "CO",
    "acetone": "CC(C)=O",
    "dimethyl ether": "COC",
    "furan": "c1ccoc1",
    "imidazole": "c1c[nH]cn1",
    "pyridine": "c1ccncc1",
    "benzene": "c1ccccc1",
}
ROUNDS = 5
Geometry = dict[str, Any]


def ours(smiles: str, threads: int, folder: Path) -> list[str]:
    argv = [sys.executable, "-m", "simulations", "run", "dft_optimization", "--smiles", smiles]
    argv += ["-p", "functional=B3LYP", "-p", f"basis={BASIS}", "--threads", str(threads)]
    return [*argv, "--workdir", str(folder / "ours"), "--json"]


def defaults(smiles: str, threads: int, folder: Path) -> list[str]:
    given = folder / "settings.json"
    settings = {"smiles": smiles, "threads": threads, "xc": XC, "basis": BASIS}
    given.write_text(json.dumps(settings))
    return [sys.executable, str(Path(__file__).parent / "direct" / "optimization.py"), str(given)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """:param cpu_s: what it computed, which hardly depends on who else works on the machine."""

    wall_s: float
    cpu_s: float


def timed(argv: Sequence[str], threads: int) -> tuple[Took, Geometry]:
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    began, computed = time.perf_counter(), children_s()
    done = subprocess.run(argv, env=env, capture_output=True, check=True)
    took = Took(wall_s=time.perf_counter() - began, cpu_s=children_s() - computed)
    text = done.stdout.decode()
    found: Geometry = json.loads(text[text.index("{") :])
    return took, found.get("result", found)


def energy_hartree(geometry: Geometry) -> float:
    """By exact integrals, at the engine's defaults."""
    from pyscf import dft, gto

    atoms = list(zip(geometry["symbols"], geometry["positions_angstrom"], strict=True))
    mf = dft.RKS(gto.M(atom=atoms, basis=BASIS, verbose=0), xc=XC)
    mf.disp = "d3bj"
    return float(mf.kernel())


def rounds_of(smiles: str, rounds: int, threads: int) -> tuple[list[tuple[Took, Took]], float]:
    """What ours and the defaults took, by round; and the difference of energies in hartree."""
    took = []
    for n in range(rounds):
        with tempfile.TemporaryDirectory(prefix="bench") as name:
            folder = Path(name)
            who = {"ours": ours, "defaults": defaults}
            order = list(who) if n % 2 else list(reversed(who))
            found = {each: timed(who[each](smiles, threads, folder), threads) for each in order}
        took.append((found["ours"][0], found["defaults"][0]))
    difference = energy_hartree(found["ours"][1]) - energy_hartree(found["defaults"][1])
    return took, difference


def row(name: str, took: Sequence[tuple[Took, Took]], difference: float) -> str:
    both = zip(*took, strict=True)
    mine, theirs = (statistics.median(each.wall_s for each in who) for who in both)
    ratios = [defaults.wall_s / own.wall_s for own, defaults in took]
    cpu = statistics.median(defaults.cpu_s / own.cpu_s for own, defaults in took)
    cells = [name, f"{mine:.1f}", f"{theirs:.1f}", f"{statistics.median(ratios):.2f}"]
    cells += [f"{min(ratios):.2f} to {max(ratios):.2f}", f"{cpu:.2f}", f"{1e6 * difference:+.1f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--rounds", type=int, default=ROUNDS)
    asks.add_argument("--molecules", nargs="*", default=list(MOLECULES))
    words = asks.parse_args()
    threads = len(os.sched_getaffinity(0))
    heads = ["molecule", "ours, s", "defaults, s", "ratio", "least to most", "of CPU"]
    print(f"| {' | '.join([*heads, 'energy, µhartree'])} |")
    print("|---|---|---|---|---|---|---|")
    for name in words.molecules:
        print(row(name, *rounds_of(MOLECULES[name], words.rounds, threads)), flush=True)


if __name__ == "__main__":
    main()
