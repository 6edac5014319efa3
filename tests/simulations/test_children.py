"""The searches of one child, and how one that ended badly is told: by what it died of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulations.errors import ScienceError
from simulations.pockets import vina_child
from simulations.pockets.children import Children
from tests.stack import until

ENDS = {
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", OSError, "signal 9"),
    "no memory": ("raise MemoryError('std::bad_alloc')", MemoryError, "bad_alloc"),
    "refused": ("raise SystemExit('no such atom type')", ScienceError, "no such atom type"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_search_that_ends_badly_says_of_what(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, error, words = ENDS[end]
    script = tmp_path / "ends.py"
    script.write_text(code)
    monkeypatch.setattr(vina_child, "__file__", str(script))

    with Children([{}], tmp_path) as children, pytest.raises(error, match=words):
        until(lambda: children.are_done, "it has ended")


SEEDS = [("0001", 1_234_567_891, 1), ("0002", 987_654_321, 2), ("0003", 3, 1)]


def atoms(residue: str, *places: tuple[float, float, float]) -> str:
    """Carbons as PDBQT."""
    return "".join(
        f"ATOM  {n:5d}  C{n:<3d}{residue} A   1    {x:8.3f}{y:8.3f}{z:8.3f}"
        "  1.00  0.00     0.000 C \n"
        for n, (x, y, z) in enumerate(places, start=1)
    )


@pytest.fixture
def job(tmp_path: Path) -> dict[str, Any]:
    """Two atoms to be laid between four."""
    receptor, ligand = tmp_path / "receptor.pdbqt", tmp_path / "ligand.pdbqt"
    receptor.write_text(atoms("ALA", (4, 0, 0), (-4, 0, 0), (0, 4, 1), (0, -4, -1)))
    ligand.write_text(f"ROOT\n{atoms('LIG', (0, 0, 0), (1.5, 0, 0))}ENDROOT\nTORSDOF 0\n")
    return {
        "receptor": str(receptor), "ligand": str(ligand), "scoring": "vina", "threads": 1,
        "center": [0, 0, 0], "size": [8, 8, 8], "n_poses": 3, "energy_range": 3.0,
        "min_rmsd": 1.0, "key": "",
    }  # fmt: skip


def searched(job: dict[str, Any], folder: Path, before: str = "") -> str:
    """What the child says; its searches lie in the folder."""
    folder.mkdir()
    told = folder / "job.txt"
    whole = {**job, "folder": str(folder), "searches": SEEDS, "parent": os.getpid()}
    told.write_text(json.dumps(whole))
    code = f"from simulations.pockets import vina_child; {before}\nvina_child.main()"
    argv = [sys.executable, "-c", code, str(told)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def found(folder: Path) -> list[tuple[str, Any]]:
    return [
        (
            (folder / f"{name}.pdbqt").read_text(),
            json.loads((folder / f"{name}.json").read_text())["energies"],
        )
        for name, *_ in SEEDS
    ]


@pytest.mark.slow
def test_the_box_is_mapped_once_and_each_seed_finds_what_it_finds_alone(
    job: dict[str, Any], tmp_path: Path
) -> None:
    words = searched(job, tmp_path / "together")
    apart = searched(job, tmp_path / "apart", "vina_child.reseed = lambda vina, seed: False")

    assert (words.count("Computing Vina grid"), apart.count("Computing Vina grid")) == (1, 3)
    assert found(tmp_path / "together") == found(tmp_path / "apart")
    poses = [pdbqt for pdbqt, _ in found(tmp_path / "together")]
    assert len(set(poses)) == len(poses)
    assert all(f"random seed: {seed}" in words for _, seed, _ in SEEDS)


@pytest.mark.slow
def test_a_seed_that_is_not_found_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from vina import Vina

    monkeypatch.setattr(vina_child, "_numbers_in", lambda address: iter(()))
    engine = Vina(sf_name="vina", cpu=1, seed=7, verbosity=0)

    assert not vina_child.reseed(engine, 8)
    assert engine._vina.seed() == 7
