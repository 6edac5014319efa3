"""An SCF that does not converge is helped, and tells how."""

from typing import Any

import pytest

import simulations
from simulations import ScienceError
from simulations.quantum.geometry import Geometry
from simulations.quantum.inspect import Molecule, understand
from simulations.quantum.mean_field import mean_field, pyscf_molecule
from simulations.quantum.params import MoleculeDftParams
from simulations.quantum.rescue import DIIS, LADDER, Rung, converge, note_on

from .recording import RecordingContext

pytestmark = pytest.mark.slow

WATER = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692"
CHROMIUM = {
    "structure": "2\n\nCr 0 0 0\nCr 0 0 1.2",
    "basis": "sto-3g",
    "functional": "SVWN",
    "grid_level": 0,
}


def single_point(context: RecordingContext, **params: Any) -> dict[str, Any]:
    return simulations.get("dft_single_point").run({"grid_level": 1, **params}, context)


def water(context: RecordingContext, **params: Any) -> Any:
    """A mean field of ours, not yet solved, and its params."""
    asked = MoleculeDftParams(structure=WATER, basis="6-31g", grid_level=1, **params)  # type: ignore[arg-type]
    molecule: Molecule = understand(asked)
    positions = molecule.structure.positions_angstrom
    assert positions
    geometry = Geometry(molecule.structure.symbols, positions)
    mol = pyscf_molecule(molecule, asked, geometry, context.log)
    return mean_field(mol, asked, context.workdir / "checkpoint.chk"), asked


@pytest.mark.engine
@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.code)
@pytest.mark.parametrize("solvent", ["none", pytest.param("water", marks=pytest.mark.slow)])
def test_every_rung_ends_at_the_energy_of_diis(
    context: RecordingContext, rung: Rung, solvent: str
) -> None:
    plain, params = water(context, solvent=solvent)
    converge(plain, None, lambda tried: None, params)
    helped, _ = water(context, solvent=solvent)
    helped.max_cycle = 2
    DIIS.solve(helped, None)
    assert not helped.converged
    helped.max_cycle = 50

    rung.solve(helped, helped.make_rdm1())

    assert helped.converged
    assert helped.e_tot == pytest.approx(plain.e_tot, abs=1e-7)
    # The shift must not stay in the orbital energies.
    assert helped.mo_energy == pytest.approx(plain.mo_energy, abs=1e-3)
    assert helped.level_shift == 0


def test_the_rungs_are_climbed_in_their_order_and_told(context: RecordingContext) -> None:
    mf, params = water(context, scf_max_cycles=3)
    told: list[str] = []

    tried = converge(mf, None, lambda rung: told.append(rung.code), params)

    codes = ["diis", *(rung.code for rung in LADDER)]
    assert told == [rung.code for rung in tried] == codes[: len(tried)]
    assert len(tried) > 1
    assert "did not converge by DIIS" in note_on(tried).message


def test_shared_orbitals_of_an_open_shell_climb_a_ladder_without_damping(
    context: RecordingContext,
) -> None:
    hydroxyl = "2\n\nO 0 0 0\nH 0 0 0.97"
    plain = {"structure": hydroxyl, "basis": "6-31g", "functional": "PBE", "dispersion": "none"}

    result = single_point(context, **plain, reference="roks", scf_max_cycles=10)

    told = [p["message"] for p in context.points if "trying" in p["message"]]
    assert told
    assert not any("damping" in message for message in told)
    assert result["converged"]


def test_a_rescue_is_an_event_and_a_note(context: RecordingContext) -> None:
    result = single_point(context, structure=WATER, basis="6-31g", scf_max_cycles=4)

    told = [p["message"] for p in context.points if "trying" in p["message"]]
    assert told[0] == "the SCF has not converged after 4 cycles: trying a level shift"
    (note,) = [n for n in result["notes"] if n["code"] in {rung.code for rung in LADDER}]
    assert "make sure that the spin state is the right one" in note["message"]
    assert "trying a level shift" in context.log.getvalue()  # type: ignore[attr-defined]
    cycles = context.series("scf_cycle")
    assert cycles == list(range(1, len(cycles) + 1))


def test_what_is_beyond_help_comes_with_a_fix(context: RecordingContext) -> None:
    with pytest.raises(ScienceError, match="did not converge in 1 cycles, nor by") as failure:
        single_point(context, **CHROMIUM, scf_max_cycles=1)

    assert any("multiplicity" in hint for hint in failure.value.hints)
    assert failure.value.fix == {"scf_max_cycles": 200}
    simulations.get("dft_single_point").check({**CHROMIUM, **failure.value.fix})
