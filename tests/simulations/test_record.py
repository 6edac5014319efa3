"""What is told of a finished run: whom to cite, the methods in sentences, the summary."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

import simulations
from simulations.dynamics.paragraph import molecular_dynamics
from simulations.dynamics.params import MdParams
from simulations.pockets.params import DockingBox, ReceptorReport
from simulations.pockets.screen_params import DockingScreenParams, ScreenedLigand
from simulations.quantum import methods as choices
from simulations.quantum import paragraph
from simulations.quantum.crystal_params import DftCrystalParams
from simulations.quantum.params import MoleculeDftParams
from simulations.recipes.reaction_params import ReactionEnergyParams
from simulations.record.bibtex import bibtex
from simulations.record.citations import (
    BASIS_SETS,
    DOCKING,
    DYNAMICS,
    FUNCTIONALS,
    PROGRAMS,
    QUANTUM,
    REFERENCES,
)
from simulations.record.methods import numbered
from simulations.record.summary import MAX_BYTES, MAX_NOTES, summarise
from simulations.tightbinding.start import GAVE_UP

from . import test_docking

WATER_XYZ = "3\n\nO 0.0 0.0 0.1173\nH 0.0 0.7572 -0.4692\nH 0.0 -0.7572 -0.4692\n"
DFT_VERSIONS = {"pyscf": "2.14.0", "geometric": "1.1.1", "tblite": "0.8.0", "rdkit": "2026.9.1"}
PDB = "ATOM      1  N   ALA A   1       0.000   0.000   0.000  1.00  0.00           N\nEND\n"


def note(code: str, message: str = "") -> Any:
    return SimpleNamespace(code=code, message=message)


def told_by(name: str, params: dict[str, Any], **result: Any) -> str:
    """The paragraph as it is numbered, from params as a user gives them and a result's fields."""
    sim = simulations.get(name)
    assert sim.methods
    read = sim.Params.model_validate(params)
    return numbered(sim.methods(read, SimpleNamespace(**{"notes": [], **result}))).text


# --- citations --------------------------------------------------------------------------------


def test_no_two_references_share_a_key_or_a_doi() -> None:
    tables = (PROGRAMS, FUNCTIONALS, QUANTUM, BASIS_SETS, DYNAMICS, DOCKING)

    assert len(REFERENCES) == sum(map(len, tables))
    assert len({reference.doi.lower() for reference in REFERENCES.values()}) == len(REFERENCES)


@pytest.mark.parametrize("reference", REFERENCES.values(), ids=REFERENCES.keys())
def test_a_reference_is_complete(reference: Any) -> None:
    assert re.fullmatch(r"10\.\d{4,5}/\S+", reference.doi)
    assert 1927 < reference.year <= 2026
    assert reference.authors
    assert reference.title
    assert reference.journal
    assert reference.url == f"https://doi.org/{reference.doi}"


def test_every_choice_of_method_has_its_references() -> None:
    assert paragraph.FUNCTIONAL_KEYS.keys() == choices.FUNCTIONALS.keys()
    assert paragraph.BASIS_TITLES.keys() == choices.COVERAGE.keys()
    cited = [*paragraph.FUNCTIONAL_KEYS.values(), *paragraph.SOLVENT_KEYS.values()]
    cited += [keys for _, keys in paragraph.BASIS_TITLES.values()]
    keys = {key.strip() for each in cited for key in each.split(",")}
    assert keys <= REFERENCES.keys()


def test_citations_are_numbered_as_they_come() -> None:
    told = numbered("PySCF [@pyscf] and D3(BJ) [@d3, d3bj], then PySCF again [@pyscf].")

    assert told.text == "PySCF [1] and D3(BJ) [2, 3], then PySCF again [1]."
    assert [each.key for each in told.references] == ["pyscf", "d3", "d3bj"]
    assert told.as_dict()["references"][2]["number"] == 3
    with pytest.raises(KeyError):
        numbered("Somebody [@nobody].")


def test_bibtex_has_an_entry_for_each() -> None:
    text = bibtex(REFERENCES.values())

    assert text.count("@article{") == len(REFERENCES)
    assert "author = {Perdew and Burke and Ernzerhof}" in text
    assert "author = {Sun and others}" in text
    assert text.count("{") == text.count("}")


# --- molecules --------------------------------------------------------------------------------


def dft(params: dict[str, Any], name: str = "dft_single_point", **result: Any) -> str:
    fields = {
        "formula": "H2O",
        "charge": 0,
        "multiplicity": 1,
        "reference": "RKS",
        "symbols": ["O", "H", "H"],
        "iao_charges": None,
        "versions": DFT_VERSIONS,
    }
    return told_by(name, {"structure": "O", **params}, **fields | result)


@pytest.mark.parametrize(
    ("params", "is_told"),
    [
        ({}, "B3LYP functional [3], the D3(BJ) dispersion correction [4, 5] and the def2-SVP"),
        ({"dispersion": "none"}, "B3LYP functional [3] and the def2-SVP basis set [4]"),
        ({"dispersion": "d4"}, "the D4 dispersion correction [4]"),
        ({"functional": "M06-2X"}, "M06-2X functional [3] and the def2-SVP"),
        ({"functional": "BP86"}, "BP86 functional [3, 4]"),
        ({"basis": "6-31g*"}, "6-31G(d) basis set [6, 7]"),
        ({"density_fit": True}, "integrals were density-fitted"),
        ({"grid_level": 5}, "level 5"),
        ({"scf_convergence_hartree": 1e-7}, "converged to 1e-07 hartree"),
        ({"solvent": "water"}, "water was described by the C-PCM [7] continuum model with ε"),
        ({"solvent": "dmso", "solvent_model": "SMD"}, "dmso was described by the SMD [7]"),
        ({"structure": WATER_XYZ}, "coordinates of H2O were taken as given"),
        ({"seed": 7}, "RDKit 2026.9.1 (seed 7) and relaxed with MMFF94"),
        ({"preoptimize": True}, "then optimised with GFN2-xTB"),
    ],
)
def test_a_dft_paragraph_says_what_was_asked(params: dict[str, Any], is_told: str) -> None:
    assert is_told in dft(params)


@pytest.mark.parametrize(
    ("params", "is_silent"),
    [
        ({"dispersion": "none"}, "dispersion"),
        ({"functional": "M06-2X"}, "dispersion"),
        ({"density_fit": False}, "density-fitted"),
        ({}, "continuum"),
        ({"preoptimize": False}, "GFN2"),
        ({"structure": WATER_XYZ}, "ETKDG"),
        ({"structure": WATER_XYZ}, "GFN2"),
        ({}, "geomeTRIC"),
        ({}, "intrinsic atomic orbitals"),
    ],
)
def test_a_dft_paragraph_claims_nothing_that_was_not_done(
    params: dict[str, Any], is_silent: str
) -> None:
    assert is_silent not in dft(params)


def test_a_pre_optimisation_that_gave_up_is_not_claimed() -> None:
    assert "GFN2" not in dft({}, notes=[note("not_preoptimized", GAVE_UP)])


def dft_with_notes(*codes: str, **params: Any) -> str:
    read = MoleculeDftParams.model_validate({"structure": "CCO", **params})
    result: Any = SimpleNamespace(
        formula="C2H6O", charge=0, multiplicity=3, reference="UKS", symbols=["C"],
        iao_charges=[0.0], versions=DFT_VERSIONS, notes=[note(code) for code in codes],
    )  # fmt: skip
    return numbered(paragraph.single_point(read, result)).text


def test_what_saved_the_scf_and_chose_the_conformer_is_told() -> None:
    assert "with the help of damping where DIIS alone failed" in dft_with_notes("damping")
    told = dft_with_notes("conformer", n_conformers=5)
    assert "Up to 5 3D structures of C2H6O were embedded" in told
    assert "the lowest was taken as the start" in told
    assert "unrestricted Kohn-Sham, charge 0, multiplicity 3" in told
    assert "intrinsic atomic orbitals [" in told


def test_heavy_elements_have_their_core_potential_told() -> None:
    told = dft({"structure": "I"}, symbols=["I", "H"])

    assert "def2-SVP basis set [6] with its effective core potential for I" in told


def test_an_optimisation_tells_its_criteria_and_steps() -> None:
    told = dft({}, "dft_optimization", n_steps=8)

    assert "geomeTRIC 1.1.1 [" in told
    assert "below 0.00045 hartree/bohr" in told
    assert told.endswith("after 8 steps.")


FREQUENCIES = {"symmetry_number": 2, "n_imaginary": 0, "max_force_hartree_per_bohr": 0.01}


def test_frequencies_tell_the_gas_and_the_stationary_point() -> None:
    told = dft({"temperature_k": 350, "pressure_bar": 2}, "dft_frequencies", **FREQUENCIES)

    assert "The geometry was optimised with geomeTRIC" in told
    assert "at 350 K and 2 bar with symmetry number 2." in told
    assert "imaginary" not in told


def test_frequencies_where_nothing_was_optimised_say_so() -> None:
    told = dft({"optimize_first": False}, "dft_frequencies", **FREQUENCIES | {"n_imaginary": 1})

    assert "was not optimised; its largest force is 1.0e-02 hartree/bohr" in told
    assert "geomeTRIC" not in told
    assert "1 imaginary mode was left out" in told


def xtb(params: dict[str, Any], name: str = "xtb_optimization", **result: Any) -> str:
    fields = {
        "formula": "C2H6O",
        "charge": 0,
        "multiplicity": 1,
        "n_steps": 8,
        "versions": {"tblite": "0.8.0", "geometric": "1.1.1", "rdkit": "2026.9.1"},
    }
    return told_by(name, {"structure": "CCO", **params}, **fields | result)


def test_an_xtb_paragraph_says_what_was_asked() -> None:
    assert "used GFN2-xTB [1] in tblite 0.8.0." in xtb({})
    assert "GFN1-xTB [1] with the GBSA model [2] of water" in xtb(
        {"method": "GFN1-xTB", "solvent": "water", "solvent_model": "GBSA"}
    )
    assert "coordinates were taken as given" in xtb({"structure": WATER_XYZ})
    assert "relaxed with GFN2-xTB, and the lowest" in xtb(
        {"n_conformers": 3}, notes=[note("conformer")]
    )
    assert "model" not in xtb({})


def test_xtb_frequencies_tell_of_their_displacements() -> None:
    told = xtb({}, "xtb_frequencies", **FREQUENCIES)

    assert "central differences of the gradients with displacements of 0.005 bohr" in told
    assert "298.15 K and 1 bar with symmetry number 2" in told


def test_a_conformer_search_tells_how_far_it_looked() -> None:
    told = xtb({"n_trials": 12}, "conformer_search", n_embedded=11, n_relaxed=5, n_conformers=2)

    assert "12 trial structures of C2H6O were embedded" in told
    assert "of the 11 that could be made, 5 distinct ones were optimised" in told
    assert "left 2 within 6 kcal/mol" in told


# --- crystals ---------------------------------------------------------------------------------


def crystal(**params: Any) -> str:
    read = {"structure": "diamond", **params}
    task = DftCrystalParams.model_validate(read).task
    return told_by(
        "dft_crystal",
        read,
        formula="C",
        space_group="Fd-3m (227)",
        k_mesh=(4, 4, 4),
        fft_mesh=(15, 15, 15),
        smearing_hartree=0.01,
        ke_cutoff_hartree=100.0,
        literature_source="Wyckoff (1963)",
        stages=[None] * 9,
        equation_of_state=[None] * 7 if task == "equation_of_state" else None,
        versions=DFT_VERSIONS,
    )


def test_a_crystals_paragraph_tells_method_and_task() -> None:
    assert "the D3(BJ) dispersion correction [4, 5], Goedecker" in crystal()
    assert "dispersion" not in crystal(dispersion="none")
    assert "DZVP-MOLOPT-SR basis set" in crystal()
    assert "Γ-centred 4×4×4 mesh with a Fermi smearing of 0.01 hartree" in crystal()
    assert "quadratic model of the energy" in crystal()
    assert "from 9 single points around the cell of Wyckoff (1963)" in crystal()
    single = crystal(task="single_point")
    assert "computed as it is" in single
    assert "quadratic" not in single
    fitted = crystal(task="equation_of_state", relax_shape=False)
    assert "third-order Birch-Murnaghan equation of state [" in fitted
    assert "fitted to 7 volumes" in fitted
    assert "relaxing its shape" not in fitted
    # A cubic cell has no shape to relax, whatever was asked for.
    assert "relaxing its shape" not in crystal(task="equation_of_state")
    hexagonal = crystal(structure="LiC6", task="equation_of_state")
    assert "relaxing its shape at each volume" in hexagonal


# --- dynamics ---------------------------------------------------------------------------------


def dynamics(*notes: str, **params: Any) -> str:
    result: Any = SimpleNamespace(
        n_atoms=9,
        platform="Reference",
        versions={"openmm": "8.6.1", "pdbfixer": "1.12.0", "rdkit": "2026.9.1"},
        notes=[note(code) for code in notes],
    )
    given = params if "pdb" in params else {"structure": "CCO", **params}
    return numbered(molecular_dynamics(MdParams.model_validate(given), result)).text


@pytest.mark.parametrize(
    ("params", "is_told"),
    [
        ({}, "OpenMM 8.6.1 [1] on its Reference platform, using the MMFF94 force field [2]"),
        ({"length_ps": 5}, "production lasted 5 ps"),
        ({}, "After 2 ps of NVT equilibration"),
        ({"equilibration_ps": 0}, "5 ps without equilibration"),
        ({"temperature_k": 350}, "Langevin middle integrator [5] at 350 K"),
        ({"ensemble": "NVE"}, "NVE ensemble used the leapfrog Verlet integrator"),
        ({"timestep_fs": 2}, "constrained to a tolerance of 1e-06"),
        ({"timestep_fs": 0.5}, "time step of 0.5 fs (seed 42); no bonds were constrained"),
        ({"structure": WATER_XYZ}, "coordinates were taken as given and minimised"),
        ({"pdb": PDB}, "Amber ff14SB force field [2] with OBC2 implicit water [3]"),
        ({"pdb": PDB, "environment": "vacuum"}, "in vacuum without a cutoff"),
        ({"pdb": PDB, "environment": "explicit"}, "TIP3P water [3], with particle-mesh Ewald"),
        ({"pdb": PDB, "environment": "explicit"}, "20 ps of NPT equilibration"),
        (
            {"pdb": PDB, "environment": "explicit", "ensemble": "NPT", "pressure_bar": 2},
            "Monte Carlo barostat [6] at 2 bar",
        ),
        (
            {"pdb": PDB, "environment": "explicit", "ionic_strength_molar": 0.15},
            "12 Å of water around it and 0.15 mol/L NaCl [5]",
        ),
    ],
)
def test_a_dynamics_paragraph_says_what_was_asked(params: dict[str, Any], is_told: str) -> None:
    if "without equilibration" in is_told:
        params = {**params, "length_ps": 5}

    assert is_told in dynamics(**params)


def test_a_dynamics_paragraph_claims_nothing_that_was_not_done() -> None:
    assert "barostat" not in dynamics()
    assert "NaCl" not in dynamics(pdb=PDB, environment="explicit")
    assert "Langevin" not in dynamics(ensemble="NVE", equilibration_ps=0)
    assert "pdbfixer" not in dynamics(pdb=PDB)
    assert "were added by pdbfixer 1.12.0, hydrogens as at pH 7" in dynamics("atoms_added", pdb=PDB)


# --- docking ----------------------------------------------------------------------------------

BOX = DockingBox(center_angstrom=(1, 2, 3), size_angstrom=(20, 21, 22), defined_by="box")
REPORT = {
    "n_residues": 200, "n_atoms": 3000, "n_hydrogens_added": 12, "n_waters_removed": 3,
    "hetero_kept": ["ZN"], "hetero_removed": ["SO4"], "alternate_locations": [], "chain_gaps": [],
    "side_chains_cut": [], "caps_removed": [], "residues_removed": [], "bonds_ignored": [],
}  # fmt: skip
DOCKED = {
    "seeds": [11, 12],
    "box": BOX,
    "versions": {"vina": "1.2.7", "meeko": "0.8.0", "prolif": "2.2.3", "rdkit": "2026.9.1"},
}


def docked(report: dict[str, Any] | None = None, **params: Any) -> str:
    receptor = ReceptorReport(**{**REPORT, **(report or {})})
    fields = {**DOCKED, "receptor": receptor, "ligand_formula": "C10H13N5O3", "n_torsions": 4}
    read = {**test_docking.EXAMPLE, **params}
    return told_by("docking", read, **fields)


def test_one_search_is_told_as_one() -> None:
    fields = {**DOCKED, "seeds": [11]}
    receptor = ReceptorReport(**REPORT)
    told = told_by(
        "docking", test_docking.EXAMPLE, **fields, receptor=receptor,
        ligand_formula="CH4", n_torsions=0,
    )  # fmt: skip

    assert "by 1 search (exhaustiveness 8 in all, seed 11)" in told


def test_a_docking_tells_search_box_and_preparation() -> None:
    told = docked(scoring="vina")

    assert "AutoDock Vina 1.2.7 [1] and the Vina scoring function [2]" in told
    assert "2 independent searches (exhaustiveness 8 in all, seeds 11, 12)" in told
    assert "a box of 20.0 × 21.0 × 22.0 Å centred at (1.00, 2.00, 3.00) Å" in told
    assert "3 waters were removed" in told
    assert "12 hydrogens were added" in told
    assert "metal ions were kept (ZN)" in told
    assert "ProLIF 2.2.3 [" in told
    assert "the Vinardo scoring function [2]" in docked(scoring="vinardo")


def test_a_docking_claims_nothing_that_was_not_done() -> None:
    told = docked({"n_waters_removed": 0, "hetero_kept": [], "n_hydrogens_added": 0})

    assert "waters" not in told
    assert "ions" not in told
    assert "hydrogens" not in told


def screened(count: int) -> dict[str, Any]:
    ligands = [
        ScreenedLigand(
            rank=n, line=n, molecular_weight_g_per_mol=450.0, crippen_logp=3.1,
            name=f"ligand number {n} of a long list with long names " * 3, smiles="C" * 300,
            score_kcal_per_mol=-9.0, ligand_efficiency_kcal_per_mol=0.3, n_heavy_atoms=30,
            n_torsions=5, n_searches_agreeing=1, rmsd_to_bound_ligand_angstrom=None,
        )
        for n in range(1, count + 1)
    ]  # fmt: skip
    return {
        "best_score_kcal_per_mol": -9.0,
        "ligands": [each.model_dump() for each in ligands],
        "failed": [],
        "seeds": [1] * 32,
        "box": BOX.model_dump(),
        "receptor": REPORT,
        "method": "x" * 500,
        "wall_time_s": 1.0,
        "versions": DOCKED["versions"],
        "notes": [{"code": f"code_{n}", "message": "m" * 200} for n in range(40)],
    }


def test_a_screen_tells_of_its_ligands() -> None:
    params = DockingScreenParams.model_validate(
        {"ligands": "C", "receptor_pdb": PDB, "box_ligand_residue": "3D1"}
    )
    sim = simulations.get("docking_screen")
    assert sim.methods

    told = numbered(sim.methods(params, sim.Result.model_validate(screened(3)))).text

    assert "Each of 3 ligands was embedded" in told
    assert "could not be docked" not in told


# --- reactions --------------------------------------------------------------------------------


def reaction(*species: str, **params: Any) -> str:
    names = species or ("dft_optimization",) * 2
    read = {"reactants": ["O"], "products": ["O"], **params}
    ReactionEnergyParams.model_validate(read)
    rows = [
        SimpleNamespace(
            simulation=name, multiplicity=1, reference="RKS", symmetry_number=2, n_imaginary=1,
            note_codes="",
        )
        for name in names
    ]  # fmt: skip
    return told_by(
        "reaction_energy", read, species=rows, equation="A → B", temperature_k=298.15,
        pressure_bar=1.0, versions=DFT_VERSIONS,
    )  # fmt: skip


def test_a_reaction_tells_its_method_and_what_its_energies_are() -> None:
    assert "the B3LYP functional [3], the D3(BJ)" in reaction()
    assert "without zero-point energy" in reaction()
    assert "at 298.15 K and 1 bar" in reaction(thermochemistry=True)
    assert "GFN2-xTB [1] in tblite 0.8.0" in reaction(method="GFN2-xTB")
    assert "water was described by the SMD [" in reaction(solvent="water")
    atoms = ("dft_single_point",) * 2
    assert "Single atoms were computed as they are" in reaction(*atoms)
    assert "geomeTRIC" not in reaction(*atoms)


def test_a_reaction_tells_the_hessian_and_what_was_left_out_of_it() -> None:
    told = reaction(*["dft_frequencies"] * 2, thermochemistry=True)

    assert "The Hessian of H2O was computed analytically (its dispersion term numerically)" in told
    assert "with symmetry number 2 (H2O); 1 imaginary mode of H2O was left out." in told


# --- summaries --------------------------------------------------------------------------------


def test_every_simulation_but_the_demo_tells_its_methods() -> None:
    silent = [sim.name for sim in simulations.all_simulations() if sim.methods is None]

    assert silent == ["demo.sum_squares"]


@pytest.mark.parametrize("sim", simulations.all_simulations(), ids=lambda sim: sim.name)
def test_every_simulation_has_headlines_with_titles_and_units(sim: Any) -> None:
    flagged = {
        name: field
        for name, field in sim.Result.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("headline")
    }

    assert flagged
    assert all(field.title for field in flagged.values())
    params = sim.Params.model_fields.values()
    assert not any(
        isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("headline")
        for field in params
    )


def longest(field: Any) -> Any:
    """A value of this field that takes as much room as one can."""
    kinds = str(field.annotation)
    if "float" in kinds:
        return -1.2345678901234567e-123
    if "int" in kinds:
        return 2**31
    return False if "bool" in kinds else "x" * 5000


@pytest.mark.parametrize("sim", simulations.all_simulations(), ids=lambda sim: sim.name)
def test_a_summary_stays_small_however_large_the_result(sim: Any) -> None:
    result = {name: longest(field) for name, field in sim.Result.model_fields.items()}
    result["notes"] = [{"code": f"a_code_of_some_length_{n}", "message": ""} for n in range(99)]
    without_digest = simulations.Simulation(
        **{**{name: getattr(sim, name) for name in sim.__dataclass_fields__}, "digest": None}
    )

    told = summarise(without_digest, result)

    assert len(json.dumps(told, ensure_ascii=False).encode()) < MAX_BYTES
    assert len(told["notes"]) == MAX_NOTES


def test_the_summary_of_a_long_screen_is_small_and_names_the_best() -> None:
    told = summarise(simulations.get("docking_screen"), screened(200))

    assert len(json.dumps(told, ensure_ascii=False).encode()) < MAX_BYTES
    assert told["n_docked"] == 200
    assert told["best_ligand"].startswith("ligand number 1")
    assert told["best_score_kcal_per_mol"] == -9.0
    assert len(told["notes"]) == 8


def test_how_the_structure_was_read_is_no_news() -> None:
    result = {"total": 14, "notes": [{"code": "structure"}, {"code": "resumed"}]}

    told = summarise(simulations.get("demo.sum_squares"), result)

    assert told == {"total": 14, "notes": ["resumed"]}


def test_a_summary_that_would_be_too_long_is_cut_from_its_end() -> None:
    wordy = {**screened(1), "notes": [{"code": c * 500, "message": ""} for c in "xy"]}

    told = summarise(simulations.get("docking_screen"), wordy)

    assert told["best_score_kcal_per_mol"] == -9.0
    assert "notes" not in told


@pytest.mark.parametrize(
    ("dispersion", "smd", "numerical"),
    [
        (False, False, "analytically by PySCF"),
        (True, False, "analytically (its dispersion term numerically) by PySCF"),
        (
            True,
            True,
            "analytically (its dispersion and non-electrostatic solvation terms numerically) by",
        ),
    ],
)
def test_what_has_no_analytic_derivative_is_told(
    dispersion: bool, smd: bool, numerical: str
) -> None:
    assert numerical in paragraph.hessian(has_dispersion=dispersion, is_smd=smd)
