"""GFN-xTB of molecules, computed by tblite."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import simulations
from simulations import Cancelled, InvalidParams, ScienceError
from simulations.quantum.geometry import Geometry, read_frames, read_trajectory
from simulations.quantum.solvents import SOLVENTS, solvents_of

from .recording import RecordingContext

STRETCHED = "3\n\nO 0 0 0.1173\nH 0 0.80 -0.50\nH 0 -0.80 -0.50"


def optimise(context: RecordingContext, **params: Any) -> dict[str, Any]:
    return simulations.get("xtb_optimization").run({"structure": STRETCHED, **params}, context)


@pytest.mark.engine
def test_an_optimisation_ends_at_tblites_own_minimum(context: RecordingContext) -> None:
    from ase.build import molecule
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    atoms = molecule("H2O")
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    BFGS(atoms, logfile=None).run(fmax=1e-4)

    result = optimise(context)

    assert result["energy_hartree"] == pytest.approx(
        atoms.get_potential_energy() / 27.211386245988, abs=1e-6
    )
    assert result["max_force_hartree_per_bohr"] < 4.5e-4
    assert result["energy_hartree"] < result["initial_energy_hartree"]
    assert sum(result["mulliken_charges"]) == pytest.approx(0, abs=1e-6)
    assert result["dipole_debye"] == pytest.approx(2.2, abs=0.1)
    assert along_dipole(result) == pytest.approx(result["dipole_debye"], rel=1e-3)


def along_dipole(water: dict[str, Any]) -> float:
    """Its part from the oxygen, which is negative, to the middle of the hydrogens; debye."""
    oxygen, *hydrogens = np.array(water["positions_angstrom"])
    way = np.mean(hydrogens, axis=0) - oxygen
    return float(np.dot(water["dipole_vector_debye"], way / np.linalg.norm(way)))


@pytest.mark.engine
def test_the_dipole_of_an_ion_is_about_its_centre_of_mass(context: RecordingContext) -> None:
    """So a symmetric one has none, wherever its coordinates begin."""
    result = optimise(context, structure="[NH4+]")

    assert abs(np.array(result["positions_angstrom"])).max() > 0.5
    assert result["dipole_debye"] == pytest.approx(0, abs=1e-3)


def test_its_files_and_its_series_hold_each_step(context: RecordingContext) -> None:
    result = optimise(context)

    fractions = context.series("fraction")
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert context.series("step") == list(range(1, result["n_steps"] + 1))
    assert context.artifacts == ["start.xyz", "trajectory.xyz", "final.xyz"]
    assert len(read_frames(context.workdir / "trajectory.xyz")) == result["n_steps"]


@pytest.mark.engine
def test_a_solvent_lowers_the_energy_of_a_polar_molecule(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    next_context.previous = None
    vacuum = optimise(context)

    water = optimise(next_context, solvent="Water", solvent_model="alpb")

    # 6.3 kcal/mol is measured (Ben-Naim and Marcus, 1984); ALPB gives water rather more.
    assert -0.02 < water["energy_hartree"] - vacuum["energy_hartree"] < -0.005
    assert water["method"] == "GFN2-xTB, ALPB(water)"
    assert water["dipole_debye"] > vacuum["dipole_debye"]


@pytest.mark.engine
@pytest.mark.parametrize("method", ["GFN1-xTB", "GFN2-xTB"])
@pytest.mark.parametrize("model", ["ALPB", "GBSA"])
def test_the_table_of_solvents_is_what_tblite_holds(method: str, model: str) -> None:
    import numpy as np
    from tblite.interface import Calculator

    def tblite_has(solvent: str) -> bool:
        calculator = Calculator(method, np.array([2]), np.zeros((1, 3)))
        calculator.set("verbosity", 0)
        try:
            calculator.add(f"{model.lower()}-solvation", solvent)
        except RuntimeError:
            return False
        return True

    named = {name: solvent.alpb for name, solvent in SOLVENTS.items() if solvent.alpb}
    assert set(solvents_of(model, method)) == {  # type: ignore[arg-type]
        name for name, solvent in named.items() if tblite_has(solvent)
    }


@pytest.mark.parametrize(
    ("params", "code", "fix"),
    [
        ({"structure": "[He]"}, "one_atom", {"simulation": "dft_single_point"}),
        ({"structure": "graphite"}, "is_crystal", {"simulation": "dft_crystal"}),
        ({"structure": "O", "multiplicity": 2}, "multiplicity_parity", {"multiplicity": 1}),
        ({"structure": "C" * 101}, "too_many_atoms", None),
        ({"structure": "F[U](F)(F)F"}, "no_xtb_parameters", None),
        (
            {"structure": "O", "solvent": "cyclohexane"},
            "solvent_unknown_to_model",
            {"solvent": "none"},
        ),
        (
            {"structure": "O", "solvent": "ethanol", "solvent_model": "GBSA"},
            "solvent_unknown_to_model",
            {"solvent_model": "ALPB"},
        ),
    ],
)  # fmt: skip
def test_what_xtb_cannot_do_is_refused(
    params: dict[str, Any], code: str, fix: dict[str, Any] | None
) -> None:
    with pytest.raises(InvalidParams) as refused:
        simulations.get("xtb_optimization").check(params)

    assert (code, fix) in [(error.code, error.fix) for error in refused.value.errors]


def test_an_optimisation_cut_short_says_what_would_help(context: RecordingContext) -> None:
    with pytest.raises(ScienceError, match="did not converge in 1 steps") as failure:
        optimise(context, max_steps=1)

    assert failure.value.fix == {"max_steps": 52}
    hints = " ".join(failure.value.hints)
    assert "method GFN1-xTB" in hints
    assert "grid_level" not in hints
    assert "trajectory.xyz" in context.artifacts


def trajectory(context: RecordingContext) -> list[tuple[Geometry, str]]:
    return read_trajectory(context.workdir / "trajectory.xyz")


def test_each_step_is_in_the_file_before_it_is_told(context: RecordingContext) -> None:
    behind = []

    def look(point: dict[str, Any]) -> bool:
        if "step" in point:
            _, comment = trajectory(context)[-1]
            behind.append(
                comment == f"step {point['step']} energy_hartree {point['energy_hartree']:.10f}"
            )
        return False

    context.stop_when = look
    result = optimise(context)

    assert behind == [True] * result["n_steps"]


def test_a_cancel_between_steps_is_heard_and_a_new_attempt_goes_on(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    context.stop_when = lambda point: point.get("step") == 3
    with pytest.raises(Cancelled):
        optimise(context)

    result = optimise(next_context)

    # Told once with the steps that were carried over, and once as it is computed again.
    assert next_context.series("step")[:3] == [3, 3, 4]
    assert "resumed" in [note["code"] for note in result["notes"]]
    steps = [comment.split()[1] for _, comment in trajectory(next_context)]
    assert steps == [str(n) for n in range(1, result["n_steps"] + 1)]
    assert trajectory(next_context)[:3] == trajectory(context)


def test_a_radical_is_told_that_xtb_knows_no_spin(context: RecordingContext) -> None:
    result = optimise(context, structure="[CH3]")

    assert result["multiplicity"] == 2
    assert "no_spin_energy" in [note["code"] for note in result["notes"]]


@pytest.mark.engine
def test_two_waters_find_their_hydrogen_bond(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    next_context.previous = None
    alone = optimise(context, structure="O")

    together = optimise(next_context, structure="O.O")

    # 5.0 kcal/mol by CCSD(T) (S22); GFN2-xTB is known to be near it.
    binding = 627.51 * (2 * alone["energy_hartree"] - together["energy_hartree"])
    assert binding == pytest.approx(5.0, abs=1)


def test_atoms_on_top_of_each_other_are_a_plain_failure(context: RecordingContext) -> None:
    from simulations.quantum.geometry import Geometry
    from simulations.quantum.inspect import Molecule
    from simulations.quantum.xtb import XtbSurface
    from simulations.structures import Structure

    structure = Structure(kind="molecule", reading="as two atoms", symbols=("H", "H"))
    molecule = Molecule(structure=structure, charge=0, multiplicity=1)
    geometry = Geometry(("H", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))

    with pytest.raises(ScienceError, match="xTB could not compute this geometry") as failure:
        XtbSurface(molecule, geometry).energy()

    assert failure.value.hints
    assert failure.value.fix == {"method": "GFN1-xTB"}


def water_surface(tell: Callable[[str], None] = lambda sentence: None) -> Any:
    from simulations.quantum.geometry import Geometry
    from simulations.quantum.inspect import read_molecule
    from simulations.quantum.params import MoleculeParams
    from simulations.quantum.xtb import XtbSurface

    molecule = read_molecule(MoleculeParams.model_validate({"structure": STRETCHED}))
    positions = molecule.structure.positions_angstrom
    assert positions
    return XtbSurface(molecule, Geometry(molecule.structure.symbols, positions), tell=tell)


@pytest.mark.engine
def test_charges_that_are_not_self_consistent_are_helped_and_told() -> None:
    told: list[str] = []
    plain, helped = water_surface(), water_surface(told.append)
    helped._calculator.set("max-iter", 2)

    energy = helped.energy()

    assert energy == pytest.approx(plain.energy(), abs=1e-7)
    assert told == ["the charges are not self-consistent: trying smaller steps from a fresh guess"]
    (note,) = helped.notes
    assert note.code == "cautious_charges"
    assert plain.notes == []
    # It goes on so: the next geometry needs no second rescue.
    helped.energy(helped.geometry.positions_bohr)
    assert len(told) == len(helped.notes) == 1
