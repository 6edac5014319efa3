"""The endpoints of the system that we grew out of, to the letter.

Its words: QUEUED RUNNING SUCCESS FAILURE CANCELLED. Its JSON: `molecule_smiles`,
`simulation_type`, `parameters` in; `energy_level` (hartree), `convergence`, `output_path` out.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import simulations
from jobs import lifecycle
from jobs.keys import Origin
from jobs.models import Job
from jobs.states import JobState, Scope
from simulations import FieldError, InvalidParams, Note, UnknownSimulation
from simulations.validation import validate

from . import telling
from .keyring import origin_of
from .problems import InvalidSubmission

STATUS = {
    JobState.QUEUED: "QUEUED",
    JobState.RUNNING: "RUNNING",
    JobState.SUCCEEDED: "SUCCESS",
    JobState.FAILED: "FAILURE",
    JobState.CANCELLED: "CANCELLED",
}
CHECKPOINT = "checkpoint.chk"
MOLECULE = ("structure", "ligand", "ligands")
"""What the parameter is called that a simulation takes its molecule by."""
REASONS = {
    "is_crystal": "the structure is a crystal",
    "one_atom": "a single atom has no geometry to optimise",
}


class SeedSubmission(BaseModel, extra="forbid"):
    experiment_name: str = Field("", max_length=200)
    molecule_smiles: str
    simulation_type: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class SeedAccepted(BaseModel):
    job_id: UUID
    status: str


class SeedResult(BaseModel):
    energy_level: float | None = Field(description="Total energy, hartree")
    convergence: bool | None
    output_path: str | None = Field(description="The engine's checkpoint file")


class SeedStatus(BaseModel):
    job_id: UUID
    status: str
    progress: float
    message: str
    result: SeedResult | None = None
    error: dict[str, Any] | None = None
    notes: list[dict[str, str]]


class SubmitJobView(APIView):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="seed_submit_job", request=SeedSubmission, responses={200: SeedAccepted}
    )
    def post(self, request: Request) -> Response:
        """Submit in the words of the system that this one grew out of."""
        try:
            given = validate(SeedSubmission, request.data)
        except InvalidParams as exc:
            raise InvalidSubmission(exc.errors) from None
        job = _submit(request.user, given, origin_of(request))
        return Response({"job_id": str(job.pk), "status": STATUS[JobState(job.state)]})


class JobStatusView(APIView):
    @extend_schema(operation_id="seed_job_status", responses=SeedStatus)
    def get(self, request: Request, job_id: str) -> Response:
        """The state in its words; `result` once it is `SUCCESS`, `error` if it is `FAILURE`."""
        job = _visible_job(request, job_id)
        body: dict[str, Any] = {
            "job_id": str(job.pk),
            "status": STATUS[JobState(job.state)],
            "progress": job.progress,
            "message": job.message,
            "notes": job.notes,
        }
        if job.state == JobState.SUCCEEDED:
            body["result"] = _result(job)
        if job.error:
            body["error"] = job.error
        return Response(body)


def _submit(owner: Any, given: SeedSubmission, origin: Origin) -> Job:
    """Submit as its own kind of simulation, or as the one that its structure needs."""
    molecule = _molecule_of(given.simulation_type)
    if molecule in given.parameters:
        detail = f"The {molecule} belongs in molecule_smiles."
        path = ("parameters", molecule)
        raise InvalidSubmission([FieldError(path=path, code="misplaced", detail=detail)])
    wanted = {
        "owner": owner,
        "origin": origin,
        "name": given.experiment_name,
        "params": {molecule: given.molecule_smiles, **given.parameters},
    }
    try:
        return _submit_as(given.simulation_type, wanted)
    except InvalidParams as exc:
        if not (wrong := _wrong_simulation(exc)):
            raise InvalidSubmission(
                [_in_seed_terms(error, molecule) for error in exc.errors]
            ) from None
    better = str((wrong.fix or {})["simulation"])
    why = REASONS.get(wrong.code, "the structure asks for it")
    message = f"{given.simulation_type} was asked for and {better} runs: {why}."
    note = Note(code="simulation_chosen", message=message)
    try:
        return _submit_as(better, {**wanted, "notes": [note]})
    except InvalidParams as exc:
        raise InvalidSubmission([_in_seed_terms(error, molecule) for error in exc.errors]) from None


def _molecule_of(simulation: str) -> str:
    try:
        takes = simulations.get(simulation).Params.model_fields
    except KeyError:
        return MOLECULE[0]  # which it is none of, is told of the simulation
    return next((name for name in MOLECULE if name in takes), MOLECULE[0])


def _submit_as(simulation: str, wanted: dict[str, Any]) -> Job:
    try:
        return lifecycle.submit(simulation=simulation, **wanted)
    except UnknownSimulation as exc:
        path = ("simulation_type",)
        error = FieldError(path=path, code="unknown_simulation", detail=str(exc))
        raise InvalidSubmission([error]) from None


def _wrong_simulation(exc: InvalidParams) -> FieldError | None:
    """The one fault, if all that is wrong is the kind of simulation, and the mend names another."""
    first, *others = exc.errors
    return first if not others and "simulation" in (first.fix or {}) else None


def _in_seed_terms(error: FieldError, molecule: str) -> FieldError:
    root: tuple[str | int, ...] = ("parameters", *error.path)
    if error.path[:1] == (molecule,):
        root = ("molecule_smiles", *error.path[1:])
    return FieldError(path=root, code=error.code, detail=error.detail, fix=error.fix)


def _visible_job(request: Request, job_id: str) -> Job:
    """Any text that is no job's id is a job that does not exist, not a mistake in the path."""
    try:
        key = UUID(job_id)
    except ValueError:
        raise Http404 from None
    return telling.visible_job(request, key)


def _result(job: Job) -> dict[str, Any]:
    result = job.result or {}
    checkpoint = job.artifacts.filter(name=CHECKPOINT).first()
    return {
        "energy_level": result.get("energy_hartree"),
        "convergence": result.get("converged"),
        "output_path": str(checkpoint.path) if checkpoint and not checkpoint.removed_at else None,
    }
