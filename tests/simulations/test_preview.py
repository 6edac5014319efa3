"""What a form shows of a structure is what the run starts from."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

import simulations
from simulations import bounded
from simulations.pockets.shown import ShownSite
from simulations.preview import preview
from simulations.quantum.geometry import embed
from simulations.structures import StructureInput, resolve
from simulations.structures.drawing import draw

from . import test_docking

WATER = "3\n\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469"


def test_the_geometry_of_a_molecule_is_the_one_that_a_run_would_make(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        made = embed(resolve(StructureInput(text="CCO")), 7, log)

    shown = preview("dft_single_point", "structure", {"structure": "OCC", "seed": 7})

    assert shown.text == made.to_xyz("C2H6O")
    assert "seed 7; GFN2-xTB relaxes it" in shown.told


def test_coordinates_are_shown_as_they_were_given() -> None:
    shown = preview("dft_single_point", "structure", {"structure": WATER})

    assert shown.told == "Your coordinates, as they are."
    assert shown.text.splitlines()[2].split()[1:] == [
        "0.0000000000",
        "0.0000000000",
        "0.1170000000",
    ]
    assert shown.svg == ""


@pytest.mark.parametrize(
    ("simulation", "params", "told"),
    [
        ("xtb_optimization", {"n_conformers": 5}, "the run makes 5"),
        ("dft_single_point", {"preoptimize": False}, "what the run starts from"),
        ("conformer_search", {}, "as one of many"),
        # What is wrong elsewhere is the check's to tell.
        ("dft_single_point", {"multiplicity": "x", "basis": 4}, "seed 42"),
    ],
)
def test_it_says_what_becomes_of_it(simulation: str, params: dict[str, object], told: str) -> None:
    assert told in preview(simulation, "structure", {"structure": "CCO", **params}).told


def test_a_crystal_is_a_cell_and_a_protein_a_chain() -> None:
    cell = preview("dft_crystal", "structure", {"structure": "diamond"})

    assert (cell.kind, cell.format, cell.n_atoms) == ("crystal", "cif", 2)
    assert "_cell_length_a" in cell.text


def test_so_large_a_molecule_is_drawn_but_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulations.preview.MAX_HEAVY_ATOMS", 2)

    shown = preview("xtb_optimization", "structure", {"structure": "CCO"})

    assert shown.svg
    assert (shown.text, shown.told) == ("", "So large a molecule gets its 3D where it runs.")


def test_a_reader_draws_it_and_refuses_what_cannot_be_read() -> None:
    simulation = simulations.get("dft_single_point")

    assert bounded.preview(simulation, "structure", {"structure": "O"}).formula == "H2O"
    with pytest.raises(simulations.InvalidParams, match="could not be read"):
        bounded.preview(simulation, "structure", {"structure": "C1CC("})


def test_a_drawing_has_no_style_and_takes_the_colour_of_the_text_around_it() -> None:
    drawn = draw("CC(=O)[O-].[Na+]")

    ElementTree.fromstring(drawn)
    assert "style" not in drawn
    assert "class=" not in drawn
    assert "currentColor" in drawn
    assert "#000000" not in drawn
    assert "#FF0000" in drawn


@pytest.mark.parametrize("smiles", ["C" * 201, "not smiles"])
def test_what_nobody_could_read_is_not_drawn(smiles: str) -> None:
    assert draw(smiles) == ""


needs_docking = pytest.mark.skipif(not test_docking.POCKET, reason="needs the docking extras")


def box_of(**given: object) -> ShownSite:
    params = {"receptor_pdb": test_docking.POCKET, **given}
    site = preview("docking", "receptor_pdb", params).site
    assert site
    return site


@needs_docking
def test_the_box_around_a_bound_ligand_is_the_one_that_is_searched() -> None:
    searched = test_docking.check(padding_angstrom=5)
    (note,) = [each for each in searched.notes if each.code == "box"]

    box = box_of(box_ligand_residue="3D1", padding_angstrom=5).box

    assert box
    assert " × ".join(f"{edge:.1f}" for edge in box.size_angstrom) in note.message
    assert box.told.endswith("defined by bound ligand 3D1 D:501.")


@needs_docking
@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, ""),
        ({"box_size_angstrom": "20, 20, 20"}, ""),
        ({"box_ligand_residue": "XYZ"}, "There is no residue 'XYZ'"),
        ({"box_center_angstrom": "90 90 90", "box_size_angstrom": "20, 20, 20"}, "lies outside"),
        ({"box_ligand_residue": "3D1", "box_residues": "A:11"}, "given in 2 ways"),
        # Of a size that cannot be, the check tells more.
        ({"box_center_angstrom": "0, 0, 0", "box_size_angstrom": "2, 2, 2"}, "needs a box size"),
    ],
)
def test_what_is_no_box_is_told_and_what_could_mark_one_is_named(
    given: dict[str, object], wrong: str
) -> None:
    site = box_of(**given)

    assert site.box is None
    assert wrong in site.wrong
    assert bool(wrong) == bool(site.wrong)
    assert site.markers == ("3D1 D:501",)


@needs_docking
def test_numbers_may_be_text_as_a_form_has_them() -> None:
    box = box_of(box_center_angstrom="-0.5, -6.9 -22.8", box_size_angstrom="10, 12, 14").box

    assert box
    assert (box.center_angstrom, box.size_angstrom) == ((-0.5, -6.9, -22.8), (10, 12, 14))


@needs_docking
def test_a_protein_that_is_not_docked_into_has_no_box() -> None:
    assert preview("md_simulation", "structure", {"structure": test_docking.POCKET}).site is None
