"""The endpoints of the system that we grew out of, to the letter."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from jobs import artifacts, lifecycle
from jobs.models import Job
from jobs.states import FailureKind
from tests.simulations.test_docking import EXAMPLE
from tests.stack import ROOT

WATER = {
    "experiment_name": "Water",
    "molecule_smiles": "O",
    "simulation_type": "dft_optimization",
    "parameters": {},
}


@pytest.fixture
def seed(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def post(client: Client, body: Any) -> Any:
    return client.post("/submit_job", body, content_type="application/json")


def test_its_own_example_is_accepted_and_read_openly(seed: Client) -> None:
    answer = post(seed, (ROOT / "json_ex.json").read_text())

    assert answer.status_code == 200
    assert set(answer.json()) == {"job_id", "status"}
    assert answer.json()["status"] == "QUEUED"
    job = Job.objects.get(pk=UUID(answer.json()["job_id"]))
    assert (job.name, job.simulation) == ("Li-Ion Battery Test", "dft_crystal")
    notes = {note["code"]: note["message"] for note in job.notes}
    assert "LiC6" in " ".join(notes.values())
    assert "dft_optimization was asked for" in notes["simulation_chosen"]
    assert "300.0" in notes["not_used"]


def test_a_molecule_is_optimised_as_asked(seed: Client) -> None:
    answer = post(seed, WATER)

    assert Job.objects.get(pk=answer.json()["job_id"]).simulation == "dft_optimization"


@pytest.mark.skipif(not find_spec("prolif"), reason="needs the docking extras")
def test_a_molecule_is_docked_too(seed: Client) -> None:
    rest = {name: value for name, value in EXAMPLE.items() if name != "ligand"}
    docking = WATER | {"molecule_smiles": "OCC", "simulation_type": "docking", "parameters": rest}

    answer = post(seed, docking)

    assert answer.status_code == 200, answer.json()
    job = Job.objects.get(pk=answer.json()["job_id"])
    assert (job.simulation, job.params["ligand"]) == ("docking", "OCC")


def test_what_a_docking_lacks_is_told_without_words_that_nobody_said(seed: Client) -> None:
    answer = post(seed, WATER | {"simulation_type": "docking"})

    assert [error["pointer"] for error in answer.json()["errors"]] == ["/parameters/receptor_pdb"]


def test_the_states_are_told_in_its_words(
    seed: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    def status(job: Job) -> str:
        answer = seed.get(f"/job_status/{job.pk}")
        assert answer.status_code == 200
        assert answer.json()["job_id"] == str(job.pk)
        return str(answer.json()["status"])

    queued, running, done, failed, cancelled = submit(), *(start(submit()) for _ in range(4))
    lifecycle.succeed(done, 1, {"total": 14})
    lifecycle.fail(failed, 1, FailureKind.SCIENCE, {"detail": "no"})
    lifecycle.cancel(cancelled, 1)

    told = [status(job) for job in (queued, running, done, failed, cancelled)]

    assert told == ["QUEUED", "RUNNING", "SUCCESS", "FAILURE", "CANCELLED"]


def test_a_success_has_the_result_in_its_words(
    seed: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    workdir = job.workdir(1)
    workdir.mkdir(parents=True)
    (workdir / "checkpoint.chk").write_bytes(b"HDF")
    (workdir / "artifacts.json").write_text(
        '[{"name": "checkpoint.chk", "title": "Checkpoint", "media_type": "application/x-hdf5"}]'
    )
    lifecycle.succeed(
        job, 1, {"energy_hartree": -76.35, "converged": True}, artifacts.collect(workdir)
    )

    result = seed.get(f"/job_status/{job.pk}").json()["result"]

    assert result == {
        "energy_level": -76.35,
        "convergence": True,
        "output_path": str(workdir / "checkpoint.chk"),
    }


@pytest.mark.parametrize("job_id", ["0b3f0a52-7c53-4d2c-9c5e-0b1a6f0f3f0e", "does-not-exist", "42"])
def test_a_job_that_does_not_exist_is_404(seed: Client, job_id: str) -> None:
    answer = seed.get(f"/job_status/{job_id}")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "bad SMILES": ({"molecule_smiles": "C1CC("}, "/molecule_smiles", "SMILES"),
    "empty SMILES": ({"molecule_smiles": ""}, "/molecule_smiles", "empty"),
    "unknown type": ({"simulation_type": "magic"}, "/simulation_type", "expected one of"),
    "unknown functional": (
        {"parameters": {"functional": "b3lpy"}},
        "/parameters/functional",
        "b3lyp",
    ),
    "parity": ({"parameters": {"multiplicity": 2}}, "/parameters/multiplicity", "odd"),
    "no such basis for it": (
        {"molecule_smiles": "[Pt]", "parameters": {"basis": "6-31g*"}},
        "/parameters/basis",
        "Pt",
    ),
    "500 atoms": ({"molecule_smiles": "C" * 170}, "/molecule_smiles", "atoms"),
    "negative temperature": (
        {"parameters": {"temperature": -5.0}},
        "/parameters/temperature",
        "temperature",
    ),
    "misspelt parameter": (
        {"parameters": {"functionl": "pbe"}},
        "/parameters/functionl",
        "functional",
    ),
    "misspelt key": ({"molecule": "O"}, "/molecule", "molecule_smiles"),
    "smiles twice": (
        {"parameters": {"structure": "O"}},
        "/parameters/structure",
        "molecule_smiles",
    ),
    "smiles no text": ({"molecule_smiles": 7}, "/molecule_smiles", "string"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_before_anything_is_queued(seed: Client, case: str) -> None:
    change, pointer, words = BAD[case]

    answer = post(seed, {**WATER, **change})

    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    errors = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert words.lower() in errors[pointer].lower()
    assert not Job.objects.exists()
