"""Energy against volume: the scan, the fit, and the bulk moduli of crystals."""

import csv
import math
from typing import Any

import pytest

import simulations
from simulations import Cancelled, InvalidParams, ScienceError
from simulations.quantum.crystal_params import DftCrystalParams
from simulations.quantum.crystal_volumes import CrystalVolumes
from simulations.quantum.equation_of_state import (
    GPA_PER_HARTREE_PER_ANGSTROM3,
    NotBracketed,
    Shapes,
    Volume,
    VolumeScan,
    fit,
    powers_of,
    ratios_around,
)
from simulations.quantum.lattice import scaled, to_ase
from simulations.quantum.lattice_search import Scales
from simulations.quantum.progress import Progress
from simulations.structures.crystals import find

from .recording import RecordingContext

QUICK = {
    "structure": "diamond",
    "task": "equation_of_state",
    "basis": "gth-szv-molopt-sr",
    "ke_cutoff_hartree": 40,
    "k_mesh": (2, 2, 2),
}


def compute(context: RecordingContext, **params: Any) -> dict[str, Any]:
    return simulations.get("dft_crystal").run({**QUICK, **params}, context)


def volume_of(key: str, scales: Scales) -> float:
    (crystal,) = find(key)
    return float(to_ase(crystal, scaled(crystal, scales)).get_volume())


@pytest.mark.parametrize("key", ["LiC6", "diamond", "graphite"])
@pytest.mark.parametrize("ratio", [0.8, 1.0, 1.1])
def test_a_shape_keeps_its_volume(key: str, ratio: float) -> None:
    n = 1 if key == "diamond" else 2
    shapes = Shapes(powers_of(lambda scales: volume_of(key, scales), n))

    for shape in (0.0, 0.05, -0.2):
        scales = shapes.scales(ratio, (shape,) * shapes.n)
        assert volume_of(key, scales) / volume_of(key, (0.0,) * n) == pytest.approx(ratio)
        if shapes.n:
            assert (1 + scales[1]) / ratio ** (1 / 3) == pytest.approx(math.exp(shape))


def hexagonal(scales: Scales) -> float:
    """Stiff along a, soft along c, least at +2 % and -5 %; in hartree."""
    a, c = (math.log1p(x) for x in scales)
    return 3.0 * (a - 0.02) ** 2 + 0.2 * (c + 0.05) ** 2 + 0.3 * (a - 0.02) * (c + 0.05)


def test_the_shape_follows_the_pressure() -> None:
    """The energy at each volume is the least of all shapes there, found here by brute force."""
    shapes = Shapes((2.0, 1.0))
    told: list[Volume] = []
    scan = VolumeScan(hexagonal, shapes, relax_shape=True, on_volume=told.append)

    scan.run(ratios_around(7, 10))

    assert [volume.ratio for volume in told[:7]] == pytest.approx(ratios_around(7, 10))
    for volume in scan.volumes:
        candidates = [i * 1e-3 for i in range(-400, 400)]
        least = min(hexagonal(shapes.scales(volume.ratio, (x,))) for x in candidates)
        assert volume.energy == pytest.approx(least, abs=2e-6)


def test_an_even_squeeze_keeps_the_shape() -> None:
    scan = VolumeScan(
        hexagonal, Shapes((2.0, 1.0)), relax_shape=False, on_volume=lambda volume: None
    )

    scan.run(ratios_around(9, 15))

    assert all(a == pytest.approx(c) for a, c in (volume.scales for volume in scan.volumes))
    assert scan.shape_at(1.0) == (0.0,)


def birch_murnaghan(volume: float) -> float:
    """As in a textbook, with 10 Å³, 200 GPa, 4.5 and -3 hartree."""
    modulus = 200 / GPA_PER_HARTREE_PER_ANGSTROM3
    x = (10 / volume) ** (2 / 3)
    return -3 + 9 * 10 * modulus / 16 * ((x - 1) ** 3 * 4.5 + (x - 1) ** 2 * (6 - 4 * x))


@pytest.mark.engine
def test_the_fit_finds_the_curve_that_made_the_points() -> None:
    volumes = [10 * ratio for ratio in ratios_around(7, 8)]

    curve = fit(volumes, [birch_murnaghan(volume) for volume in volumes])

    assert curve.volume_angstrom3 == pytest.approx(10, rel=1e-6)
    assert curve.modulus_gpa == pytest.approx(200, rel=1e-5)
    assert curve.derivative == pytest.approx(4.5, rel=1e-4)
    assert curve.energy == pytest.approx(-3, abs=1e-9)
    assert curve.residual < 1e-9
    assert curve.energy_at(11) == pytest.approx(birch_murnaghan(11), abs=1e-9)


@pytest.mark.parametrize("away", [0.12, -0.12])
def test_volumes_are_added_until_they_frame_the_minimum(away: float) -> None:
    def value_at(scales: Scales) -> float:
        return (3 * math.log1p(scales[0]) - away) ** 2

    scan = VolumeScan(value_at, Shapes((3.0,)), relax_shape=True, on_volume=lambda volume: None)

    n_extra = scan.run(ratios_around(7, 6))

    assert n_extra > 0
    ratios = [volume.ratio for volume in scan.volumes]
    assert ratios == sorted(ratios)
    assert ratios[1] < math.exp(away) < ratios[-2]


def test_an_energy_that_only_falls_is_given_up() -> None:
    scan = VolumeScan(
        lambda scales: -scales[0], Shapes((3.0,)), relax_shape=True, on_volume=lambda volume: None
    )

    with pytest.raises(NotBracketed, match="falls at the largest of 10 volumes"):
        scan.run(ratios_around(5, 6))


@pytest.mark.slow
@pytest.mark.engine
def test_diamond_is_as_hard_as_it_was_measured_to_be(context: RecordingContext) -> None:
    """442 GPa by sound waves (McSkimin and Andreatch, J. Appl. Phys. 43, 2944, 1972).

    A minimal basis and few k-points give it to some per cent, by luck as much as by merit.
    """
    result = compute(context)

    assert result["bulk_modulus_gpa"] == pytest.approx(442, rel=0.1)
    assert result["bulk_modulus_derivative"] == pytest.approx(3.8, abs=1)
    assert result["energy_hartree"] == pytest.approx(result["predicted_energy_hartree"], abs=2e-6)
    assert result["fit_residual_hartree"] < 1e-6
    assert result["volume_angstrom3"] == pytest.approx(result["equilibrium_volume_angstrom3"])
    points = result["equation_of_state"]
    assert [point["volume_angstrom3"] for point in points] == pytest.approx(
        [row["volume_angstrom3"] for row in rows(context)]
    )
    assert min(point["energy_hartree"] for point in points) >= result["predicted_energy_hartree"]
    notes = {note["code"]: note["message"] for note in result["notes"]}
    assert "through 9 volumes" in notes["equation_of_state"]
    assert "2 volumes were added" in notes["volumes_added"]
    assert "poor_fit" not in notes


def rows(context: RecordingContext) -> list[dict[str, float]]:
    with (context.workdir / "equation_of_state.csv").open() as stream:
        return [
            {name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)
        ]


@pytest.mark.slow
@pytest.mark.engine
def test_its_minimum_is_that_of_the_lattice_search(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    next_context.previous = None

    curve = compute(context)

    search = compute(next_context, task="lattice_optimization")
    assert curve["a_angstrom"] == pytest.approx(search["a_angstrom"], rel=1e-3)
    assert curve["energy_hartree"] == pytest.approx(search["energy_hartree"], abs=2e-6)


@pytest.mark.slow
def test_each_volume_is_drawn_and_the_last_drawing_is_in_order(
    context: RecordingContext,
) -> None:
    result = compute(context, volume_range_percent=4, n_volumes=5)

    drawn = context.series("volume_angstrom3")
    n = len(result["equation_of_state"])
    assert drawn[-n:] == sorted(drawn[-n:])
    assert len(drawn) == 2 * n
    assert context.series("energy_of_volume_hartree")[-n:] == [
        point["energy_hartree"] for point in result["equation_of_state"]
    ]
    fractions = context.series("fraction")
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert "equation_of_state.csv" in context.artifacts


@pytest.mark.slow
def test_a_lost_scan_computes_no_cell_twice(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    context.stop_when = lambda point: point.get("step") == 4
    with pytest.raises(Cancelled):
        compute(context)

    result = compute(next_context)

    told = next_context.log.getvalue()  # type: ignore[attr-defined]
    assert told.count("converged SCF energy") == len(result["stages"]) - 4
    assert "resumed" in [note["code"] for note in result["notes"]]


@pytest.mark.slow
def test_a_range_that_misses_the_minimum_comes_with_a_wider_one(
    context: RecordingContext,
) -> None:
    with pytest.raises(ScienceError, match="has no minimum") as failure:
        compute(context, n_volumes=5, volume_range_percent=1, k_mesh=(1, 1, 1))

    assert failure.value.fix == {"volume_range_percent": 2}


@pytest.mark.engine
@pytest.mark.slow
def test_lithium_graphite_yields_along_c_as_it_was_measured_to(context: RecordingContext) -> None:
    """Its c shrinks by 1.43e-11 a pascal of pressure from all sides: neutron diffraction by Bindra
    and Fischer, Phys. Rev. B 53 (1996), "Interlayer interactions in LiC6: Compressibility and
    thermal expansion". Layers of graphite do not yield, so the volume shrinks by little more, and
    the bulk modulus is some 60 GPa where diamond has 440.
    """
    result = compute(
        context,
        structure="LiC6",
        n_volumes=5,
        basis="gth-dzvp-molopt-sr",
        ke_cutoff_hartree=100,
        k_mesh=None,
    )

    points = rows(context)
    near = sorted(
        points, key=lambda row: abs(row["volume_angstrom3"] - result["volume_angstrom3"])
    )[:3]
    c_by_volume = slope(
        [(math.log(r["volume_angstrom3"]), math.log(r["c_angstrom"])) for r in near]
    )
    a_by_volume = slope(
        [(math.log(r["volume_angstrom3"]), math.log(r["a_angstrom"])) for r in near]
    )
    assert c_by_volume / (1e9 * result["bulk_modulus_gpa"]) == pytest.approx(1.43e-11, rel=0.15)
    assert c_by_volume > 5 * a_by_volume > 0
    assert result["bulk_modulus_gpa"] == pytest.approx(63, rel=0.1)
    # Where our own search for the lattice ends: 61.146 Å³, a = 4.326 and c = 3.772 Å.
    assert result["volume_angstrom3"] == pytest.approx(61.146, rel=0.002)
    assert result["a_angstrom"] == pytest.approx(4.326, rel=0.001)
    assert result["c_angstrom"] == pytest.approx(3.772, rel=0.002)
    assert result["energy_hartree"] == pytest.approx(-41.681086, abs=1e-5)
    assert "relaxed at each" in str(result["notes"])


def slope(points: list[tuple[float, float]]) -> float:
    (x0, y0), *_, (x1, y1) = sorted(points)
    return (y1 - y0) / (x1 - x0)


def test_free_angles_are_squeezed_evenly_or_not_at_all() -> None:
    monoclinic = (
        "skewed silicon\n1.0\n3.8 0.0 0.0\n0.0 4.1 0.0\n1.0 0.0 4.3\nSi\n1\nDirect\n0.0 0.0 0.0\n"
    )
    given = {"structure": {"format": "poscar", "text": monoclinic}, "task": "equation_of_state"}

    with pytest.raises(InvalidParams) as refused:
        simulations.get("dft_crystal").check(given)

    (error,) = refused.value.errors
    assert (error.code, error.fix) == ("free_angles", {"relax_shape": False})
    checked = simulations.get("dft_crystal").check({**given, **error.fix})
    assert checked.structure
    assert checked.structure["crystal_system"] == "monoclinic"


def test_a_curve_that_fits_poorly_is_told(context: RecordingContext) -> None:
    """By a rough energy, as too coarse a grid gives one."""
    (diamond,) = find("diamond")
    params = DftCrystalParams.model_validate({**QUICK, "volume_range_percent": 3})
    n_computed = 0

    def rough(scales: Scales) -> float:
        nonlocal n_computed
        n_computed += 1
        return 2 * math.log1p(scales[0]) ** 2 + 2e-5 * (-1) ** n_computed

    volumes = CrystalVolumes(diamond, params, rough, context, Progress(context))
    volumes.scan()

    (note,) = [note for note in volumes.notes if note.code == "poor_fit"]
    assert "Take a finer grid" in note.message
