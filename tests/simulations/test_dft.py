"""Molecules, computed by the real engine."""

import json
from pathlib import Path
from typing import Any

import pytest

import simulations
from simulations import Cancelled, ScienceError
from simulations.quantum.geometry import Geometry, append_frame, read_frames
from simulations.quantum.progress import log_progress

from .recording import RecordingContext
from .test_xtb import along_dipole

WATER = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692"
STRETCHED = "3\n\nO 0 0 0.1173\nH 0 0.80 -0.50\nH 0 -0.80 -0.50"
AMIDOGEN = "3\n\nN 0 0 0\nH 0.8029 0 0.6350\nH -0.8029 0 0.6350"
"""A radical without degenerate orbitals, between which a grid would choose."""


def single_point(context: RecordingContext, **params: Any) -> dict[str, Any]:
    return simulations.get("dft_single_point").run({"grid_level": 2, **params}, context)


def optimise(context: RecordingContext, **params: Any) -> dict[str, Any]:
    cheap = {"structure": STRETCHED, "basis": "sto-3g", "functional": "PBE", "grid_level": 1}
    return simulations.get("dft_optimization").run({**cheap, **params}, context)


def reference_energy(structure: str, *, spin: int = 0) -> float:
    """The same by PySCF itself, without a line of ours."""
    from pyscf import dft, gto

    mol = gto.M(atom="\n".join(structure.splitlines()[2:]), basis="def2-svp", spin=spin, verbose=0)
    mf = (dft.UKS if spin else dft.RKS)(mol, xc="b3lyp").density_fit()
    mf._chkfile.close()
    mf.disp = "d3bj"
    mf.grids.level = 2
    mf.conv_tol = 1e-11
    return float(mf.kernel())


@pytest.mark.engine
@pytest.mark.slow
def test_water_has_the_energy_that_pyscf_gives_it(context: RecordingContext) -> None:
    result = single_point(context, structure=WATER, scf_convergence_hartree=1e-11)

    assert result["energy_hartree"] == pytest.approx(reference_energy(WATER), abs=1e-8)
    assert result["method"] == "B3LYP-D3(BJ)/def2-svp"
    assert result["reference"] == "RKS"
    assert result["dipole_debye"] == pytest.approx(2.0, abs=0.2)
    assert along_dipole(result) == pytest.approx(result["dipole_debye"], rel=1e-3)
    assert sum(result["mulliken_charges"]) == pytest.approx(0, abs=1e-6)
    assert result["gap_ev"] == pytest.approx(result["lumo_ev"] - result["homo_ev"])


@pytest.mark.engine
def test_the_dipole_of_an_ion_does_not_depend_on_where_it_is(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    next_context.previous = None
    here = single_point(context, structure="2\n\nO 0 0 0\nH 0 0 0.97", charge=-1, basis="sto-3g")
    there = single_point(
        next_context, structure="2\n\nO 4 0 5\nH 4 0 5.97", charge=-1, basis="sto-3g"
    )

    # About the oxygen, where it begins, 0.196 debye towards the minus; -1 e times 0.0574 Å added.
    assert here["dipole_vector_debye"] == pytest.approx([0, 0, 0.0796], abs=2e-3)
    assert there["dipole_vector_debye"] == pytest.approx(here["dipole_vector_debye"], abs=1e-4)
    assert there["dipole_debye"] == pytest.approx(here["dipole_debye"], abs=1e-4)


@pytest.mark.parametrize(
    ("charge", "told"), [(-1, ["a basis with diffuse functions (aug-cc-pvdz)"]), (1, [])]
)
@pytest.mark.engine
def test_electrons_that_are_not_bound_are_told(
    context: RecordingContext, charge: int, told: list[str]
) -> None:
    result = single_point(
        context, structure="2\n\nO 0 0 0\nH 0 0 0.97", charge=charge, basis="sto-3g"
    )

    messages = [n["message"] for n in result["notes"] if n["code"] == "unbound_electrons"]
    assert (result["homo_ev"] > 0) == bool(told)
    assert len(messages) == len(told)
    assert all(mend in message for mend, message in zip(told, messages, strict=True))


@pytest.mark.engine
@pytest.mark.parametrize(
    ("distance", "multiplicity", "is_told"), [(50, 1, True), (50, 3, False), (0.74, 1, False)]
)
def test_a_state_that_is_not_the_lowest_is_told(
    context: RecordingContext, distance: float, multiplicity: int, is_told: bool
) -> None:
    """Two atoms far apart of which one is to have both electrons, and the other none."""
    structure = f"2\n\nH 0 0 0\nH 0 0 {distance}"

    result = single_point(context, structure=structure, multiplicity=multiplicity)

    told = [n["message"] for n in result["notes"] if n["code"] == "empty_below_filled"]
    assert (result["gap_ev"] < 0) == is_told
    assert len(told) == is_told
    assert all(f"{-result['gap_ev']:.2f} eV below" in message for message in told)


@pytest.mark.engine
@pytest.mark.slow
def test_a_radical_is_unrestricted(context: RecordingContext) -> None:
    result = single_point(context, structure=AMIDOGEN, scf_convergence_hartree=1e-11)

    assert result["energy_hartree"] == pytest.approx(reference_energy(AMIDOGEN, spin=1), abs=1e-8)
    assert result["reference"] == "UKS"
    assert result["multiplicity"] == 2
    assert result["s_squared"] == pytest.approx(0.75, abs=0.01)


def test_a_single_point_leaves_its_files_and_tells_each_cycle(context: RecordingContext) -> None:
    result = single_point(context, structure=WATER, basis="sto-3g")

    cycles = context.series("scf_cycle")
    assert cycles == list(range(1, len(cycles) + 1))
    assert context.series("scf_energy_hartree")[-1] == pytest.approx(result["energy_hartree"])
    assert context.artifacts == ["start.xyz", "checkpoint.chk", "qcschema.json"]
    assert all((context.workdir / name).stat().st_size for name in context.artifacts)
    assert "SCF" in context.log.getvalue()  # type: ignore[attr-defined]
    json.dumps(result, allow_nan=False)


def test_the_fraction_rises_to_one(context: RecordingContext) -> None:
    single_point(context, structure=WATER, basis="sto-3g")

    fractions = context.series("fraction")
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_a_smiles_gets_its_3d_from_the_seed(context: RecordingContext) -> None:
    result = single_point(context, structure="water", basis="sto-3g")

    assert result["symbols"] == ["O", "H", "H"]
    assert "GFN2-xTB" in context.log.getvalue()  # type: ignore[attr-defined]
    assert result["notes"][0]["message"].startswith("“water” is not SMILES; read as a name")


def test_the_qcschema_of_a_single_point_is_valid(context: RecordingContext) -> None:
    from qcelemental.models.v1 import AtomicResult

    result = single_point(context, structure=WATER, basis="sto-3g")

    parsed = AtomicResult.parse_file(context.workdir / "qcschema.json")
    assert parsed.return_result == result["energy_hartree"]
    assert parsed.molecule.get_molecular_formula() == "H2O"


@pytest.mark.engine
@pytest.mark.slow
def test_an_optimisation_ends_at_a_minimum(context: RecordingContext) -> None:
    from qcelemental.models.v1 import OptimizationResult

    result = optimise(context)

    assert result["converged"]
    assert result["energy_hartree"] < result["initial_energy_hartree"]
    assert result["max_force_hartree_per_bohr"] < 4.5e-4
    assert context.series("step") == list(range(1, result["n_steps"] + 1))
    assert len(read_frames(context.workdir / "trajectory.xyz")) == result["n_steps"]
    (final,) = read_frames(context.workdir / "final.xyz")
    assert [list(row) for row in final.positions] == [
        pytest.approx(row, abs=1e-9) for row in result["positions_angstrom"]
    ]
    parsed = OptimizationResult.parse_file(context.workdir / "qcschema.json")
    assert parsed.energies[-1] == result["energy_hartree"]
    assert set(context.artifacts) == {
        "start.xyz", "checkpoint.chk", "trajectory.xyz", "final.xyz", "qcschema.json",
    }  # fmt: skip


@pytest.mark.engine
@pytest.mark.slow
def test_the_minimum_of_water_is_the_one_we_know(context: RecordingContext) -> None:
    """-76.35889969 hartree was measured before this code was written, with PySCF's own driver."""
    result = optimise(
        context, structure="water", functional="B3LYP", basis="def2-svp", grid_level=2
    )

    assert result["energy_hartree"] == pytest.approx(-76.35889969, abs=2e-6)


def test_an_optimisation_that_is_cut_short_fails_and_keeps_its_trajectory(
    context: RecordingContext,
) -> None:
    with pytest.raises(ScienceError, match="did not converge in 1 steps") as failure:
        optimise(context, max_steps=1)

    assert failure.value.hints
    assert "trajectory.xyz" in context.artifacts
    assert read_frames(context.workdir / "trajectory.xyz")


def test_a_cancel_in_the_middle_of_an_scf_stops_it(context: RecordingContext) -> None:
    context.stop_when = lambda point: point.get("scf_cycle") == 2

    with pytest.raises(Cancelled):
        single_point(context, structure=WATER, basis="sto-3g")

    assert context.series("scf_cycle") == [1, 2]


@pytest.mark.slow
def test_a_cancel_between_steps_stops_the_optimisation(context: RecordingContext) -> None:
    context.stop_when = lambda point: point.get("step") == 2

    with pytest.raises(Cancelled):
        optimise(context)

    assert context.series("step") == [1, 2]


@pytest.mark.slow
def test_a_lost_optimisation_goes_on_where_it_was(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    context.stop_when = lambda point: point.get("step") == 3
    with pytest.raises(Cancelled):
        optimise(context)

    result = optimise(next_context)

    assert next_context.series("step")[0] == 3
    assert any("resuming at geometry step 3" in point["message"] for point in next_context.points)
    assert "resumed" in [note["code"] for note in result["notes"]]
    assert len(read_frames(next_context.workdir / "trajectory.xyz")) == result["n_steps"]
    assert next_context.series("energy_hartree")[0] == pytest.approx(
        context.series("energy_hartree")[-1], abs=1e-7
    )


def test_a_lost_single_point_starts_from_its_density(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    first = single_point(context, structure="water", basis="sto-3g")

    second = single_point(next_context, structure="water", basis="sto-3g")

    assert second["energy_hartree"] == pytest.approx(first["energy_hartree"], abs=1e-8)
    assert len(next_context.series("scf_cycle")) < len(context.series("scf_cycle"))
    assert second["positions_angstrom"] == [
        pytest.approx(row, abs=1e-9) for row in first["positions_angstrom"]
    ]


def test_a_broken_checkpoint_is_left_aside(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    (context.workdir / "checkpoint.chk").write_bytes(b"\x89HDF half a file")

    result = single_point(next_context, structure=WATER, basis="sto-3g")

    assert result["converged"]
    assert "cannot be used" in next_context.log.getvalue()  # type: ignore[attr-defined]


def test_pyscf_plans_within_the_memory_that_the_run_may_take(context: RecordingContext) -> None:
    context.memory_mib = 1000

    result = single_point(context, structure=WATER, basis="sto-3g")

    assert result["converged"]
    log = context.log.getvalue()  # type: ignore[attr-defined]
    assert "max_memory 838 MB" in log
    assert "max_memory 4000 MB" not in log


@pytest.mark.engine
@pytest.mark.parametrize(
    "basis", ["cc-pvdz", *(pytest.param(b, marks=pytest.mark.slow) for b in ("cc-pvtz", "cc-pvqz"))]
)
def test_an_element_that_a_fitting_basis_lacks_is_fitted_all_the_same(
    context: RecordingContext, basis: str
) -> None:
    given = {"structure": "[Li]", "functional": "B3LYP", "basis": basis, "grid_level": 1}

    fitted, exact = (
        single_point(RecordingContext(context.workdir), **given, density_fit=fit)["energy_hartree"]
        for fit in (True, False)
    )

    assert fitted == pytest.approx(exact, abs=1e-4)


@pytest.mark.engine
def test_a_heavy_element_runs_with_its_core_potential(context: RecordingContext) -> None:
    result = single_point(context, structure="2\n\nH 0 0 0\nI 0 0 1.61", grid_level=0)

    # All 54 electrons would give some -6900 hartree; the potential leaves 26.
    assert -310 < result["energy_hartree"] < -290


def test_frames_survive_a_crash_in_the_middle_of_one(tmp_path: Path) -> None:
    path = tmp_path / "trajectory.xyz"
    geometry = Geometry(("H", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 0.74)))
    append_frame(path, geometry, "step 1")
    append_frame(path, geometry, "step 2")
    whole = path.read_text()

    path.write_text(whole[:-5])

    assert read_frames(path) == [geometry]
    path.write_text(whole)
    assert read_frames(path) == [geometry, geometry]


def test_progress_counts_factors() -> None:
    assert log_progress(1.0, 1.0, 1e-4) == 0
    assert log_progress(1e-2, 1.0, 1e-4) == pytest.approx(0.5)
    assert log_progress(1e-5, 1.0, 1e-4) == 1
    assert log_progress(2.0, 1.0, 1e-4) == 0
    assert log_progress(0.0, 1.0, 1e-4) == 1
