"""A script that docks from one seed after another: Vina holds the GIL for a whole search.

Run as `python -P vina_child.py job.json`; each finished search appears as `NAME.json`, whole.
It imports nothing of ours, so that it starts at once.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Be killed when the parent dies, however it dies. Linux only; elsewhere it stays its duty."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # It died between the start and the call above.
        sys.exit("the parent is gone")


def mapped(job: dict[str, Any], seed: int) -> Any:
    """Vina, ready to search the box from this seed."""
    from vina import Vina

    vina = Vina(sf_name=job["scoring"], cpu=job["threads"], seed=seed, verbosity=1)
    vina.set_receptor(job["receptor"])
    # Before the maps, which are then made for its atom types only.
    vina.set_ligand_from_file(job["ligand"])
    vina.compute_vina_maps(center=job["center"], box_size=job["size"])
    return vina


def reseed(vina: Any, seed: int) -> bool:
    """Have it search from another seed, in the box that it has mapped; whether that could be done.

    Vina is told its seed only when it is made, and maps take as long as half a random start. The
    seed is looked for in the memory that the C++ object has, and the right place is where a change
    is a change of what Vina says its seed is.
    """
    core = vina._vina
    before = core.seed()
    for place in _numbers_in(int(core.this)):
        if place.value == before:
            place.value = seed
            if core.seed() == seed:
                return True
            place.value = before
    return False


def _numbers_in(address: int) -> Iterator[ctypes.c_int]:
    """All of a block that malloc gave; none where nothing tells how large it is."""
    size_of = getattr(ctypes.CDLL(None), "malloc_usable_size", None)
    if size_of is None:
        return
    size_of.argtypes, size_of.restype = [ctypes.c_void_p], ctypes.c_size_t
    step = ctypes.sizeof(ctypes.c_int)
    for offset in range(0, size_of(address) - step + 1, step):
        yield ctypes.c_int.from_address(address + offset)


def search(vina: Any, job: dict[str, Any], starts: int) -> tuple[str, list[dict[str, float]]]:
    """Poses as PDBQT, and of each the parts of its score in kcal/mol."""
    vina.dock(exhaustiveness=starts, n_poses=job["n_poses"], min_rmsd=job["min_rmsd"])
    limits = {"n_poses": job["n_poses"], "energy_range": job["energy_range"]}
    rows = vina.energies(**limits)
    columns = ("total", "inter", "intra")
    energies = [dict(zip(columns, map(float, row), strict=False)) for row in rows]
    return vina.poses(**limits), energies


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    die_with(job["parent"])
    vina = None
    for name, seed, starts in job["searches"]:
        started = time.monotonic()
        if vina is None or not reseed(vina, seed):
            vina = mapped(job, seed)
        pdbqt, energies = search(vina, job, starts)
        path = Path(job["folder"], name)
        path.with_suffix(".pdbqt").write_text(pdbqt)
        done = {"key": job["key"], "seed": seed, "seconds": time.monotonic() - started}
        scratch = path.with_suffix(".partial")
        scratch.write_text(json.dumps({**done, "energies": energies}))
        scratch.replace(path.with_suffix(".json"))


if __name__ == "__main__":
    main()
