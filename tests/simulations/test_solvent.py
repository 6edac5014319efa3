"""Molecules in a continuum, spins shared or not, D4, and charges of intrinsic orbitals."""

from typing import Any
from unittest.mock import Mock

import pytest

import simulations
from simulations import InvalidParams
from simulations.quantum import charges
from simulations.quantum.solvents import SOLVENTS

from .recording import RecordingContext

pytestmark = pytest.mark.slow

WATER = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692"
HYDROXYL = "2\n\nO 0 0 0\nH 0 0 0.97"
OXYGEN = "2\n\nO 0 0 0\nO 0 0 1.21"


def single_point(context: RecordingContext, **params: Any) -> dict[str, Any]:
    cheap = {"structure": WATER, "basis": "6-31g", "grid_level": 1, "dispersion": "none"}
    return simulations.get("dft_single_point").run({**cheap, **params}, context)


def fresh(context: RecordingContext) -> RecordingContext:
    """Another run in the same folder, which remembers nothing."""
    return RecordingContext(context.workdir)


def pyscf_water(solvent: str, model: str) -> float:
    """The same by PySCF itself, without a line of ours."""
    from pyscf import dft, gto

    mol = gto.M(atom="\n".join(WATER.splitlines()[2:]), basis="6-31g", verbose=0)
    mf = dft.RKS(mol, xc="b3lyp").density_fit()
    mf._chkfile.close()
    mf.grids.level = 1
    mf = mf.SMD() if model == "SMD" else mf.PCM()
    if model == "SMD":
        mf.with_solvent.solvent = solvent
    else:
        mf.with_solvent.method, mf.with_solvent.eps = model, 78.355
    return float(mf.kernel())


@pytest.mark.engine
@pytest.mark.parametrize(
    "model",
    [
        "C-PCM",
        pytest.param("IEF-PCM", marks=pytest.mark.slow),
        pytest.param("COSMO", marks=pytest.mark.slow),
        pytest.param("SMD", marks=pytest.mark.slow),
    ],
)
def test_water_in_water_has_the_energy_that_pyscf_gives_it(
    context: RecordingContext, model: str
) -> None:
    result = single_point(context, solvent="water", solvent_model=model)

    assert result["energy_hartree"] == pytest.approx(pyscf_water("water", model), abs=1e-7)
    assert -0.03 < result["solvation_hartree"] < -0.005
    assert result["method"] == f"B3LYP/6-31g, {model}(water)"


@pytest.mark.engine
def test_the_table_of_solvents_is_pyscfs() -> None:
    from pyscf.solvent.smd import solvent_db

    for name, solvent in SOLVENTS.items():
        assert solvent_db[solvent.smd][5] == solvent.epsilon, name


@pytest.mark.engine
def test_a_more_polar_solvent_stabilises_more(context: RecordingContext) -> None:
    energies = [
        single_point(fresh(context), solvent=solvent)["energy_hartree"]
        for solvent in ("none", "hexane", "dichloromethane", "water")
    ]

    assert energies == sorted(energies, reverse=True)


@pytest.mark.engine
@pytest.mark.parametrize("model", ["C-PCM", "SMD"])
def test_the_gradient_in_a_solvent_leads_to_a_minimum(
    context: RecordingContext, model: str
) -> None:
    optimise = simulations.get("dft_optimization")
    params = {"structure": WATER, "functional": "PBE", "basis": "6-31g", "grid_level": 2}

    result = optimise.run({**params, "solvent": "water", "solvent_model": model}, context)

    assert result["max_force_hartree_per_bohr"] < 4.5e-4
    assert result["energy_hartree"] < result["initial_energy_hartree"]


def test_frequencies_exist_in_a_solvent(context: RecordingContext) -> None:
    frequencies = simulations.get("dft_frequencies")
    params = {"structure": WATER, "functional": "PBE", "basis": "6-31g", "grid_level": 2}

    result = frequencies.run({**params, "solvent": "water"}, context)

    assert result["n_imaginary"] == 0
    assert len(result["frequencies_cm1"]) == 3


@pytest.mark.engine
def test_roks_has_a_pure_spin_and_lies_above_uks(context: RecordingContext) -> None:
    uks = single_point(fresh(context), structure=HYDROXYL)

    roks = single_point(fresh(context), structure=HYDROXYL, reference="ROKS")

    assert (uks["reference"], roks["reference"]) == ("UKS", "ROKS")
    assert roks["s_squared"] == pytest.approx(0.75, abs=1e-6)
    assert uks["s_squared"] > roks["s_squared"]
    assert uks["energy_hartree"] < roks["energy_hartree"]
    assert len(roks["mulliken_charges"]) == len(roks["iao_charges"]) == 2


@pytest.mark.engine
def test_the_triplet_of_oxygen_lies_below_its_singlet(context: RecordingContext) -> None:
    triplet = single_point(fresh(context), structure=OXYGEN, multiplicity=3)

    singlet = single_point(fresh(context), structure=OXYGEN, multiplicity=1, reference="uks")

    assert triplet["energy_hartree"] < singlet["energy_hartree"]


def test_rks_of_a_radical_is_refused_with_the_mend() -> None:
    with pytest.raises(InvalidParams) as refused:
        simulations.get("dft_single_point").check({"structure": "[CH3]", "reference": "rks"})

    (error,) = refused.value.errors
    assert (error.code, error.fix) == ("reference_needs_singlet", {"reference": "uks"})


@pytest.mark.engine
def test_d4_is_named_and_counted(context: RecordingContext) -> None:
    from pyscf import gto
    from pyscf.dispersion.dftd4 import DFTD4Dispersion

    result = single_point(context, dispersion="d4")

    mol = gto.M(atom="\n".join(WATER.splitlines()[2:]), verbose=0)
    theirs = float(DFTD4Dispersion(mol, "b3lyp").get_dispersion()["energy"])
    assert result["dispersion_hartree"] == pytest.approx(theirs, abs=1e-9)
    assert result["method"] == "B3LYP-D4/6-31g"


def test_d4_without_parameters_is_refused() -> None:
    with pytest.raises(InvalidParams) as refused:
        simulations.get("dft_single_point").check(
            {"structure": "O", "functional": "M06-2X", "dispersion": "d4"}
        )

    (error,) = refused.value.errors
    assert (error.code, error.fix) == ("no_d4_parameters", {"dispersion": "none"})


@pytest.mark.engine
def test_iao_charges_sum_to_the_charge_and_hardly_vary_with_the_basis(
    context: RecordingContext,
) -> None:
    small = single_point(fresh(context), basis="6-31g**")["iao_charges"]
    large = single_point(fresh(context), basis="def2-tzvp")["iao_charges"]
    ion = single_point(fresh(context), structure=HYDROXYL, charge=-1)["iao_charges"]

    assert sum(small) == pytest.approx(0, abs=1e-6)
    assert small == pytest.approx(large, abs=0.03)
    assert sum(ion) == pytest.approx(-1, abs=1e-6)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("atoms", "spin", "times"), [("F 0 0 0; H 0 0 0.92", 0, 1), ("N 0 0 0; H 0 0 1.04", 2, 2)]
)
def test_iao_charges_are_worked_out_once_where_both_spins_are_the_same(
    atoms: str, spin: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyscf import gto, scf
    from pyscf.lo.iao import reference_mol

    mf = scf.ROHF(gto.M(atom=atoms, basis="sto-3g", spin=spin, verbose=0))
    mf._chkfile.close()
    mf.kernel()
    minimal, one_spin = reference_mol(mf.mol), charges._populations
    each = [one_spin(mf, minimal, occupied) for occupied in charges._occupied(mf)]
    counted = Mock(side_effect=one_spin)
    monkeypatch.setattr(charges, "_populations", counted)

    found = charges.iao_charges(mf)

    assert found == list(mf.mol.atom_charges() - each[0] - each[1])
    assert counted.call_count == times


def test_iao_charges_know_a_core_potential(context: RecordingContext) -> None:
    result = single_point(
        context, structure="2\n\nH 0 0 0\nI 0 0 1.61", basis="def2-svp", grid_level=0
    )

    assert sum(result["iao_charges"]) == pytest.approx(0, abs=1e-6)
    assert abs(result["iao_charges"][1]) < 0.5


def test_contaminated_spin_is_told(context: RecordingContext) -> None:
    stretched = "2\n\nC 0 0 0\nN 0 0 1.9"

    result = single_point(context, structure=stretched, multiplicity=2, functional="BHandHLYP")

    assert result["s_squared"] > 0.8
    assert "spin_contamination" in [note["code"] for note in result["notes"]]
