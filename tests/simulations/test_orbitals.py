"""Orbital levels: which are told, and by which names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import simulations
from simulations.quantum.orbitals import EV_PER_HARTREE, levels_near_gap

from .recording import RecordingContext

WATER = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692"
HYDROXYL = "2\n\nO 0 0 0\nH 0 0 0.97"


def single_point(context: RecordingContext, **params: Any) -> dict[str, Any]:
    cheap = {"structure": WATER, "functional": "PBE", "basis": "sto-3g", "grid_level": 1}
    return simulations.get("dft_single_point").run({**cheap, **params}, context)


def test_levels_are_counted_from_the_gap_and_told_by_rising_energy() -> None:
    levels = levels_near_gap(np.array([0.2, -0.5, -0.1, 0.4]), np.array([0.0, 2.0, 2.0, 0.0]))

    assert [level.name for level in levels] == ["homo-1", "homo", "lumo", "lumo+1"]
    assert [level.energy_ev for level in levels] == pytest.approx(
        [each * EV_PER_HARTREE for each in (-0.5, -0.1, 0.2, 0.4)]
    )
    assert {level.spin for level in levels} == {None}


def test_each_spin_has_its_own_frontier() -> None:
    energies, filled = (
        np.array([[-0.5, -0.2, 0.3], [-0.4, 0.1, 0.5]]),
        np.array([[1, 1, 0], [1, 0, 0]]),
    )

    levels = levels_near_gap(energies, filled)

    assert [(level.name, level.spin) for level in levels] == [
        ("homo-1", "alpha"), ("homo", "beta"), ("homo", "alpha"),
        ("lumo", "beta"), ("lumo", "alpha"), ("lumo+1", "beta"),
    ]  # fmt: skip


def test_only_those_are_told_that_may_be_asked_for_as_a_cube() -> None:
    levels = levels_near_gap(np.arange(100.0), np.repeat([2.0, 0.0], 50))

    assert len(levels) == 42
    assert (levels[0].name, levels[-1].name) == ("homo-20", "lumo+20")


@pytest.mark.engine
def test_the_frontier_of_dft_is_that_of_its_gap(context: RecordingContext) -> None:
    result = single_point(context)

    levels = {level["name"]: level["energy_ev"] for level in result["orbitals"]}
    assert levels["homo"] == pytest.approx(result["homo_ev"])
    assert levels["lumo"] == pytest.approx(result["lumo_ev"])
    # Ten electrons in the seven functions of a minimal basis.
    assert len(result["orbitals"]) == 7


@pytest.mark.engine
def test_a_radical_has_levels_of_both_spins(context: RecordingContext) -> None:
    result = single_point(context, structure=HYDROXYL)

    filled = [each for each in result["orbitals"] if each["occupation"] > 0]
    assert sum(each["occupation"] for each in filled) == 9
    assert {each["spin"] for each in filled} == {"alpha", "beta"}


@pytest.mark.engine
def test_xtb_has_levels_about_its_gap(context: RecordingContext) -> None:
    result = simulations.get("xtb_optimization").run({"structure": WATER}, context)

    levels = {level["name"]: level["energy_ev"] for level in result["orbitals"]}
    assert levels["lumo"] - levels["homo"] == pytest.approx(result["gap_ev"])
    # Valence electrons only, two to an orbital.
    assert sum(each["occupation"] for each in result["orbitals"]) == pytest.approx(8, abs=1e-6)


@pytest.mark.engine
def test_each_criterion_of_the_optimiser_is_told_and_met_in_the_end(
    context: RecordingContext,
) -> None:
    simulations.get("xtb_optimization").run({"structure": WATER}, context)

    (criteria,) = [
        plot.criteria for plot in simulations.get("xtb_optimization").plots if plot.criteria
    ]
    assert len(criteria) == 5
    for criterion in criteria:
        series = context.series(criterion.key)
        assert abs(series[-1]) < criterion.threshold, criterion.title
        assert abs(series[0]) > criterion.threshold, criterion.title
