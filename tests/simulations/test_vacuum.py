"""Sheets, slabs and molecules in a periodic cell: what is empty has no lattice constant to find."""

from typing import Any

import pytest

import simulations
from simulations import InvalidParams
from simulations.quantum.vacuum import vacuum_along
from simulations.structures import StructureInput, resolve
from simulations.structures.crystals import CRYSTALS

from .recording import RecordingContext

GRAPHENE = """\
graphene
1.0
2.46 0 0
-1.23 2.13042249 0
0 0 15
C
2
direct
0.3333333333 0.6666666667 0.03
0.6666666667 0.3333333333 0.03
"""
"""By the edge of its cell, so that the gap reaches over it."""
GRAPHITE = GRAPHENE.replace("0 0 15", "0 0 3.35")
HYDROGEN = """\
a molecule in a box
1.0
12 0 0
0 12 0
0 0 12
H
2
direct
0 0 0.03
0 0 -0.03
"""
ALUMINIUM = "Al\n4.05\n0.0 0.5 0.5\n0.5 0.0 0.5\n0.5 0.5 0.0\nAl\n1\ndirect\n0 0 0\n"
QUICK = {"basis": "gth-szv-molopt-sr", "ke_cutoff_hartree": 20, "k_mesh": [1, 1, 1]}


def gaps(text: str) -> dict[str, float]:
    crystal = resolve(StructureInput(text=text), prefer="crystal").crystal
    assert crystal
    return vacuum_along(crystal)


def test_a_vacuum_is_seen_along_the_edges_that_have_one() -> None:
    assert gaps(GRAPHENE) == {"c_angstrom": pytest.approx(15)}
    assert gaps(HYDROGEN) == {
        "a_angstrom": pytest.approx(12), "c_angstrom": pytest.approx(11.28),
    }  # fmt: skip
    assert gaps(GRAPHITE) == gaps(ALUMINIUM) == {}


@pytest.mark.parametrize("known", CRYSTALS, ids=lambda known: known.key)
def test_a_crystal_has_none(known: Any) -> None:
    assert gaps(known.key) == {}


@pytest.mark.parametrize(
    ("text", "task", "mend"),
    [
        (GRAPHENE, "equation_of_state", "lattice_optimization"),
        (HYDROGEN, "lattice_optimization", "single_point"),
        (HYDROGEN, "equation_of_state", "single_point"),
    ],
)
def test_what_a_vacuum_does_not_have_is_refused_with_what_it_has(
    text: str, task: str, mend: str
) -> None:
    with pytest.raises(InvalidParams) as refused:
        simulations.get("dft_crystal").check({"structure": text, "task": task})

    (error,) = refused.value.errors
    assert error.fix == {"task": mend}
    mended = simulations.get("dft_crystal").check({"structure": text, **error.fix})
    assert "vacuum" in [note.code for note in mended.notes]


@pytest.mark.engine
def test_a_sheet_finds_its_own_constant_and_leaves_the_vacuum(context: RecordingContext) -> None:
    """It searched for a c that there is none of, until its points were used up."""
    dft = simulations.get("dft_crystal")

    result = dft.run({"structure": GRAPHENE, **QUICK}, context)

    assert {stage["c_angstrom"] for stage in result["stages"]} == {15.0}
    assert len({stage["a_angstrom"] for stage in result["stages"]}) > 3
    assert result["a_angstrom"] == pytest.approx(2.5, abs=0.2)
    assert dft.methods
    paragraph = dft.methods(dft.Params(structure=GRAPHENE), dft.Result(**result))
    assert "and c, across a vacuum, as given" in paragraph
