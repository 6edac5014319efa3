"""What does the backplane cost a simulation? `python -m bench.science`

The same molecule, engine, settings and threads, by turns: as a job of a running site, and as a
script that calls the engine (`bench/direct/`). Of the job counts the time of its attempt, from
the worker taking it to its result being there; of the script, its process from start to end. And
whether two jobs on two cores take longer side by side than one after the other.

On a machine that others use too, look at the processor's time: of the job it is that of its attempt
and of all that the site computes meanwhile. Who waits for the job asks once and is answered at its
end, for what is asked costs the site, and the script is asked nothing.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rdkit import Chem
from rdkit.Chem import AllChem

from bench.circumstances import children_s
from bench.sites import stamp
from bench.timeline import told
from tests.stack import FINAL, Stack, until

ROUNDS = 3
WITHIN_S = 1800
WAIT_S = 20
"""For one answer, less than a client's patience."""
AT_REST = 0.1
"""Of a core."""
PEPTIDE = "A" * 10
SITE = {"center": [-0.5, -6.9, -22.8], "size": [22.0, 22.0, 22.0]}
Settings = dict[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """:param job: its params, for a size.
    :param figure: what both must have found, from the job's result; None where chance is in it.
    :param script: the settings of the script, from the size, a finished job and a folder of its
        files.
    """

    name: str
    simulation: str
    job: Callable[[float], Settings]
    script: Callable[[float, Answer, Path], Settings]
    figure: Callable[[Answer], float] | None = None


def in_three_dimensions(mol: Any) -> Any:
    mol = Chem.AddHs(mol, addResidueInfo=True)
    assert AllChem.EmbedMolecule(mol, randomSeed=42) == 0
    AllChem.MMFFOptimizeMolecule(mol)
    return mol


def dft_job(size: float) -> Settings:
    """:param size: carbons of a chain with an acid at its end."""
    mol = in_three_dimensions(Chem.MolFromSmiles("C" * round(size) + "C(=O)O"))
    return {"structure": Chem.MolToXYZBlock(mol), "functional": "B3LYP", "basis": "def2-tzvp"}


def dft_script(size: float, job: Answer, files: Path) -> Settings:
    result = job["result"]
    atoms = zip(result["symbols"], result["positions_angstrom"], strict=True)
    return {"xyz": list(atoms), "xc": "b3lypg", "basis": "def2-tzvp"}


def md_job(size: float) -> Settings:
    """:param size: picoseconds."""
    # Its hydrogens have names that no force field knows; the job adds its own.
    peptide = Chem.RemoveHs(in_three_dimensions(Chem.MolFromSequence(PEPTIDE)))
    structure = Chem.MolToPDBBlock(peptide)
    return {"structure": structure, "length_ps": size, "report_interval_ps": 1.0}


def md_script(size: float, job: Answer, files: Path) -> Settings:
    return {
        "pdb": str(files / "topology.pdb"),
        "system": str(files / "system.xml"),
        "timestep_fs": 2.0,
        "platform": job["result"]["platform"],
        "equilibration_steps": 2500,
        "production_steps": round(size * 500),
        "interval": 500,
    }


def docking_job(size: float) -> Settings:
    """:param size: exhaustiveness. 2'-deoxyadenosine and PDB 1S2G, which come with ProLIF."""
    spec = find_spec("prolif")
    assert spec
    assert spec.origin
    receptor = Path(spec.origin).parent / "data" / "implicitHbond" / "receptor.pdb"
    return {
        "ligand": "Nc1ncnc2c1ncn2[C@H]1C[C@H](O)[C@@H](CO)O1",
        "receptor_pdb": receptor.read_text(),
        "box_center_angstrom": SITE["center"],
        "box_size_angstrom": SITE["size"],
        "exhaustiveness": round(size),
    }


def docking_script(size: float, job: Answer, files: Path) -> Settings:
    """Both are prepared anew: of the receptor the residues that the job found fit to dock into."""
    return {
        **SITE,
        "receptor": str(files / "receptor_prepared.pdb"),
        "ligand": docking_job(size)["ligand"],
        "exhaustiveness": round(size),
    }


CASES = (
    Case(
        name="dft",
        simulation="dft_single_point",
        job=dft_job,
        script=dft_script,
        figure=lambda result: float(result["energy_hartree"]),
    ),
    Case(name="md", simulation="md_simulation", job=md_job, script=md_script),
    Case(name="docking", simulation="docking", job=docking_job, script=docking_script),
)
SIZES = {"dft": 8.0, "md": 400.0, "docking": 48.0}
"""Of half a minute or more each, on two cores of 2026."""


def seconds_of(job: Answer) -> float:
    """From a worker taking it to its result."""
    return stamp(job["finished_at"]) - stamp(job["started_at"])


def is_at_rest(site: Stack) -> bool:
    """Whether its processes have next to nothing to do: some start only after it is up."""
    before = _computed_s(site)
    time.sleep(1)  # what is asked is what it computes in a second
    return sum(_computed_s(site).values()) - sum(before.values()) < AT_REST


def _computed_s(site: Stack) -> dict[int, float]:
    """Of each of its processes, by number."""
    return {process.pid: sum(process.cpu_times()[:2]) for process in site.descendants()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """:param cpu_s: of the processor, by all cores together.
    :param site_s: the part of it that the site took beside the attempt.
    """

    wall_s: float
    cpu_s: float
    site_s: float = 0


def by_job(site: Stack, case: Case, size: float) -> tuple[Spent, Answer]:
    served = _computed_s(site)
    job_id = site.submit(case.simulation, **case.job(size))
    # What it imports ahead of its first job, each worker imports once.
    site.wait(job_id, lambda job: job["state"] != "queued")
    before = {pid: s for pid, s in _computed_s(site).items() if pid in served}
    done = _ended(site, job_id)
    assert done["state"] == "succeeded", done
    after = _computed_s(site)
    site_s = sum(after[pid] - s for pid, s in before.items())
    done = site.wait(job_id, lambda job: job["attempts"][-1]["cpu_seconds"] is not None)
    cpu_s = done["attempts"][-1]["cpu_seconds"] + site_s
    return Spent(wall_s=seconds_of(done), cpu_s=cpu_s, site_s=site_s), done


def _ended(site: Stack, job_id: str) -> Answer:
    while True:
        answer = site.client.get(f"/api/v1/jobs/{job_id}", headers={"Prefer": f"wait={WAIT_S}"})
        job: Answer = answer.raise_for_status().json()
        if job["state"] in FINAL:
            return job


def by_script(case: Case, settings: Settings, threads: int, folder: Path) -> tuple[Spent, float]:
    """What it took, and the figure that it found."""
    given = folder / "settings.json"
    given.write_text(json.dumps({**settings, "threads": threads}))
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    script = Path(__file__).parent / "direct" / f"{case.name}.py"
    argv = [sys.executable, str(script), str(given)]
    began, before_s = time.perf_counter(), children_s()
    done = subprocess.run(argv, cwd=folder, env=env, stdout=subprocess.PIPE, check=True)
    spent = Spent(wall_s=time.perf_counter() - began, cpu_s=children_s() - before_s)
    return spent, float(json.loads(done.stdout.splitlines()[-1])["figure"])


def compared(case: Case, size: float, rounds: int, folder: Path) -> Iterator[tuple[Spent, Spent]]:
    """Of each round, what the job and the script took."""
    threads = os.cpu_count() or 1
    settings: Settings = {}
    for n in range(rounds):
        # Alone on the machine, as the script is; what else a site does meanwhile counts against us.
        with Stack(workers=1) as site:
            until(lambda: is_at_rest(site), "nothing starts any more")
            job, done = by_job(site, case, size)
            parts = told(site, done)
            if not settings:
                files = fetched(site, done, folder)
                settings = case.script(size, done, files)
        script, figure = by_script(case, settings, threads, folder)
        if case.figure:
            assert abs(case.figure(done["result"]) - figure) < 1e-5, "not the same calculation"
        print(
            f"  {case.name} {n + 1}: {job.wall_s:.1f} s as a job, {script.wall_s:.1f} s as a script"
        )
        print(f"    of the processor {job.cpu_s:.1f} and {script.cpu_s:.1f} s; of the job {parts}")
        yield job, script


def fetched(site: Stack, done: Answer, folder: Path) -> Path:
    """The job's files, by their names."""
    for artifact in done["artifacts"]:
        content = site.client.get(artifact["url"]).raise_for_status().content
        (folder / Path(artifact["name"]).name).write_bytes(content)
    return folder


def together(case: Case, size: float, workers: int) -> float:
    """Seconds from the first of two equal jobs starting to the last one ending."""
    with Stack(workers=workers) as site:
        ids = [site.submit(case.simulation, **case.job(size)) for _ in range(2)]
        done = [site.wait(each, within_s=WITHIN_S) for each in ids]
    assert {job["state"] for job in done} == {"succeeded"}, done
    ends, starts = ([stamp(job[key]) for job in done] for key in ("finished_at", "started_at"))
    return max(ends) - min(starts)


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        yield Path(name)


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--rounds", type=int, default=ROUNDS)
    asks.add_argument("--size", type=float, default=1.0, help="share of the full sizes")
    asks.add_argument("--only", choices=list(SIZES), help="of the engines, one")
    asks.add_argument("--alone", action="store_true", help="not two at once")
    words = asks.parse_args()
    rows = []
    for case in CASES:
        if words.only not in (None, case.name):
            continue
        size = max(SIZES[case.name] * words.size, 1)
        with scratch() as folder:
            found = list(compared(case, size, words.rounds, folder))
        beside = "" if words.alone else f"{together(case, size, 2) / together(case, size, 1):.2f}"
        rows.append(f"| {case.name} | {' | '.join(cells_of(found))} | {beside} |")
    print(
        "| engine | job, s | script, s | ratio | least to most | processor: job, s | "
        "the site's part, s | script, s | ratio | two at once / in turn |"
    )
    print(f"|{'---|' * 10}")
    print("\n".join(rows))


def cells_of(found: Sequence[tuple[Spent, Spent]]) -> list[str]:
    """Of all rounds the middle one, and how far the ratio of the times strays."""

    def middle(figure: Callable[[Spent, Spent], float]) -> float:
        return statistics.median(figure(*each) for each in found)

    ratios = [job.wall_s / script.wall_s for job, script in found]
    return [
        f"{middle(lambda job, _: job.wall_s):.1f}",
        f"{middle(lambda _, script: script.wall_s):.1f}",
        f"{statistics.median(ratios):.3f}",
        f"{min(ratios):.3f} to {max(ratios):.3f}",
        f"{middle(lambda job, _: job.cpu_s):.1f}",
        f"{middle(lambda job, _: job.site_s):.1f}",
        f"{middle(lambda _, script: script.cpu_s):.1f}",
        f"{middle(lambda job, script: job.cpu_s / script.cpu_s):.3f}",
    ]


if __name__ == "__main__":
    main()
