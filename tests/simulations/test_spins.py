"""The spin that is taken where none was asked for."""

from typing import Any

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
