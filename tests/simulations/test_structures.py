"""Reading structures from what people write."""

import json
from collections.abc import Callable

import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor, rdDistGeom

import simulations
from simulations import FieldError, InvalidParams
from simulations.structures import Structure, StructureInput, drawing, resolve
from simulations.structures.formats import sniff
from simulations.structures.formula import hill, parse, parse_bracketed
from simulations.structures.names import SMILES_BY_NAME, SYNONYMS

WATER_XYZ = "3\nwater\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n"
WATER_BLOCK = """
  water 3D

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.1173 O   0  0
    0.0000    0.7572   -0.4692 H   0  0
    0.0000   -0.7572   -0.4692 H   0  0
  1  2  1  0
  1  3  1  0
M  END
"""


def read(text: str, format: str = "auto", **options: str) -> Structure:
    return resolve(StructureInput(format=format, text=text), **options)


def refusal(text: str, format: str = "auto") -> FieldError:
    with pytest.raises(InvalidParams) as refused:
        read(text, format)
    (error,) = refused.value.errors
    assert error.path == ("structure",)
    return error


@pytest.mark.parametrize(
    ("text", "formula", "reading"),
    [
        ("CCO", "C2H6O", "read as SMILES"),
        ("InChI=1S/CH4/h1H4", "CH4", "read as InChI"),
        (WATER_XYZ, "H2O", "read as XYZ"),
        (WATER_XYZ.split("\n", 2)[2], "H2O", "read as XYZ"),
        (WATER_BLOCK, "H2O", "read as a mol block"),
        ("Aspirin", "C9H8O4", "read as a name: CC(=O)Oc1ccccc1C(=O)O in SMILES"),
        ("C6H6", "C6H6", "read as the molecule C6H6 of ASE's G2 set"),
        ("diamond", "C", "read as the name diamond, a known crystal"),
    ],
)
def test_a_string_is_read_by_trying(text: str, formula: str, reading: str) -> None:
    structure = read(text)

    assert structure.formula == formula
    assert reading in structure.reading


QCSCHEMA = {
    "schema_name": "qcschema_molecule", "symbols": ["O", "H"], "geometry": [0, 0, 0, 0, 0, 1.8],
}  # fmt: skip


@pytest.mark.parametrize("given", [QCSCHEMA, [QCSCHEMA], [["O", 0, 0, 0]], {}])
@pytest.mark.parametrize("indent", [None, 1])
def test_json_is_called_json(given: object, indent: int | None) -> None:
    told = refusal(json.dumps(given, indent=indent))

    assert told.code == "unreadable_structure"
    assert "looks like JSON, which no structure is read from" in told.detail


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (WATER_XYZ, "xyz"),
        ("\n" + WATER_XYZ, "xyz"),
        ("8 0 0 0.1173\n1 0 0.7572 -0.4692", "xyz"),
        (json.dumps(QCSCHEMA, indent=1), "auto"),
        ("CCO ethanol\nCCN ethylamine", "auto"),
        ("name,smiles\nethanol,CCO", "auto"),
        ("[13CH4]\n[2H]O[2H]", "auto"),
    ],
)
def test_several_lines_are_told_to_be_xyz_only_where_they_look_so(text: str, format: str) -> None:
    assert sniff(text) == format


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("smiles", "O"),
        ("inchi", "InChI=1S/H2O/h1H2"),
        ("xyz", WATER_XYZ),
        ("sdf", WATER_BLOCK),
        ("name", "water"),
    ],
)
def test_a_format_may_be_said(format: str, text: str) -> None:
    structure = read(text, format)

    assert structure.formula == "H2O"
    assert structure.n_electrons == 10


@pytest.mark.parametrize("text", ["Li[C6]", "LiC6", "lic6", "[Li]C6", "C6Li", "LiC₆"])
def test_lithium_intercalated_graphite_is_found_however_it_is_written(text: str) -> None:
    structure = read(text)

    assert structure.kind == "crystal"
    assert structure.n_atoms == 7
    assert structure.crystal
    assert structure.crystal.constants == {"a_angstrom": 4.305, "c_angstrom": 3.706}
    assert structure.reading == (
        f"“{text}” is not SMILES; read as the formula LiC6, a known crystal: "
        "lithium-intercalated graphite, P6/mmm (191)"
    )


def test_a_crystal_is_preferred_where_one_is_wanted() -> None:
    assert read("LiF").kind == "molecule"
    assert read("LiF", prefer="crystal").kind == "crystal"


def test_a_formula_of_several_crystals_asks_which() -> None:
    with pytest.raises(InvalidParams, match="name one of graphite, diamond"):
        read("C", prefer="crystal")


def test_coordinates_are_kept() -> None:
    for text in (WATER_XYZ, WATER_BLOCK):
        structure = read(text)

        assert structure.positions_angstrom
        assert structure.positions_angstrom[1] == pytest.approx((0, 0.7572, -0.4692))


def test_a_drawing_has_no_3d() -> None:
    assert read("CCO").positions_angstrom is None


@pytest.mark.parametrize(("smiles", "n_paths"), [("[H][H]", 3), ("[He]", 2), ("O", 3), ("?", 0)])
def test_the_smallest_molecules_are_drawn_too(smiles: str, n_paths: int) -> None:
    assert len(drawing.drawn(smiles)["paths"]) == n_paths
    assert bool(drawing.draw(smiles)) == bool(n_paths)


@pytest.mark.parametrize(
    ("name", "formula"), [("hydrogen", "H2"), ("Nitrogen", "N2"), ("helium", "He")]
)
def test_gases_have_names(name: str, formula: str) -> None:
    assert read(name).formula == formula


def test_hydrogen_in_hundreds_is_not_drawn() -> None:
    """Seconds to draw, and nobody reads it: as of what has so many heavy atoms."""
    many = ".".join(["[H][H]"] * 100)

    assert drawing.drawn(many)["paths"] == []
    assert drawing.drawn(many)["mass_dalton"] == pytest.approx(201.6, abs=0.01)
    assert drawing.draw(many) == ""


def test_the_same_molecule_reads_the_same_however_it_is_written() -> None:
    assert read("OCC") == read("CCO")
    assert read("CCO").inchikey == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"


def drawn(smiles: str) -> str:
    mol = Chem.MolFromSmiles(smiles)
    rdDepictor.Compute2DCoords(mol)
    return Chem.MolToMolBlock(mol)


@pytest.mark.parametrize("write", [str, drawn])
@pytest.mark.parametrize(
    ("smiles", "inchikey"),
    [
        ("OC(=O)/C=C/C(=O)O", "VZCYOOQTPOCHFL-OWOJBTEDSA-N"),
        ("OC(=O)/C=C\\C(=O)O", "VZCYOOQTPOCHFL-UPHRSURJSA-N"),
    ],
)
def test_cis_and_trans_are_two_molecules(
    smiles: str, inchikey: str, write: Callable[[str], str]
) -> None:
    structure = read(write(smiles))

    assert structure.inchikey == inchikey
    assert structure.warnings == ()


@pytest.mark.parametrize(
    ("text", "charge", "multiplicity"),
    [
        ("CCO", 0, 1),
        ("[CH3]", 0, 2),
        ("[CH2]", 0, 3),
        ("[CH]", 0, 2),
        ("[NH4+]", 1, 1),
        ("[O-][N+](=O)c1ccccc1", 0, 1),
        ("[N]=O", 0, 2),
        ("O=O", 0, 3),
        ("O2", 0, 3),
        ("[C]", 0, 3),
        ("[N]", 0, 4),
        ("[Fe]", 0, 5),
    ],
)
def test_charge_and_likely_spin(text: str, charge: int, multiplicity: int) -> None:
    structure = read(text)

    assert (structure.charge, structure.multiplicity) == (charge, multiplicity)


def test_what_was_guessed_is_told() -> None:
    assert read("CC(F)O").warnings == (
        "Stereochemistry is not given at 1 place (atom C 2): one isomer is taken.",
    )
    assert "(bond C 2=C 3)" in read("CC=CC").warnings[0]
    assert "and 2 more" in read("OCC(O)C(O)C(O)C(O)C(O)C(O)C(O)C(O)C(O)C(O)C").warnings[0]
    assert read("[NH4+]").warnings == ("As written it has charge +1.",)
    assert read("[CH3]").warnings == ("As written it is a radical, with 1 unpaired electron.",)
    assert "Isotopes" in read("[2H]O").warnings[0]
    assert "2 separate parts" in read("[Na+].[Cl-]").warnings[0]
    assert read("C[C@H](F)O").warnings == ()


def test_a_formula_that_is_also_smiles_warns() -> None:
    (warning,) = read("CO").warnings

    assert "As SMILES CO is CH4O" in warning
    assert read("CO", "name").formula == "CO"


def test_an_ambiguous_formula_names_the_candidates() -> None:
    error = refusal("C2H6O")

    assert "name one of CH3CH2OH, CH3OCH3" in error.detail
    assert error.fix == {"structure": "CH3CH2OH"}


def test_a_misspelt_name_is_mended() -> None:
    error = refusal("benzne")

    assert error.detail == (
        "“benzne” could not be read. As SMILES: syntax error at position 2, the “e”. "
        "As a name or formula: none that is known here. Did you mean benzene?"
    )
    assert error.fix == {"structure": "benzene"}


@pytest.mark.parametrize("text", ["", "  \n "])
def test_nothing_is_no_structure(text: str) -> None:
    assert refusal(text).code == "empty_structure"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CC(=O", "the ( at position 3 is never closed"),
        ("C1CC", "the ring 1 that opens at position 2 is never closed"),
        (
            "CC(C)(C)(C)C",
            "Explicit valence for atom # 1 C, 5, is greater than permitted: the C at position 2",
        ),
        ("*C", "atom 1 (*) is no element: the * at position 1"),
        ("C" * 601, "it has 601 atoms, more than the 600 read here"),
        ("C" * 300, "it has 902 atoms, more than the 600 read here"),
    ],
)
def test_bad_smiles_says_why(text: str, reason: str) -> None:
    assert f"As SMILES: {reason}." in refusal(text).detail


@pytest.mark.parametrize(
    ("text", "position", "told"),
    [
        ("CC(=X)C", 5, "syntax error at position 5, the “X”."),
        ("  CC!C", 3, "syntax error at position 3, the “!”."),
        ("CC=", 3, "syntax error at position 3, the “=”."),
        ("CC(=O", 3, "the ( at position 3"),
        ("C)C", 2, "the ) at position 2"),
        ("CCО", 3, "cyrillic capital letter o"),
        ("ClC[NH+](C)(C)C", 4, "the [NH+] at position 4."),
        ("CCc1cccc1", 3, "the c at position 3."),
        ("[13CH3]CBrF", 9, "the Br at position 9."),
        ("C11", 1, "the C at position 1."),
    ],
)
def test_bad_smiles_says_at_which_character(text: str, position: int, told: str) -> None:
    error = refusal(text)

    assert error.position == position
    assert told in error.detail


@pytest.mark.parametrize("text", ["C" * 601, "3\n\nO 0 0"])
def test_what_is_wrong_as_a_whole_has_no_position(text: str) -> None:
    assert refusal(text).position is None


@pytest.mark.parametrize("symbol", ["Co", "Cs", "Hf", "No", "Fe"])
def test_an_element_is_not_taken_for_a_molecule_of_the_same_letters(symbol: str) -> None:
    for format in ("auto", "name"):
        assert f"Did you mean [{symbol}]?" in refusal(symbol, format).detail

    assert read(f"[{symbol}]").symbols == (symbol,)


@pytest.mark.parametrize(
    ("properties", "row"),
    [
        ("species:S:1:id:I:1:pos:R:3", "{symbol} {id} {pos}"),
        ("id:I:1:pos:R:3:species:S:1", "{id} {pos} {symbol}"),
        ("pos:R:3:forces:R:3:Z:I:1", "{pos} 9 9 9 {number}"),
    ],
)
def test_an_extended_xyz_tells_its_columns(properties: str, row: str) -> None:
    plain = read(WATER_XYZ)
    rows = [
        row.format(
            symbol=symbol, id=id, pos=" ".join(map(str, pos)), number={"O": 8, "H": 1}[symbol]
        )
        for id, (symbol, pos) in enumerate(
            zip(plain.symbols, plain.positions_angstrom or (), strict=True), start=1
        )
    ]

    found = read("\n".join(["3", f"Properties={properties} energy=-76.1", *rows]))

    assert found.symbols == plain.symbols
    assert found.positions_angstrom == plain.positions_angstrom


@pytest.mark.parametrize(
    ("pbc", "is_told"), [("", True), ('pbc="T T T"', True), ('pbc="F F F"', False)]
)
def test_a_periodic_cell_that_is_not_used_is_told(pbc: str, is_told: bool) -> None:
    cell = f'Lattice="9 0 0 0 9 0 0 0 9" {pbc} Properties=species:S:1:pos:R:3'

    warnings = read(WATER_XYZ.replace("water", cell)).warnings

    assert any("periodic cell, which is not used" in text for text in warnings) == is_told


def test_columns_without_positions_are_refused() -> None:
    text = WATER_XYZ.replace("water", "Properties=species:S:1:forces:R:3")

    assert "line 2 has Properties without species or pos" in refusal(text, "xyz").detail


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2\n\nO 0 0 0\nH 0 0 x", "line 4 has a coordinate that is no number"),
        ("2\n\nO 0 0 0\nHy 0 0 1", "line 4 names no element: Hy"),
        ("3\n\nO 0 0 0\nH 0 0 1", "line 1 announces 3 atoms, and 2 lines follow"),
        ("O 0 0 0\nO 0 0 0.1", "lines 1 and 2 put two atoms 0.10 Å apart"),
        ("O 0 0\nH 0 0 1", "line 1 is not “element x y z”"),
        ("O 0 0 nan\nH 0 0 1", "line 1 has a coordinate outside ±10,000 Å"),
        ("0\n\n", "it holds no atoms"),
    ],
)
def test_bad_xyz_names_the_line(text: str, reason: str) -> None:
    assert reason in refusal(text, "xyz").detail


@pytest.mark.parametrize("format", ["inchi", "sdf", "name", "smiles"])
def test_garbage_is_refused_in_every_format(format: str) -> None:
    assert refusal("such garbage", format).code == f"unreadable_{format}"


def test_what_a_thread_hears_of_rdkit_ends_with_the_reading() -> None:
    first = refusal("C1CC").detail

    assert refusal("CC(=O").detail != first
    assert refusal("C1CC").detail == first


def test_a_structure_serialises_as_it_was_given() -> None:
    assert StructureInput.model_validate("CCO").model_dump() == "CCO"
    said = {"format": "smiles", "text": "CCO"}
    assert StructureInput.model_validate(said).model_dump() == said


@pytest.mark.parametrize("name", [*SMILES_BY_NAME, *SYNONYMS])
def test_every_name_is_a_closed_shell_molecule(name: str) -> None:
    structure = read(name, "name")

    assert (structure.charge, structure.multiplicity, structure.kind) == (0, 1, "molecule")


@pytest.mark.parametrize(
    ("name", "inchikey"),
    [
        ("aspirin", "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"),
        ("caffeine", "RYYVLZVUVIJVGH-UHFFFAOYSA-N"),
        ("ibuprofen", "HEFNNWSXXWATRW-UHFFFAOYSA-N"),
        ("paracetamol", "RZVAJINKPMORJF-UHFFFAOYSA-N"),
        ("nicotine", "SNICXCGAKADSCV-JTQLQIEISA-N"),
        ("alanine", "QNAYBMKLOCPYGJ-REOHCLBHSA-N"),
    ],
)
def test_a_name_means_the_molecule_that_chemists_mean(name: str, inchikey: str) -> None:
    assert read(name).inchikey == inchikey


@pytest.mark.parametrize(
    "smiles", ["O", "CC(=O)Oc1ccccc1C(=O)O", "C[C@H](N)C(=O)O", "c1ccsc1", "C#C", "C[N+](=O)[O-]"]
)
def test_coordinates_have_the_inchikey_of_the_molecule_that_they_make(smiles: str) -> None:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=7)

    assert read(Chem.MolToXYZBlock(mol)).inchikey == read(smiles).inchikey
    assert read("CH3CH2OH", "name").inchikey == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"


@pytest.mark.parametrize(
    "text",
    ["1\n\nHe 0 0 0", "2\n\nO 0 0 0\nH 0 0 0.97", "2\n\nHe 0 0 0\nHe 0 0 9", "O2", "CH3"],
)
def test_what_is_no_closed_shell_molecule_has_none(text: str) -> None:
    assert read(text).inchikey is None


def test_another_charge_than_the_one_as_written_has_no_inchikey_of_its_own() -> None:
    water = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692"
    sim = simulations.get("dft_single_point")

    neutral, ion = (
        sim.check({"structure": water, "charge": charge}).structure for charge in (0, 1)
    )

    assert neutral
    assert neutral["inchikey"] == "XLYOFNOQVPJJNP-UHFFFAOYSA-N"
    assert ion
    assert "inchikey" not in ion


def test_formulas() -> None:
    assert parse("C₆H₆") == {"C": 6, "H": 6}
    assert parse("Li[C6]") is None
    assert parse_bracketed("Li[C6]") == {"Li": 1, "C": 6}
    assert parse_bracketed("Ca(OH)2") is None
    assert parse_bracketed("Ca(OH)₂") is None
    assert parse("C٣") is None
    assert parse("C" + "9" * 5000) is None
    assert parse("C1CC") is None
    assert parse("Qq2") is None
    assert hill(["O", "H", "C", "H"]) == "CH2O"
    assert hill(["O", "H", "H"]) == "H2O"


@pytest.mark.parametrize(("text", "n_atoms"), [("CO", 6), ("LiC6", 7)])
def test_what_a_page_shows_of_a_structure_counts_its_atoms(text: str, n_atoms: int) -> None:
    found = resolve(StructureInput.model_validate(text), prefer="crystal")

    assert found.as_dict()["n_atoms"] == n_atoms


def test_of_an_sd_file_the_first_molecule_is_taken() -> None:
    several = read(WATER_BLOCK + "$$$$\n" + WATER_BLOCK.replace("O   0", "S   0") + "$$$$\n")

    assert several.formula == "H2O"
    assert several.warnings == ("The SD file holds 2 molecules: the first is taken.",)
    assert read(WATER_BLOCK + "$$$$\n").warnings == ()


def test_what_is_shown_of_a_molecule() -> None:
    shown = read("C[NH3+]").as_dict()

    assert shown == {
        "kind": "molecule",
        "reading": "read as SMILES",
        "formula": "CH6N",
        "n_atoms": 8,
        "charge": 1,
        "n_electrons": 18,
        "multiplicity": 1,
        "smiles": "C[NH3+]",
        "inchikey": "BAVYZALUXZFZLV-UHFFFAOYSA-O",
        "warnings": ["As written it has charge +1."],
    }


@pytest.mark.parametrize(
    "text", ["C%12CC%12", "C%(123)CC%(123)", "C1CC1C1CC1", "[13CH3]C", "C11CC1"]
)
def test_ring_bonds_are_counted_as_smiles_counts_them(text: str) -> None:
    if text == "C11CC1":
        assert "the ring 1 that opens at position 6" in refusal(text).detail
    else:
        assert read(text).kind == "molecule"
