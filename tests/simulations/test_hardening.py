"""What a hostile or hasty user writes: every text is understood, or refused in a sentence."""

import io
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem

import simulations
from simulations import FieldError, InvalidParams, ScienceError
from simulations.quantum import geometry
from simulations.quantum.geometry import embed
from simulations.structures import Structure, StructureInput, resolve
from simulations.structures.smiles import MAX_CHARS

from .recording import RecordingContext

pytestmark = pytest.mark.slow


def read(text: str, format: str = "auto") -> Structure:
    return resolve(StructureInput(format=format, text=text))


def refusal(text: str, format: str = "auto") -> FieldError:
    with pytest.raises(InvalidParams) as refused:
        read(text, format)
    (error,) = refused.value.errors
    assert error.path == ("structure",)
    return error


def mistakes(simulation: str = "dft_single_point", **params: object) -> tuple[FieldError, ...]:
    with pytest.raises(InvalidParams) as refused:
        simulations.get(simulation).check({"structure": "O", **params})
    return refused.value.errors


def block(*rows: str, tag: str = "3D") -> str:
    lines = "\n".join(f"{row}  0  0" for row in rows)
    counts = f"{len(rows):3}  0  0  0  0  0  0  0  0  0999 V2000"
    return f"\n     RDKit          {tag}\n\n{counts}\n{lines}\nM  END\n"


# RDKit


@pytest.mark.parametrize(
    "text",
    [
        "[N+]#c2o[Na+]2",
        "[B-]1:[C-]~p[Pt]-[nH]1/[C@@]#[C@H]",
        "S<-N/[O-](~[H])",
        "[Xe]5~[2H][C-]~b5",
        "[Fe]" + "(C)" * 130,
    ],
)
@pytest.mark.parametrize("format", ["auto", "smiles"])
def test_what_trips_rdkit_is_a_complaint(text: str, format: str) -> None:
    assert "RDKit" in refusal(text, format).detail


def test_what_rdkit_raised_is_kept_as_the_cause() -> None:
    with pytest.raises(InvalidParams) as refused:
        read("[N+]#c2o[Na+]2", "smiles")

    causes = [refused.value.__cause__]
    while causes[-1] is not None:
        causes.append(causes[-1].__cause__)
    assert isinstance(causes[-2], Chem.AtomValenceException)


@pytest.mark.parametrize(("text", "multiplicity"), [("[Og]", 1), ("[Rf]", 1), ("[Lr]", 2)])
def test_an_atom_beyond_the_table_of_moments_takes_its_lowest(text: str, multiplicity: int) -> None:
    assert read(text).multiplicity == multiplicity


# Numbers that Python takes for numbers


@pytest.mark.parametrize("count", ["²", "٣", "9" * 5000])
def test_strange_digits_are_no_count_and_no_element(count: str) -> None:
    assert refusal(f"{count}\n\nO 0 0 0", "xyz").code == "unreadable_xyz"
    assert "names no element" in refusal(f"{count} 0 0 0", "xyz").detail
    assert refusal(f"C{count}", "name").code == "unreadable_name"


# Time


@pytest.mark.parametrize(
    "text",
    [
        "C(" * 100_000,
        "C(" * (MAX_CHARS // 2),
        "C(" * (MAX_CHARS // 3) + ")" * (MAX_CHARS // 3),
        "[" * MAX_CHARS,
        "C" * MAX_CHARS,
        "[Pt]" * 1200,
        "InChI=1S/" + "C" * 150_000,
        "C" + "9" * 150_000,
    ],
)
def test_a_long_line_is_refused_soon(text: str) -> None:
    started = time.process_time()

    refusal(text)

    assert time.process_time() - started < 2


def test_size_is_judged_before_the_chemistry() -> None:
    error = refusal("C(C)(C)(C)(C)C" * 150, "smiles")

    assert "it has 900 atoms, more than the 600 read here" in error.detail


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CC(C(C)", "the ( at position 3 is never closed"),
        ("CC)C", "the ) at position 3 closes nothing"),
        ("C[NH", "the [ at position 2 is never closed"),
        ("C([N)H]", "the ) at position 5 closes nothing"),
    ],
)
def test_brackets_that_do_not_match_are_pointed_at(text: str, reason: str) -> None:
    assert reason in refusal(text).detail


def test_very_many_errors_are_counted() -> None:
    started = time.process_time()

    errors = mistakes(**{f"unknown_{n}": n for n in range(5000)})

    assert time.process_time() - started < 1
    assert len(errors) == 21
    assert errors[-1].detail == "4980 more things are wrong."
    assert "Did you mean" not in errors[0].detail


def test_a_few_unknown_names_are_each_searched_for() -> None:
    (error,) = mistakes(functionl="PBE")

    assert "Did you mean functional?" in error.detail
    assert error.fix == {"functionl": None, "functional": "PBE"}


def test_a_mend_overwrites_nothing_that_was_given() -> None:
    errors = mistakes(functionl="PBE", functional="PBE")

    assert [error.fix for error in errors] == [None]


@pytest.mark.parametrize(
    ("given", "meant"), [({"method": "gfn2"}, "GFN2-xTB"), ({"solvent": "watr"}, "water")]
)
def test_half_a_name_is_asked_about(given: dict[str, str], meant: str) -> None:
    with pytest.raises(simulations.InvalidParams) as refused:
        simulations.get("xtb_optimization").check({"structure": "O", **given})

    (error,) = refused.value.errors
    assert f"Did you mean {meant}?" in error.detail
    assert error.fix is None


# Silently another molecule


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CCО", "“О”, cyrillic capital letter o (U+041E) at position 3 does not belong there"),
        ("CC Cl", "a space at position 3 does not belong there"),
        ("C O", "a space at position 2"),
        ("C\tO", "a control character (U+0009) at position 2"),
        ("C٣", "arabic-indic digit three (U+0663) at position 2"),
        ("c1ccccc1\u200b", "zero width space (U+200B) at position 9"),
        ("CO |$foo$|", "a space at position 3"),
    ],
)
@pytest.mark.parametrize("format", ["auto", "smiles"])
def test_a_character_that_smiles_lacks_is_named(text: str, reason: str, format: str) -> None:
    assert reason in refusal(text, format).detail


@pytest.mark.parametrize("text", ["CC\0O", "O\0 0 0 0\nH 0 0 1", "\0"])
def test_null_characters_are_refused(text: str) -> None:
    assert refusal(text).code == "null_character"


def test_half_a_surrogate_pair_is_refused() -> None:
    (error,) = mistakes(structure="C\ud800")

    assert error.detail.encode()


def test_brackets_are_left_out_for_crystals_only() -> None:
    assert refusal("C[H]C").code == "unreadable_structure"
    assert refusal("C[").code == "unreadable_structure"
    assert read("Li[C6]").kind == "crystal"
    assert read("C6H6").formula == "C6H6"


@pytest.mark.parametrize(
    "text",
    [
        block(*["    0.0000    0.0000    0.0000 O"] * 2),
        block("    0.0000    0.0000    1.0000 O", "    0.0000    0.1000    1.0000 H"),
    ],
)
def test_a_mol_block_whose_atoms_coincide_is_refused(text: str) -> None:
    assert "atoms 1 and 2 are 0." in refusal(text).detail


def test_a_flat_drawing_may_have_all_atoms_in_one_place() -> None:
    text = block(*["    0.0000    0.0000    0.0000 O"] * 2, tag="2D")

    assert read(text).positions_angstrom is None


@pytest.mark.parametrize("text", ["ethanal", "propanol", "propene", "pyridone", "cyclohexene"])
def test_another_molecule_is_not_offered_for_a_misspelt_name(text: str) -> None:
    assert refusal(text).fix is None


# Separate parts


@pytest.mark.parametrize("text", ["O.O", "[Na+].[Cl-]", "[K+].[F-]", "CCO.O.c1ccccc1.[Na+].[Cl-]"])
def test_separate_parts_lie_side_by_side(text: str) -> None:
    structure = read(text)
    made = embed(structure, 42, io.StringIO())

    mol = Chem.AddHs(Chem.MolFromSmiles(structure.smiles))
    points = np.array(made.positions)
    distances = [
        float(np.linalg.norm(points[i] - points[j]))
        for one, other in combinations(Chem.GetMolFrags(mol), 2)
        for i in one
        for j in other
    ]
    # A hydrogen bond is the shortest of what holds parts together.
    assert min(distances) > 1.5
    assert embed(structure, 42, io.StringIO()) == made
    assert "is a guess" in structure.warnings[0]


@pytest.mark.parametrize("text", ["O.O", "[Na+].[Cl-]"])
def test_separate_parts_can_be_computed(text: str, tmp_path: Path) -> None:
    params = {"structure": text, "functional": "PBE", "basis": "sto-3g", "grid_level": 0}

    result = simulations.get("dft_single_point").run(params, RecordingContext(tmp_path))

    assert result["converged"]


@pytest.mark.parametrize("step", ["_spread_fragments", "clean_up"])
def test_3d_whose_atoms_coincide_is_not_used(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def collapse(mol: Any) -> None:
        mol.GetConformer().SetPositions(np.zeros((mol.GetNumAtoms(), 3)))

    monkeypatch.setattr(geometry, step, collapse)

    with pytest.raises(ScienceError, match="No 3D structure could be made"):
        embed(read("[Na+].[Cl-]"), 42, io.StringIO())


# Mends that keep the science


@pytest.mark.parametrize(
    "given",
    [
        {"basis": "6-311++g(d,p)"},
        {"basis": "6-31+G*"},
        {"basis": "6-311g*"},
        {"basis": "def2-TZVPD"},
        {"basis": "def2-qzvpp"},
        {"basis": "cc-pv5z"},
        {"functional": "wB97X-D"},
        {"functional": "M05-2X"},
        {"functional": "HSE03"},
        {"functional": "O3LYP"},
        {"solvent": "ethanal"},
    ],
)
def test_another_method_is_not_offered_as_a_mend(given: dict[str, str]) -> None:
    (error,) = mistakes(**given)

    assert error.fix is None
    assert "expected one of" in error.detail
    assert "Did you mean" not in error.detail


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        ({"functional": "b3lpy"}, {"functional": "B3LYP"}),
        ({"functional": "CAMB3LYP"}, {"functional": "CAM-B3LYP"}),
        ({"functional": "m062x"}, {"functional": "M06-2X"}),
        ({"basis": "def2-vsp"}, {"basis": "def2-svp"}),
        ({"solvent": "ethyl_acetate"}, {"solvent": "ethyl acetate"}),
    ],
)
def test_a_slip_of_the_hand_is_mended(given: dict[str, str], fix: dict[str, str]) -> None:
    (error,) = mistakes(**given)

    assert error.fix == fix


@pytest.mark.parametrize(
    ("given", "meant"),
    [("6-31G(d)", "6-31g*"), ("6-31g(d,p)", "6-31g**"), ("6-311G(d,p)", "6-311g**")],
)
def test_a_basis_goes_by_its_other_name(given: str, meant: str) -> None:
    checked = simulations.get("dft_single_point").check({"structure": "O", "basis": given})

    assert checked.params["basis"] == meant


# Sentences


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"charge": 1.5}, "charge is 1.5; it must be a whole number."),
        ({"charge": "one"}, "charge is 'one'; it must be a whole number."),
        ({"charge": [1]}, "charge is [1]; it must be a whole number."),
        ({"charge": True}, "charge is true; it must be a number."),
        ({"temperature": True}, "temperature is true; it must be a number."),
        ({"grid_level": None}, "grid_level is null; it must be a whole number."),
        ({"temperature": "hot"}, "temperature is 'hot'; it must be a number."),
        ({"density_fit": "perhaps"}, "density_fit is 'perhaps'; it must be true or false."),
        ({"structure": {"text": 5}}, "text is 5; it must be a string."),
    ],
)
def test_a_wrong_type_is_told_in_one_sentence(given: dict[str, object], detail: str) -> None:
    (error,) = mistakes(**given)

    assert error.detail == detail


@pytest.mark.parametrize(
    ("k_mesh", "detail"),
    [
        ([2, 1.5, 2], "k_mesh, entry 2 is 1.5; it must be a whole number."),
        (2, "k_mesh is 2; it must be a list."),
    ],
)
def test_an_entry_of_a_list_is_counted(k_mesh: object, detail: str) -> None:
    (error,) = mistakes("dft_crystal", structure="LiC6", k_mesh=k_mesh)

    assert error.detail == detail


def test_charges_have_a_sign() -> None:
    checked = simulations.get("dft_single_point").check({"structure": "[NH4+]", "charge": 0})
    messages = [note.message for note in checked.notes]

    assert "Charge 0 was asked; the structure as written has +1." in messages


# Crystals


def test_a_crystal_has_no_multiplicity_and_no_count_of_electrons() -> None:
    checked = simulations.get("dft_crystal").check({"structure": "Li[C6]"})

    assert checked.structure
    assert not {"n_electrons", "multiplicity"} & checked.structure.keys()


def test_a_molecule_is_sent_elsewhere_in_a_sentence() -> None:
    (error,) = mistakes("dft_crystal", structure="NaCl")

    assert error.detail == (
        "“NaCl” is not SMILES; read as the molecule NaCl of ASE's G2 set, with its geometry "
        "(ClNa, 2 atoms). That is a molecule; of crystals, which are what is computed here, "
        "LiC6, graphite, diamond, silicon, LiF are known. For a molecule use dft_optimization."
    )


def test_the_temperature_of_a_crystal_is_told_from_its_smearing() -> None:
    checked = simulations.get("dft_crystal").check({"structure": "LiC6", "temperature": 300})

    (note,) = [note for note in checked.notes if note.code == "not_used"]
    assert "The nuclei are at rest" in note.message
    assert "smearing_hartree" in note.message
