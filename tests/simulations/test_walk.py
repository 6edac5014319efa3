"""A walk downhill that oscillates begins again from its lowest point, and tells so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import simulations
from simulations import ScienceError
from simulations.quantum.geometry import ANGSTROM_PER_BOHR, Geometry, as_vectors, read_frames
from simulations.quantum.optimize import Descent, minimise
from simulations.quantum.oscillation import WINDOW, oscillates
from simulations.quantum.progress import Progress

from .recording import RecordingContext

START = Geometry(
    ("O", "H", "H"), ((0.0, 0.0, 0.12), (0.0, 0.85, -0.50), (0.0, -0.80, -0.55))
)  # fmt: skip
REST = np.array([[0.0, 0.0, 0.1173], [0.0, 0.7572, -0.4692], [0.0, -0.7572, -0.4692]])


class Springs:
    """Three atoms on springs between them, whose engine can be made to err."""

    def __init__(self, astray: range = range(0), stiffness: float = 0.3) -> None:
        self.geometry = START
        self.n_energies = 0
        self._astray = astray
        self._stiffness = stiffness
        self._gradient: Any = None

    def energy(self, positions_bohr: Any = None) -> float:
        self.n_energies += 1
        positions = np.array(positions_bohr).reshape(-1, 3)
        self.geometry = Geometry(START.symbols, as_vectors(positions * ANGSTROM_PER_BOHR))
        energy, self._gradient = self._springs(positions)
        if self.n_energies in self._astray:
            # As an SCF that lands on another state does: higher by turns, its forces reversed.
            self._gradient = -self._gradient
            return energy + 0.01 * (1 + self.n_energies % 2)
        return energy

    def gradient(self) -> Any:
        return self._gradient

    def _springs(self, positions: Any) -> tuple[float, Any]:
        rest = REST / ANGSTROM_PER_BOHR
        energy, gradient = 0.0, np.zeros_like(positions)
        for i, j in ((0, 1), (0, 2), (1, 2)):
            apart = positions[i] - positions[j]
            length = np.linalg.norm(apart)
            excess = length - np.linalg.norm(rest[i] - rest[j])
            energy += 0.5 * self._stiffness * excess**2
            gradient[i] += self._stiffness * excess * apart / length
            gradient[j] -= self._stiffness * excess * apart / length
        return energy, gradient


def walk(context: RecordingContext, surface: Springs, max_steps: int = 200) -> Descent:
    descent = Descent(surface, context, Progress(context))
    minimise(descent, START, max_steps, context.log, steadier={"grid_level": 5})
    return descent


def test_a_sound_walk_is_left_alone(context: RecordingContext) -> None:
    descent = walk(context, Springs())

    assert descent.notes == []
    assert descent.steps[-1].energy == pytest.approx(0, abs=1e-6)


def test_a_walk_that_oscillates_begins_again_and_arrives(context: RecordingContext) -> None:
    descent = walk(context, Springs(astray=range(3, 3 + WINDOW)))

    (note,) = descent.notes
    assert note.code == "hessian_restarted"
    assert "went up and down" in note.message
    assert "with a fresh Hessian" in note.message
    assert note.message in [point["message"] for point in context.points]
    assert note.message in context.log.getvalue()  # type: ignore[attr-defined]
    assert descent.steps[-1].energy == pytest.approx(0, abs=1e-6)
    assert descent.steps[-1].max_force < 4.5e-4
    assert len(read_frames(context.workdir / "trajectory.xyz")) == len(descent.steps)


def test_it_begins_again_from_the_lowest_point(context: RecordingContext) -> None:
    descent = walk(context, Springs(astray=range(3, 3 + WINDOW)))

    positions = [step.geometry.positions_bohr for step in descent.steps]
    n_before = int(descent.notes[0].message.split("the lowest of ")[1].split()[0])
    # One more was computed than told: the one that made it plain.
    lowest = int(np.argmin([step.energy for step in descent.steps[:n_before]]))
    assert positions[n_before] == pytest.approx(positions[lowest], abs=1e-6)


def test_a_walk_that_leads_nowhere_fails_with_a_mend(context: RecordingContext) -> None:
    with pytest.raises(ScienceError, match="also after 2 new beginnings") as failure:
        walk(context, Springs(astray=range(3, 10_000)))

    assert failure.value.fix == {"grid_level": 5}
    assert any("grid_level" in hint for hint in failure.value.hints)
    told = [p["message"] for p in context.points if "fresh Hessian" in p["message"]]
    assert len(told) == 2
    assert "trajectory.xyz" in context.artifacts


def test_new_beginnings_do_not_lengthen_the_walk(context: RecordingContext) -> None:
    surface = Springs(astray=range(3, 10_000))

    with pytest.raises(ScienceError, match="did not converge in 20 steps"):
        walk(context, surface, max_steps=20)

    assert surface.n_energies <= 22


def test_what_the_energy_raises_is_not_taken_for_geometrics_failure(
    context: RecordingContext,
) -> None:
    class Broken(Springs):
        def gradient(self) -> Any:
            raise RuntimeError("no gradient today")

    with pytest.raises(RuntimeError, match="no gradient today"):
        walk(context, Broken())

    assert not any("fresh Hessian" in point["message"] for point in context.points)


@pytest.mark.parametrize(
    ("energies", "expected"),
    [
        ([1.0, *([0.6, 0.7] * (WINDOW // 2))], False),  # the newest hold the lowest
        ([0.5, *([0.6, 0.7] * (WINDOW // 2))], True),
        ([0.5, *(0.6 + 0.01 * i for i in range(WINDOW))], False),  # up, and no turn
        ([0.6, 0.7] * (WINDOW // 2), False),  # too few to tell
    ],
)
def test_what_counts_as_oscillation(energies: list[float], expected: bool) -> None:
    assert oscillates(energies, [1.0] * len(energies)) is expected


def test_forces_that_still_fall_are_progress() -> None:
    energies = [0.5, *([0.6, 0.7] * (WINDOW // 2))]

    assert not oscillates(energies, [0.9**i for i in range(len(energies))])


def test_the_mend_of_each_method_is_one_that_it_takes() -> None:
    for name in ("dft_optimization", "dft_frequencies", "xtb_optimization", "xtb_frequencies"):
        simulation = simulations.get(name)
        params = simulation.Params.model_validate({"structure": "CCO"})
        checked = simulation.check({"structure": "CCO", **params.steadier})  # type: ignore[attr-defined]
        assert checked.params.items() >= params.steadier.items()  # type: ignore[attr-defined]
