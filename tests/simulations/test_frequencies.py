"""Normal modes and thermochemistry, against measured values and other programs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simulations
from simulations import Cancelled, InvalidParams
from simulations.quantum.geometry import ANGSTROM_PER_BOHR, Geometry, as_vectors
from simulations.quantum.symmetry import rotational_symmetry_number

from .recording import RecordingContext

WATER = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692"
FLAT_AMMONIA = "4\n\nN 0 0 0\nH 1.0 0 0\nH -0.5 0.8660254 0\nH -0.5 -0.8660254 0"


def dft(context: RecordingContext, **params: Any) -> dict[str, Any]:
    cheap = {"structure": WATER, "functional": "PBE", "basis": "sto-3g", "grid_level": 1}
    return simulations.get("dft_frequencies").run({**cheap, **params}, context)


def xtb(context: RecordingContext, **params: Any) -> dict[str, Any]:
    return simulations.get("xtb_frequencies").run({"structure": WATER, **params}, context)


@pytest.mark.engine
@pytest.mark.slow
def test_water_vibrates_as_it_was_measured_to_before(context: RecordingContext) -> None:
    """1638.8, 3791.4 and 3886.5 cm-1 are PySCF's own, from before this code was written.

    The minimum is found to some 1e-5 hartree/bohr, which leaves them half a wavenumber.
    """
    result = dft(context, structure="water", functional="B3LYP", basis="def2-svp", grid_level=2)

    assert result["frequencies_cm1"] == [
        pytest.approx(1638.8, abs=1), pytest.approx(3791.4, abs=1), pytest.approx(3886.5, abs=1),
    ]  # fmt: skip
    # The bend is the strong band of water, the symmetric stretch a weak one.
    assert result["ir_intensities_km_mol"] == [
        pytest.approx(55.5, abs=3), pytest.approx(4.9, abs=2), pytest.approx(27, abs=3),
    ]  # fmt: skip
    assert result["symmetry_number"] == 2
    # 188.84 J/(mol K) at 298.15 K and 1 bar: CODATA Key Values (1989).
    assert result["entropy_j_mol_k"] == pytest.approx(188.84, abs=0.3)
    # 33.59 J/(mol K): NIST-JANAF.
    assert result["heat_capacity_j_mol_k"] == pytest.approx(33.59, abs=0.3)


@pytest.mark.slow
@pytest.mark.engine
def test_xtb_frequencies_are_those_of_ase(context: RecordingContext, tmp_path: Path) -> None:
    from ase import Atoms
    from ase.vibrations import Vibrations
    from tblite.ase import TBLite

    result = xtb(context)

    atoms = Atoms(result["symbols"], result["positions_angstrom"])
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    vibrations = Vibrations(atoms, name=str(tmp_path / "vibrations"))
    vibrations.run()
    theirs = vibrations.get_frequencies().real[-3:]
    assert result["frequencies_cm1"] == pytest.approx(theirs, abs=2)
    assert result["n_imaginary"] == 0
    assert context.series("displacement") == list(range(1, 19))
    assert result["gibbs_hartree"] < result["enthalpy_hartree"]


@pytest.mark.engine
def test_the_thermochemistry_is_that_of_pyscf(context: RecordingContext) -> None:
    from pyscf import gto
    from pyscf.hessian import thermo

    result = xtb(context, temperature_k=350, pressure_bar=1.01325)

    mol = gto.M(
        atom=list(zip(result["symbols"], result["positions_angstrom"], strict=True)), verbose=0
    )
    mol.e_tot, mol.mol = result["energy_hartree"], mol
    atomic_units = 219474.6313632 * (1822.888486209**-0.5)
    frequencies = np.array(result["frequencies_cm1"]) / atomic_units
    theirs = thermo.thermo(mol, frequencies, 350, 101325)
    assert result["zero_point_hartree"] == pytest.approx(theirs["ZPE"][0], abs=1e-7)
    assert result["enthalpy_hartree"] == pytest.approx(theirs["H_tot"][0], abs=1e-6)
    # PySCF takes the symmetry number from a point group that it asks to be exact.
    ratio = result["symmetry_number"] / theirs["sym_number"][0]
    entropy = theirs["S_tot"][0] - np.log(ratio) * 8.314462618 / 2625499.6394798
    gibbs = theirs["H_tot"][0] - 350 * entropy
    assert result["gibbs_hartree"] == pytest.approx(gibbs, abs=1e-6)


@pytest.mark.engine
def test_the_rotational_constants_are_those_of_pyscf(context: RecordingContext) -> None:
    from pyscf.hessian import thermo

    result = xtb(context)

    positions = np.array(result["positions_angstrom"]) / ANGSTROM_PER_BOHR
    theirs = thermo.rotation_const(np.array([15.999, 1.008, 1.008]), positions, unit="GHz")
    assert result["rotational_constants_ghz"] == pytest.approx(list(theirs), rel=1e-4)
    assert result["mass_dalton"] == pytest.approx(18.015, abs=1e-3)


@pytest.mark.engine
def test_a_molecule_on_a_line_has_one_rotational_constant(context: RecordingContext) -> None:
    result = xtb(context, structure="2\n\nC 0 0 0\nO 0 0 1.128", optimize_first=False)

    # 57.9 GHz at this length: B = h / (8 pi^2 mu r^2), with mu = 6.8606 Da.
    assert result["rotational_constants_ghz"] == [pytest.approx(57.9, abs=0.1)]


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("charge", [0, 1])
def test_the_dipole_derivatives_are_those_of_finite_differences(
    context: RecordingContext, charge: int
) -> None:
    from simulations.quantum.hessian import AnalyticHessian

    def solved(shift: float) -> Any:
        from pyscf import dft, gto

        atoms = [
            ("O", (0, 0, 0.1173)),
            ("H", (0, 0.7572 + shift, -0.4692)),
            ("H", (0.1, -0.7, -0.5)),
        ]
        mol = gto.M(atom=atoms, basis="6-31g", charge=charge, spin=charge, verbose=0)
        mf = (dft.UKS if charge else dft.RKS)(mol, xc="pbe").density_fit()
        mf._chkfile.close()
        mf.grids.level, mf.conv_tol = 3, 1e-11
        return mf.run()

    step = 0.005

    _, derivatives = AnalyticHessian(solved(0), lambda sentence: None).compute()

    there, back = (
        solved(sign * step * ANGSTROM_PER_BOHR).dip_moment(unit="AU", verbose=0) for sign in (1, -1)
    )
    assert derivatives[4] == pytest.approx((there - back) / (2 * step), abs=5e-4)  # fmt: skip


def test_a_dft_run_tells_of_its_hessian_and_leaves_its_files(context: RecordingContext) -> None:
    from qcelemental.models.v1 import AtomicResult

    result = dft(context)

    assert len(result["frequencies_cm1"]) == len(result["ir_intensities_km_mol"]) == 3
    assert result["n_imaginary"] == 0
    assert result["max_force_hartree_per_bohr"] < 4.5e-4
    assert context.artifacts == [
        "start.xyz", "checkpoint.chk", "trajectory.xyz", "final.xyz", "spectrum.csv",
        "modes.molden", "qcschema.json",
    ]  # fmt: skip
    parsed = AtomicResult.parse_file(context.workdir / "qcschema.json")
    assert np.shape(parsed.return_result) == (9, 9)
    assert len((context.workdir / "spectrum.csv").read_text().splitlines()) == 4
    assert (context.workdir / "modes.molden").read_text().count("vibration") == 3
    fractions = context.series("fraction")
    assert fractions == sorted(fractions)
    wavenumbers = context.series("wavenumber_cm1")
    assert wavenumbers == sorted(wavenumbers)
    json.dumps(result, allow_nan=False)


def test_a_cancel_in_the_response_of_the_orbitals_is_heard(context: RecordingContext) -> None:
    context.stop_when = lambda point: "response of the orbitals, iteration 2" in point["message"]

    with pytest.raises(Cancelled):
        dft(context, optimize_first=False)


@pytest.mark.engine
def test_a_saddle_is_called_one(context: RecordingContext) -> None:
    result = xtb(context, structure=FLAT_AMMONIA, optimize_first=False)

    notes = {note["code"]: note["message"] for note in result["notes"]}
    assert result["n_imaginary"] == 1
    assert result["frequencies_cm1"][0] < -300
    assert "Not a minimum: 1 imaginary mode" in notes["imaginary_modes"]
    assert "modes.molden" in notes["imaginary_modes"]
    assert result["symmetry_number"] == 6


def test_forces_that_are_left_are_told(context: RecordingContext) -> None:
    stretched = WATER.replace("0.7572", "0.85")

    result = xtb(context, structure=stretched, optimize_first=False)

    assert "not_stationary" in [note["code"] for note in result["notes"]]


@pytest.mark.engine
def test_what_is_too_cold_for_a_classical_rotor_is_told(context: RecordingContext) -> None:
    cold = xtb(context, temperature_k=1)
    notes = {note["code"]: note["message"] for note in cold["notes"]}

    assert cold["entropy_j_mol_k"] < 0  # as no entropy is
    # 871.7 GHz of GFN2-xTB by h/k; 40.1 K was measured (Herzberg, 1966).
    assert "rotational temperature of 41.8 K" in notes["too_cold"]
    assert not codes(xtb(context, temperature_k=100)) & {"too_cold"}


@pytest.mark.parametrize("name", ["dft_frequencies", "xtb_frequencies"])
def test_isotopes_are_told_not_to_change_the_masses(name: str) -> None:
    simulation = simulations.get(name)
    heavy, usual = (
        simulation.check({"structure": "[2H]O[2H]"}),
        simulation.check({"structure": "O"}),
    )

    assert "isotopes_not_used" in [note.code for note in heavy.notes]
    assert "isotopes_not_used" not in [note.code for note in usual.notes]


@pytest.mark.engine
def test_a_result_says_that_its_isotopes_were_not_used(context: RecordingContext) -> None:
    result = xtb(context, structure="[2H]O[2H]")

    assert result["mass_dalton"] == pytest.approx(18.015)
    assert "isotopes_not_used" in codes(result)


def codes(result: dict[str, Any]) -> set[str]:
    return {note["code"] for note in result["notes"]}


@pytest.mark.engine
def test_a_line_has_one_mode_more(context: RecordingContext) -> None:
    result = xtb(context, structure="O=C=O")

    assert len(result["frequencies_cm1"]) == 4
    assert result["symmetry_number"] == 2
    assert result["frequencies_cm1"][0] == pytest.approx(result["frequencies_cm1"][1], abs=1)
    # 213.79 J/(mol K): CODATA Key Values (1989).
    assert result["entropy_j_mol_k"] == pytest.approx(213.8, abs=2)


@pytest.mark.parametrize(
    ("name", "number"),
    [("H2O", 2), ("NH3", 3), ("CH4", 12), ("C6H6", 12), ("C2H6", 6), ("C2H4", 4), ("CO2", 2),
     ("CO", 1), ("CH3OH", 1), ("BF3", 6)],
)  # fmt: skip
def test_symmetry_is_found_in_a_geometry_that_is_nearly_so(name: str, number: int) -> None:
    from ase.build import molecule

    atoms = molecule(name)
    atoms.rattle(3e-3, seed=1)
    atoms.rotate(37, (1, 2, 3))
    geometry = Geometry(tuple(atoms.get_chemical_symbols()), as_vectors(atoms.positions))

    assert rotational_symmetry_number(geometry) == number


@pytest.mark.parametrize(
    ("params", "code", "fix"),
    [
        ({"structure": "[He]"}, "one_atom", {"simulation": "dft_single_point"}),
        ({"structure": "[CH3]", "reference": "roks"}, "no_hessian", {"reference": "uks"}),
        ({"structure": "C" * 20}, "too_many_atoms", None),
    ],
)
def test_what_has_no_dft_frequencies_is_refused(
    params: dict[str, Any], code: str, fix: dict[str, Any] | None
) -> None:
    with pytest.raises(InvalidParams) as refused:
        simulations.get("dft_frequencies").check(params)

    (error,) = refused.value.errors
    assert (error.code, error.fix) == (code, fix)


@pytest.mark.parametrize("simulation", ["dft_frequencies", "xtb_frequencies"])
def test_a_free_energy_in_a_solvent_is_told_to_be_of_a_gas(simulation: str) -> None:
    def told(**params: Any) -> list[str]:
        checked = simulations.get(simulation).check({"structure": "O", **params})
        return [note.message for note in checked.notes if note.code == "gas_standard_state"]

    (at_room,) = told(solvent="water")
    (denser,) = told(solvent="water", pressure_bar=2.4789572)

    assert "1 bar (0.0403 mol/l)" in at_room
    assert "add 7.96 kJ/mol" in at_room  # RT ln 24.79
    assert "(0.1 mol/l)" in denser
    assert "add 5.71 kJ/mol" in denser
    assert told() == []
