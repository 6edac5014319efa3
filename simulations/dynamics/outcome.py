"""What a finished run amounts to: averages with their errors, and what to think of them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, Field, JsonValue

from simulations.base import Note

from .averages import MdAverage, averages, settled
from .engine import degrees_of_freedom
from .fluctuations import MdFluctuation, fluctuations
from .method import method_sentence
from .observables import Row
from .params import MdParams
from .run import Run
from .schedule import environment
from .statistics import block_error

ENERGY: dict[str, JsonValue] = {"unit": "kJ/mol"}
AVERAGED = {
    "temperature_k": "temperature_error_k",
    "potential_energy_kj_per_mol": "potential_energy_error_kj_per_mol",
    "density_g_per_cm3": "density_error_g_per_cm3",
}
FINAL = (
    "potential_energy_kj_per_mol",
    "kinetic_energy_kj_per_mol",
    "total_energy_kj_per_mol",
    "rmsd_angstrom",
)
SETTLED_SIGMAS = 4.0
SETTLED_PART = 0.02
"""Of the target: so far from it a mean temperature is fine even where the error says less."""
WATER_DENSITY = (0.9, 1.15)


class MdNote(BaseModel):
    code: str
    message: str


class MdOutcome(BaseModel):
    """Averages are over the settled part of the production run; its frames: trajectory.xtc."""

    mean_temperature_k: float = Field(
        title="Mean temperature", json_schema_extra={"unit": "K", "headline": True}
    )
    temperature_error_k: float | None = Field(
        title="Its standard error",
        description="By blocking; empty for too few reports.",
        json_schema_extra={"unit": "K", "headline": True},
    )
    mean_potential_energy_kj_per_mol: float = Field(
        title="Mean potential energy", json_schema_extra={**ENERGY, "headline": True}
    )
    potential_energy_error_kj_per_mol: float | None = Field(
        title="Its standard error", json_schema_extra=ENERGY
    )
    mean_density_g_per_cm3: float | None = Field(
        title="Mean density",
        description="Of explicit water with what is in it.",
        json_schema_extra={"unit": "g/cm³", "headline": True},
    )
    density_error_g_per_cm3: float | None = Field(
        title="Its standard error", json_schema_extra={"unit": "g/cm³"}
    )
    energy_drift_kj_per_mol_ns_atom: float | None = Field(
        title="Energy drift",
        description="Slope of the total energy, NVE only: how well the integration conserves it.",
        json_schema_extra={"unit": "kJ/mol/ns/atom", "headline": True},
    )
    averages_from_ps: float = Field(
        title="Averages from",
        description="Where production begins, or later, where it has settled (Chodera 2016).",
        json_schema_extra={"unit": "ps"},
    )
    averages: list[MdAverage] = Field(title="Averages")
    fluctuations: list[MdFluctuation] = Field(
        title="Fluctuations",
        description="RMSF of each residue, or of each atom of a small molecule.",
    )
    final_potential_energy_kj_per_mol: float = Field(
        title="Final potential energy", json_schema_extra=ENERGY
    )
    final_kinetic_energy_kj_per_mol: float = Field(
        title="Final kinetic energy", json_schema_extra=ENERGY
    )
    final_total_energy_kj_per_mol: float = Field(
        title="Final total energy", json_schema_extra=ENERGY
    )
    final_rmsd_angstrom: float = Field(
        title="Final RMSD",
        description="Of the heavy atoms of the molecule from the minimised start, superposed.",
        json_schema_extra={"unit": "Å", "headline": True},
    )
    ensemble: str = Field(title="Ensemble", json_schema_extra={"headline": True})
    environment: str = Field(title="Environment", json_schema_extra={"headline": True})
    method: str = Field(title="Method")
    n_atoms: int = Field(title="Atoms", json_schema_extra={"headline": True})
    n_constraints: int = Field(title="Constraints")
    degrees_of_freedom: int = Field(title="Degrees of freedom")
    n_steps: int = Field(title="Steps", description="Equilibration and production.")
    n_frames: int = Field(title="Frames in the trajectory")
    simulated_ps: float = Field(
        title="Simulated time",
        description="Equilibration and production.",
        json_schema_extra={"unit": "ps", "headline": True},
    )
    timestep_fs: float = Field(title="Time step", json_schema_extra={"unit": "fs"})
    resumed_at_step: int | None = Field(
        title="Resumed at step", description="Where a lost attempt was taken up."
    )
    platform: str = Field(title="OpenMM platform")
    speed_ns_per_day: float = Field(title="Speed", json_schema_extra={"unit": "ns/day"})
    wall_time_s: float = Field(
        title="Wall time", description="Of this attempt.", json_schema_extra={"unit": "s"}
    )
    versions: dict[str, str] = Field(title="Versions")
    notes: list[MdNote] = Field(title="Notes")


def outcome_fields(run: Run, params: MdParams, seconds: float) -> dict[str, Any]:
    """The fields of `MdOutcome`."""
    rows = settled(run.production())
    last = rows[-1]
    found = averages(rows)
    return {
        **_headlines(found),
        "energy_drift_kj_per_mol_ns_atom": _drift(found, params, run.prepared.n_atoms),
        "averages_from_ps": rows[0]["time_ps"],
        "averages": found,
        "fluctuations": fluctuations(run.prepared, run.workdir, rows[0]["time_ps"]),
        **{f"final_{column}": last[column] for column in FINAL},
        **_about(run, params),
        "n_steps": int(last["step"]),
        "simulated_ps": last["time_ps"],
        "wall_time_s": seconds,
        "notes": _as_models([*run.prepared.notes, *_verdicts(run, params, rows)]),
    }


def _about(run: Run, params: MdParams) -> dict[str, Any]:
    """What was run, and by what."""
    plan, prepared = run.plan, run.prepared
    return {
        "ensemble": params.ensemble,
        "environment": environment(params),
        "method": method_sentence(params),
        "n_atoms": prepared.n_atoms,
        "n_constraints": int(prepared.system.getNumConstraints()),
        "degrees_of_freedom": degrees_of_freedom(prepared, params.ensemble),
        "n_frames": plan.n_frames,
        "timestep_fs": plan.timestep_fs,
        "resumed_at_step": run.resumed_at,
        "platform": run.platform.getName(),
        "speed_ns_per_day": run.pace.ns_per_day,
        "versions": {name: version(name) for name in ("openmm", "pdbfixer", "rdkit")},
    }


def _as_models(notes: list[Note]) -> list[MdNote]:
    return [MdNote(code=note.code, message=note.message) for note in notes]


def _headlines(found: list[MdAverage]) -> dict[str, float | None]:
    by_key = {each.key: each for each in found}
    told: dict[str, float | None] = {}
    for key, error in AVERAGED.items():
        average = by_key.get(key)
        told[f"mean_{key}"] = average.mean if average else None
        told[error] = average.error if average else None
    return told


def _drift(found: list[MdAverage], params: MdParams, n_atoms: int) -> float | None:
    if params.ensemble != "NVE":
        return None
    (total,) = (each for each in found if each.key == "total_energy_kj_per_mol")
    return None if total.drift_per_ns is None else total.drift_per_ns / n_atoms


def _verdicts(run: Run, params: MdParams, rows: list[Row]) -> list[Note]:
    notes = []
    if run.resumed_at is not None:
        message = f"Resumed at step {run.resumed_at:,} from the checkpoint of an earlier attempt."
        notes.append(Note(code="resumed", message=message))
    if run.lacks_gpu:
        message = (
            f"It was to run on a GPU. OpenMM has none that it can use here, and ran on its "
            f"{run.platform.getName()} platform."
        )
        notes.append(Note(code="no_gpu", message=message))
    notes += _on_temperature(params, [row["temperature_k"] for row in rows])
    if params.ensemble == "NPT" or not run.prepared.periodic:
        return notes
    density = rows[-1]["density_g_per_cm3"]
    if not WATER_DENSITY[0] <= density <= WATER_DENSITY[1]:
        message = (
            f"The box is held at {density:.3f} g/cm³, which is not water's: equilibrate for longer."
        )
        notes.append(Note(code="density_not_settled", message=message))
    return notes


def _on_temperature(params: MdParams, temperatures: list[float]) -> list[Note]:
    target = params.temperature_k
    mean = sum(temperatures) / len(temperatures)
    error = block_error(temperatures)
    if params.ensemble == "NVE":
        message = (
            f"NVE holds the energy, not the temperature: {mean:.1f} K on average, from a "
            f"start drawn at {target:g} K."
        )
        return [Note(code="temperature_not_held", message=message)]
    if error is None:
        message = f"Only {len(temperatures)} reports: too few for an error of the averages."
        return [Note(code="few_reports", message=message)]
    if abs(mean - target) <= max(SETTLED_SIGMAS * error, SETTLED_PART * target):
        return []
    message = (
        f"The mean temperature is {mean:.1f} ± {error:.1f} K, {target:g} K was asked: it has not "
        "settled. Equilibrate for longer, or take a smaller time step."
    )
    return [Note(code="temperature_not_settled", message=message)]
