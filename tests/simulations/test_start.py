"""The lowest of several conformers as the start of a run."""

from typing import Any

import pytest

import simulations
from simulations import Cancelled, InvalidParams, ScienceError
from simulations.quantum.geometry import read_frames

from .recording import RecordingContext

pytestmark = pytest.mark.slow

GLYCOL = "OCCO"
WATER = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692"


def relax(context: RecordingContext, **params: Any) -> dict[str, Any]:
    return simulations.get("xtb_optimization").run({"structure": GLYCOL, **params}, context)


def codes(result: dict[str, Any]) -> list[str]:
    return [note["code"] for note in result["notes"]]


@pytest.mark.engine
def test_the_lowest_of_several_is_where_it_starts(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    next_context.previous = None
    search = simulations.get("conformer_search")
    found = search.run({"structure": GLYCOL, "n_trials": 8}, next_context)

    result = relax(context, n_conformers=8)

    assert result["energy_hartree"] == pytest.approx(found["energy_hartree"], abs=2e-6)
    (note,) = [note for note in result["notes"] if note["code"] == "conformer"]
    assert note["message"].startswith("Of 8 conformers tried it starts from the lowest by GFN2-xTB")
    gap = found["conformers"][1]["relative_kcal_mol"]
    assert f"distinct lie {gap:.1f}" in note["message"]
    fractions = context.series("fraction")
    assert fractions == sorted(fractions)


def test_one_conformer_is_the_default_and_needs_no_note(context: RecordingContext) -> None:
    result = relax(context)

    assert "conformer" not in codes(result)
    assert "relaxed.xyz" not in context.artifacts


def test_the_conformers_are_relaxed_in_the_runs_own_method(context: RecordingContext) -> None:
    result = relax(context, n_conformers=3, method="GFN1-xTB", solvent="water")

    (note,) = [note for note in result["notes"] if note["code"] == "conformer"]
    assert "by GFN1-xTB, ALPB(water)" in note["message"]


def test_dft_starts_from_the_lowest_too(context: RecordingContext) -> None:
    params = {"structure": GLYCOL, "basis": "sto-3g", "functional": "SVWN", "grid_level": 0}

    result = simulations.get("dft_single_point").run({**params, "n_conformers": 4}, context)

    assert "conformer" in codes(result)
    (start,) = read_frames(context.workdir / "start.xyz")
    assert [list(row) for row in start.positions] == [
        pytest.approx(row, abs=1e-6) for row in result["positions_angstrom"]
    ]
    assert {"prepare", "scf", "properties"} >= {point["stage"] for point in context.points}


def test_a_structure_with_its_own_3d_keeps_it_and_is_told(context: RecordingContext) -> None:
    checked = simulations.get("dft_single_point").check({"structure": WATER, "n_conformers": 5})
    assert "conformers_unused" in [note.code for note in checked.notes]

    result = relax(context, structure=WATER, n_conformers=5)

    assert "conformers_unused" in codes(result)
    assert "relaxed.xyz" not in context.artifacts


def test_a_new_attempt_keeps_the_conformer_and_its_note(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    context.stop_when = lambda point: point.get("step") == 2
    with pytest.raises(Cancelled):
        relax(context, n_conformers=4)

    result = relax(next_context, n_conformers=4)

    assert "conformer" in codes(result)
    assert "resumed" in codes(result)
    assert next_context.series("conformer") == []


def test_conformers_that_all_fall_apart_are_a_failure_with_a_mend(
    context: RecordingContext,
) -> None:
    zwitterion = {"structure": "[NH3+]CC(=O)[O-]", "basis": "sto-3g", "n_conformers": 2}

    with pytest.raises(ScienceError, match="No structure survived") as failure:
        simulations.get("dft_single_point").run(zwitterion, context)

    assert failure.value.fix == {"solvent": "water"}


@pytest.mark.parametrize("name", ["dft_single_point", "dft_frequencies", "xtb_frequencies"])
def test_their_number_is_bounded(name: str) -> None:
    with pytest.raises(InvalidParams) as refused:
        simulations.get(name).check({"structure": "CCO", "n_conformers": 51})

    assert refused.value.errors[0].path == ("n_conformers",)
