"""What holds for every simulation, whatever it computes."""

import json
import subprocess
import sys

import pytest
from pydantic import BaseModel

import simulations
from simulations import Simulation

from . import test_docking, test_docking_screen, test_reaction
from .recording import RecordingContext

EVERY = pytest.mark.parametrize("sim", simulations.all_simulations(), ids=lambda sim: sim.name)
NUMERIC_BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
UNITS = {
    "_hartree": "hartree", "_hartree_per_bohr": "hartree/bohr", "_ev": "eV", "_debye": "debye",
    "_angstrom": "Å", "_angstrom3": "Å³", "_k": "K", "_bar": "bar", "_fs": "fs", "_ps": "ps",
    "_per_ps": "1/ps", "_molar": "mol/L", "_percent": "%", "_gpa": "GPa", "_s": "s",
    "_cm1": "cm⁻¹", "_km_mol": "km/mol", "_dalton": "Da", "_j_mol_k": "J/(mol K)",
    "_kcal_mol": "kcal/mol", "_kcal_per_mol": "kcal/mol", "_kj_mol": "kJ/mol",
    "_kj_per_mol": "kJ/mol", "_kj_per_mol_ns_atom": "kJ/mol/ns/atom", "_g_per_cm3": "g/cm³",
    "_ns_per_day": "ns/day", "_ghz": "GHz",
}  # fmt: skip
"""By how a quantity's name ends."""
EXAMPLES = {
    "conformer_search": {"structure": "CCO"},
    "dft_frequencies": {"structure": "O"},
    "xtb_frequencies": {"structure": "O"},
    "xtb_optimization": {"structure": "CCO"},
    "docking": test_docking.EXAMPLE,
    "docking_screen": test_docking_screen.EXAMPLE,
    "md_simulation": {"structure": "aspirin"},
    "demo.sum_squares": {"n": 3},
    "dft_crystal": {"structure": "Li[C6]"},
    "dft_optimization": {"structure": "CCO"},
    "dft_single_point": {"structure": "CCO"},
    "reaction_energy": test_reaction.EXAMPLE,
}


def fields_of(sim: Simulation) -> dict[str, dict]:
    return sim.Params.model_json_schema(by_alias=False)["properties"]


def numbers_in(schema: dict) -> list[dict]:
    options = schema.get("anyOf", [schema])
    return [option for option in options if option.get("type") in ("integer", "number")]


@EVERY
def test_every_parameter_explains_itself(sim: Simulation) -> None:
    for name, schema in fields_of(sim).items():
        assert schema.get("title"), name
        assert schema.get("description"), name


@EVERY
def test_every_field_within_a_parameter_explains_itself_and_has_bounds(sim: Simulation) -> None:
    for model, schema in sim.Params.model_json_schema(by_alias=False).get("$defs", {}).items():
        for name, field in schema.get("properties", {}).items():
            assert field.get("title"), (model, name)
            assert field.get("description") or "$ref" in field, (model, name)
            for number in numbers_in(field):
                assert len(NUMERIC_BOUNDS & number.keys()) == 2, (model, name)


@EVERY
@pytest.mark.parametrize("end", ["Params", "Result"])
def test_every_quantity_has_its_unit(sim: Simulation, end: str) -> None:
    for name, field in getattr(sim, end).model_fields.items():
        extra = field.json_schema_extra
        unit = extra.get("unit") if isinstance(extra, dict) else None
        ending = max(filter(name.endswith, UNITS), key=len, default=None)
        assert unit == (UNITS[ending] if ending else None), name


@EVERY
def test_every_number_has_bounds(sim: Simulation) -> None:
    for name, schema in fields_of(sim).items():
        for number in numbers_in(schema):
            assert len(NUMERIC_BOUNDS & number.keys()) == 2, name


@EVERY
def test_every_parameter_but_the_structure_has_a_default(sim: Simulation) -> None:
    required = set(sim.Params.model_json_schema().get("required", []))

    assert required <= {"structure", "ligand", "ligands", "receptor_pdb", "reactants", "products"}


@EVERY
def test_an_unknown_parameter_is_refused(sim: Simulation) -> None:
    with pytest.raises(simulations.InvalidParams) as refusal:
        sim.check({**EXAMPLES[sim.name], "no_such": 1})

    assert refusal.value.errors[0].code == "unknown_field"


@pytest.mark.parametrize(
    ("name", "params", "told"),
    [
        ("xtb_optimization", {"structure": {"smiles": "O"}}, "It takes format, text."),
        ("xtb_optimization", {"structure": {"text": "O", "formt": "xyz"}}, "Did you mean format?"),
    ],
)
def test_what_a_field_does_not_take_is_told_with_what_it_takes_itself(
    name: str, params: dict[str, object], told: str
) -> None:
    with pytest.raises(simulations.InvalidParams) as refusal:
        simulations.get(name).check(params)

    (error,) = [each for each in refusal.value.errors if each.code == "unknown_field"]
    assert error.path[:-1] == ("structure",)
    assert error.detail.endswith(told)
    assert error.fix is None


@pytest.mark.parametrize("sim", ["docking", "docking_screen"])
def test_a_name_without_its_unit_is_taken_for_the_one_with_it(sim: str) -> None:
    """And not for box_residues, which looks more like box_size."""
    asked = {**EXAMPLES[sim], "box_size": [20, 20, 20]}
    with pytest.raises(simulations.InvalidParams) as refusal:
        simulations.get(sim).check(asked)

    (error,) = [each for each in refusal.value.errors if each.code == "unknown_field"]
    assert error.detail.endswith("Did you mean box_size_angstrom?")
    assert error.fix == {"box_size": None, "box_size_angstrom": [20, 20, 20]}


@EVERY
def test_checked_params_are_json_and_check_again_to_the_same(sim: Simulation) -> None:
    checked = sim.check(EXAMPLES[sim.name])

    again = sim.check(json.loads(json.dumps(checked.params)))

    assert again == checked


@EVERY
def test_every_plot_and_readout_has_a_key_that_is_drawn_once(sim: Simulation) -> None:
    assert len({readout.key for readout in sim.readouts}) == len(sim.readouts)
    assert len({(plot.x, plot.y) for plot in sim.plots}) == len(sim.plots)


def test_the_result_has_a_schema_too() -> None:
    for sim in simulations.all_simulations():
        assert sim.Result.model_json_schema(mode="serialization")["properties"]


def test_openapi_component_names_are_unique() -> None:
    models = [model for sim in simulations.all_simulations() for model in (sim.Params, sim.Result)]

    assert len({model.__name__ for model in models}) == len(models)


def test_a_param_may_be_given_by_its_alias_and_is_named_by_it_when_wrong() -> None:
    sim = simulations.get("dft_single_point")

    with pytest.raises(simulations.InvalidParams) as refusal:
        sim.check({"structure": "O", "temperature": -5})

    (error,) = refusal.value.errors
    assert error.path == ("temperature",)
    assert error.detail == "temperature is -5; it must be above 0 K."


def test_a_param_without_use_is_told_of() -> None:
    checked = simulations.get("dft_optimization").check({"structure": "O", "temperature": 300})

    (note,) = [note for note in checked.notes if note.code == "not_used"]
    assert "temperature_k = 300.0 was given and is not used" in note.message
    assert checked.params["temperature_k"] == 300


@pytest.mark.parametrize(
    ("given", "fix"), [({"functional": "b3lpy"}, "B3LYP"), ({"basis": "def2svp"}, "def2-svp")]
)
def test_a_misspelt_choice_is_mended(given: dict[str, str], fix: str) -> None:
    with pytest.raises(simulations.InvalidParams) as refusal:
        simulations.get("dft_optimization").check({"structure": "O", **given})

    (error,) = refusal.value.errors
    assert error.code == "unknown_choice"
    assert error.fix == dict.fromkeys(given, fix)


def test_the_sum_of_squares_is_one(context: RecordingContext) -> None:
    result = simulations.get("demo.sum_squares").run({"n": 3}, context)

    assert result == {"total": 14}
    assert context.points[-1]["fraction"] == 1


@pytest.mark.slow
def test_checking_loads_no_engine() -> None:
    code = (
        "import json, sys, simulations\n"
        "for name, params in json.loads(sys.argv[1]).items():\n"
        "    simulations.find(name).check(params)\n"
        "heavy = {'pyscf', 'openmm', 'tblite', 'geometric', 'qcelemental', 'vina', 'meeko',"
        " 'prolif', 'MDAnalysis'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(EXAMPLES)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


@EVERY
def test_a_preset_fits_its_simulation_and_chooses_no_structure(sim: Simulation) -> None:
    defaults = {name: info.get_default() for name, info in sim.Params.model_fields.items()}
    for preset in sim.presets:
        assert preset.params, preset.key
        assert not preset.params.keys() & EXAMPLES[sim.name].keys() - {"exhaustiveness"}
        model = sim.Params.model_validate({**EXAMPLES[sim.name], **preset.params})
        for name, value in preset.params.items():
            assert getattr(model, name) == value != defaults[name], (preset.key, name)
    assert len({preset.key for preset in sim.presets}) == len(sim.presets)


def test_every_simulation_has_an_example_here() -> None:
    assert {sim.name for sim in simulations.all_simulations()} == EXAMPLES.keys()
    assert all(issubclass(sim.Params, BaseModel) for sim in simulations.all_simulations())
