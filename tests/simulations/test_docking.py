"""Docking: what is refused, how poses are merged, and a real redocking by the real engine."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

import simulations
from simulations import Cancelled, InvalidParams, ScienceError
from simulations.pockets import pdb, searches
from simulations.pockets.box import roomier
from simulations.pockets.mending import cut_side_chains, dropped_caps, mend
from simulations.pockets.params import DockingParams
from simulations.pockets.poses import as_bound, distinct, rescored, rmsd
from simulations.pockets.residues import expected_atoms
from simulations.pockets.searches import Search, seeds_of, starts_of
from tests.stack import quickest

from .recording import RecordingContext

pytestmark = pytest.mark.skipif(not find_spec("prolif"), reason="needs the docking extras")

DEOXYADENOSINE = "Nc1ncnc2c1ncn2[C@H]1C[C@H](O)[C@@H](CO)O1"
POCKET_RADIUS = 9.0


def case(name: str) -> str:
    """A file of the redocking case that ships with ProLIF: PDB 1S2G with 2'-deoxyadenosine."""
    spec = find_spec("prolif")
    assert spec
    assert spec.origin
    return (Path(spec.origin).parent / "data" / "implicitHbond" / name).read_text()


def bound_ligand() -> pdb.Residue:
    """The crystal's ligand as the residue that a PDB file has it as."""
    lines = case("1.D.sdf").splitlines()[4:22]
    atoms = tuple(
        pdb.Atom(
            name=f"{line.split()[3]}{n}",
            altloc="",
            element=line.split()[3],
            position=tuple(map(float, line.split()[:3])),  # type: ignore[arg-type]
            occupancy=1.0,
        )
        for n, line in enumerate(lines, start=1)
    )
    return pdb.Residue(chain="D", number=501, insertion="", name="3D1", atoms=atoms)


def with_ligand(receptor: str) -> str:
    return pdb.write([*pdb.parse(receptor).residues, bound_ligand()])


def near(residue: pdb.Residue) -> bool:
    squares = (
        sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
        for one in residue.positions
        for other in bound_ligand().positions
    )
    return min(squares) < POCKET_RADIUS**2


def pocket() -> str:
    """The residues around the ligand, and the ligand: a receptor to check quickly."""
    return pdb.write([*filter(near, pdb.parse(case("receptor.pdb")).residues), bound_ligand()])


POCKET = pocket() if find_spec("prolif") else ""
EXAMPLE = {"ligand": DEOXYADENOSINE, "receptor_pdb": POCKET, "box_ligand_residue": "3D1"}
BY_NUMBERS = {
    "box_ligand_residue": None,
    "box_center_angstrom": [-0.5, -6.9, -22.8],
    "box_size_angstrom": [18, 18, 18],
}
OUTSIDE = {**BY_NUMBERS, "box_center_angstrom": [90, 90, 90]}
NARROW = {**BY_NUMBERS, "ligand": "C" * 10, "box_size_angstrom": [6, 20, 20]}


def check(**params: Any) -> simulations.Checked:
    return simulations.get("docking").check({**EXAMPLE, **params})


def refused(**params: Any) -> simulations.FieldError:
    with pytest.raises(InvalidParams) as refusal:
        check(**params)
    (error,) = refusal.value.errors
    return error


def codes(checked: simulations.Checked) -> set[str]:
    return {note.code for note in checked.notes}


def atom_line(
    name: str, residue: str = "ALA", *, x: float = 0, alt: str = "", occ: float = 1
) -> str:
    return (
        f"ATOM      1  {name:<3}{alt or ' '}{residue:>3} A   1    {x:8.3f}{0:8.3f}{0:8.3f}"
        f"{occ:6.2f}{0:6.2f}          {name[0]:>2}"
    )


def test_the_box_is_around_the_bound_ligand_with_padding() -> None:
    checked = check(padding_angstrom=5)

    (note,) = [note for note in checked.notes if note.code == "box"]
    assert note.message == "The box is 17.2 × 16.7 × 15.2 Å, defined by bound ligand 3D1 D:501."
    assert checked.structure
    assert checked.structure["formula"] == "C10H13N5O3"
    assert {"score_meaning", "rigid_receptor", "protonation"} <= codes(checked)


@pytest.mark.parametrize("marker", ["3d1", "D:501", "3D1 D:501"])
def test_the_bound_ligand_is_found_by_name_and_by_place(marker: str) -> None:
    assert check(box_ligand_residue=marker)


def test_the_box_may_be_given_by_residues_or_by_numbers() -> None:
    residues = check(box_ligand_residue=None, box_residues="A:45, A:95; B:130")
    numbers = check(**{**BY_NUMBERS, "box_center_angstrom": "-0.5, -6.9 -22.8"})

    assert any("residues PHE A:45, ASP A:95, MET B:130" in n.message for n in residues.notes)
    assert numbers.params["box_center_angstrom"] == [-0.5, -6.9, -22.8]
    assert "hetero_in_box" in codes(numbers)


@pytest.mark.parametrize(
    ("params", "field", "code"),
    [
        ({"box_ligand_residue": "ATP"}, "box_ligand_residue", "no_such_residue"),
        ({"box_ligand_residue": "HOH"}, "box_ligand_residue", "marker_is_water"),
        ({"box_ligand_residue": None}, "box_ligand_residue", "no_box"),
        ({"box_residues": "A:45"}, "box_residues", "box_given_twice"),
        ({"box_size_angstrom": [9, 9, 9]}, "box_size_angstrom", "box_given_twice"),
        ({**BY_NUMBERS, "box_size_angstrom": None}, "box_size_angstrom", "no_box"),
        ({**BY_NUMBERS, "box_center_angstrom": None}, "box_center_angstrom", "no_box"),
        ({**BY_NUMBERS, "box_center_angstrom": "1, 2"}, "box_center_angstrom", "value_error"),
        ({**BY_NUMBERS, "box_center_angstrom": "a b c"}, "box_center_angstrom", "value_error"),
        (OUTSIDE, "box_center_angstrom", "box_outside_receptor"),
        (NARROW, "box_size_angstrom", "box_too_small"),
        ({"box_ligand_residue": None, "box_residues": "A:9999"}, "box_residues", "no_such_residue"),
        ({"box_ligand_residue": None, "box_residues": "Asp"}, "box_residues", "no_such_residue"),
        ({"box_ligand_residue": None, "box_residues": " , "}, "box_residues", "no_such_residue"),
        ({"receptor_pdb": "garbage"}, "receptor_pdb", "unreadable_pdb"),
        ({"receptor_pdb": ""}, "receptor_pdb", "unreadable_pdb"),
        ({"receptor_pdb": "data_1ABC\n_atom_site.id"}, "receptor_pdb", "unreadable_mmcif"),
        ({"receptor_pdb": "CCO"}, "receptor_pdb", "is_molecule"),
        ({"receptor_pdb": "diamond"}, "receptor_pdb", "is_crystal"),
        ({"receptor_pdb": "ATOM  x"}, "receptor_pdb", "unreadable_pdb"),
        ({"receptor_pdb": pdb.write([bound_ligand()])}, "receptor_pdb", "no_receptor"),
        ({"ligand": ""}, "ligand", "empty_structure"),
        ({"ligand": "asprin"}, "ligand", "unreadable_structure"),
        ({"ligand": "Li[C6]"}, "ligand", "no_bonds"),
        ({"ligand": "2\n\nO 0 0 0\nH 0 0 0.97"}, "ligand", "no_bonds"),
        ({"ligand": "[H][H]"}, "ligand", "no_heavy_atom"),
        ({"ligand": "CCO.Cl"}, "ligand", "several_parts"),
        ({"ligand": "CB(O)O"}, "ligand", "unknown_element"),
        ({"ligand": "C1CCCCCCCCCCCC1"}, "ligand", "macrocycle"),
        ({"ligand": "C" * 50}, "ligand", "too_many_torsions"),
        ({"ligand": "C" * 130}, "ligand", "too_many_atoms"),
    ],
)  # fmt: skip
def test_what_cannot_be_docked_is_refused(params: dict[str, Any], field: str, code: str) -> None:
    error = refused(**params)

    assert (error.path, error.code) == ((field,), code)
    assert error.detail.endswith((".", "?"))


def test_a_wrong_marker_is_answered_with_those_that_are_there() -> None:
    error = refused(box_ligand_residue="3DI")

    assert "3D1 D:501" in error.detail
    assert error.fix == {"box_ligand_residue": "3D1"}
    assert refused(box_ligand_residue=None).fix == {"box_ligand_residue": "3D1"}


def test_a_misspelt_ligand_is_mended_under_its_own_name() -> None:
    assert refused(ligand="asprin").fix == {"ligand": "aspirin"}
    assert refused(ligand="CCO.Cl").fix == {"ligand": "CCO"}


def test_ligand_and_receptor_are_refused_at_once() -> None:
    with pytest.raises(InvalidParams) as refusal:
        check(ligand="C1CC", receptor_pdb="garbage")

    assert {error.path for error in refusal.value.errors} == {("ligand",), ("receptor_pdb",)}


def test_too_many_atoms_are_refused() -> None:
    lines = "\n".join(atom_line("CA") for _ in range(pdb.MAX_ATOMS + 1))

    assert "more than the 25000" in refused(receptor_pdb=lines).detail


def test_a_flexible_ligand_and_a_narrow_box_are_warned_of() -> None:
    checked = check(ligand="CCCCCCCCCCCCCCCC", padding_angstrom=3)

    assert {"many_torsions", "narrow_box"} <= codes(checked)


def test_a_second_copy_of_the_marker_and_further_models_are_told() -> None:
    other = bound_ligand()
    twice = pdb.write([*pdb.parse(POCKET).residues, pdb.Residue(
        chain="E", number=502, insertion="", name="3D1", atoms=other.atoms)])  # fmt: skip
    models = f"MODEL        1\n{twice}ENDMDL\nMODEL        2\n{twice}ENDMDL\n".replace("END\n", "")

    assert "several_markers" in codes(check(receptor_pdb=twice))
    assert "several_models" in codes(check(receptor_pdb=models))


def test_of_alternate_locations_the_most_occupied_is_taken() -> None:
    lines = [
        atom_line("N"),
        atom_line("CA", alt="A", occ=0.4, x=1),
        atom_line("CA", alt="B", occ=0.6, x=2),
    ]

    (residue,) = pdb.parse("\n".join(lines)).residues

    assert residue.altloc == "B"
    assert [atom.position[0] for atom in residue.atoms] == [0, 2]


def test_a_ligand_under_the_number_of_a_residue_is_no_part_of_it() -> None:
    """The residue was taken for a part of the ligand, and out of the receptor with it."""
    shared = next(r for r in pdb.parse(POCKET).of_kind("polymer") if r.atom("CB"))
    ligand = replace(bound_ligand(), chain=shared.chain, number=shared.number)
    protein = [r for r in pdb.parse(POCKET).residues if r.kind == "polymer"]
    text = pdb.write([*protein, ligand])

    residues = pdb.parse(text).residues

    assert [(r.label, len(r.atoms)) for r in residues if r.key == shared.key] == [
        (shared.label, len(shared.atoms)),
        (ligand.label, len(ligand.atoms)),
    ]
    for marker in ("3D1", ligand.key):
        (box,) = (
            n for n in check(receptor_pdb=text, box_ligand_residue=marker).notes if n.code == "box"
        )
        assert f"bound ligand {ligand.label}" in box.message
    site = {"box_ligand_residue": None, "box_residues": shared.key}
    (box,) = (n for n in check(receptor_pdb=text, **site).notes if n.code == "box")
    assert f"residues {shared.label}" in box.message


def test_two_residues_that_share_a_place_by_alternate_locations_are_one() -> None:
    lines = [atom_line("CA", alt="A", occ=0.4), atom_line("CA", "SER", alt="B", occ=0.6)]

    (residue,) = pdb.parse("\n".join(lines)).residues

    assert residue.name == "SER"


def test_a_written_pdb_reads_the_same() -> None:
    residues = pdb.parse(case("receptor.pdb")).residues

    again = pdb.parse(pdb.write(residues)).residues

    assert again == residues


def test_breaks_of_a_chain_are_found() -> None:
    assert pdb.parse(case("receptor.pdb")).gaps() == ["A:46–A:48", "A:55–A:57"]


@pytest.mark.parametrize(
    "broken",
    [atom_line("CA").replace("   0.000", "     nan", 1), atom_line("CA")[:40], atom_line("??")],
)
def test_a_broken_line_is_named(broken: str) -> None:
    with pytest.raises(pdb.PdbError, match="Line 2"):
        pdb.parse(f"REMARK\n{broken}")


def test_a_side_chain_that_lacks_atoms_is_cut_and_told_at_the_site() -> None:
    lines = POCKET.splitlines()
    lost = "\n".join(x for x in lines if not (x[21:26] == "A  45" and x[13:15] in ("CG", "CZ")))

    (note,) = [n for n in check(receptor_pdb=lost).notes if n.code == "side_chains_cut_at_site"]

    assert "PHE A:45 as ALA" in note.message


def test_caps_of_a_chain_are_taken_off_its_last_residue() -> None:
    names = ["N", "CA", "C", "O", "CB", "CY", "CAY", "HY1"]
    (given,) = pdb.parse("\n".join(atom_line(name, x=n) for n, name in enumerate(names))).residues

    mended = mend(given)

    assert [atom.name for atom in mended.atoms] == names[:5]
    assert dropped_caps([given], [mended]) == ["ALA A:1: CAY, CY"]
    assert cut_side_chains([given], [mended]) == []


def test_selenomethionine_is_docked_into_as_methionine() -> None:
    text = atom_line("SE", "MSE")[:76] + "SE"
    (given,) = pdb.parse(text).residues

    mended = mend(given)

    assert (mended.name, mended.atoms[0].name, mended.atoms[0].element) == ("MET", "SD", "S")


def test_waters_alternates_gaps_and_missing_residues_are_told_before_anything_runs() -> None:
    first, *rest = [line for line in POCKET.splitlines() if line.startswith("ATOM")]
    alternate = f"{first[:16]}A{first[17:54]}  0.60{first[60:]}"
    water = "HETATM 9999  O   HOH A 900      10.000  10.000  10.000  1.00  0.00           O"
    sequence = "\n".join(f"SEQRES  {n:2} {first[21]}   99  {'ALA ' * 13}" for n in range(1, 9))
    ligand = [line for line in POCKET.splitlines() if line.startswith("HETATM")]
    text = "\n".join([sequence, alternate, *rest, "TER", *ligand, water, "END", ""])

    told = {note.code: note.message for note in check(receptor_pdb=text).notes}

    assert told["waters_removed"] == "2 waters are taken out."
    assert told["alternate_locations"].startswith("Alternate locations, the most occupied taken: ")
    assert told["chain_gaps"].startswith("Residues are missing between: ")
    assert "of 104" in told["residues_missing"]


def test_a_box_that_is_too_small_comes_with_one_that_is_not() -> None:
    tight = {"ligand": "C" * 20, "padding_angstrom": 1}
    by_ligand, by_numbers = refused(**tight), refused(**NARROW)

    assert by_ligand.fix
    assert by_ligand.fix.keys() == {"padding_angstrom"}
    assert by_numbers.fix
    assert by_numbers.fix.keys() == {"box_size_angstrom"}
    check(**{**tight, **by_ligand.fix})
    check(**{**NARROW, **by_numbers.fix})


def test_no_box_is_offered_that_is_larger_than_any_that_is_searched() -> None:
    most = DockingParams.model_validate({**EXAMPLE, "padding_angstrom": 20})
    largest = DockingParams.model_validate({**EXAMPLE, **BY_NUMBERS, "box_size_angstrom": [60] * 3})

    assert roomier(most, 6) is None
    assert roomier(largest, 6) is None


def test_expected_atoms_know_the_names_of_protonation_states() -> None:
    assert expected_atoms("HSD") == expected_atoms("HIS")
    assert expected_atoms("MSE") == expected_atoms("MET")
    assert expected_atoms("ATP") == set()


def test_more_searches_begin_with_the_same_seeds() -> None:
    few, many = (seeds_of(exhaustive(n)) for n in (4, 7))

    assert many[:4] == few
    assert len(set(many)) == 7


@pytest.mark.parametrize("asked", [1, 3, 8, 13, 48, 128])
def test_the_exhaustiveness_is_dealt_out_to_at_most_eight_searches(asked: int) -> None:
    starts = starts_of(exhaustive(asked))

    assert sum(starts) == asked
    assert len(starts) == len(seeds_of(exhaustive(asked))) == min(asked, 8)
    assert max(starts) - min(starts) <= 1


def exhaustive(n: int) -> DockingParams:
    return DockingParams.model_validate({**EXAMPLE, "exhaustiveness": n})


def test_poses_nearer_than_the_limit_are_one() -> None:
    kept = distinct([0.0, 0.4, 1.0, 1.9, 2.5], lambda a, b: abs(a - b), 1.0)

    assert kept == [0.0, 1.0, 2.5]


def moved(smiles: str, order: list[int] | None = None, shift: float = 0.0) -> Any:
    from rdkit import Chem

    from simulations.pockets.ligand import embed

    mol = Chem.RemoveHs(embed(smiles, 1))
    conformer = mol.GetConformer()
    positions = conformer.GetPositions()
    positions[:, 0] += shift
    for index, source in enumerate(order or range(len(positions))):
        conformer.SetAtomPosition(index, positions[source].tolist())
    return mol


@pytest.mark.engine
def test_the_rmsd_knows_symmetry_and_does_not_align() -> None:
    # Of benzene, turned by one atom; of propanol a swap of its ends is no symmetry.
    assert rmsd(moved("c1ccccc1"), moved("c1ccccc1", [1, 2, 3, 4, 5, 0])) < 0.05
    assert rmsd(moved("CCCO"), moved("CCCO", [3, 2, 1, 0])) > 1
    assert rmsd(moved("CCCO"), moved("CCCO", shift=3.0)) == pytest.approx(3)


def search(*energies: tuple[float, float, float]) -> Search:
    parts = tuple(dict(zip(("total", "inter", "intra"), row, strict=True)) for row in energies)
    return Search(seed=1, seconds=1, models=("",) * len(parts), energies=parts)


def test_scores_of_all_searches_get_the_same_reference() -> None:
    # Vina's own: each relative to the internal energy of its own best pose, factor 0.8.
    first = search((-8.0, -10.0, -1.0), (-6.4, -8.0, -1.0))
    second = search((-7.6, -9.5, -0.5))

    # -9.5 - 0.5 + 1.0 = -9.0, times 0.8
    assert rescored([first, second]) == [[-8.0, -6.4], [-7.2]]


def test_the_bound_ligand_is_compared_only_if_it_is_the_one_docked() -> None:
    assert as_bound(bound_ligand(), DEOXYADENOSINE).GetNumAtoms() == 18
    assert as_bound(bound_ligand(), "c1ccccc1") is None
    assert as_bound(bound_ligand(), "C" * 18) is None
    assert as_bound(None, DEOXYADENOSINE) is None


def redock(context: RecordingContext, **params: Any) -> dict[str, Any]:
    prepared = with_ligand(case("receptor_ph7_amber.pdb"))
    given = {**EXAMPLE, "receptor_pdb": prepared, "exhaustiveness": 4, **params}
    return simulations.get("docking").run(given, context)


def quick(context: RecordingContext, **params: Any) -> dict[str, Any]:
    """A real docking into the residues around the site."""
    return simulations.get("docking").run({**EXAMPLE, "exhaustiveness": 2, **params}, context)


@pytest.mark.engine
@pytest.mark.slow
def test_the_crystal_pose_is_found_again(context: RecordingContext) -> None:
    result = redock(context)

    best = result["poses"][0]
    assert best["rmsd_to_bound_ligand_angstrom"] < 2
    assert -9 < best["score_kcal_per_mol"] == result["best_score_kcal_per_mol"] < -6
    assert best["ligand_efficiency_kcal_per_mol"] == pytest.approx(
        -best["score_kcal_per_mol"] / 18, abs=1e-3
    )
    assert result["n_searches_agreeing"] >= 3
    assert result["receptor"]["bonds_ignored"] == ["B:18–B:21"]
    assert result["receptor"]["residues_removed"] == []
    kinds = {(c["residue"], c["kind"]) for c in result["contacts"] if c["rank"] == 1}
    assert ("PHE A:45", "π stacking") in kinds
    assert ("GLU A:101", "hydrogen bond, ligand donates") in kinds
    json.dumps(result, allow_nan=False)


@pytest.mark.engine
@pytest.mark.slow
def test_a_crystal_file_without_hydrogens_docks_too(context: RecordingContext) -> None:
    result = redock(context, receptor_pdb=with_ligand(case("receptor.pdb")), exhaustiveness=2)

    report = result["receptor"]
    assert result["poses"][0]["rmsd_to_bound_ligand_angstrom"] < 2
    assert report["n_waters_removed"] == 1
    assert report["n_hydrogens_added"] > 2000
    assert report["chain_gaps"] == ["A:46–A:48", "A:55–A:57"]
    codes_told = [note["code"] for note in result["notes"]]
    assert len(set(codes_told)) == len(codes_told)
    assert {"waters_removed", "chain_gaps", "hydrogens_added"} <= set(codes_told)
    assert "LYS A:2 as ALA" in report["side_chains_cut"]
    assert report["residues_removed"] == []


@pytest.mark.slow
def test_a_docking_leaves_its_files_and_tells_each_search(context: RecordingContext) -> None:
    from rdkit import Chem

    result = quick(context)

    assert context.artifacts == [
        "receptor.pdbqt", "receptor_prepared.pdb", "box.json", "poses.sdf", "poses.pdbqt",
        "complex_best.pdb", "contacts.csv",
    ]  # fmt: skip
    poses = list(Chem.SDMolSupplier(str(context.workdir / "poses.sdf")))
    scores = [float(mol.GetProp("score_kcal_per_mol")) for mol in poses]
    assert scores == [pose["score_kcal_per_mol"] for pose in result["poses"]]
    assert scores == sorted(scores)
    text = (context.workdir / "poses.pdbqt").read_text()
    assert text.count("REMARK VINA RESULT") == text.count("ENDMDL") == len(poses)
    complex_best = (context.workdir / "complex_best.pdb").read_text()
    serials = [line[6:11] for line in complex_best.splitlines()[:-1]]
    assert len(set(serials)) == len(serials)
    both = pdb.parse(complex_best)
    assert [r.name for r in both.of_kind("hetero")] == ["LIG"]
    assert len((context.workdir / "contacts.csv").read_text().splitlines()) == 1 + len(
        result["contacts"]
    )
    assert context.series("search") == [1, 2]
    assert context.series("best_score_kcal_per_mol")[-1] == result["best_score_kcal_per_mol"]
    fractions = context.series("fraction")
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert "random seed" in context.log.getvalue()  # type: ignore[attr-defined]


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("most_searches", [1, 2], ids=["of one search", "one for each search"])
def test_the_same_seed_gives_the_same_poses_however_many_threads(
    context: RecordingContext,
    next_context: RecordingContext,
    monkeypatch: pytest.MonkeyPatch,
    most_searches: int,
) -> None:
    next_context.previous = None
    next_context.threads = 2
    monkeypatch.setattr(searches, "MOST_SEARCHES", most_searches)

    first, second = quick(context), quick(next_context)

    assert first["poses"] == second["poses"]
    assert first["contacts"] == second["contacts"]


@pytest.mark.slow
def test_finished_searches_of_a_lost_attempt_are_kept(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    context.stop_when = lambda point: point.get("search") == 1
    with pytest.raises(Cancelled):
        quick(context)

    result = quick(next_context)

    kept, redone = (
        (attempt.workdir / "searches" / "0001.json").read_text()
        for attempt in (context, next_context)
    )
    # The same file with its wall time, which a search done again would not repeat.
    assert kept == redone
    assert "an earlier attempt: 1 of 2" in next_context.log.getvalue()  # type: ignore[attr-defined]
    assert next_context.log.getvalue().count("random seed") == 1  # type: ignore[attr-defined]
    assert result["n_searches"] == 2


@pytest.mark.slow
def test_searches_with_other_input_are_not_kept(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    quick(context, exhaustiveness=1)

    quick(next_context, exhaustiveness=1, padding_angstrom=5)

    assert "an attempt" not in next_context.log.getvalue()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_cancel_is_heard_inside_a_search(context: RecordingContext) -> None:
    def heard_after_s() -> float:
        asked: list[float] = []

        def stop_when(point: dict[str, Any]) -> bool:
            if point["stage"] == "search" and not asked:
                asked.append(time.monotonic())
                return False
            return bool(asked)

        context.stop_when = stop_when
        with pytest.raises(Cancelled):
            quick(context, ligand="C" * 28, padding_angstrom=10)
        return time.monotonic() - asked[0]

    before = psutil.Process().children()

    assert quickest(heard_after_s, 2) < 2
    assert context.series("search") == []
    assert psutil.Process().children() == before


@pytest.mark.slow
def test_a_search_dies_with_its_parent(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text(json.dumps({**EXAMPLE, "ligand": "C" * 28}))
    argv = [sys.executable, "-m", "simulations", "exec", "docking", str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as parent:
        children: list[psutil.Process] = []
        give_up = time.monotonic() + 60
        while not children and time.monotonic() < give_up:
            children = psutil.Process(parent.pid).children()
            time.sleep(0.1)
        os.kill(parent.pid, signal.SIGKILL)

    assert children
    gone, alive = psutil.wait_procs(children, timeout=5)
    assert len(gone) == 1
    assert not alive


@pytest.mark.slow
def test_a_residue_at_the_site_that_no_template_fits_is_named(context: RecordingContext) -> None:
    lines = POCKET.splitlines()
    lost = "\n".join(x for x in lines if not (x[22:26] == "  45" and x[13:15] in ("C ", "CA")))

    with pytest.raises(ScienceError, match="PHE A:45") as failure:
        quick(context, receptor_pdb=lost)

    assert failure.value.hints
