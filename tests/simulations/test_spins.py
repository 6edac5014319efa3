"""The spin that is taken where none was asked for."""

from typing import Any

import numpy as np
import pytest

import simulations

from .recording import RecordingContext

MEASURED = {
    ("H", -1): 1, ("Li", 1): 1, ("Be", 1): 2, ("B", -1): 3, ("C", 1): 2, ("C", -1): 4,
    ("N", 1): 3, ("O", 1): 4, ("O", -1): 2, ("O", -2): 1, ("F", 1): 3, ("Na", 1): 1,
    ("Mg", 2): 1, ("Al", 1): 1, ("Si", 1): 2, ("P", 1): 3, ("S", 1): 4, ("Cl", -1): 1,
    ("Ga", 3): 1, ("Ge", 1): 2, ("As", 1): 3, ("Se", 1): 4, ("Br", 1): 3, ("I", 1): 3,
    ("Ti", 3): 2, ("V", 2): 4, ("Cr", 3): 4, ("Cr", 1): 6, ("Mn", 2): 6, ("Mn", 1): 7,
    ("Fe", 2): 5, ("Fe", 3): 6, ("Fe", 1): 6, ("Co", 2): 4, ("Ni", 2): 3, ("Cu", 1): 1,
    ("Cu", 2): 2, ("Zn", 2): 1, ("Mo", 3): 4, ("Pd", 2): 3, ("Ag", 1): 1, ("Pt", 2): 3,
    ("Pb", 2): 1, ("Tl", 1): 1,
}  # fmt: skip
"""Ground terms of free ions."""


def likely(**params: Any) -> tuple[int, list[str]]:
    checked = simulations.get("dft_single_point").check(params)
    assert checked.structure
    return checked.structure["multiplicity"], [note.code for note in checked.notes]


@pytest.mark.parametrize(("ion", "multiplicity"), MEASURED.items(), ids=str)
def test_an_ion_of_one_atom_has_the_spin_of_its_ground_state(
    ion: tuple[str, int], multiplicity: int
) -> None:
    symbol, charge = ion

    written, codes = likely(structure=f"[{symbol}{charge:+d}]")
    asked, _ = likely(structure=f"[{symbol}]", charge=charge)
    given, _ = likely(structure=f"1\n\n{symbol} 0 0 0", charge=charge)

    assert (written, asked, given) == (multiplicity,) * 3
    assert ("open_shell" in codes) == (multiplicity > 1)


@pytest.mark.parametrize(
    ("atoms", "multiplicity"), [("O 0 0 0", 3), ("Fe 0 0 0", 5), ("O 0 0 0\nO 0 0 1.21", 3)]
)
def test_coordinates_have_the_spin_of_the_same_atoms_as_smiles(
    atoms: str, multiplicity: int
) -> None:
    """O2 was a singlet as XYZ, and a triplet as O=O."""
    count = len(atoms.splitlines())

    assert likely(structure=f"{count}\n\n{atoms}")[0] == multiplicity
    assert likely(structure=f"{count}\n\n{atoms}", multiplicity=1)[0] == 1


PAIRED = (
    "[C]=O", "[C]=S", "CN=[C]", "C=[C]", "CN1C=CN(C)[C]1", "Cl[C]Cl", "[CH]F", "[C]1C=C1",
    "[SiH2]", "C[Si]C", "Cl[Sn]Cl", "[Si]=O", "[PH2+]", "[BH]", "[Al]Cl", "[CH+]",
)  # fmt: skip
APART = (
    "[CH2]", "C[CH]", "[CH]c1ccccc1", "[NH2+]", "[NH]", "C[N]", "[PH]", "[OH+]", "[SH+]", "[CH-]",
    "S=O", "S=S", "S=[Se]", "[N-]=O", "F[N]", "[CH2][CH2]",
)  # fmt: skip
"""Ground states as measured, or known from theory beyond doubt."""


@pytest.mark.parametrize(
    ("smiles", "multiplicity"), [*((s, 1) for s in PAIRED), *((s, 3) for s in APART)]
)
def test_two_electrons_in_no_bond_are_a_pair_where_the_ground_state_has_one(
    smiles: str, multiplicity: int
) -> None:
    """CO, CCl2, silylenes and the carbenes of imidazole were triplets, and SO and S2 singlets."""
    assert likely(structure=smiles)[0] == multiplicity
    other = 4 - multiplicity
    assert likely(structure=smiles, multiplicity=other)[0] == other


def test_a_carbene_is_told_to_be_taken_for_a_singlet() -> None:
    def warnings(smiles: str) -> list[str]:
        notes = simulations.get("xtb_optimization").check({"structure": smiles}).notes
        return [note.message for note in notes if note.code == "structure_warning"]

    assert warnings("F[C]F") == [
        "As written C has two electrons in no bond, as a carbene has: they are a pair unless a "
        "multiplicity of 3 is given."
    ]
    assert warnings("[CH2]") == ["As written it is a radical, with 2 unpaired electrons."]
    assert warnings("[CH]") == ["As written it is a radical, with 1 unpaired electron."]


@pytest.mark.parametrize(
    ("atoms", "charge", "multiplicity"),
    [
        ("S 0 0 0\nO 0 0 1.48", 0, 3),
        ("N 0 0 0\nO 0 0 1.26", -1, 3),
        ("N 0 0 0\nO 0 0 1.06", 1, 1),
        ("C 0 0 0\nO 0 0 1.13", 0, 1),
        ("C 0 0 0\nH 0 0 1.08\nH 1.05 0 -0.25", 0, 3),
        ("Si 0 0 0\nH 0 0 1.52\nH 1.52 0 -0.06", 0, 1),
    ],
)
def test_small_molecules_as_coordinates_have_the_spin_of_their_ground_state(
    atoms: str, charge: int, multiplicity: int
) -> None:
    """SO, NO⁻ and CH2 were singlets so."""
    count = len(atoms.splitlines())

    assert likely(structure=f"{count}\n\n{atoms}", charge=charge)[0] == multiplicity


@pytest.mark.parametrize("simulation", ["dft_optimization", "xtb_optimization"])
def test_a_complex_whose_spin_is_a_guess_is_told_so(simulation: str) -> None:
    def codes(**params: Any) -> set[str]:
        return {note.code for note in simulations.get(simulation).check(params).notes}

    assert "spin_of_metal" in codes(structure="Cl[Fe]Cl")
    assert "spin_of_metal" not in codes(structure="Cl[Fe]Cl", multiplicity=5)
    assert "spin_of_metal" not in codes(structure="C[Zn]C")


@pytest.mark.engine
@pytest.mark.parametrize("smiles", ["[C]=O", "[SiH2]", "S=O"])
def test_the_spin_that_is_taken_has_the_lower_energy(
    smiles: str, context: RecordingContext, next_context: RecordingContext
) -> None:
    next_context.previous = None
    run = simulations.get("dft_single_point").run
    method = {"structure": smiles, "functional": "PBE", "basis": "def2-svp"}

    taken = run(method, context)
    other = run({**method, "multiplicity": 4 - taken["multiplicity"]}, next_context)

    assert taken["energy_hartree"] < other["energy_hartree"] - 0.02


@pytest.mark.engine
def test_ionising_oxygen_costs_what_was_measured(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    """13.62 eV; to the doublet it would be 17 eV."""
    next_context.previous = None
    run = simulations.get("dft_single_point").run
    method = {"structure": "[O]", "functional": "PBE0", "basis": "def2-tzvp", "grid_level": 2}

    atom, ion = run(method, context), run({**method, "charge": 1}, next_context)

    cost_ev = 27.2114 * (ion["energy_hartree"] - atom["energy_hartree"])
    assert cost_ev == pytest.approx(13.62, abs=0.35)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("smiles", "degrees"), [("F[C]F", 105), ("Cl[C]Cl", 109), ("[CH2]", 134), ("[CH]=O", 124)]
)
def test_a_carbene_is_bent_from_smiles_on(
    smiles: str, degrees: float, context: RecordingContext
) -> None:
    """MMFF94 made a line of it, where the optimisation stayed, on a saddle."""
    result = simulations.get("xtb_frequencies").run({"structure": smiles}, context)

    at = np.array(result["positions_angstrom"])
    carbon = result["symbols"].index("C")
    one, other = (at[i] - at[carbon] for i in range(3) if i != carbon)
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert np.degrees(np.arccos(cosine)) == pytest.approx(degrees, abs=6)
    assert result["n_imaginary"] == 0
