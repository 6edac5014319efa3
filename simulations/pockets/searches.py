"""The independent searches of one docking: run beside us, told as they finish, kept for later."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from .box import Box
from .children import Children
from .params import SearchParams

POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 1.0
MOST_SEARCHES = 8
"""So many are enough to see whether they agree, and little is lost with one that is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One finished search: its poses as PDBQT models, best first, and the parts of each score.

    :param energies: `total`, `inter` and `intra` of each pose, kcal/mol.
    """

    seed: int
    seconds: float
    models: tuple[str, ...]
    energies: tuple[dict[str, float], ...]

    @property
    def best(self) -> dict[str, float]:
        return self.energies[0]


Tell = Callable[[list[Search]], None]
"""Called with the searches as they finish: at each new one, and once a second between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The files of one docking.

    :param previous: the folder of the same docking in an earlier attempt.
    """

    receptor: Path
    ligand: Path
    folder: Path
    previous: Path | None


def seeds_of(params: SearchParams) -> list[int]:
    """A seed for each search; more searches begin with the same seeds."""
    numbers = random.Random(params.seed)
    # Vina takes 0 for "choose one".
    return [numbers.randrange(1, 2**31 - 1) for _ in starts_of(params)]


def starts_of(params: SearchParams) -> list[int]:
    """How many random starts each search makes: the exhaustiveness, dealt out."""
    n_searches = min(params.exhaustiveness, MOST_SEARCHES)
    each, more = divmod(params.exhaustiveness, n_searches)
    return [each + (n < more) for n in range(n_searches)]


class Searches:
    """All searches of one ligand."""

    def __init__(self, params: SearchParams, box: Box, inputs: Inputs) -> None:
        self.seeds = seeds_of(params)
        self._starts = starts_of(params)
        self._inputs = inputs
        inputs.folder.mkdir(parents=True, exist_ok=True)
        self._job = _job(params, box, inputs)
        self._done: dict[int, Search] = {}

    def run(self, threads: int, log: TextIO, tell: Tell) -> list[Search]:
        """Every search, in the order of its seeds; what `tell` raises ends them at once.

        :raises ScienceError: Vina failed.
        """
        if self._take_over():
            kept = f"{len(self._done)} of {len(self.seeds)}"
            log.write(f"Searches kept of an earlier attempt: {kept}.\n")
            tell(list(self._done.values()))
        if len(self._done) < len(self.seeds):
            self._dock(threads, log, tell)
        return [self._done[n] for n in sorted(self._done)]

    def _take_over(self) -> bool:
        """Copy what the lost attempt finished with the same input."""
        previous = self._inputs.previous
        for path in sorted(previous.glob("*.json")) if previous else []:
            poses = path.with_suffix(".pdbqt")
            if poses.exists() and json.loads(path.read_text())["key"] == self._job["key"]:
                shutil.copy(poses, self._inputs.folder)
                shutil.copy(path, self._inputs.folder)
        return bool(self._read_new())

    def _dock(self, threads: int, log: TextIO, tell: Tell) -> None:
        with Children(self._shares(threads), self._inputs.folder) as children:
            heard = time.monotonic()
            with children.log.open(errors="replace") as words:
                is_done = False
                while not is_done:
                    # Asked before looking, so that what was written last is not missed.
                    is_done = children.are_done
                    log.write(words.read())
                    if self._read_new() or time.monotonic() - heard >= HEARTBEAT_SECONDS:
                        heard = time.monotonic()
                        tell(list(self._done.values()))
                    time.sleep(0 if is_done else POLL_SECONDS)

    def _shares(self, threads: int) -> list[dict[str, Any]]:
        """The searches left, dealt out to as many children as there are threads."""
        left = [
            (self._path(n).stem, seed, starts)
            for n, (seed, starts) in enumerate(zip(self.seeds, self._starts, strict=True))
            if not self._path(n).exists()
        ]
        n_children = min(max(threads, 1), len(left))
        # Whatever the number of its threads, Vina finds the same.
        job = {**self._job, "threads": max(threads // n_children, 1)}
        return [{**job, "searches": left[i::n_children]} for i in range(n_children)]

    def _path(self, number: int) -> Path:
        return self._inputs.folder / f"{number + 1:04d}.json"

    def _read_new(self) -> list[int]:
        """The numbers of the searches that finished since the last call."""
        left = [n for n in range(len(self.seeds)) if n not in self._done]
        new = [n for n in left if self._path(n).exists()]
        self._done |= {n: _read(self._path(n)) for n in new}
        return new


def _job(params: SearchParams, box: Box, inputs: Inputs) -> dict[str, Any]:
    """What a child is told; `key` stands for all that its poses depend on."""
    job: dict[str, Any] = {
        "scoring": params.scoring,
        "exhaustiveness": params.exhaustiveness,
        "center": box.center,
        "size": box.size,
        "n_poses": params.n_poses,
        "energy_range": params.energy_range_kcal_per_mol,
        "min_rmsd": params.min_rmsd_angstrom,
    }
    texts = [path.read_text() for path in (inputs.receptor, inputs.ligand)]
    identity = json.dumps([job, texts, params.seed, version("vina")])
    paths = {
        "receptor": str(inputs.receptor),
        "ligand": str(inputs.ligand),
        "folder": str(inputs.folder),
    }
    return {**job, **paths, "key": hashlib.sha256(identity.encode()).hexdigest()}


def _read(path: Path) -> Search:
    told = json.loads(path.read_text())
    blocks = path.with_suffix(".pdbqt").read_text().split("ENDMDL\n")
    return Search(
        seed=told["seed"],
        seconds=told["seconds"],
        models=tuple(f"{block}ENDMDL\n" for block in blocks if block.strip()),
        energies=tuple(told["energies"]),
    )
