"""Up to how many atoms is one thread of OpenMM faster than more? `python -m bench.threads`

Helices of alanine of growing length, a step of each with one thread and with all that there are, by
turns. It is what `simulations.dynamics.platforms.ONE_THREAD_MAX_ATOMS` comes from.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openmm

from simulations.dynamics.engine import make_context
from simulations.dynamics.params import MdParams
from simulations.dynamics.platforms import cpu_platform
from simulations.dynamics.prepare import prepare
from simulations.dynamics.prepared import Prepared
from simulations.dynamics.schedule import schedule
from tests.simulations.recording import RecordingContext

LENGTHS = (10, 15, 20, 25, 30, 40, 60)
TURNS = 3
SECONDS = 0.7
WARM_UP_STEPS = 20
START = ((0.0, 0.0, 0.0), (1.458, 0.0, 0.0), (2.008, 1.420, 0.0))
"""The first N, CA and C, Å."""
BACKBONE = (("N", 1.329, 116.2, -47.0), ("CA", 1.458, 121.7, 180.0), ("C", 1.525, 111.0, -57.0))
"""Each by its bond to the one before, the angle there, and the turn about the bond before."""
BRANCHES = (("O", 1.231, 120.1, 133.0), ("CB", 1.530, 110.1, 115.0))


def placed(before: list[Any], bond: float, angle: float, turn: float) -> Any:
    """Beside the last of three atoms."""
    one, two, three = before
    theta, phi = np.radians(angle), np.radians(turn)
    along = (three - two) / np.linalg.norm(three - two)
    normal = np.cross(two - one, along)
    normal /= np.linalg.norm(normal)
    axes = np.array([along, np.cross(normal, along), normal]).T
    way = [-np.cos(theta), np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi)]
    return three + bond * axes @ np.array(way)


def helix(length: int) -> str:
    """As PDB, without hydrogens."""
    chain = [np.array(each) for each in START]
    for _ in range(length):
        for _, *where in BACKBONE:
            chain.append(placed(chain[-3:], *where))
    lines = []
    for residue in range(length):
        n, ca, c, following = chain[3 * residue : 3 * residue + 4]
        oxygen = placed([n, ca, c], *BRANCHES[0][1:])
        beta = placed([following, c, ca], *BRANCHES[1][1:])
        named = {"N": n, "CA": ca, "C": c, "O": oxygen, "CB": beta}
        for name, at in named.items():
            place = "".join(f"{x:8.3f}" for x in at)
            lines.append(
                f"ATOM  {len(lines) + 1:5d}  {name:<3} ALA A{residue + 1:4d}    {place}"
                f"  1.00  0.00           {name[0]}"
            )
    return "\n".join([*lines, "TER", "END", ""])


def step_s(engine: Any, start: Any) -> float:
    engine.setState(start)
    integrator = engine.getIntegrator()
    steps, began = WARM_UP_STEPS, time.perf_counter()
    integrator.step(steps)
    steps = max(int(SECONDS * steps / (time.perf_counter() - began)), WARM_UP_STEPS)
    began = time.perf_counter()
    integrator.step(steps)
    return (time.perf_counter() - began) / steps


def started(prepared: Prepared, engine: Any) -> Any:
    engine.setPositions(prepared.positions)
    openmm.LocalEnergyMinimizer.minimize(engine, 10, 100)
    engine.setVelocitiesToTemperature(300, 42)
    return engine.getState(positions=True, velocities=True)


def rows(environment: str, lengths: list[int], threads: int) -> Iterator[str]:
    for length in lengths:
        given = {"pdb": helix(length), "environment": environment, "length_ps": 1}
        params = MdParams.model_validate(given)
        with tempfile.TemporaryDirectory(prefix="bench") as name:
            prepared = prepare(params, RecordingContext(Path(name), log=io.StringIO()))
        plan = schedule(params)
        engines = {
            n: make_context(prepared, params, plan, "produce", cpu_platform(n))
            for n in (1, threads)
        }
        start = started(prepared, engines[1])
        turns = [{n: step_s(engine, start) for n, engine in engines.items()} for _ in range(TURNS)]
        one, all_of_them = (1000 * min(turn[n] for turn in turns) for n in (1, threads))
        cells = [f"{prepared.n_atoms}", f"{one:.2f}", f"{all_of_them:.2f}"]
        yield f"| {' | '.join([environment, *cells, f'{all_of_them / one:.2f}'])} |"


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    asks.add_argument("--lengths", type=int, nargs="*", default=list(LENGTHS))
    words = asks.parse_args()
    print(f"| water | atoms | 1 thread, ms a step | {words.threads} threads | ratio |")
    print("|---|---|---|---|---|")
    for environment in ("implicit", "vacuum"):
        for row in rows(environment, words.lengths, words.threads):
            print(row, flush=True)


if __name__ == "__main__":
    main()
