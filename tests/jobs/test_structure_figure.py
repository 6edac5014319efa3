"""Figure 1 of a job's page: what it shows, from which files, and what it says without a drawing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

import simulations
from jobs.models import Artifact, Job, JobState
from jobs.pages.atoms import first_atoms
from jobs.pages.structure import structure_of

pytestmark = pytest.mark.django_db

TYPES = {
    "xyz": "chemical/x-xyz", "pdb": "chemical/x-pdb", "sdf": "chemical/x-mdl-sdfile",
    "cif": "chemical/x-cif", "xtc": "application/octet-stream",
}  # fmt: skip
WATER = "3\nstep 1 energy_hartree -5.0\nO 0 0 -0.1172\nH 0 0.7572 0.4688\nH 0 -0.7572 0.4688\n"
PDB_LINE = "HETATM    1  O   HOH A   1       1.500  -2.250   0.000  1.00  0.00           O  \n"
SPEC = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)


@pytest.fixture
def leave(settings: Any, tmp_path: Path, submit: Callable[..., Job]) -> Callable[..., Job]:
    """A job that has ended and left these files."""
    settings.JOBS_ROOT = tmp_path

    def leave(
        *names: str, simulation: str = "xtb_optimization", text: str = WATER, **fields: Any
    ) -> Job:
        job = submit(simulation=simulation, params={"structure": "O"})
        Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED, **fields)
        for name in names:
            add(job, name, text)
        job.refresh_from_db()
        return job

    return leave


def add(job: Job, name: str, text: str, attempt: int = 1) -> Artifact:
    folder = job.workdir(attempt)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return Artifact.objects.create(
        job=job,
        attempt=attempt,
        name=name,
        title=name,
        media_type=TYPES[name.rpartition(".")[2]],
        size_bytes=len(text),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def shown(job: Job, simulation: str = "") -> Any:
    return structure_of(
        job, simulations.get(simulation or job.simulation), list(job.artifacts.all())
    )


def roles(job: Job, simulation: str = "") -> list[tuple[str, str]]:
    return [(each["role"], each["name"]) for each in shown(job, simulation).spec["files"]]


@pytest.mark.parametrize(
    ("names", "kind", "expected"),
    [
        (
            ["start.xyz", "trajectory.xyz", "final.xyz"],
            "molecule",
            [("view", "final.xyz"), ("view", "start.xyz"), ("frames", "trajectory.xyz")],
        ),
        (["start.xyz"], "molecule", [("view", "start.xyz")]),
        (
            ["start.xyz", "trajectory.xyz"],
            "molecule",
            [("view", "start.xyz"), ("frames", "trajectory.xyz")],
        ),
        (["relaxed.xyz", "conformers.xyz"], "conformers", [("frames", "conformers.xyz")]),
        (
            ["topology.pdb", "final.pdb", "preview.pdb", "trajectory.xtc"],
            "dynamics",
            [("frames", "preview.pdb"), ("view", "topology.pdb"), ("view", "final.pdb")],
        ),
        (["topology.pdb"], "dynamics", [("view", "topology.pdb")]),
        (
            ["receptor_prepared.pdb", "poses.sdf", "complex_best.pdb"],
            "docking",
            [("receptor", "receptor_prepared.pdb"), ("frames", "poses.sdf")],
        ),
        (["final.cif"], "crystal", [("view", "final.cif")]),
        (
            ["cells.cif", "final.cif"],
            "crystal",
            [("view", "final.cif"), ("frames", "cells.cif")],
        ),
        (
            ["1-CO-final.xyz", "1-CO-trajectory.xyz", "2-H2O-final.xyz"],
            "molecule",
            [("view", "1-CO-final.xyz"), ("view", "2-H2O-final.xyz")],
        ),
    ],
)
def test_the_files_that_are_there_say_what_is_shown(
    leave: Callable[..., Job], names: list[str], kind: str, expected: list[tuple[str, str]]
) -> None:
    job = leave(*names)

    assert shown(job).kind == kind
    assert roles(job) == expected


def test_the_newest_attempt_is_shown_and_what_no_browser_should_read_is_not(
    leave: Callable[..., Job],
) -> None:
    job = leave("start.xyz", "final.xyz")
    newer = add(job, "final.xyz", WATER, attempt=2)
    Artifact.objects.filter(job=job, name="start.xyz").update(size_bytes=20_000_001)

    (only,) = shown(job).spec["files"]

    assert str(newer.pk) in only["url"]


def test_a_job_about_no_atoms_has_no_such_figure(leave: Callable[..., Job]) -> None:
    assert shown(leave("final.xyz"), "demo.sum_squares") is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "left no structure"),
        ({"state": JobState.RUNNING}, "when the run has ended"),
        ({"files_removed_at": timezone.now()}, "files were removed"),
    ],
)
def test_a_figure_with_nothing_in_it_says_why(
    leave: Callable[..., Job], fields: dict[str, Any], words: str
) -> None:
    # One that takes no steps: those of an optimisation are followed while it runs.
    names = ["final.xyz"] if "files_removed_at" in fields else []
    job = leave(*names, simulation="dft_single_point")
    Job.objects.filter(pk=job.pk).update(**fields)
    job.refresh_from_db()

    assert words in shown(job).why_empty


def test_a_dipole_is_told_with_its_geometry_unless_of_an_ion(leave: Callable[..., Job]) -> None:
    result = {
        "charge": 0,
        "symbols": ["O"],
        "positions_angstrom": [[0, 0, 0]],
        "dipole_debye": 1.8,
        "dipole_vector_debye": [0, 0, -1.8],
    }

    neutral = shown(leave("final.xyz", result=result))

    assert neutral.spec["dipole"]["vector_debye"] == [0, 0, -1.8]
    assert "from minus to plus" in neutral.caption
    assert "dipole" not in shown(leave("final.xyz", result={**result, "charge": 1})).spec
    assert "dipole" not in shown(leave("final.xyz", result={"charge": 0})).spec


def test_the_page_holds_the_coordinates_without_any_script(
    client: Client, alice: Any, leave: Callable[..., Job]
) -> None:
    job = leave("start.xyz", "final.xyz", result={"formula": "H2O"})
    client.force_login(alice)

    html = client.get(job.get_absolute_url()).content.decode()

    assert "<td>1</td><td>O</td><td>0.000</td><td>0.000</td><td>−0.117</td>" in html
    assert "H2O, 3 atoms. The optimised geometry." in html
    found = SPEC.search(html)
    assert found
    told = json.loads(found.group(1))
    for file in told["files"]:
        assert client.get(file["url"]).getvalue().decode() == WATER
    # Its plots are numbered after it.
    assert "<b>Fig.&nbsp;1.</b> The optimised geometry" in html
    assert html.count("<b>Fig.&nbsp;2.</b>") == 1


def test_the_table_is_of_the_first_frame(leave: Callable[..., Job]) -> None:
    job = leave("trajectory.xyz", text=WATER + WATER)

    assert [atom.element for atom in shown(job).atoms] == ["O", "H", "H"]


def test_a_pdb_is_read_to_the_end_of_its_first_model(leave: Callable[..., Job]) -> None:
    job = leave("final.pdb", text=f"MODEL        1\n{PDB_LINE}ENDMDL\n{PDB_LINE}")

    (atom,) = first_atoms(job.artifacts.get())

    assert (atom.element, atom.x, atom.y, atom.z) == ("O", "1.500", "−2.250", "0.000")


@pytest.mark.parametrize(
    "text",
    ["201\nmany\n" + "H 0 0 0\n" * 201, "no number\n\nH 0 0\n", "2\ncut\nH 0 0 0\nH 0 0."],
)
def test_what_cannot_be_a_table_is_none(leave: Callable[..., Job], text: str) -> None:
    assert first_atoms(leave("final.xyz", text=text).artifacts.get()) == []


def test_a_file_that_was_changed_since_is_no_table(leave: Callable[..., Job]) -> None:
    job = leave("final.xyz")
    job.artifacts.get().path.write_text(WATER.replace("O", "S"))

    assert shown(job).atoms == []


def test_a_screen_has_poses_and_promises_no_contacts(leave: Callable[..., Job]) -> None:
    job = leave("receptor_prepared.pdb", "poses.sdf", result={"ligands": []})

    figure = shown(job)

    assert "touches" not in figure.caption
    assert figure.spec["contacts"] == figure.poses == []


def test_poses_and_contacts_are_those_of_the_result(
    client: Client, alice: Any, leave: Callable[..., Job]
) -> None:
    pose = {
        "rank": 1, "score_kcal_per_mol": -7.29, "rmsd_to_best_angstrom": 0.0,
        "ligand_efficiency_kcal_per_mol": 0.41, "n_contacts": 2,
    }  # fmt: skip
    near = {"rank": 1, "residue": "ASP A:95", "kind": "van der Waals", "distance_angstrom": 1.9}
    bond = {**near, "kind": "hydrogen bond, ligand donates", "distance_angstrom": 2.8}
    result = {"poses": [pose], "contacts": [near, bond], "box": None}
    job = leave("receptor_prepared.pdb", "poses.sdf", result=result)
    client.force_login(alice)

    html = client.get(job.get_absolute_url()).content.decode()

    assert '<td class="num">−7.29</td>' in html
    assert '<rect width="70.0" height="10"/>' in html
    rows = re.findall(r'<tr data-rank="1".*?</tr>', html)
    assert ["hydrogen bond" in row for row in rows] == [True, False]
