"""Whether the energies of two jobs may be subtracted; if not, why not, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobs.models import Job

from .formats import plain

ENERGIES = {"hartree", "kcal/mol", "kJ/mol", "eV"}
IN_HARTREE = {
    "hartree": 1.0,
    "kcal/mol": 627.5094740631,
    "kJ/mol": 2625.4996394799,
    "eV": 27.211386245988,
}
"""CODATA 2018."""
LEVEL = {
    "functional": "functional",
    "basis": "basis set",
    "method": "method",
    "dispersion": "dispersion correction",
    "solvent": "solvent",
    "solvent_model": "solvent model",
    "reference": "reference",
    "density_fit": "density fitting",
    "grid_level": "integration grid",
    "k_mesh": "k-points",
    "ke_cutoff_hartree": "plane-wave cutoff",
    "smearing_hartree": "smearing",
    "scoring": "scoring function",
    "receptor_pdb": "receptor",
    "ensemble": "ensemble",
    "environment": "environment",
    "implicit_model": "implicit solvent",
    "ionic_strength_molar": "ionic strength",
}
"""The params that say by which model an energy is computed, as they are called in a sentence."""
CONDITIONS = {"temperature_k": "temperature", "pressure_bar": "pressure"}
AT_CONDITIONS = ("enthalpy", "gibbs", "reaction_enthalpy", "reaction_gibbs", "mean_", "final_")
"""How quantities begin that depend on these."""
OF_ALL_ATOMS = {"hartree", "kJ/mol"}
"""Units of total energies; scores of poses in one receptor compare whatever the ligand."""
LONGEST = 30


def is_energy(unit: str) -> bool:
    return unit in ENERGIES


def converted(value: float, unit: str, wanted: str) -> float:
    return value / IN_HARTREE[unit] * IN_HARTREE[wanted]


def why_not(job: Job, reference: Job) -> list[str]:
    """Reasons that hold for every energy of the two."""
    if job.simulation != reference.simulation:
        return [f"they come from different simulations, {job.title} and {reference.title}"]
    return [*_differing(job, reference, LEVEL)]


def why_not_this(name: str, unit: str, job: Job, reference: Job) -> list[str]:
    """Reasons that hold for this quantity."""
    reasons: list[str] = []
    if name.startswith(AT_CONDITIONS):
        reasons += _differing(job, reference, CONDITIONS)
    if unit in OF_ALL_ATOMS and "reaction" not in name:
        mine, other = _formula(job), _formula(reference)
        if mine != other:
            reasons.append(f"they are of different atoms ({mine}, and {other} in the reference)")
    return reasons


def _formula(job: Job) -> str:
    return str((job.structure or {}).get("formula", "unknown"))


def _differing(job: Job, reference: Job, named: dict[str, str]) -> Iterator[str]:
    for name, title in named.items():
        mine, other = job.params.get(name), reference.params.get(name)
        if mine != other:
            yield f"the {title} differs ({_said(mine)}, and {_said(other)} in the reference)"


def _said(value: Any) -> str:
    text = "another file" if isinstance(value, dict) else plain(value)
    return text if len(text) <= LONGEST else "another text"
