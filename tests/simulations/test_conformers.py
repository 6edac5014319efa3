"""Conformers, found by RDKit and ranked by tblite."""

from typing import Any

import pytest

import simulations
from simulations import Cancelled, InvalidParams, ScienceError
from simulations.quantum.geometry import read_frames

from .recording import RecordingContext


def search(context: RecordingContext, **params: Any) -> dict[str, Any]:
    few = {"structure": "CCCC", "n_trials": 10}
    return simulations.get("conformer_search").run({**few, **params}, context)


@pytest.mark.slow
@pytest.mark.engine
def test_butane_has_one_anti_and_two_gauche_conformers(context: RecordingContext) -> None:
    result = search(context)

    anti, *gauche = result["conformers"]
    assert len(gauche) == 2
    # 0.67 kcal/mol is measured (Herrebout et al., 1995).
    assert [row["relative_kcal_mol"] for row in gauche] == pytest.approx([0.6, 0.6], abs=0.15)
    assert sum(row["weight"] for row in result["conformers"]) == pytest.approx(1)
    assert anti["weight"] > gauche[0]["weight"]
    assert gauche[0]["rmsd_to_best_angstrom"] > 0.25


@pytest.mark.slow
def test_the_files_hold_the_conformers_in_their_order(context: RecordingContext) -> None:
    from rdkit import Chem

    result = search(context)

    assert context.artifacts == ["relaxed.xyz", "conformers.xyz", "conformers.sdf"]
    assert len(read_frames(context.workdir / "conformers.xyz")) == result["n_conformers"]
    mols = list(Chem.SDMolSupplier(str(context.workdir / "conformers.sdf"), removeHs=False))
    assert [float(mol.GetProp("energy_hartree")) for mol in mols] == pytest.approx(
        [row["energy_hartree"] for row in result["conformers"]]
    )
    assert {Chem.MolToSmiles(Chem.RemoveHs(mol)) for mol in mols} == {"CCCC"}
    fractions = context.series("fraction")
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


@pytest.mark.engine
@pytest.mark.slow
def test_hydroxyl_groups_make_conformers_of_their_own(context: RecordingContext) -> None:
    result = search(context, structure="CCO", n_trials=20)

    # Anti, and gauche to either side.
    assert result["n_conformers"] == 3


@pytest.mark.slow
def test_the_same_seed_gives_the_same_conformers(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    next_context.previous = None

    first, second = search(context), search(next_context)

    assert [row["energy_hartree"] for row in first["conformers"]] == pytest.approx(
        [row["energy_hartree"] for row in second["conformers"]], abs=1e-9
    )


@pytest.mark.slow
def test_a_narrow_window_leaves_the_lowest(context: RecordingContext) -> None:
    assert search(context, energy_window_kcal_mol=0.3)["n_conformers"] == 1


@pytest.mark.engine
@pytest.mark.slow
def test_heat_evens_the_weights(context: RecordingContext, next_context: RecordingContext) -> None:
    next_context.previous = None

    cold, hot = search(context, temperature=100), search(next_context, temperature=1000)

    assert cold["conformers"][0]["weight"] > 0.8
    assert hot["conformers"][0]["weight"] < 0.5


@pytest.mark.slow
def test_all_trials_take_the_same_isomer_where_the_input_leaves_it_open(
    context: RecordingContext,
) -> None:
    from rdkit import Chem

    search(context, structure="CC(O)F", n_trials=8)

    isomers = set()
    for mol in Chem.SDMolSupplier(str(context.workdir / "conformers.sdf"), removeHs=False):
        Chem.AssignStereochemistryFrom3D(mol)
        isomers.add(Chem.MolToSmiles(Chem.RemoveHs(mol)))
    assert len(isomers) == 1
    assert "@" in isomers.pop()


@pytest.mark.slow
def test_a_cancel_within_a_relaxation_is_heard_and_a_new_attempt_goes_on(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    context.stop_when = lambda point: (
        "conformer 2" in point["message"] and "step" in point["message"]
    )
    with pytest.raises(Cancelled):
        search(context)

    result = search(next_context)

    assert len(read_frames(context.workdir / "relaxed.xyz")) == 1
    assert "resumed" in [note["code"] for note in result["notes"]]
    assert not any("conformer 1 of 3, step" in p["message"] for p in next_context.points)
    assert result["n_conformers"] == 3


def test_coordinates_without_bonds_are_refused() -> None:
    with pytest.raises(InvalidParams) as refused:
        simulations.get("conformer_search").check({"structure": "2\n\nH 0 0 0\nF 0 0 0.9"})

    assert [error.code for error in refused.value.errors] == ["no_bonds"]


@pytest.mark.slow
def test_a_zwitterion_that_falls_apart_in_a_vacuum_is_sent_to_water(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    next_context.previous = None
    glycine = {"structure": "[NH3+]CC(=O)[O-]", "n_trials": 3}
    with pytest.raises(ScienceError, match="No structure survived") as failure:
        search(context, **glycine)
    assert failure.value.fix == {"solvent": "water"}

    result = search(next_context, **glycine, **failure.value.fix)

    assert result["n_conformers"] >= 1
