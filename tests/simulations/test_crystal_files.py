"""Crystals from CIF and POSCAR: what is read, what is refused, and one from file to energy."""

import io
from typing import Any

import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from ase.spacegroup import crystal as ase_crystal

import simulations
from simulations import FieldError, InvalidParams
from simulations.quantum import gth
from simulations.quantum.crystal_params import DftCrystalParams
from simulations.quantum.lattice import fft_mesh, scaled, vectors
from simulations.structures import Crystal, Structure, StructureInput, resolve
from simulations.structures.crystals import CRYSTALS

from .recording import RecordingContext

RUTILE = """\
data_rutile
_chemical_name_mineral rutile
_cell_length_a 4.594(1)
_cell_length_b 4.594(1)
_cell_length_c 2.959(1)
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 42/m n m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Ti1 Ti4+ 0 0 0 1
O1 O2- 0.305 0.305 0 1
"""
SALT = """\
rock salt
5.64
0.0 0.5 0.5
0.5 0.0 0.5
0.5 0.5 0.0
Na Cl
1 1
Direct
0.0 0.0 0.0
0.5 0.5 0.5
"""
DIAMOND = """\
data_diamond
_cell_length_a 3.567
_cell_length_b 3.567
_cell_length_c 3.567
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_IT_number 227
_space_group_name_H-M_alt 'F d -3 m :1'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
C1 0 0 0
"""
CALCITE = ase_crystal(
    ["Ca", "C", "O"],
    [(0, 0, 0), (0, 0, 0.25), (0.257, 0, 0.25)],
    spacegroup=167,
    cellpar=[4.99, 4.99, 17.06, 90, 90, 120],
)
MONOCLINIC = Atoms(
    "C2",
    scaled_positions=[(0.1, 0.25, 0.2), (0.9, 0.75, 0.8)],
    cell=[4.0, 3.0, 5.0, 90, 104, 90],
    pbc=True,
)


def read(text: str, format: str = "auto") -> Structure:
    return resolve(StructureInput(format=format, text=text))


def crystal_of(text: str) -> Crystal:
    found = read(text).crystal
    assert found
    return found


def refusal(text: str, format: str = "auto") -> FieldError:
    with pytest.raises(InvalidParams) as refused:
        read(text, format)
    (error,) = refused.value.errors
    assert error.path == ("structure",)
    return error


def mistake(text: str, **params: Any) -> FieldError:
    with pytest.raises(InvalidParams) as refused:
        simulations.get("dft_crystal").check({"structure": text, **params})
    (error,) = refused.value.errors
    return error


def as_cif(atoms: Atoms) -> str:
    stream = io.BytesIO()
    write(stream, atoms, format="cif")
    return stream.getvalue().decode()


def as_poscar(atoms: Atoms) -> str:
    stream = io.StringIO()
    write(stream, atoms, format="vasp")
    return stream.getvalue()


def test_a_cif_becomes_a_crystal_with_its_space_group() -> None:
    structure = read(RUTILE)

    assert structure.as_dict() == {
        "kind": "crystal",
        "reading": "read as CIF: rutile, P42/mnm (136), tetragonal",
        "formula": "TiO2",
        "n_atoms": 6,
        "charge": 0,
        "title": "rutile",
        "cell_formula": "O4Ti2",
        "space_group": "P42/mnm (136)",
        "crystal_system": "tetragonal",
        "a_angstrom": pytest.approx(4.594),
        "c_angstrom": pytest.approx(2.959),
    }


@pytest.mark.parametrize("as_text", [as_cif, as_poscar])
@pytest.mark.parametrize(
    ("atoms", "group", "system", "n_atoms", "constants"),
    [
        (bulk("NaCl", "rocksalt", a=5.64, cubic=True), "Fm-3m (225)", "cubic", 2, "a"),
        (bulk("Si", "diamond", a=5.431), "Fd-3m (227)", "cubic", 2, "a"),
        (bulk("Fe", "bcc", a=2.87), "Im-3m (229)", "cubic", 1, "a"),
        (bulk("Mg", "hcp", a=3.21, c=5.21), "P63/mmc (194)", "hexagonal", 2, "ac"),
        (CALCITE, "R-3c (167)", "hexagonal", 10, "ac"),
        (MONOCLINIC, None, "monoclinic", 2, "abc"),
    ],
)
def test_a_crystal_is_the_same_from_either_file(
    atoms: Atoms, group: str | None, system: str, n_atoms: int, constants: str, as_text: Any
) -> None:
    structure = read(as_text(atoms))
    found = structure.crystal

    assert found
    assert (structure.n_atoms, found.system) == (n_atoms, system)
    assert group in (None, found.space_group)
    assert "".join(name[0] for name in found.constants) == constants
    assert volume(vectors(found, found.constants)) / n_atoms == pytest.approx(
        atoms.get_volume() / len(atoms)
    )


def volume(edges: Any) -> float:
    (a, b, c), (d, e, f), (g, h, i) = edges
    return abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))


def test_a_poscar_is_told_from_xyz_by_how_it_looks() -> None:
    structure = read(SALT)

    assert structure.reading == "read as POSCAR: NaCl, Fm-3m (225), cubic"
    assert structure.warnings == (
        "Lattice constants are those of the conventional cell of 8 atoms.",
    )


def test_a_poscar_may_scale_by_volume_and_give_cartesian_coordinates() -> None:
    edges, sites = SALT.split("Direct")
    by_volume = edges.replace("5.64\n", f"-{5.64**3 / 4}\n") + "Selective dynamics\nDirect" + sites

    assert crystal_of(by_volume).a_angstrom == pytest.approx(5.64)
    assert crystal_of(edges + "Cartesian\n0 0 0\n0.5 0.5 0.5\n").a_angstrom == pytest.approx(5.64)


def test_operations_written_out_stand_for_the_group() -> None:
    group = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'-x,-y,-z'\n'x+1/2,y+1/2,z+1/2'\n"
    cesium = RUTILE.replace("_symmetry_space_group_name_H-M 'P 42/m n m'", group)

    assert read(cesium.replace("O1 O2- 0.305 0.305 0 1\n", "")).n_atoms == 1


@pytest.mark.parametrize(
    "told",
    [
        "_space_group_name_H-M_alt 'F d -3 m :2'",
        "_space_group_name_H-M_alt 'F d -3 m'\n_space_group_IT_coordinate_system_code 2",
        "_space_group_name_H-M_alt 'F d -3 m'\n_space_group_name_Hall '-F 4vw 2vw 3'",
    ],
)
def test_an_origin_that_is_told_is_taken(told: str) -> None:
    centred = DIAMOND.replace("C1 0 0 0", "C1 0.125 0.125 0.125")

    found = read(centred.replace("_space_group_name_H-M_alt 'F d -3 m :1'", told))

    assert found.n_atoms == 2
    assert found.as_dict()["reading"].endswith("Fd-3m (227), cubic")


@pytest.mark.parametrize("name", ["'F d -3 m'", "'F d -3 m Z'", "?"])
def test_an_origin_that_is_not_told_is_asked_for(name: str) -> None:
    centred = DIAMOND.replace("C1 0 0 0", "C1 0.125 0.125 0.125")

    detail = refusal(centred.replace("'F d -3 m :1'", name)).detail

    assert "F d -3 m has two choices of origin" in detail
    assert "write F d -3 m:1 or F d -3 m:2" in detail


def test_a_setting_taken_for_granted_is_told() -> None:
    numbered = RUTILE.replace("'P 42/m n m'", "'rutile'\n_symmetry_Int_Tables_number 136")

    told = read(numbered).warnings

    assert "The space group's name rutile is not known: P 42/m n m is taken." in told


def test_what_was_decided_of_a_cell_is_told() -> None:
    bare = RUTILE.replace("_symmetry_space_group_name_H-M 'P 42/m n m'\n", "")
    whole = read(as_cif(bulk("NaCl", "rocksalt", a=5.64, cubic=True)))

    assert "declares no symmetry" in read(bare).warnings[0]
    assert whole.warnings[:2] == (
        "The file says space group P 1; its atoms have Fm-3m (225), which is taken.",
        "The cell as given holds 8 atoms; its primitive cell of 2 is taken, the same crystal.",
    )
    assert "2 structures: the first" in read(RUTILE + DIAMOND).warnings[0]
    skewed = RUTILE.replace("0 0 0 1", "0.01 0.02 0.03 1").replace("P 42/m n m", "P 1")
    assert "No symmetry was found (P1)" in read(skewed).warnings[-1]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("0 0 0 1", "0 0 0 0.5", "sites are partly occupied, Ti1 (0.5)"),
        ("_cell_length_c 2.959(1)\n", "", "_cell_length_c is missing"),
        ("_cell_length_c 2.959(1)", "_cell_length_c x", "line 5: _cell_length_c is x, no positive"),
        ("'P 42/m n m'", "'P 99'", "the space group P 99 is not known"),
        ("'P 42/m n m'", "'F m -3 m'", "does not fit the cell's lengths and angles"),
        ("'P 42/m n m'", "'P 42/m n m", "line 9, column"),
        ("0.305 0.305 0 1", "0.305 0 1", "Wrong number of values in loop"),
        ("0.305 0.305 0 1", "0.305 ? 0 1", "site O1 in line 18 has a coordinate that is no number"),
        ("0.305 0.305 0 1", "0 0 0 1", "atoms 1 (Ti) and 3 (O) of its cell are 0.00 Å apart"),
        ("O1 O2-", "Q1 Q", "site Q1 in line 18 names no element"),
        ("_cell_angle_gamma 90", "_cell_angle_gamma 179.9999", "encloses no volume"),
        ("_atom_site_fract_x", "_atom_site_Cartn_x", "no atoms by fractional coordinates"),
        ("4.594(1)", "94.594", "longer than 60 Å"),
    ],
)
def test_a_bad_cif_says_where(old: str, new: str, reason: str) -> None:
    assert reason in refusal(RUTILE.replace(old, new), "cif").detail


def test_a_label_that_may_be_two_elements_asks_for_the_type() -> None:
    assert "may be C or Co" in refusal(DIAMOND.replace("C1 0", "CO1 0")).detail
    assert crystal_of(DIAMOND.replace("C1 0", "Co1 0")).formula == "Co"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Na Cl\n", "", "line 6 has numbers where the elements are named"),
        ("Na Cl", "Na Qq", "line 6 names no element: Qq"),
        ("1 1\n", "1\n", "line 7 must count the atoms of each of the 2 names"),
        ("1 1\n", "1 2\n", "line 11 is missing: fewer coordinates than atoms"),
        ("0.5 0.5 0.5", "0.5 x 0.5", "line 10 is not three numbers"),
        ("0.5 0.5 0.5", "0.0 0.0 0.01", "0.04 Å apart"),
        ("5.64", "0", "line 2 is no scale"),
        ("1 1\n", "900 900\n", "line 7 counts more than"),
        ("0.5 0.5 0.0\n", "0.5 0.5 1.0\n", "enclose no volume"),
        ("Direct\n0.0 0.0 0.0\n0.5 0.5 0.5\n", "\n", "line 8 does not say Direct or Cartesian"),
    ],
)
def test_a_bad_poscar_names_the_line(old: str, new: str, reason: str) -> None:
    assert reason in refusal(SALT.replace(old, new), "poscar").detail


def test_coordinates_that_symmetry_leaves_free_are_counted() -> None:
    counts = {
        name: crystal_of(text).given.n_free_coordinates  # type: ignore[union-attr]
        for name, text in {"rutile": RUTILE, "salt": SALT, "calcite": as_cif(CALCITE)}.items()
    }

    assert counts == {"rutile": 1, "salt": 0, "calcite": 1}


@pytest.mark.parametrize("text", [RUTILE, SALT, as_cif(CALCITE)])
def test_a_given_cell_scales_along_its_free_constants(text: str) -> None:
    found = crystal_of(text)
    before = vectors(found, found.constants)
    scales = (0.1, 0.0)[: len(found.constants)]

    after = vectors(found, scaled(found, scales))

    third = len(scales) == 1
    assert volume(after) == pytest.approx(volume(before) * 1.1 ** (3 if third else 2))


# What dft_crystal takes


def test_a_file_is_checked_and_told() -> None:
    checked = simulations.get("dft_crystal").check({"structure": RUTILE})
    messages = {note.code: note.message for note in checked.notes}

    assert checked.structure
    assert checked.structure["space_group"] == "P42/mnm (136)"
    assert "1 coordinate of the atoms inside the cell could still move" in messages["atoms_held"]


def test_a_crystal_with_free_angles_has_a_single_point_only() -> None:
    error = mistake(as_cif(MONOCLINIC))

    assert (error.path, error.fix) == (("task",), {"task": "single_point"})
    assert simulations.get("dft_crystal").check(
        {"structure": as_cif(MONOCLINIC), "task": "single_point"}
    )


def test_what_has_no_pseudopotential_is_named() -> None:
    error = mistake(SALT.replace("Na", "Gd"))

    assert error.code == "no_pseudopotential"
    assert "for Gd:" in error.detail


def test_a_large_cell_is_refused() -> None:
    many = bulk("Si", "diamond", a=5.431, cubic=True) * (2, 2, 2)
    many.rattle(0.1, seed=1)

    assert mistake(as_cif(many), task="single_point").code == "too_many_atoms"


def test_what_does_not_fit_into_memory_is_told_at_once() -> None:
    error = mistake(RUTILE, ke_cutoff_hartree=400, k_mesh=[8, 8, 8])

    assert error.code == "too_large"
    assert "more than the 4 GB allowed" in error.detail


def test_iron_is_told_to_be_magnetic() -> None:
    checked = simulations.get("dft_crystal").check({"structure": as_cif(bulk("Fe"))})

    assert "not_spin_polarised" in {note.code for note in checked.notes}


def test_a_crystal_is_no_molecule() -> None:
    with pytest.raises(InvalidParams) as refused:
        simulations.get("dft_single_point").check({"structure": RUTILE})

    assert refused.value.errors[0].fix == {"simulation": "dft_crystal"}


# Against PySCF


def test_the_table_of_pseudopotentials_is_pyscf_s() -> None:
    from pyscf.pbc.gto import basis, pseudo

    for symbol, has in gth.VALENCE.items():
        assert sum(pseudo.load("gth-pbe", symbol)[0]) == has.electrons, symbol
        for name, functions in (("szv", has.szv), ("dzvp", has.dzvp)):
            shells = basis.load(f"gth-{name}-molopt-sr", symbol)
            counted = sum((2 * shell[0] + 1) * (len(shell[1]) - 1) for shell in shells)
            assert counted == functions, symbol


@pytest.mark.parametrize("cutoff", [40.0, 100.0])
def test_the_grid_is_counted_as_pyscf_counts_it(cutoff: float) -> None:
    import numpy as np
    from pyscf.pbc import tools

    for found in (*CRYSTALS, crystal_of(RUTILE), crystal_of(as_cif(CALCITE))):
        edges = np.array(vectors(found, found.constants)) / 0.529177210903
        assert fft_mesh(found, cutoff) == tuple(tools.cutoff_to_mesh(edges, cutoff))


@pytest.mark.slow
@pytest.mark.engine
def test_a_crystal_from_a_cif_has_the_energy_that_pyscf_gives(context: RecordingContext) -> None:
    """Silicon, primitive cell, 2×2×2 k-points; PySCF is given its own cell and its own grid."""
    import numpy as np
    from pyscf.pbc import dft, gto
    from pyscf.pbc.scf.addons import smearing_

    atoms = bulk("Si", "diamond", a=5.431, cubic=True)
    settings = {
        "structure": as_cif(atoms), "task": "single_point", "basis": "gth-szv-molopt-sr",
        "k_mesh": [2, 2, 2], "ke_cutoff_hartree": 60, "dispersion": "none",
    }  # fmt: skip
    params = DftCrystalParams.model_validate(settings)

    result = simulations.get("dft_crystal").run(settings, context)

    half = 5.431 / 2
    cell = gto.Cell(verbose=0, precision=1e-8, spin=None)
    cell.build(
        a=np.array([[0, half, half], [half, 0, half], [half, half, 0]]),
        atom=[("Si", (0, 0, 0)), ("Si", (half / 2, half / 2, half / 2))],
        basis=params.basis, pseudo="gth-pbe", ke_cutoff=60,
    )  # fmt: skip
    theirs = dft.KRKS(cell, cell.make_kpts([2, 2, 2]), xc="pbe").multigrid_numint()
    theirs._chkfile.close()
    theirs = smearing_(theirs, sigma=params.smearing_hartree, method="fermi")
    theirs.kernel()
    assert result["energy_hartree"] == pytest.approx(theirs.e_free, abs=2e-4)
    assert result["formula"] == "Si"
    assert result["literature_a_angstrom"] is None
    assert result["a_angstrom"] == pytest.approx(5.431)


@pytest.mark.slow
@pytest.mark.engine
def test_diamond_from_a_file_is_the_diamond_of_the_catalogue(context: RecordingContext) -> None:
    quick = {"basis": "gth-szv-molopt-sr", "ke_cutoff_hartree": 40, "task": "single_point"}
    run = simulations.get("dft_crystal").run

    from_file = run({**quick, "structure": DIAMOND}, context)
    known = run({**quick, "structure": "diamond"}, context)

    assert from_file["k_mesh"] == known["k_mesh"]
    assert from_file["fft_mesh"] == known["fft_mesh"]
    assert from_file["energy_hartree"] == pytest.approx(known["energy_hartree"], abs=1e-6)
