"""What a molecular dynamics run did, in sentences for a paper."""

from __future__ import annotations

from simulations.quantum.paragraph import embedded
from simulations.structures import resolve

from .engine import CONSTRAINT_TOLERANCE, EQUILIBRATION_FRICTION_PER_PS
from .outcome import MdOutcome
from .params import MdParams
from .protein import CUTOFF_NM, HEAVY_HYDROGEN_DA
from .schedule import Schedule, environment, is_constrained, pressure_bar, schedule

IMPLICIT_KEYS = {"OBC2": "obc", "GBn2": "gbn2"}


def molecular_dynamics(params: MdParams, result: MdOutcome) -> str:
    plan = schedule(params)
    sentences = [_system(params, result), _origin(params, result), _motion(params, plan)]
    return " ".join([*sentences, _lengths(params, plan)])


def _system(params: MdParams, result: MdOutcome) -> str:
    openmm = f"OpenMM {result.versions['openmm']} [@openmm]"
    return (
        f"Molecular dynamics of {result.n_atoms} atoms was run with {openmm} on its "
        f"{result.platform} platform, using {_force_field(params)}."
    )


def _force_field(params: MdParams) -> str:
    if params.protein is None:
        return (
            "the MMFF94 force field [@mmff94] with parameters assigned by RDKit [@mmff_rdkit], in "
            "the gas phase without a cutoff"
        )
    around = environment(params)
    field = "the Amber ff14SB force field [@ff14sb]"
    if around == "vacuum":
        return f"{field} in vacuum without a cutoff"
    if around == "implicit":
        model = params.implicit_model
        return f"{field} with {model} implicit water [@{IMPLICIT_KEYS[model]}], without a cutoff"
    return (
        f"{field} and TIP3P water [@tip3p], with particle-mesh Ewald electrostatics [@pme] and a "
        f"cutoff of {CUTOFF_NM:g} nm"
    )


def _origin(params: MdParams, result: MdOutcome) -> str:
    if params.protein is not None:
        return _prepared_protein(params, result)
    assert params.structure is not None  # one of the two was given
    structure = resolve(params.structure)
    if structure.positions_angstrom is not None:
        return "The coordinates were taken as given and minimised."
    made = embedded(structure, params.seed, result.versions)
    return f"The starting structure was {made}, then minimised."


def _prepared_protein(params: MdParams, result: MdOutcome) -> str:
    fixer = f"pdbfixer {result.versions['pdbfixer']}"
    codes = {note.code for note in result.notes}
    steps = []
    if "atoms_added" in codes:
        steps.append(f"missing atoms were added by {fixer}, hydrogens as at pH {params.ph:g}")
    if environment(params) == "explicit":
        salt = params.ionic_strength_molar
        ions = f" and {salt:g} mol/L NaCl [@ions]" if salt else ""
        steps.append(f"it was solvated with {params.padding_angstrom:g} Å of water around it{ions}")
    steps.append("the system was minimised")
    text = "; ".join(steps)
    return f"The coordinates of the peptide or protein were those given; {text}."


def _motion(params: MdParams, plan: Schedule) -> str:
    step = f"a time step of {plan.timestep_fs:g} fs"
    bonds = "no bonds were constrained"
    if is_constrained(params):
        heavy = f", hydrogens weighing {HEAVY_HYDROGEN_DA:g} Da" if params.heavy_hydrogens else ""
        bonds = (
            f"bonds to hydrogen were constrained to a tolerance of {CONSTRAINT_TOLERANCE:g}{heavy}"
        )
    if params.ensemble == "NVE":
        return (
            f"Production in the NVE ensemble used the leapfrog Verlet integrator with {step}, from "
            f"velocities drawn at {params.temperature_k:g} K (seed {params.seed}); {bonds}."
        )
    barostat = ""
    if params.ensemble == "NPT":
        barostat = f" and the Monte Carlo barostat [@barostat] at {pressure_bar(params):g} bar"
    return (
        f"Production in the {params.ensemble} ensemble used the Langevin middle integrator "
        f"[@langevin] at {params.temperature_k:g} K with a friction of "
        f"{params.friction_per_ps:g}/ps{barostat}, and {step} (seed {params.seed}); {bonds}."
    )


def _lengths(params: MdParams, plan: Schedule) -> str:
    produced = plan.production_steps * plan.timestep_fs / 1000
    frames = f"frames were kept every {plan.interval * plan.timestep_fs / 1000:g} ps"
    if not plan.equilibration_steps:
        return f"Production lasted {produced:g} ps without equilibration; {frames}."
    warmed = plan.equilibration_steps * plan.timestep_fs / 1000
    kind = "NPT" if environment(params) == "explicit" else "NVT"
    friction = max(params.friction_per_ps, EQUILIBRATION_FRICTION_PER_PS)
    return (
        f"After {warmed:g} ps of {kind} equilibration (Langevin middle integrator [@langevin], "
        f"friction {friction:g}/ps), production lasted {produced:g} ps; {frames}."
    )
