"""What a molecular calculation did, in sentences for a paper; `[@key]` cites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulations.structures import Structure, resolve

from .frequencies import FrequencyParams
from .methods import (
    BasisName,
    Dispersion,
    FunctionalName,
    core_potential,
    disp_of,
)
from .params import MoleculeDftParams, MoleculeDftResult
from .rescue import LADDER
from .solvents import SOLVENTS, SolventModel, SolventName
from .walk import MAX_FORCE_TARGET

FUNCTIONAL_KEYS: dict[FunctionalName, str] = {
    "SVWN": "vwn", "PBE": "pbe", "revPBE": "pbe, revpbe", "BLYP": "b88, lyp", "BP86": "b88, p86",
    "TPSS": "tpss", "r2SCAN": "r2scan", "M06-L": "m06l", "B3LYP": "b3lyp", "PBE0": "pbe0",
    "BHandHLYP": "bhandhlyp, lyp", "TPSSh": "tpssh", "M06-2X": "m06", "HSE06": "hse03, hse06",
    "CAM-B3LYP": "camb3lyp", "wB97X": "wb97x",
}  # fmt: skip
BASIS_TITLES: dict[BasisName, tuple[str, str]] = {
    "sto-3g": ("STO-3G", "sto3g"),
    "6-31g": ("6-31G", "631g"),
    "6-31g*": ("6-31G(d)", "631g, 631gd"),
    "6-31g**": ("6-31G(d,p)", "631g, 631gd"),
    "6-311g**": ("6-311G(d,p)", "6311g"),
    "def2-svp": ("def2-SVP", "def2"),
    "def2-tzvp": ("def2-TZVP", "def2"),
    "def2-tzvpp": ("def2-TZVPP", "def2"),
    "cc-pvdz": ("cc-pVDZ", "ccpvxz"),
    "cc-pvtz": ("cc-pVTZ", "ccpvxz"),
    "aug-cc-pvdz": ("aug-cc-pVDZ", "ccpvxz, augccpvxz"),
}
"""How a paper writes each, and whom it cites."""
DISPERSION_TITLES = {"d3bj": "D3(BJ) dispersion correction [@d3, d3bj]"}
SOLVENT_KEYS: dict[SolventModel, str] = {
    "C-PCM": "cpcm", "IEF-PCM": "iefpcm", "COSMO": "cosmo", "SMD": "smd",
}  # fmt: skip
GEOMETRIC = (
    f"energy change below 1e-06 hartree, largest force on an atom below {MAX_FORCE_TARGET:g} "
    "hartree/bohr, largest displacement below 0.0018 Å"
)
SPINS = {"RKS": "restricted", "UKS": "unrestricted", "ROKS": "restricted open-shell"}


def single_point(params: MoleculeDftParams, result: MoleculeDftResult) -> str:
    return " ".join([*_electrons(params, result), *_start(params, result)])


def optimisation(params: MoleculeDftParams, result: Any) -> str:
    return " ".join(
        [
            *_electrons(params, result),
            *_start(params, result),
            optimised(result.versions, f" after {result.n_steps} steps"),
        ]
    )


def dft_frequencies(params: Any, result: Any) -> str:
    sentences = [*_electrons(params, result), *_start(params, result)]
    sentences.append(stationary(params, result))
    hessian = "The Hessian was computed analytically by PySCF at the same level of theory"
    return " ".join([*sentences, f"{hessian}; {thermochemistry(params, result)}"])


def stationary(params: FrequencyParams, result: Any) -> str:
    """Where the Hessian was taken."""
    if params.optimize_first:
        return optimised(result.versions)
    force = f"{result.max_force_hartree_per_bohr:.1e}"
    return f"The geometry was not optimised; its largest force is {force} hartree/bohr."


def optimised(versions: dict[str, str], steps: str = "") -> str:
    return (
        f"The geometry was optimised with {program('geomeTRIC', versions, 'geometric')} "
        f"[@geometric] to its default criteria ({GEOMETRIC}){steps}."
    )


def thermochemistry(params: FrequencyParams, result: Any) -> str:
    """The second half of the sentence on the Hessian."""
    count = result.n_imaginary
    modes = "mode was" if count == 1 else "modes were"
    left_out = f"; {count} imaginary {modes} left out" if count else ""
    return (
        "enthalpy and free energy are those of an ideal gas of rigid rotors and harmonic "
        f"oscillators, with unscaled frequencies, at {params.temperature_k:g} K and "
        f"{params.pressure_bar:g} bar with symmetry number {result.symmetry_number}{left_out}."
    )


def program(title: str, versions: dict[str, str], package: str) -> str:
    """`PySCF 2.14.0`; without the number where the result does not tell it."""
    return f"{title} {versions[package]}" if package in versions else title


def level_of_theory(functional: FunctionalName, basis: BasisName, dispersion: Dispersion) -> str:
    """`the B3LYP functional [@b3lyp], the D3(BJ) … and the def2-SVP basis set [@def2]`."""
    parts = [f"the {functional} functional [@{FUNCTIONAL_KEYS[functional]}]"]
    if disp := disp_of(functional, dispersion):
        parts.append(f"the {DISPERSION_TITLES.get(disp, 'D4 dispersion correction [@d4]')}")
    title, keys = BASIS_TITLES[basis]
    return f"{', '.join(parts)} and the {title} basis set [@{keys}]"


def in_solvent(solvent: SolventName, model: SolventModel) -> str:
    """The clause on the surroundings, empty for a vacuum."""
    if solvent == "none":
        return ""
    cited = f"{model} [@{SOLVENT_KEYS[model]}]"
    if model == "SMD":
        return f"{solvent} was described by the {cited} continuum model"
    epsilon = SOLVENTS[solvent].epsilon
    return f"{solvent} was described by the {cited} continuum model with ε = {epsilon:g}"


def embedded(structure: Structure, seed: int, versions: dict[str, str]) -> str:
    """How 3D was made of the bonds: a clause without a subject."""
    rdkit = program("RDKit", versions, "rdkit")
    cleaned = " and relaxed with MMFF94 [@mmff94, mmff_rdkit]" if _has_mmff(structure) else ""
    return f"embedded by ETKDGv3 [@etkdg3] in {rdkit} (seed {seed}){cleaned}"


def codes(result: Any) -> set[str]:
    return {note.code for note in result.notes}


def _has_mmff(structure: Structure) -> bool:
    from rdkit import Chem
    from rdkit.Chem import rdForceFieldHelpers

    mol = Chem.AddHs(Chem.MolFromSmiles(structure.smiles or ""))
    return bool(rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol))


def _electrons(params: MoleculeDftParams, result: MoleculeDftResult) -> list[str]:
    theory = level_of_theory(params.functional, params.basis, params.dispersion)
    spin = f"{SPINS[result.reference]} Kohn-Sham"
    state = f"charge {result.charge}, multiplicity {result.multiplicity}"
    sentences = [
        f"Density functional theory calculations ({spin}, {state}) were carried out with "
        f"{program('PySCF', result.versions, 'pyscf')} [@pyscf] and Libxc [@libxc], using "
        f"{theory}{_cores(params, result.symbols)}."
    ]
    fitted = "electron repulsion integrals were density-fitted" if params.density_fit else ""
    settings = [
        *([fitted] if fitted else []),
        f"the integration grid was PySCF's level {params.grid_level}",
        f"the SCF energy was converged to {params.scf_convergence_hartree:g} hartree"
        f"{_rescued(result)}",
    ]
    if solvent := in_solvent(params.solvent, params.solvent_model):
        settings.append(solvent)
    if result.iao_charges is not None:
        settings.append("partial charges are those of Mulliken and of intrinsic atomic orbitals "
                        "[@iao]")  # fmt: skip
    return [*sentences, _sentence(settings)]


def _cores(params: MoleculeDftParams, symbols: Sequence[str]) -> str:
    heavy = [*core_potential(params.basis, set(symbols))]
    return f" with its effective core potential for {', '.join(heavy)}" if heavy else ""


def _rescued(result: MoleculeDftResult) -> str:
    used = [rung.title for rung in LADDER if rung.code in codes(result)]
    return f" with the help of {' and '.join(used)} where DIIS alone failed" if used else ""


def _start(params: MoleculeDftParams, result: MoleculeDftResult) -> list[str]:
    structure = resolve(params.structure)
    if structure.positions_angstrom is not None:
        return [f"The coordinates of {result.formula} were taken as given."]
    made = embedded(structure, params.seed, result.versions)
    gfn2 = f"GFN2-xTB [@gfn2] ({program('tblite', result.versions, 'tblite')})"
    if params.n_conformers > 1 and "conformer" in codes(result):
        return [
            f"Up to {params.n_conformers} 3D structures of {result.formula} were {made}, relaxed "
            f"with {gfn2}, and the lowest was taken as the start."
        ]
    relaxed = params.preoptimize and structure.n_atoms > 1
    if relaxed and "not_preoptimized" not in codes(result):
        made = f"{made}, then optimised with {gfn2}"
    return [f"The starting structure of {result.formula} was {made}."]


def _sentence(clauses: Sequence[str]) -> str:
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."
