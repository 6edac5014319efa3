"""A reaction's energy: balanced, composed of other simulations, resumed species by species."""

import csv
import json
from typing import Any

import pytest

import simulations
from simulations import Cancelled, FieldError, InvalidParams, ScienceError
from simulations.recipes.reaction_params import ReactionEnergyParams
from simulations.record.summary import summarise

from .recording import RecordingContext

pytestmark = pytest.mark.slow

EXAMPLE = {"reactants": ["[C-]#[O+]", "O"], "products": ["O=C=O", "[H][H]"]}
TWO_WATERS = {"structure": "O", "coefficient": 2}
PROTON_TRANSFER = {"reactants": ["[OH3+]", "[OH-]"], "products": [TWO_WATERS]}
XTB = {"method": "GFN2-xTB"}
HIGH_WATER, LOW_WATER = (
    f"3\n\nO 0 0 {z}\nH 0 0.757 {z - 0.586}\nH 0 -0.757 {z - 0.586}" for z in (0.117, 0.127)
)


def react(context: RecordingContext, **params: Any) -> dict[str, Any]:
    return simulations.get("reaction_energy").run({**EXAMPLE, **XTB, **params}, context)


def check(**params: Any) -> simulations.Checked:
    return simulations.get("reaction_energy").check(params)


def refusals(**params: Any) -> list[FieldError]:
    with pytest.raises(InvalidParams) as refused:
        check(**params)
    return list(refused.value.errors)


def methods(result: dict[str, Any], **params: Any) -> str:
    sim = simulations.get("reaction_energy")
    assert sim.methods
    return sim.methods(sim.Params.model_validate(params), sim.Result.model_validate(result))


def alone(context: RecordingContext, name: str, **params: Any) -> dict[str, Any]:
    return simulations.get(name).run(params, RecordingContext(context.workdir))


@pytest.mark.engine
def test_the_energy_is_the_difference_of_its_species_computed_alone(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    result = react(context, products=[{"structure": "O=C=O"}, "[H][H]"])

    energies = [
        alone(next_context, "xtb_optimization", structure=text)["energy_hartree"]
        for text in ("[C-]#[O+]", "O", "O=C=O", "[H][H]")
    ]
    expected = 2625.4996394799 * (energies[2] + energies[3] - energies[0] - energies[1])
    assert result["reaction_energy_kj_mol"] == pytest.approx(expected, abs=1e-3)
    assert result["reaction_energy_kcal_mol"] == pytest.approx(expected / 4.184, abs=1e-3)
    assert result["equation"] == "CO + H2O → CO2 + H2"
    assert result["method"] == "GFN2-xTB"
    assert [row["side"] for row in result["species"]] == ["reactant"] * 2 + ["product"] * 2
    assert result["reaction_gibbs_kj_mol"] is None
    assert {"accuracy", "electronic_energy"} <= {note["code"] for note in result["notes"]}
    json.dumps(result, allow_nan=False)


@pytest.mark.engine
def test_coefficients_count_and_a_species_is_computed_once(context: RecordingContext) -> None:
    result = react(context, **PROTON_TRANSFER)

    assert result["equation"] == "H3O⁺ + HO⁻ → 2 H2O"
    assert sorted(set(context.series("species"))) == [1, 2, 3]
    one = {row["formula"]: row["energy_hartree"] for row in result["species"]}
    expected = 2625.4996394799 * (2 * one["H2O"] - one["H3O"] - one["HO"])
    assert result["reaction_energy_kj_mol"] == pytest.approx(expected)
    # -223.3 kcal/mol is the measured difference of their proton affinities (NIST), 1.63 MJ/mol
    # less 0.69; GFN2-xTB has it within a tenth.
    assert result["reaction_energy_kcal_mol"] == pytest.approx(-226, rel=0.1)


def test_equal_species_on_both_sides_cost_one_run(context: RecordingContext) -> None:
    result = react(context, reactants=["O", "C"], products=["C", "O"])

    assert result["reaction_energy_kj_mol"] == pytest.approx(0, abs=1e-8)
    assert (context.workdir / "species-2").is_dir()
    assert not (context.workdir / "species-3").exists()


def test_its_files_are_those_of_its_species(context: RecordingContext) -> None:
    result = react(context)

    assert [row["files"] for row in result["species"]] == ["1-CO-", "2-H2O-", "3-CO2-", "4-H2-"]
    assert "2-H2O-final.xyz" in context.artifacts
    assert "2-H2O-trajectory.xyz" in context.artifacts
    assert not any("start.xyz" in name or "/" in name for name in context.artifacts)
    assert all((context.workdir / name).stat().st_size for name in context.artifacts)
    with (context.workdir / "species.csv").open() as stream:
        assert [row["formula"] for row in csv.DictReader(stream)] == ["CO", "H2O", "CO2", "H2"]


def test_its_progress_rises_over_all_species(context: RecordingContext) -> None:
    react(context)

    fractions = context.series("fraction")
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert {point["stage"] for point in context.points} == {"species", "difference"}
    assert any(p["message"].startswith("CO2 (3 of 4): geometry step") for p in context.points)


def test_a_new_attempt_goes_on_after_the_species_that_are_done(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    context.stop_when = lambda point: point.get("species") == 3
    with pytest.raises(Cancelled):
        react(context)
    kept = json.loads((context.workdir / "species-2" / "species.json").read_text())

    result = react(next_context)

    steps = [p["message"] for p in next_context.points if "geometry step" in p["message"]]
    assert steps
    assert all(message.startswith(("CO2", "H2 ")) for message in steps)
    assert "H2O was taken from an earlier attempt." in [note["message"] for note in result["notes"]]
    assert result["species"][1]["energy_hartree"] == kept["result"]["energy_hartree"]
    assert "2-H2O-final.xyz" in next_context.artifacts


def test_a_species_that_was_cut_short_goes_on_where_it_was(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    context.stop_when = lambda point: point.get("step") == 3 and point["message"].startswith("H2O")
    with pytest.raises(Cancelled):
        react(context)

    react(next_context)

    steps = [p["message"] for p in next_context.points if ": geometry step" in p["message"]]
    assert steps[0] == "H2O (2 of 4): geometry step 3"


def test_a_species_of_other_params_is_not_taken(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    react(context)

    result = react(next_context, method="GFN1-xTB")

    assert result["method"] == "GFN1-xTB"
    assert not any("was taken from" in note["message"] for note in result["notes"])
    own = alone(context, "xtb_optimization", structure="O", method="GFN1-xTB")
    assert result["species"][1]["energy_hartree"] == pytest.approx(own["energy_hartree"], abs=1e-6)


@pytest.mark.engine
def test_dft_with_atoms_and_thermochemistry(context: RecordingContext) -> None:
    """H2 → 2 H: D0 is 432.07 kJ/mol (Herzberg), and ΔH at 298.15 K is 435.99 (CODATA).

    B3LYP is known to overbind H2 by some per cent.
    """
    result = react(
        context,
        reactants=["[H][H]"],
        products=[{"structure": "[H]", "coefficient": 2}],
        method="DFT",
        basis="def2-tzvp",
        thermochemistry=True,
    )

    assert result["equation"] == "H2 → 2 H"
    assert result["reaction_enthalpy_kj_mol"] == pytest.approx(436.0, rel=0.03)
    # ΔS is 98.7 J/(mol K) from CODATA's 114.717 of H and 130.680 of H2.
    entropy = result["reaction_enthalpy_kj_mol"] - result["reaction_gibbs_kj_mol"]
    assert 1000 * entropy / 298.15 == pytest.approx(2 * 114.717 - 130.680, abs=0.3)
    assert [row["simulation"] for row in result["species"]] == [
        "dft_frequencies", "dft_single_point",
    ]  # fmt: skip
    assert result["temperature_k"] == 298.15


@pytest.mark.engine
def test_hydrogen_cyanide_is_more_stable_than_its_isomer(context: RecordingContext) -> None:
    """By 5212 cm⁻¹ at 0 K, which is 62 kJ/mol: "On the HCN – HNC Energy Difference" (2015), by the
    Active Thermochemical Tables. What heat to 298 K adds is nothing to the error of a small basis.
    """
    sides = {"reactants": ["C#N"], "products": ["[C-]#[NH+]"]}
    result = react(context, **sides, method="DFT", thermochemistry=True)

    # A small basis has it too low, by as much as the note on accuracy allows for.
    assert result["reaction_enthalpy_kj_mol"] == pytest.approx(62, abs=20)
    assert result["method"] == "B3LYP-D3(BJ)/def2-svp"
    assert "electronic_energy" not in [note["code"] for note in result["notes"]]


def test_a_species_that_fails_was_named_before(context: RecordingContext) -> None:
    with pytest.raises(ScienceError):
        react(context, reactants=["CCCCCC"], products=["CCCCCC"], max_steps=1)

    assert any("C6H14 (1 of 1)" in point["message"] for point in context.points)


@pytest.mark.parametrize(
    ("offered", "fix"),
    [
        ({"scf_max_cycles": 200}, {"scf_max_cycles": 200}),
        ({"method": "GFN1-xTB"}, {"method": "GFN1-xTB"}),
        ({"scf_convergence_hartree": 1e-10}, None),
        (None, None),
    ],
)
def test_a_species_that_fails_is_named_and_its_mend_is_one_of_the_reactions(
    context: RecordingContext,
    monkeypatch: pytest.MonkeyPatch,
    offered: dict[str, Any] | None,
    fix: dict[str, Any] | None,
) -> None:
    def fails(*told: Any) -> None:
        raise ScienceError("It does not converge.", hints=["Try harder."], fix=offered)

    monkeypatch.setattr(simulations.Simulation, "run", fails)
    sim = simulations.get("reaction_energy")

    with pytest.raises(ScienceError, match=r"^CO: It does not converge") as failure:
        sim.func(sim.Params.model_validate({**EXAMPLE, **XTB}), context)

    assert failure.value.hints == ("Try harder.",)
    assert failure.value.fix == fix
    check(**{**EXAMPLE, **XTB, **(fix or {})})


def test_a_reaction_is_told_as_it_was_read() -> None:
    checked = check(**EXAMPLE)

    assert checked.notes[0].message == "Read as the reaction CO + H2O → CO2 + H2."
    assert "H2O: Read as SMILES (H2O, 3 atoms)." in [note.message for note in checked.notes]
    assert checked.structure
    assert checked.structure["n_atoms"] == 5
    assert checked.params["reactants"][0]["coefficient"] == 1


@pytest.mark.parametrize(
    ("reactants", "products", "equation"),
    [
        (["C#N"], ["[C-]#[NH+]"], "CHN (C#N) → CHN ([C-]#[NH+])"),
        (["O"], ["water"], "H2O → H2O"),
        (
            [{"structure": "[CH2]", "multiplicity": 3}],
            [{"structure": "[CH2]", "multiplicity": 1}],
            "CH2 (multiplicity 3) → CH2 (multiplicity 1)",
        ),
        ([HIGH_WATER], [LOW_WATER], "H2O (1) → H2O (2)"),
        (["[H][H]", "[H][H]", "O=O"], ["O", "O"], "2 H2 + O2 → 2 H2O"),
        (["[Na]", "[Na+]"], ["[Na+]", "[Na]"], "Na + Na⁺ → Na⁺ + Na"),
    ],
)
def test_an_equation_tells_isomers_apart_and_adds_up_equal_terms(
    reactants: list[Any], products: list[Any], equation: str
) -> None:
    checked = check(reactants=reactants, products=products)

    assert checked.structure
    assert checked.structure["formula"] == equation


def test_notes_and_files_of_isomers_say_whose_they_are(
    context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    isomers = {"reactants": ["C#N"], "products": ["[C-]#[NH+]"]}
    titles: dict[str, str] = {}
    monkeypatch.setattr(context, "artifact", lambda name, title, _: titles.update({name: title}))

    react(context, **isomers)

    notes = [note.message for note in check(**isomers, **XTB).notes]
    assert "CHN (C#N): Read as SMILES (CHN, 3 atoms)." in notes
    assert titles["1-CHN-final.xyz"].startswith("CHN (C#N): ")
    assert titles["2-CHN-final.xyz"].startswith("CHN ([C-]#[NH+]): ")


def test_its_methods_tell_what_was_done_with_each_species(context: RecordingContext) -> None:
    ammonia = {"reactants": ["[H][H]"] * 3 + ["N#N"], "products": ["N", "N"]}
    result = react(context, **ammonia, thermochemistry=True, n_conformers=2, seed=7)

    told = methods(result, **ammonia, **XTB, thermochemistry=True, n_conformers=2, seed=7)

    assert "Energies of the 3 species of 3 H2 + N2 → 2 H3N were computed by GFN2-xTB" in told
    assert "(multiplicity 1)" in told
    assert "embedded by ETKDGv3" in told
    assert "(seed 7)" in told
    assert "The geometry of each of H2, N2 and H3N was optimised with geomeTRIC" in told
    assert "central differences of the gradients" in told
    assert "with unscaled frequencies, at 298.15 K and 1 bar with symmetry numbers 2 (H2)" in told
    assert "imaginary" not in told
    assert "zero-point" not in told


@pytest.mark.engine
def test_its_methods_tell_references_and_atoms(context: RecordingContext) -> None:
    atoms = {"reactants": ["[H][H]"], "products": ["[H]", "[H]"]}
    settings = {"method": "DFT", "functional": "SVWN", "basis": "sto-3g", "grid_level": 0}
    result = react(context, **atoms, **settings)

    told = methods(result, **atoms, **settings)

    assert "Energies of the 2 species of H2 → 2 H were" in told
    assert (
        "restricted Kohn-Sham, multiplicity 1 for H2; unrestricted Kohn-Sham, multiplicity 2 for H"
        in told
    )
    assert "The starting structure of H2 was embedded by ETKDGv3" in told
    assert "then optimised with GFN2-xTB" in told
    assert "Single atoms were computed as they are." in told
    assert "Hessian" not in told


def test_a_free_energy_is_told_with_its_temperature(context: RecordingContext) -> None:
    result = react(
        context, reactants=["O"], products=["O"], thermochemistry=True, temperature_k=350
    )
    without = {**result, "temperature_k": None}

    told = summarise(simulations.get("reaction_energy"), result)
    assert told["temperature_k"] == 350
    assert "reaction_gibbs_kj_mol" in told
    assert "temperature_k" not in summarise(simulations.get("reaction_energy"), without)


def test_its_tiles_are_of_the_reaction(context: RecordingContext) -> None:
    result = react(context, reactants=["O"], products=["O"])

    tiles = {each.key: each for each in simulations.get("reaction_energy").readouts}
    for unit in ("kj", "kcal"):
        key = f"reaction_energy_{unit}_mol"
        assert context.points[-1][key] == result[key]
        assert tiles[key].unit.lower() == f"{unit}/mol"
    assert not {"energy_hartree", "delta_energy_hartree", "max_force_hartree_per_bohr"} & {*tiles}
    assert tiles["step"].note == tiles["scf_cycle"].note == "of the latest species"


def test_elements_that_do_not_balance_are_named() -> None:
    (error,) = refusals(reactants=["[H][H]", "O=O"], products=["O"])

    assert error.path == ("products",)
    assert error.code == "unbalanced_elements"
    assert error.detail == (
        "The reaction is not balanced: in H2 + O2 → H2O the products lack 1 O. Give coefficients, "
        'two of water as 2 O in a line, {"structure": "O", "coefficient": 2} in a list, or the '
        "species that is missing."
    )


def test_a_count_before_a_structure_is_sent_to_the_coefficient() -> None:
    (error,) = refusals(reactants=["[H][H]", "O=O"], products=["2 O"])

    assert error.path == ("products", 0, "structure")
    assert error.detail.endswith('For 2 of “O” give {"structure": "O", "coefficient": 2}.')


def test_both_what_is_lacking_and_what_is_too_much_are_named() -> None:
    (error,) = refusals(reactants=["C"], products=["O=C=O"])

    assert "the products lack 4 H and have 2 O too many" in error.detail


def test_a_half_is_a_coefficient() -> None:
    oxygen = {"structure": "O=O", "coefficient": 0.5, "multiplicity": 3}

    checked = check(reactants=["[H][H]", oxygen], products=["O"])

    assert checked.notes[0].message == "Read as the reaction H2 + 0.5 O2 → H2O."


def test_charges_that_do_not_balance_are_named() -> None:
    (error,) = refusals(reactants=["[Na]", "O"], products=["[Na+]", "O"])

    assert error.code == "unbalanced_charge"
    assert "the reactants carry 0 together, the products +1" in error.detail


@pytest.mark.parametrize(
    ("species", "code", "path"),
    [
        ("C(", "unreadable_structure", ("reactants", 1, "structure")),
        (
            {"structure": "C", "multiplicity": 2},
            "multiplicity_parity",
            ("reactants", 1, "multiplicity"),
        ),
        ({"structure": "C", "coefficient": 0}, "greater_than", ("reactants", 1, "coefficient")),
        ({"structure": "C", "count": 2}, "extra_forbidden", ("reactants", 1, "count")),
        ("graphite", "is_crystal", ("reactants", 1, "structure")),
    ],
)  # fmt: skip
def test_an_error_names_the_species_and_its_field(
    species: Any, code: str, path: tuple[Any, ...]
) -> None:
    (error,) = refusals(reactants=["O", species], products=["O", "C"])

    assert error.path == path
    assert code in (error.code, "extra_forbidden")


def test_an_error_of_the_method_is_told_once_as_the_methods() -> None:
    errors = refusals(**EXAMPLE, functional="M06-2X", dispersion="d3bj")

    assert {error.path for error in errors} == {("dispersion",)}
    assert errors[0].fix == {"dispersion": "none"}


def test_xtb_has_no_atoms_and_sends_to_dft() -> None:
    atoms = {"reactants": ["[H][H]"], "products": [{"structure": "[H]", "coefficient": 2}]}

    (error,) = refusals(**atoms, **XTB)

    assert error.path == ("products", 0)
    assert error.fix == {"method": "DFT"}
    check(**atoms, method="DFT")


@pytest.mark.parametrize("side", ["reactants", "products"])
def test_neither_side_may_be_empty(side: str) -> None:
    errors = refusals(**{**EXAMPLE, side: []})

    assert [error.path for error in errors] == [(side,)]


@pytest.mark.parametrize(
    ("line", "species"),
    [
        ("2 H2 + O2", [("H2", 2.0), ("O2", 1.0)]),
        ("1/2 O2 + [H][H]", [("O2", 0.5), ("[H][H]", 1.0)]),
        ("[C-]#[O+] + O", [("[C-]#[O+]", 1.0), ("O", 1.0)]),
        ("1.5 O2\nCCO", [("O2", 1.5), ("CCO", 1.0)]),
    ],
)
def test_a_side_is_read_as_chemists_write_it(line: str, species: list[Any]) -> None:
    found = ReactionEnergyParams.model_validate({"reactants": line, "products": "O"}).reactants

    assert [(each.structure.text, each.coefficient) for each in found] == species


def test_a_reaction_of_two_lines_is_that_of_two_lists() -> None:
    lines = check(reactants="2 [H][H] + O=O", products="2 O")
    water = {"structure": "O", "coefficient": 2}

    lists = check(reactants=[{"structure": "[H][H]", "coefficient": 2}, "O=O"], products=[water])

    assert lines.params == lists.params


def test_a_whole_equation_in_one_side_says_where_its_parts_belong() -> None:
    errors = refusals(reactants="2 H2 + O2 -> 2 H2O", products="O")

    assert errors[0].path == ("reactants",)
    assert "before the arrow goes into reactants" in errors[0].detail
