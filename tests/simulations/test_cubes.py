"""Cube files: written by PySCF, read back here, and integrated."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simulations
from simulations import FieldError, InvalidParams
from simulations.quantum.cubes import MAX_POINTS, MEDIA_TYPE

from .recording import RecordingContext

pytestmark = pytest.mark.slow

WATER = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692"
HYDROXYL = "2\n\nO 0 0 0\nH 0 0 0.97"
HYDROGEN = "2\n\nH 0 0 0\nH 0 0 0.74"


def single_point(context: RecordingContext, **params: Any) -> dict[str, Any]:
    cheap = {"structure": WATER, "functional": "PBE", "basis": "6-31g", "grid_level": 1}
    return simulations.get("dft_single_point").run({**cheap, **params}, context)


def read_cube(path: Path) -> tuple[Any, float, Any]:
    """Values on the grid, the volume that each stands for, and the nuclei, all in bohr."""
    lines = path.read_text().splitlines()
    n_atoms = int(lines[2].split()[0])
    axes = [line.split() for line in lines[3:6]]
    steps = np.array([axis[1:] for axis in axes], dtype=float)
    values = np.array(" ".join(lines[6 + n_atoms :]).split(), dtype=float)
    atoms = np.array([line.split() for line in lines[6 : 6 + n_atoms]], dtype=float)
    volume = float(abs(np.linalg.det(steps)))
    return values.reshape([int(axis[0]) for axis in axes]), volume, atoms


def integral(path: Path, power: int = 1) -> float:
    values, volume, _ = read_cube(path)
    return float((values**power).sum() * volume)


@pytest.mark.engine
def test_the_density_holds_the_electrons(context: RecordingContext) -> None:
    single_point(context, structure=HYDROGEN, cubes=["density"])

    assert integral(context.workdir / "density.cube") == pytest.approx(2, abs=0.002)


@pytest.mark.engine
def test_next_to_a_core_the_grid_is_coarse_and_the_integral_rough(
    context: RecordingContext,
) -> None:
    """A 1s shell of oxygen is narrower than the spacing: an even grid misses a part of it."""
    single_point(context, cubes=["density"])

    path = context.workdir / "density.cube"
    assert integral(path) == pytest.approx(10, abs=0.2)
    values, _, atoms = read_cube(path)
    assert atoms[:, 0].tolist() == [8, 1, 1]
    assert values.min() > -1e-12


@pytest.mark.engine
def test_orbitals_are_normal_and_those_of_one_molecule_orthogonal(
    context: RecordingContext,
) -> None:
    single_point(context, cubes=["homo", "HOMO-1", "lumo"])

    assert {"homo.cube", "homo-1.cube", "lumo.cube"} <= set(context.artifacts)
    for name in ("homo", "homo-1", "lumo"):
        assert integral(context.workdir / f"{name}.cube", 2) == pytest.approx(1, abs=0.005), name
    homo, volume, _ = read_cube(context.workdir / "homo.cube")
    lumo, _, _ = read_cube(context.workdir / "lumo.cube")
    assert (homo * lumo).sum() * volume == pytest.approx(0, abs=0.005)


@pytest.mark.engine
def test_the_homo_of_water_is_its_lone_pair(context: RecordingContext) -> None:
    """Out of the molecule's plane, which is x = 0: of the other sign on its other side."""
    single_point(context, cubes=["homo"])

    values, _, _ = read_cube(context.workdir / "homo.cube")
    assert values == pytest.approx(-values[::-1], abs=1e-4)
    assert np.abs(values).max() > 0.1


@pytest.mark.engine
def test_each_spin_of_a_radical_has_its_own_orbitals(context: RecordingContext) -> None:
    single_point(context, structure=HYDROXYL, cubes=["homo", "density", "spin_density"])

    assert {"homo_alpha.cube", "homo_beta.cube"} <= set(context.artifacts)
    for name in ("homo_alpha", "homo_beta"):
        assert integral(context.workdir / f"{name}.cube", 2) == pytest.approx(1, abs=0.005)
    assert integral(context.workdir / "spin_density.cube") == pytest.approx(1, abs=0.01)
    assert integral(context.workdir / "density.cube") == pytest.approx(9, abs=0.2)


@pytest.mark.engine
def test_shared_orbitals_have_a_spin_density_too(context: RecordingContext) -> None:
    single_point(context, structure=HYDROXYL, reference="roks", cubes="homo, spin_density")

    assert "homo.cube" in context.artifacts
    assert integral(context.workdir / "spin_density.cube") == pytest.approx(1, abs=0.01)


def test_an_orbital_that_the_basis_lacks_is_told(context: RecordingContext) -> None:
    result = single_point(context, structure=HYDROGEN, basis="sto-3g", cubes=["lumo+1"])

    (note,) = [note for note in result["notes"] if note["code"] == "no_such_orbital"]
    assert "lumo+1" in note["message"]
    assert not list(context.workdir.glob("*.cube"))


def test_a_large_molecule_gets_a_coarser_grid(context: RecordingContext) -> None:
    far = "2\n\nHe 0 0 0\nHe 9 9 9"

    single_point(context, structure=far, basis="sto-3g", cubes=["density"])

    values, _, _ = read_cube(context.workdir / "density.cube")
    assert 0.8 * MAX_POINTS < values.size <= MAX_POINTS


@pytest.mark.engine
def test_an_optimisation_draws_its_last_geometry(context: RecordingContext) -> None:
    stretched = "2\n\nH 0 0 0\nH 0 0 0.9"
    params = {"structure": stretched, "functional": "PBE", "basis": "6-31g", "cubes": ["density"]}

    result = simulations.get("dft_optimization").run(params, context)

    _, _, atoms = read_cube(context.workdir / "density.cube")
    drawn = np.linalg.norm(atoms[0, 2:] - atoms[1, 2:]) * 0.529177210903
    ends = np.array(result["positions_angstrom"])
    assert drawn == pytest.approx(np.linalg.norm(ends[0] - ends[1]), abs=1e-5)
    assert drawn < 0.8


def test_the_media_type_is_that_of_cubes(context: RecordingContext) -> None:
    declared: dict[str, str] = {}
    context.artifact = lambda name, title, media_type="": declared.update({name: media_type})  # type: ignore[method-assign, assignment]

    single_point(context, structure=HYDROGEN, basis="sto-3g", cubes=["homo"])

    assert declared["homo.cube"] == MEDIA_TYPE


def refusal(**params: Any) -> FieldError:
    with pytest.raises(InvalidParams) as refused:
        simulations.get("dft_single_point").check({"structure": WATER, **params})
    (error,) = refused.value.errors
    return error


@pytest.mark.parametrize("name", ["esp", "homo+1", "lumo-1", "homo-21", "homo-", "../density"])
def test_a_cube_that_is_none_is_refused_with_those_that_are(name: str) -> None:
    error = refusal(cubes=["density", name])

    assert error.path == ("cubes", 1)
    assert "expected density, spin_density, or an orbital" in error.detail


def test_a_cube_that_this_molecule_cannot_have_is_refused() -> None:
    assert "All spins are paired" in refusal(cubes=["spin_density"]).detail
    assert "10 electrons fill 5 orbitals only" in refusal(cubes=["homo-5"]).detail


def test_names_are_taken_as_a_line_and_once_each() -> None:
    checked = simulations.get("dft_single_point").check(
        {"structure": WATER, "cubes": "HOMO, lumo homo"}
    )

    assert checked.params["cubes"] == ["homo", "lumo"]
