"""The tables of methods say what PySCF says; what the chemistry of an input must satisfy."""

from typing import get_args

import pytest

import simulations
from simulations import FieldError, InvalidParams
from simulations.quantum.methods import (
    COVERAGE,
    FUNCTIONALS,
    BasisName,
    FunctionalName,
    bases_for,
    core_potential,
    covers,
    disp_of,
    label,
)
from simulations.structures.elements import SYMBOLS

WATER = "O 0 0 0.1173; H 0 0.7572 -0.4692; H 0 -0.7572 -0.4692"


def refusals(name: str = "dft_single_point", **params: object) -> list[FieldError]:
    with pytest.raises(InvalidParams) as refused:
        simulations.get(name).check(params)
    return list(refused.value.errors)


def test_the_tables_hold_exactly_the_names_that_are_offered() -> None:
    assert set(FUNCTIONALS) == set(get_args(FunctionalName))
    assert set(COVERAGE) == set(get_args(BasisName))


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*Basis may be:UserWarning")
@pytest.mark.parametrize("basis", COVERAGE)
def test_the_coverage_of_a_basis_is_what_pyscf_holds(basis: BasisName) -> None:
    from pyscf import gto

    def pyscf_has(symbol: str) -> bool:
        try:
            gto.basis.load(basis, symbol)
            for heavy, potential in core_potential(basis, {symbol}).items():
                gto.basis.load_ecp(potential, heavy)
        except (KeyError, RuntimeError):
            return False
        return True

    for symbol in SYMBOLS[:86]:
        assert covers(basis, symbol) == pyscf_has(symbol), symbol


@pytest.mark.engine
@pytest.mark.parametrize("name", FUNCTIONALS)
def test_every_d4_of_the_table_has_parameters(name: FunctionalName) -> None:
    from pyscf import gto
    from pyscf.dispersion.dftd4 import DFTD4Dispersion
    from pyscf.scf.dispersion import parse_disp

    mol = gto.M(atom=WATER, verbose=0)
    disp = disp_of(name, "d4")
    if disp is not None:
        method, version, with_three_bodies = parse_disp(FUNCTIONALS[name].xc, disp)
        energy = DFTD4Dispersion(mol, method, atm=with_three_bodies).get_dispersion()["energy"]
        assert version == "d4"
        assert -2e-3 < energy < 0


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONALS)
def test_every_functional_runs_and_has_dispersion_where_the_table_says(
    name: FunctionalName,
) -> None:
    from pyscf import dft, gto

    mol = gto.M(atom=WATER, basis="sto-3g", verbose=0)
    mf = dft.RKS(mol, xc=FUNCTIONALS[name].xc).density_fit()
    mf._chkfile.close()
    mf.grids.level = 0
    mf.disp = disp_of(name, "auto")

    mf.kernel()

    assert mf.converged
    assert ("dispersion" in mf.scf_summary) == FUNCTIONALS[name].d3bj
    if FUNCTIONALS[name].d3bj:
        assert -2e-3 < mf.scf_summary["dispersion"] < 0


def test_heavy_elements_of_def2_get_a_core_potential() -> None:
    assert core_potential("def2-svp", {"C", "I"}) == {"I": "def2-svp"}
    assert core_potential("sto-3g", {"C", "I"}) == {}
    assert bases_for({"C", "I"}) == [
        "sto-3g", "6-311g**", "def2-svp", "def2-tzvp", "def2-tzvpp", "def2-qzvp",
    ]  # fmt: skip


def test_a_method_is_named_as_in_a_paper() -> None:
    assert label("B3LYP", "def2-svp", "auto") == "B3LYP-D3(BJ)/def2-svp"
    assert label("M06-2X", "def2-svp", "auto") == "M06-2X/def2-svp"
    assert label("PBE", "def2-svp", "none") == "PBE/def2-svp"
    assert label("wB97X", "def2-svp", "d4") == "wB97X-D4/def2-svp"


@pytest.mark.parametrize("given", ["B3LYP", "b3lyp", "B3lyp"])
def test_names_are_taken_in_any_case(given: str) -> None:
    params = {"structure": "O", "functional": given, "basis": "Def2-SVP"}

    checked = simulations.get("dft_single_point").check(params)

    assert checked.params["functional"] == "B3LYP"
    assert checked.params["basis"] == "def2-svp"


@pytest.mark.parametrize(
    ("params", "code", "detail", "fix"),
    [
        (
            {"structure": "O", "multiplicity": 2},
            "multiplicity_parity",
            "10 electrons with charge 0 need an odd multiplicity; use 1 (singlet).",
            {"multiplicity": 1},
        ),
        (
            {"structure": "O", "charge": 1, "multiplicity": 1},
            "multiplicity_parity",
            "9 electrons with charge 1 need an even multiplicity; use 2 (doublet).",
            {"multiplicity": 2},
        ),
        (
            {"structure": "[H][H]", "multiplicity": 5},
            "multiplicity_too_high",
            "2 electrons with charge 0 have no multiplicity 5; use 1 (singlet).",
            {"multiplicity": 1},
        ),
        (
            {"structure": "[H+]"},
            "no_electrons",
            "A charge of 1 leaves 0 electrons.",
            None,
        ),
        (
            {"structure": "CI", "basis": "6-31g*"},
            "basis_lacks_element",
            "The basis 6-31g* has no I; use sto-3g, 6-311g**, def2-svp, def2-tzvp, def2-tzvpp, "
            "def2-qzvp.",
            {"basis": "def2-svp"},
        ),
        (
            {"structure": "[U]"},
            "basis_lacks_element",
            "The basis def2-svp has no U; no basis here has them all.",
            None,
        ),
        (
            {"structure": "O", "functional": "M06-2X", "dispersion": "d3bj"},
            "no_d3_parameters",
            "D3(BJ) has no parameters for M06-2X; use auto or none.",
            {"dispersion": "none"},
        ),
        (
            {"structure": "C" * 67},
            "too_many_atoms",
            "The structure has 203 atoms with its hydrogens; DFT is run here on at most 200. "
            "Cut out the part that matters, or use a cheaper method.",
            None,
        ),
    ],
)
def test_chemistry_that_cannot_be_is_refused(
    params: dict[str, object], code: str, detail: str, fix: dict[str, object] | None
) -> None:
    (error,) = refusals(**params)

    assert (error.code, error.detail, error.fix) == (code, detail, fix)


def test_everything_wrong_is_told_at_once() -> None:
    errors = refusals(structure="CI", multiplicity=2, basis="6-31g")

    assert [error.code for error in errors] == ["multiplicity_parity", "basis_lacks_element"]


def test_a_crystal_is_sent_to_the_simulation_of_crystals_and_back() -> None:
    (error,) = refusals("dft_optimization", structure="Li[C6]")
    assert error.fix == {"simulation": "dft_crystal"}
    assert "is not SMILES; read as the formula LiC6, a known crystal" in error.detail

    (error,) = refusals("dft_crystal", structure="benzene")
    assert error.fix == {"simulation": "dft_optimization"}


def test_one_atom_is_not_optimised() -> None:
    (error,) = refusals("dft_optimization", structure="[He]")

    assert error.fix == {"simulation": "dft_single_point"}


def test_what_was_decided_for_the_user_is_noted() -> None:
    params = {"structure": "[CH3]", "functional": "SVWN"}

    checked = simulations.get("dft_single_point").check(params)

    assert [note.message for note in checked.notes] == [
        "Read as SMILES (CH3, 4 atoms).",
        "As written it is a radical, with 1 unpaired electron.",
        "Computed with multiplicity 2 (doublet).",
        "D3(BJ) has no parameters for SVWN: no dispersion is added.",
    ]
