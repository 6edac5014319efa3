"""A reaction as it was understood: its species, whether they balance, and what computes each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from simulations.base import Checked, Note, declared
from simulations.errors import FieldError, InvalidParams
from simulations.structures import Structure, resolve

from .reaction_params import ReactionEnergyParams, ReactionSpecies

Side = Literal["reactant", "product"]
FIELDS: dict[Side, str] = {"reactant": "reactants", "product": "products"}
SIGNS: dict[Side, int] = {"reactant": -1, "product": 1}
CHARGE = "charge"
"""Counted among a side's elements, for it balances as they do."""
_SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A simulation that computes a species, and the params for it."""

    simulation: str
    params: dict[str, Any]

    @property
    def key(self) -> str:
        """Equal for species that are the same: they are computed once."""
        return json.dumps([self.simulation, self.params], sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Species:
    """One term of the reaction's equation."""

    side: Side
    coefficient: Fraction
    structure: Structure
    charge: int
    multiplicity: int
    task: Task

    @property
    def label(self) -> str:
        """The formula with the charge, `H3O⁺`."""
        if not self.charge:
            return self.structure.formula
        size = abs(self.charge)
        text = f"{size if size > 1 else ''}{'+' if self.charge > 0 else '-'}"
        return self.structure.formula + text.translate(_SUPERSCRIPTS)


def understand_reaction(params: ReactionEnergyParams) -> tuple[list[Species], list[Note]]:
    """The reaction's terms, and what is to be known of how they were read.

    :raises InvalidParams: a species cannot be computed, or the sides do not balance.
    """
    species: list[Species] = []
    notes: list[Note] = []
    errors: list[FieldError] = []
    for side, field in FIELDS.items():
        for index, given in enumerate(getattr(params, field)):
            try:
                found, told = _understand(given, side, params)
            except InvalidParams as exc:
                errors += [_within(error, field, index) for error in exc.errors]
            else:
                species.append(found)
                notes += [_of(found, note) for note in told]
    errors = errors or [*imbalance(species)]
    if errors:
        raise InvalidParams(errors)
    return species, _each_once(notes)


def equation_of(species: Iterable[Species]) -> str:
    """As in a textbook, `2 H2 + O2 → 2 H2O`."""
    sides: dict[Side, list[str]] = {"reactant": [], "product": []}
    for term in species:
        count = "" if term.coefficient == 1 else f"{_number(term.coefficient)} "
        sides[term.side].append(f"{count}{term.label}")
    return " → ".join(" + ".join(terms) for terms in sides.values())


def imbalance(species: Iterable[Species]) -> Iterator[FieldError]:
    """A complaint about what one side has and the other has not."""
    terms = [*species]
    gained = _gained(terms)
    charge = gained.pop(CHARGE)
    lacking = [f"{_number(-n)} {name}" for name, n in sorted(gained.items()) if n < 0]
    surplus = [f"{_number(n)} {name}" for name, n in sorted(gained.items()) if n > 0]
    if lacking or surplus:
        parts = [f"lack {_and(lacking)}"] if lacking else []
        parts += [f"have {_and(surplus)} too many"] if surplus else []
        detail = (
            f"The reaction is not balanced: in {equation_of(terms)} the products "
            f"{' and '.join(parts)}. Give coefficients, or the species that is missing."
        )
        yield FieldError(path=("products",), code="unbalanced_elements", detail=detail)
    if charge:
        before, after = (_charge_of(terms, side) for side in FIELDS)
        detail = (
            f"The charges are not balanced: the reactants carry {before} together, the products "
            f"{after}. Give each ion's charge, or the ion that is missing."
        )
        yield FieldError(path=("products",), code="unbalanced_charge", detail=detail)


def _gained(terms: list[Species]) -> dict[str, Fraction]:
    """By how much the products have more of each element, and of charge; less is negative."""
    gained: dict[str, Fraction] = {CHARGE: Fraction()}
    for term in terms:
        contents = {**Counter(term.structure.symbols), CHARGE: term.charge}
        for name, count in contents.items():
            change = SIGNS[term.side] * term.coefficient * count
            gained[name] = gained.get(name, Fraction()) + change
    return gained


def _charge_of(terms: list[Species], side: Side) -> str:
    return _signed(sum(term.coefficient * term.charge for term in terms if term.side == side))


def _understand(
    given: ReactionSpecies, side: Side, params: ReactionEnergyParams
) -> tuple[Species, list[Note]]:
    structure = resolve(given.structure)
    task = _task(given, structure, params)
    checked = declared[task.simulation].check(task.params)
    found = checked.structure or {}
    species = Species(
        side=side,
        coefficient=Fraction(given.coefficient).limit_denominator(1000),
        structure=structure,
        charge=found["charge"],
        multiplicity=found["multiplicity"],
        task=Task(simulation=task.simulation, params=checked.params),
    )
    return species, checked.notes


def _task(given: ReactionSpecies, structure: Structure, params: ReactionEnergyParams) -> Task:
    common = {
        "structure": given.structure.model_dump(mode="json"),
        "charge": given.charge,
        "multiplicity": given.multiplicity,
        "solvent": params.solvent,
        "seed": params.seed,
    }
    return _dft_task(common, structure, params) if params.is_dft else _xtb_task(common, params)


def _dft_task(common: dict[str, Any], structure: Structure, params: ReactionEnergyParams) -> Task:
    asked = common | {
        "functional": params.functional,
        "basis": params.basis,
        "dispersion": params.dispersion,
        "grid_level": params.grid_level,
        # It alone has the energies that do not come from charges, which a reaction needs.
        "solvent_model": "SMD",
    }
    if structure.n_atoms == 1 and structure.crystal is None:
        return Task(simulation="dft_single_point", params=asked)
    asked |= {"n_conformers": params.n_conformers, "max_steps": params.max_steps}
    if params.thermochemistry:
        return Task(simulation="dft_frequencies", params=asked | _conditions(params))
    return Task(simulation="dft_optimization", params=asked)


def _xtb_task(common: dict[str, Any], params: ReactionEnergyParams) -> Task:
    asked = common | {
        "method": params.method,
        "n_conformers": params.n_conformers,
        "max_steps": params.max_steps,
    }
    if params.thermochemistry:
        return Task(simulation="xtb_frequencies", params=asked | _conditions(params))
    return Task(simulation="xtb_optimization", params=asked)


def _conditions(params: ReactionEnergyParams) -> dict[str, float]:
    return {"temperature_k": params.temperature_k, "pressure_bar": params.pressure_bar}


def _within(error: FieldError, field: str, index: int) -> FieldError:
    """A species' complaint, where the reaction's user finds it."""
    if error.code == "one_atom":
        detail = "A single atom is computed by DFT only: xTB has no energy of its spin."
        return FieldError(
            path=(field, index), code="one_atom", detail=detail, fix={"method": "DFT"}
        )
    own = error.path and error.path[0] in ReactionSpecies.model_fields
    path = (field, index, *error.path) if own else error.path
    fix = None if own or (error.fix or {}).get("simulation") else error.fix
    return FieldError(path=path, code=error.code, detail=error.detail, fix=fix)


def _of(species: Species, note: Note) -> Note:
    return Note(code=note.code, message=f"{species.label}: {note.message}")


def _each_once(notes: Iterable[Note]) -> list[Note]:
    return [*dict.fromkeys(notes)]


def _number(value: Any) -> str:
    return f"{float(value):g}"


def _signed(charge: Any) -> str:
    return f"{float(charge):+g}" if charge else "0"


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def inspect_reaction(params: ReactionEnergyParams) -> Checked:
    """A balanced reaction of species that can each be computed."""
    species, notes = understand_reaction(params)
    n_atoms = sum(term.structure.n_atoms for term in species if term.side == "reactant")
    equation = equation_of(species)
    structure = {"kind": "reaction", "reading": f"Read as the reaction {equation}."}
    return Checked(
        params={},
        notes=[Note(code="reaction", message=structure["reading"]), *notes],
        structure={**structure, "formula": equation, "n_atoms": n_atoms},
    )
