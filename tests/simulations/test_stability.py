"""A converged SCF that is no minimum is told, and an unrestricted one is led to a minimum."""

from typing import Any

import pytest

import simulations
from simulations import Cancelled
from simulations.quantum import stability
from simulations.quantum.methods import FUNCTIONALS, FunctionalName

from .recording import RecordingContext

pytestmark = pytest.mark.engine

WATER = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692"
OXYGEN = "2\n\nO 0 0 0\nO 0 0 1.21"
STRETCHED = "2\n\nH 0 0 0\nH 0 0 2.0"
TOLD = {"closed_shell_unstable", "scf_saddle", "lower_solution"}


def twisted(*, degrees: int) -> str:
    """Ethylene: at 90° its π bond is broken."""
    from math import cos, radians, sin

    y, x = 0.923 * cos(radians(degrees)), 0.923 * sin(radians(degrees))
    return (
        "6\n\nC 0 0 0.6695\nC 0 0 -0.6695\nH 0 0.923 1.2397\nH 0 -0.923 1.2397\n"
        f"H {x} {y} -1.2397\nH {-x} {-y} -1.2397"
    )


def single_point(context: RecordingContext, **params: Any) -> dict[str, Any]:
    cheap = {"basis": "6-31g", "grid_level": 1, "functional": "B3LYP"}
    return simulations.get("dft_single_point").run({**cheap, **params}, context)


def told(result: dict[str, Any]) -> dict[str, str]:
    return {n["code"]: n["message"] for n in result["notes"] if n["code"] in TOLD}


def was_tested(context: RecordingContext) -> bool:
    return any("is the SCF a minimum" in point["message"] for point in context.points)


@pytest.mark.parametrize(
    "structure", [OXYGEN, STRETCHED, twisted(degrees=90)], ids=["O2", "H2", "C2H4"]
)
def test_a_closed_shell_that_is_none_is_told_with_what_to_do(
    context: RecordingContext, next_context: RecordingContext, structure: str
) -> None:
    closed = single_point(context, structure=structure, multiplicity=1)
    next_context.previous = None
    advised = single_point(next_context, structure=structure, multiplicity=1, reference="uks")

    (message,) = told(closed).values()
    assert "reference uks, and with multiplicity 3" in message
    assert advised["energy_hartree"] < closed["energy_hartree"] - 0.01
    assert advised["s_squared"] > 0.5
    assert "closed_shell_unstable" not in told(advised)
    assert "scf_saddle" not in told(advised)


@pytest.mark.parametrize(
    "given",
    [
        {"structure": WATER},
        {"structure": WATER, "reference": "uks"},
        {"structure": twisted(degrees=0)},
        {"structure": OXYGEN, "multiplicity": 3},
        {"structure": "2\n\nO 0 0 0\nH 0 0 0.97"},
        {"structure": "[He]"},
        {"structure": "[H]"},
    ],
    ids=["water", "water uks", "ethylene", "triplet O2", "OH", "He", "H"],
)
def test_what_is_sound_is_neither_tested_nor_told(
    context: RecordingContext, given: dict[str, Any]
) -> None:
    result = single_point(context, **given)

    assert told(result) == {}
    assert not was_tested(context)


def test_an_unrestricted_scf_is_led_down_from_a_saddle(context: RecordingContext) -> None:
    """Its guess is of unlike spins, and they become alike all the same."""
    result = single_point(context, structure=STRETCHED, reference="uks")

    (message,) = told(result).values()
    assert "led down" in message
    assert result["s_squared"] > 0.5
    energies = context.series("scf_energy_hartree")
    assert energies[-1] == pytest.approx(result["energy_hartree"], abs=1e-7)
    cycles = context.series("scf_cycle")
    assert cycles == list(range(1, len(cycles) + 1))
    assert "followed down to a lower one" in paragraph(result, STRETCHED)


def paragraph(result: dict[str, Any], structure: str) -> str:
    sim = simulations.get("dft_single_point")
    assert sim.methods
    params = sim.Params(structure=structure, reference="uks", basis="6-31g")
    return sim.methods(params, sim.Result(**result))


def test_a_walk_stays_on_the_lower_surface(context: RecordingContext) -> None:
    """Two hydrogen atoms at 2 Å find each other; led down at the first step, and at no other."""
    result = simulations.get("dft_optimization").run(
        {"structure": STRETCHED, "reference": "uks", "basis": "6-31g", "grid_level": 1}, context
    )

    assert result["initial_energy_hartree"] < -0.99
    assert result["s_squared"] == pytest.approx(0, abs=1e-4)
    assert sum("going down" in point["message"] for point in context.points) == 1
    assert [*told(result)] == ["lower_solution"]


def test_an_optimisation_to_a_broken_bond_is_told(context: RecordingContext) -> None:
    result = simulations.get("dft_optimization").run(
        {"structure": OXYGEN, "multiplicity": 1, "basis": "6-31g", "grid_level": 1}, context
    )

    assert [*told(result)] == ["closed_shell_unstable"]


def test_a_way_down_that_leads_nowhere_leaves_the_saddle_and_says_so(
    context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulations.quantum import saddles

    monkeypatch.setattr(saddles, "MIN_GAIN_HARTREE", 1.0)
    closed = single_point(RecordingContext(context.workdir), structure=STRETCHED)

    result = single_point(context, structure=STRETCHED, reference="uks")

    assert [*told(result)] == ["scf_saddle"]
    assert result["energy_hartree"] == pytest.approx(closed["energy_hartree"], abs=1e-7)


def test_a_cancel_during_the_test_ends_the_run(context: RecordingContext) -> None:
    context.stop_when = lambda point: "is the SCF a minimum" in point["message"]

    with pytest.raises(Cancelled):
        single_point(context, structure=OXYGEN, multiplicity=1)


@pytest.mark.slow
@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("reference", ["rks", "uks"])
def test_every_functional_is_tested(
    context: RecordingContext, functional: FunctionalName, reference: str
) -> None:
    result = single_point(context, structure=STRETCHED, functional=functional, reference=reference)

    assert was_tested(context)
    assert [*told(result)] == [{"rks": "closed_shell_unstable", "uks": "lower_solution"}[reference]]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["C-PCM", "SMD"])
@pytest.mark.parametrize("reference", ["rks", "uks"])
def test_a_solvent_takes_part(context: RecordingContext, model: str, reference: str) -> None:
    result = single_point(
        context, structure=STRETCHED, reference=reference, solvent="water", solvent_model=model
    )

    assert [*told(result)] == [{"rks": "closed_shell_unstable", "uks": "lower_solution"}[reference]]


def test_without_fitted_integrals_it_is_tested_all_the_same(context: RecordingContext) -> None:
    result = single_point(context, structure=STRETCHED, density_fit=False)

    assert [*told(result)] == ["closed_shell_unstable"]


@pytest.mark.slow
@pytest.mark.parametrize("functional", ["PBE", "B3LYP", "CAM-B3LYP", "M06-2X"])
def test_the_softest_rotation_is_that_of_the_whole_hessian(
    context: RecordingContext, functional: FunctionalName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of fluorine with a long bond, whose softest rotation is not that from HOMO to LUMO."""
    import numpy as np

    mf = solved("2\n\nF 0 0 0\nF 0 0 1.6", functional, context)
    spins = stability._spins(mf)
    curve = stability._curve(mf, spins)
    hessian = np.array([curve(unit) for unit in np.eye(spins[0].gaps.size)])
    monkeypatch.setattr(stability, "_coarser", lambda mf: mf.grids)

    rotation = stability.softest_rotation(mf, lambda sentence: None)

    assert rotation
    assert hessian == pytest.approx(hessian.T, abs=1e-6)
    assert rotation.curvature == pytest.approx(np.linalg.eigvalsh(hessian)[0], abs=2e-4)


def solved(structure: str, functional: FunctionalName, context: RecordingContext) -> Any:
    from simulations.quantum.calculation import Calculation
    from simulations.quantum.geometry import Geometry
    from simulations.quantum.inspect import understand
    from simulations.quantum.params import MoleculeDftParams
    from simulations.quantum.progress import Progress, ScfTeller

    params = MoleculeDftParams(
        structure=structure, functional=functional, basis="6-31g", grid_level=1
    )
    molecule = understand(params)
    positions = molecule.structure.positions_angstrom
    assert positions
    geometry = Geometry(molecule.structure.symbols, positions)
    teller = ScfTeller(Progress(context), "scf")
    calculation = Calculation(molecule, params, geometry, context, teller)
    calculation.energy()
    return calculation.mean_field
