"""Many ligands in one box: ranked, failures apart, resumed where it was lost."""

import csv
import json
from importlib.util import find_spec
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

import simulations
from simulations import Cancelled, InvalidParams, ScienceError
from simulations.pockets.candidates import failed_ligand, understand_screen
from simulations.pockets.ligand import sizes_of
from simulations.pockets.screen_params import DockingScreenParams

from .recording import RecordingContext
from .test_docking import DEOXYADENOSINE, POCKET

pytestmark = pytest.mark.skipif(not find_spec("prolif"), reason="needs ProLIF's data")

LIGANDS = f"{DEOXYADENOSINE} deoxyadenosine\n# a comment\n\nc1ccccc1 benzene\nC1CC broken ring\n"
EXAMPLE = {"ligands": LIGANDS, "receptor_pdb": POCKET, "box_ligand_residue": "3D1"}
QUICK = {"exhaustiveness": 1, "padding_angstrom": 5}


def check(**params: Any) -> simulations.Checked:
    return simulations.get("docking_screen").check({**EXAMPLE, **params})


def screen(context: RecordingContext, **params: Any) -> dict[str, Any]:
    return simulations.get("docking_screen").run({**EXAMPLE, **QUICK, **params}, context)


def test_a_line_that_is_no_ligand_is_told_and_set_apart() -> None:
    notes = {note.code: note.message for note in check().notes}

    assert notes["ligands"].startswith("2 ligands are docked")
    assert notes["ligand_set_apart"].startswith("Line 5, C1CC broken ring: ")


def test_ligands_may_come_as_an_sd_file() -> None:
    def block(smiles: str, title: str) -> str:
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        rdDistGeom.EmbedMolecule(mol, randomSeed=1)
        mol.SetProp("_Name", title)
        return f"{Chem.MolToMolBlock(mol)}> <IC50>\n7\n\n"

    left, right = "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"
    blocks = [block(left, "L"), block(right, ""), block(left, "again"), "broken\n\n\nM  END\n"]
    text = "$$$$\n".join(blocks).replace("\n", "\r\n")

    found = understand_screen(DockingScreenParams.model_validate({**EXAMPLE, "ligands": text}))

    second = len(blocks[0].splitlines()) + 2
    assert [(each.name, each.line, each.ligand.smiles) for each in found.candidates] == [
        ("L", 1, Chem.CanonSmiles(left)),
        (f"line {second}", second, Chem.CanonSmiles(right)),
    ]
    assert [each.text for each in found.failed] == ["again", "broken"]
    assert found.failed[0].cause == "same_molecule"


@pytest.mark.parametrize(
    ("ligands", "code"),
    [
        ("", "no_ligand"),
        ("C1CC\nxyz", "no_ligand"),
        ("\n".join("C" * n for n in range(1, 202)), "too_many_ligands"),
    ],
)
def test_a_list_without_ligands_is_refused(ligands: str, code: str) -> None:
    with pytest.raises(InvalidParams) as refusal:
        check(ligands=ligands)

    (error,) = refusal.value.errors
    assert (error.path, error.code) == (("ligands",), code)


def test_each_line_that_is_set_apart_has_a_cause_to_be_grouped_by() -> None:
    ligands = "CCO\nOCC again\nC1CC\n[Fe]\nCC.O\n" + "C" * 121

    found = understand_screen(DockingScreenParams.model_validate({**EXAMPLE, "ligands": ligands}))

    assert {one.line: one.cause for one in found.failed} == {
        2: "same_molecule",
        3: "unreadable_smiles",
        4: "unknown_element",
        5: "several_parts",
        6: "too_many_atoms",
    }


def test_what_the_engine_refuses_has_a_cause_too() -> None:
    told = failed_ligand(3, "CCO ethanol", ScienceError("It will not fit.", cause="no_3d"))

    assert (told.line, told.cause, told.reason) == (3, "no_3d", "It will not fit.")
    assert failed_ligand(3, "CCO", ScienceError("Vina ended.")).cause == "engine"


def test_a_ligand_has_its_weight_and_its_greasiness() -> None:
    assert sizes_of("CC(=O)Oc1ccccc1C(=O)O") == {
        "molecular_weight_g_per_mol": 180.16,
        "crippen_logp": 1.31,
    }


def test_the_same_molecule_is_docked_once() -> None:
    notes = [note.message for note in check(ligands="CCO ethanol\nOCC again").notes]

    assert "Line 2, OCC again: The same molecule as line 1." in notes


@pytest.mark.engine
@pytest.mark.slow
def test_ligands_are_ranked_and_failures_kept_apart(context: RecordingContext) -> None:
    too_long = f"{'C' * 30} triacontane"

    result = screen(context, ligands=f"c1ccccc1 benzene\n{too_long}\n{LIGANDS}", padding_angstrom=3)

    assert [hit["name"] for hit in result["ligands"]] == ["deoxyadenosine", "benzene"]
    assert [hit["rank"] for hit in result["ligands"]] == [1, 2]
    assert result["ligands"][0]["rmsd_to_bound_ligand_angstrom"] < 2
    assert result["ligands"][1]["rmsd_to_bound_ligand_angstrom"] is None
    reasons = {failed["line"]: failed["reason"] for failed in result["failed"]}
    assert reasons.keys() == {2, 6, 7}
    causes = {failed["line"]: failed["cause"] for failed in result["failed"]}
    assert causes == {2: "box_too_small", 6: "same_molecule", 7: "unreadable_smiles"}
    assert [hit["line"] for hit in result["ligands"]] == [3, 1]
    assert "needs" in reasons[2]
    json.dumps(result, allow_nan=False)
    assert context.artifacts == [
        "receptor.pdbqt", "receptor_prepared.pdb", "box.json", "ranking.csv", "poses.sdf"
    ]  # fmt: skip
    rows = list(csv.DictReader((context.workdir / "ranking.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["deoxyadenosine", "benzene"]
    fractions = context.series("fraction")
    assert fractions == sorted(fractions)
    assert context.series("ligand") == [1, 2, 3]
    assert len(context.series("ligand_score_kcal_per_mol")) == 2


@pytest.mark.slow
def test_ligands_done_by_a_lost_attempt_are_not_docked_again(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    context.stop_when = lambda point: point.get("ligand") == 1
    with pytest.raises(Cancelled):
        screen(context)

    result = screen(next_context)

    log = next_context.log.getvalue()  # type: ignore[attr-defined]
    assert log.count("an earlier attempt: 1 of 1") == 1
    assert log.count("random seed") == 1
    assert len(result["ligands"]) == 2


@pytest.mark.slow
def test_a_screen_in_which_nothing_docks_fails(context: RecordingContext) -> None:
    with pytest.raises(ScienceError, match="Not one ligand") as failure:
        screen(context, ligands="C" * 30, padding_angstrom=1)

    assert failure.value.fix == {"padding_angstrom": 4}
