"""What molecular dynamics takes, and what it refuses before anything runs."""

from typing import Any

import pytest

import simulations
from simulations import InvalidParams
from simulations.dynamics import pdb_text
from simulations.dynamics.params import MdParams
from simulations.dynamics.schedule import schedule

ALANINE_DIPEPTIDE = """\
HETATM    1  CH3 ACE A   1       2.000   2.090   0.000  1.00  0.00           C
HETATM    2  C   ACE A   1       3.427   2.641  -0.000  1.00  0.00           C
HETATM    3  O   ACE A   1       4.391   1.877  -0.000  1.00  0.00           O
ATOM      4  N   ALA A   2       3.555   3.970  -0.000  1.00  0.00           N
ATOM      5  CA  ALA A   2       4.853   4.614  -0.000  1.00  0.00           C
ATOM      6  CB  ALA A   2       5.661   4.221  -1.232  1.00  0.00           C
ATOM      7  C   ALA A   2       4.713   6.129   0.000  1.00  0.00           C
ATOM      8  O   ALA A   2       3.601   6.653   0.000  1.00  0.00           O
HETATM    9  N   NME A   3       5.846   6.835   0.000  1.00  0.00           N
HETATM   10  C   NME A   3       5.846   8.284   0.000  1.00  0.00           C
TER      11      NME A   3
"""
WATER = "HETATM   20  O   HOH A 101      15.000  15.000  15.000  1.00  0.00           O\n"
HEME = "HETATM   21 FE   HEM A 142      14.000  12.000  10.000  1.00  0.00          FE\n"
ION = "HETATM   22 ZN    ZN A 143      14.000  12.000  10.000  1.00  0.00          ZN\n"

SIM = simulations.get("md_simulation")


def error_of(**params: Any) -> simulations.FieldError:
    with pytest.raises(InvalidParams) as refusal:
        SIM.check(params)
    (error,) = refusal.value.errors
    return error


def messages(**params: Any) -> dict[str, str]:
    return {note.code: note.message for note in SIM.check(params).notes}


@pytest.mark.parametrize(
    ("params", "field", "code"),
    [
        ({}, "structure", "one_of_two"),
        ({"structure": "CCO", "pdb": ALANINE_DIPEPTIDE}, "pdb", "one_of_two"),
        ({"structure": "CCO", "environment": "explicit"}, "environment", "no_parameters"),
        ({"structure": "CCO", "environment": "implicit"}, "environment", "no_parameters"),
        ({"structure": "CCO", "ensemble": "NPT"}, "ensemble", "no_pressure"),
        ({"pdb": ALANINE_DIPEPTIDE, "ensemble": "NPT"}, "ensemble", "no_pressure"),
        ({"structure": "CCO", "heavy_hydrogens": True}, "heavy_hydrogens", "not_explicit"),
        ({"structure": "CCO", "timestep_fs": 2.5}, "timestep_fs", "timestep"),
        (
            {"structure": "CCO", "timestep_fs": 1.5, "constraints": "none"},
            "timestep_fs",
            "timestep",
        ),
        ({"structure": "CCO", "report_interval_ps": 1e-4}, "report_interval_ps", None),
        ({"structure": "CCO", "length_ps": 1e5, "timestep_fs": 0.1}, "length_ps", "too_long"),
        ({"structure": "CCO", "length_ps": 0}, "length_ps", "greater_than"),
        ({"structure": "not a molecule"}, "structure", "unreadable_structure"),
        ({"structure": ALANINE_DIPEPTIDE + HEME}, "structure", "no_parameters"),
        ({"structure": "data_x\n_atom_site.id 1\n"}, "structure", "unreadable_mmcif"),
        ({"pdb": "hello"}, "pdb", "unreadable_pdb"),
        ({"pdb": "ATOM      1  N   ALA A   1      x"}, "pdb", "unreadable_pdb"),
        ({"pdb": WATER}, "pdb", "no_protein"),
        ({"pdb": ALANINE_DIPEPTIDE + HEME}, "pdb", "no_parameters"),
    ],
)
def test_bad_input_is_refused_on_its_field(
    params: dict[str, Any], field: str, code: str | None
) -> None:
    error = error_of(**params)

    assert error.path == (field,)
    assert code in (None, error.code)


def test_the_residues_without_parameters_are_named() -> None:
    error = error_of(pdb=ALANINE_DIPEPTIDE + HEME + ION)

    assert "HEM A 142 (1 atoms), ZN A 143 (1 atoms)" in error.detail


def test_a_missing_loop_is_refused_with_both_its_ends() -> None:
    error = error_of(pdb=ALANINE_DIPEPTIDE.replace("5.846   6.835", "9.846   6.835"))

    assert error.code == "missing_residues"
    assert "ALA A 2 and NME A 3" in error.detail


def test_atoms_on_one_another_are_refused_by_name() -> None:
    error = error_of(
        pdb=ALANINE_DIPEPTIDE.replace("5.661   4.221  -1.232", "4.853   4.614  -0.100")
    )

    assert error.code == "atoms_overlap"
    assert "CA of ALA A 2 and CB of ALA A 2" in error.detail


def test_a_chain_that_ends_is_not_a_missing_loop() -> None:
    far = ALANINE_DIPEPTIDE.replace("    2.000   2.090", "   90.000   2.090")

    assert not pdb_text.read(ALANINE_DIPEPTIDE + far).breaks()


def test_a_protein_too_large_for_its_water_is_refused() -> None:
    error = error_of(
        pdb=ALANINE_DIPEPTIDE.replace("   2.000   2.090", "  90.000   2.090"),
        environment="explicit",
    )

    assert error.code == "too_many_atoms"


@pytest.mark.parametrize(
    ("params", "fix"),
    [
        ({"structure": "CCO", "timestep_fs": 3}, {"timestep_fs": 2.0}),
        ({"structure": "CCO", "ensemble": "NPT"}, {"ensemble": "NVT"}),
        ({"structure": "CCO", "environment": "explicit"}, {"environment": "vacuum"}),
    ],
)
def test_the_fix_is_accepted(params: dict[str, Any], fix: dict[str, Any]) -> None:
    assert error_of(**params).fix == fix

    SIM.check({**params, **fix})


def test_four_femtoseconds_go_with_heavy_hydrogens_in_water() -> None:
    given = {"pdb": ALANINE_DIPEPTIDE, "environment": "explicit", "timestep_fs": 4}

    assert error_of(**given).path == ("timestep_fs",)
    assert "constrained" in messages(**given, heavy_hydrogens=True)["plan"]


def test_what_was_understood_is_told() -> None:
    found = messages(pdb=ALANINE_DIPEPTIDE + WATER, length_ps=3)

    assert found["structure"] == "Read as PDB: 3 residues, 10 atoms as given."
    assert found["waters_left_out"].startswith("1 water")
    assert "1,500 steps of 2 fs (bonds to hydrogen constrained) after 2,500" in found["plan"]


def test_a_pressure_without_a_box_is_told_of() -> None:
    assert "not used" in messages(structure="CCO", pressure_bar=5)["not_used"]
    salted = messages(structure=ALANINE_DIPEPTIDE, ionic_strength_molar=0.15)
    assert "explicit water only" in salted["not_used"]


def test_the_temperature_goes_by_its_alias_and_is_used() -> None:
    checked = SIM.check({"structure": "CCO", "temperature": 350})

    assert checked.params["temperature_k"] == 350
    assert "not_used" not in {note.code for note in checked.notes}


@pytest.mark.parametrize("equilibration_ps", [0, 1])
@pytest.mark.parametrize("done", [0, 400, 1000, 1040])
def test_every_step_of_a_schedule_is_done_once(equilibration_ps: float, done: int) -> None:
    plan = schedule(MdParams(structure="CCO", length_ps=0.05, equilibration_ps=equilibration_ps))

    marks = [*plan.marks(done, "equilibrate"), *plan.marks(done, "produce")]

    assert marks == sorted(set(marks))
    assert all(mark > done for mark in marks)
    assert plan.n_steps <= done or marks[-1] == plan.n_steps
    assert plan.n_frames == sum(map(plan.is_frame, range(plan.n_steps + 1)))
