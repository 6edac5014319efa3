"""Other names that a simulation goes by."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

import simulations
from simulations import Context
from simulations.base import simulation


class NoParams(BaseModel):
    pass


def nothing(params: NoParams, context: Context) -> NoParams:
    """Does nothing."""
    return params


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("dft_optimization", "dft_optimization"),  # the seed's own
        ("DFT-Optimisation", "dft_optimization"),
        ("dft", "dft_single_point"),
        ("md", "md_simulation"),
        ("molecular dynamics", "md_simulation"),
        ("vina", "docking"),
        ("conformers", "conformer_search"),
        ("crystal", "dft_crystal"),
        ("xtb", "xtb_optimization"),
        ("freq", "dft_frequencies"),
        ("reaction", "reaction_energy"),
    ],
)
def test_a_name_that_somebody_types_is_understood(typed: str, name: str) -> None:
    assert simulations.find(typed).name == name


def test_whoever_asks_by_another_name_is_told() -> None:
    sim = simulations.find("md")

    (note,) = sim.notes_on_name("md")
    assert "md_simulation" in note.message
    assert sim.notes_on_name("md_simulation") == []


def test_what_is_no_name_is_refused_with_those_that_are() -> None:
    with pytest.raises(simulations.UnknownSimulation, match="dft_optimization"):
        simulations.find("dft_optimisation_of_my_dreams")


@pytest.mark.parametrize(
    ("name", "aliases"),
    [("docking", []), ("test.new", ["md"]), ("test.new", ["MD"]), ("vina", [])],
)
def test_two_simulations_of_one_name_are_a_mistake_at_once(name: str, aliases: list[str]) -> None:
    simulations.all_simulations()

    with pytest.raises(ValueError, match="already"):
        simulation(name, title="New", aliases=aliases)(nothing)
