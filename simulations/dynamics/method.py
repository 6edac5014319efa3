"""What was done, as a methods section says it, with whom to cite."""

from __future__ import annotations

from importlib.metadata import version

from .engine import CONSTRAINT_TOLERANCE
from .params import MdParams
from .protein import CUTOFF_NM
from .schedule import environment, is_constrained, pressure_bar, timestep_fs

MMFF94 = (
    "MMFF94 (Halgren, J. Comput. Chem. 17 (1996) 490; parameters assigned by RDKit "
    "{rdkit}) in the gas phase, without a cutoff"
)
FF14SB = "Amber ff14SB (Maier et al., J. Chem. Theory Comput. 11 (2015) 3696)"
SURROUNDINGS = {
    "vacuum": "in vacuum, without a cutoff",
    "GBn2": "in GBn2 implicit water (Nguyen, Roe and Simmerling, J. Chem. Theory Comput. 9 (2013) "
    "2020), without a cutoff",
    "OBC2": "in OBC2 implicit water (Onufriev, Bashford and Case, Proteins 55 (2004) 383), without "
    "a cutoff",
    "explicit": "in TIP3P water (Jorgensen et al., J. Chem. Phys. 79 (1983) 926) with particle"
    f"-mesh Ewald (Essmann et al., J. Chem. Phys. 103 (1995) 8577) beyond {CUTOFF_NM:g} nm",
}
OPENMM = "OpenMM {openmm} (Eastman et al., J. Phys. Chem. B 128 (2024) 109)"
LANGEVIN = "a Langevin middle thermostat (Zhang et al., J. Phys. Chem. A 123 (2019) 6056)"
BAROSTAT = "a Monte Carlo barostat (Åqvist et al., Chem. Phys. Lett. 384 (2004) 288)"


def method_sentence(params: MdParams) -> str:
    program = OPENMM.format(openmm=version("openmm"))
    return f"{_force_field(params)}; {_motion(params)}; {_bonds(params)}; {program}."


def _force_field(params: MdParams) -> str:
    if params.protein is None:
        return MMFF94.format(rdkit=version("rdkit"))
    around = environment(params)
    return f"{FF14SB} {SURROUNDINGS[params.implicit_model if around == 'implicit' else around]}"


def _motion(params: MdParams) -> str:
    if params.ensemble == "NVE":
        return f"NVE by leapfrog Verlet from {params.temperature_k:g} K"
    text = (
        f"{params.ensemble} at {params.temperature_k:g} K by {LANGEVIN}, "
        f"{params.friction_per_ps:g}/ps"
    )
    if params.ensemble == "NPT":
        text += f", and {pressure_bar(params):g} bar by {BAROSTAT}"
    return text


def _bonds(params: MdParams) -> str:
    step = f"steps of {timestep_fs(params):g} fs"
    if not is_constrained(params):
        return f"{step}, no bond constraints"
    heavy = " and hydrogens of 3 Da" if params.heavy_hydrogens else ""
    return f"{step}, bonds to hydrogen constrained to {CONSTRAINT_TOLERANCE:g}{heavy}"
