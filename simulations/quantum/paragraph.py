"""What a molecular calculation did, in sentences for a paper; `[@key]` cites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulations.structures import Structure, resolve

from . import gpu
from .frequencies import FrequencyParams
from .geometry import has_mmff
from .methods import (
    BasisName,
    Dispersion,
    FunctionalName,
    core_potential,
    disp_of,
)
from .params import MoleculeDftParams, MoleculeDftResult
from .rescue import LADDER, Rung
from .saddles import FOLLOWED
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
    "def2-qzvp": ("def2-QZVP", "def2"),
    "cc-pvdz": ("cc-pVDZ", "ccpvxz"),
    "cc-pvtz": ("cc-pVTZ", "ccpvxz"),
    "cc-pvqz": ("cc-pVQZ", "ccpvxz"),
    "aug-cc-pvdz": ("aug-cc-pVDZ", "ccpvxz, augccpvxz"),
    "aug-cc-pvtz": ("aug-cc-pVTZ", "ccpvxz, augccpvxz"),
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
LED_DOWN = "a solution that was a saddle point of the energy was followed down to a lower one"
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
    is_smd = params.solvent != "none" and params.solvent_model == "SMD"
    has_dispersion = bool(disp_of(params.functional, params.dispersion))
    taken = hessian(has_dispersion=has_dispersion, is_smd=is_smd)
    return " ".join([*sentences, f"{taken}; {thermochemistry(params, result)}"])


def hessian(*, has_dispersion: bool, is_smd: bool) -> str:
    """The first half of a sentence. PySCF has no analytic derivative of two of its terms."""
    terms = ["dispersion"] if has_dispersion else []
    terms += ["non-electrostatic solvation"] if is_smd else []
    plural = "s" if len(terms) > 1 else ""
    numerical = f" (its {' and '.join(terms)} term{plural} numerically)" if terms else ""
    return f"The Hessian was computed analytically{numerical} by PySCF at the same level of theory"


def stationary(params: FrequencyParams, result: Any) -> str:
    """Where the Hessian was taken."""
    if params.optimize_first:
        return optimised(result.versions)
    force = f"{result.max_force_hartree_per_bohr:.1e}"
    return f"The geometry was not optimised; its largest force is {force} hartree/bohr."


def optimised(versions: dict[str, str], steps: str = "", of: str = "") -> str:
    return (
        f"The geometry{of} was optimised with {program('geomeTRIC', versions, 'geometric')} "
        f"[@geometric] to its default criteria ({GEOMETRIC}){steps}."
    )


def thermochemistry(params: FrequencyParams, result: Any) -> str:
    """The second half of the sentence on the Hessian."""
    gas = ideal_gas(params.temperature_k, params.pressure_bar)
    omitted = left_out(result.n_imaginary)
    return f"{gas} with symmetry number {result.symmetry_number}{omitted}."


def ideal_gas(temperature_k: float, pressure_bar: float) -> str:
    return (
        "enthalpy and free energy are those of an ideal gas of rigid rotors and harmonic "
        f"oscillators, with unscaled frequencies, at {temperature_k:g} K and {pressure_bar:g} bar"
    )


def left_out(n_imaginary: int, of: str = "") -> str:
    """A clause on modes that count for nothing, empty if there are none."""
    modes = "mode" if n_imaginary == 1 else "modes"
    verb = "was" if n_imaginary == 1 else "were"
    return f"; {n_imaginary} imaginary {modes}{of} {verb} left out" if n_imaginary else ""


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

    return has_mmff(Chem.AddHs(Chem.MolFromSmiles(structure.smiles or "")))


def _electrons(params: MoleculeDftParams, result: MoleculeDftResult) -> list[str]:
    theory = level_of_theory(params.functional, params.basis, params.dispersion)
    spin = f"{SPINS[result.reference]} Kohn-Sham"
    state = f"charge {result.charge}, multiplicity {result.multiplicity}"
    sentences = [
        f"Density functional theory calculations ({spin}, {state}) were carried out with "
        f"{program('PySCF', result.versions, 'pyscf')} [@pyscf] and Libxc [@libxc], using "
        f"{theory}{cores(params.basis, result.symbols)}."
    ]
    settings = scf_settings(params, codes(result))
    if result.iao_charges is not None:
        settings.append("partial charges are those of Mulliken and of intrinsic atomic orbitals "
                        "[@iao]")  # fmt: skip
    return [*sentences, sentence(settings)]


def scf_settings(params: MoleculeDftParams, noted: set[str]) -> list[str]:
    """Clauses on how the equations were solved.

    :param noted: the codes of the result's notes.
    """
    fitted = "electron repulsion integrals were density-fitted" if params.density_fit else ""
    solvent = in_solvent(params.solvent, params.solvent_model)
    on_gpu = "the density was found on a GPU with GPU4PySCF [@gpu4pyscf, gpu4pyscf_dft]"
    return [
        *([fitted] if fitted else []),
        *([on_gpu] if gpu.SOLVED in noted else []),
        f"the integration grid was PySCF's level {params.grid_level}",
        f"the SCF energy was converged to {params.scf_convergence_hartree:g} hartree"
        f"{rescued(noted)}",
        *([LED_DOWN] if FOLLOWED in noted else []),
        *([solvent] if solvent else []),
    ]


def cores(basis: BasisName, symbols: Sequence[str]) -> str:
    """The clause on effective core potentials, empty where all electrons were computed."""
    heavy = [*core_potential(basis, set(symbols))]
    return f" with its effective core potential for {', '.join(heavy)}" if heavy else ""


def rescued(noted: set[str], ladder: Sequence[Rung] = LADDER) -> str:
    """The clause on what helped the SCF, empty where it needed no help."""
    used = [rung.title for rung in ladder if rung.code in noted]
    return f" with the help of {' and '.join(used)} where DIIS alone failed" if used else ""


def _start(params: MoleculeDftParams, result: MoleculeDftResult) -> list[str]:
    return [start(params, f" of {result.formula}", result.versions, codes(result))]


def start(params: MoleculeDftParams, of: str, versions: dict[str, str], noted: set[str]) -> str:
    """Where the geometry came from.

    :param of: what was computed, ` of H2O`.
    :param noted: the codes of the result's notes.
    """
    structure = resolve(params.structure)
    if structure.positions_angstrom is not None:
        return f"The coordinates{of} were taken as given."
    made = embedded(structure, params.seed, versions)
    gfn2 = f"GFN2-xTB [@gfn2] ({program('tblite', versions, 'tblite')})"
    if params.n_conformers > 1 and "conformer" in noted:
        return (
            f"Up to {params.n_conformers} 3D structures{of} were {made}, relaxed "
            f"with {gfn2}, and the lowest was taken as the start."
        )
    relaxed = params.preoptimize and structure.n_atoms > 1
    if relaxed and "not_preoptimized" not in noted:
        made = f"{made}, then optimised with {gfn2}"
    return f"The starting structure{of} was {made}."


def sentence(clauses: Sequence[str]) -> str:
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."
