"""The SCF of a crystal that does not converge is helped, and tells how."""

from typing import Any

import pytest

import simulations
from simulations import ScienceError
from simulations.quantum.crystal_energy import CrystalCalculation
from simulations.quantum.crystal_params import DftCrystalParams
from simulations.quantum.crystal_rescue import LADDER, _beyond_help
from simulations.quantum.rescue import DIIS, Rung

from .recording import RecordingContext
from .test_crystal import QUICK, crystal

CHEAP = {**QUICK, "k_mesh": (1, 1, 1), "task": "single_point", "dispersion": "none"}


def unsolved(context: RecordingContext) -> Any:
    params = DftCrystalParams.model_validate(CHEAP)
    diamond = crystal("diamond")
    return CrystalCalculation(diamond, params, context, lambda *told: None)._mean_field(
        diamond.constants
    )


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.code)
def test_every_rung_ends_at_the_energy_of_diis(context: RecordingContext, rung: Rung) -> None:
    plain = unsolved(context)
    DIIS.solve(plain, None)
    helped = unsolved(context)
    helped.max_cycle = 2
    DIIS.solve(helped, None)
    assert not helped.converged
    helped.max_cycle = 50

    rung.solve(helped, helped.make_rdm1())

    assert helped.converged
    assert helped.e_free == pytest.approx(plain.e_free, abs=1e-7)
    assert helped.sigma == plain.sigma


@pytest.mark.engine
@pytest.mark.slow
def test_a_rescue_is_an_event_a_note_and_a_clause_of_the_methods(context: RecordingContext) -> None:
    sim = simulations.get("dft_crystal")

    result = sim.run({**CHEAP, "scf_max_cycles": 4}, context)

    told = [p["message"] for p in context.points if "trying" in p["message"]]
    assert told[0] == "lattice point 1, the SCF has not converged: trying damping"
    (note,) = [n for n in result["notes"] if n["code"] in {rung.code for rung in LADDER}]
    assert "did not converge by DIIS" in note["message"]
    assert sim.methods
    params = sim.Params.model_validate(CHEAP)
    assert "where DIIS alone failed" in sim.methods(params, sim.Result.model_validate(result))
    assert "trying damping" in context.log.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        ({}, {"scf_max_cycles": 120}),
        ({"scf_max_cycles": 200}, {"scf_max_cycles": 400}),
        ({"scf_max_cycles": 400}, {"smearing_hartree": 0.02}),
        ({"scf_max_cycles": 400, "smearing_hartree": 0.04}, {"smearing_hartree": 0.05}),
        ({"scf_max_cycles": 400, "smearing_hartree": 0.05}, None),
    ],
)
def test_what_is_beyond_help_comes_with_a_fix_that_is_taken(
    given: dict[str, Any], fix: dict[str, Any] | None
) -> None:
    params = DftCrystalParams.model_validate({**CHEAP, **given})

    failure = _beyond_help([DIIS, *LADDER], params)

    assert isinstance(failure, ScienceError)
    assert "nor by damping, a wider smearing" in str(failure)
    assert failure.fix == fix
    simulations.get("dft_crystal").check({**CHEAP, **given, **(fix or {})})
