"""A number with a unit is the number that it is in the field's own unit, or is refused."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from simulations.errors import FieldError, InvalidParams
from simulations.units import UNITS, convert, spellings, table
from simulations.validation import validate


class Params(BaseModel):
    temperature_k: float = Field(300, le=1000, json_schema_extra={"unit": "K"})
    timestep_fs: float = Field(2, json_schema_extra={"unit": "fs"})
    edges_angstrom: tuple[float, float, float] | None = Field(None, json_schema_extra={"unit": "Å"})
    n: int = 1


@pytest.mark.parametrize(
    ("typed", "unit", "number"),
    [
        ("25 C", "K", 298.15),
        ("77°F", "K", 298.15),
        ("−10 celsius", "K", 263.15),
        ("300 k", "K", 300),
        ("0.002 ps", "fs", 2),
        ("1e-3ns", "ps", 1),
        ("1 atm", "bar", 1.01325),
        ("760 torr", "bar", 1.01325),
        ("100 kPa", "bar", 1),
        ("1 nm", "Å", 10),
        ("1 bohr", "Å", 0.529177210903),
        ("1 hartree", "kcal/mol", 627.5094740630736),
        ("4.184 kJ mol⁻¹", "kcal/mol", 1),
        ("27.211386245988 eV", "hartree", 1),
        ("2 1/ps", "1/ps", 2),
        ("0.001 fs^-1", "1/ps", 1),
        ("150 mM", "mol/L", 0.15),
        ("2 h", "s", 7200),
        ("[1, 2; 3] nm", "Å", [10, 20, 30]),
    ],
)
def test_a_unit_is_converted_exactly(typed: str, unit: str, number: object) -> None:
    assert convert(typed, unit) == number


@pytest.mark.parametrize(
    ("typed", "unit"),
    [("300", "K"), ("", "K"), ("three", "K"), ("1, 2, 3", "Å"), ("5 g", "g/mol"), ("1e9", "fs")],
)
def test_what_has_no_unit_is_left_to_others(typed: str, unit: str) -> None:
    assert convert(typed, unit) is None


def test_the_hartree_of_the_tables_is_the_one_that_engines_of_ours_have() -> None:
    from simulations.quantum.orbitals import EV_PER_HARTREE
    from simulations.recipes.reaction_run import KJ_MOL_PER_HARTREE

    assert convert("1 hartree", "eV") == EV_PER_HARTREE
    assert convert("1 hartree", "kJ/mol") == KJ_MOL_PER_HARTREE


def test_no_spelling_stands_for_two_units() -> None:
    names = [name for unit in UNITS for name in spellings(unit)]

    assert len(names) == len(set(names))


def test_a_script_reckons_by_the_same_table() -> None:
    name, factor, summand = table("K")["°F"]

    assert name == "°F"
    assert 77 * factor + summand == pytest.approx(298.15, abs=1e-12)


def test_params_take_numbers_with_units() -> None:
    given = {"temperature_k": "25 C", "timestep_fs": "0.002 ps", "edges_angstrom": "1, 2, 3 nm"}

    params = validate(Params, given)

    assert params == Params(temperature_k=298.15, timestep_fs=2, edges_angstrom=(10, 20, 30))
    assert given["temperature_k"] == "25 C"


def refused(**given: object) -> list[FieldError]:
    with pytest.raises(InvalidParams) as refusal:
        validate(Params, given)
    return list(refusal.value.errors)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("25 bar", "bar is a unit of pressure; give temperature in K, °C, °F."),
        ("25 foo", "foo is no unit that is known here; give temperature in K, °C, °F."),
    ],
)
def test_a_unit_of_something_else_is_refused_once(typed: str, told: str) -> None:
    (error,) = refused(temperature_k=typed)

    assert (error.path, error.code) == (("temperature_k",), "wrong_unit")
    assert error.detail == f"temperature_k is '{typed}': {told}"


def test_a_milli_is_no_mega() -> None:
    (error,) = refused(timestep_fs="1 Ms")

    assert error.code == "wrong_unit"


def test_bounds_hold_in_the_unit_of_the_field_and_other_errors_are_told_beside() -> None:
    errors = refused(temperature_k="800 C", timestep_fs="1 nm", n="x")

    assert [(each.path[0], each.code) for each in errors] == [
        ("timestep_fs", "wrong_unit"),
        ("temperature_k", "less_than_equal"),
        ("n", "int_parsing"),
    ]
