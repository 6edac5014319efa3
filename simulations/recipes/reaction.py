"""A reaction as it was understood: its species, whether they balance, and what computes each."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from simulations.base import Checked, Note, declared
from simulations.errors import FieldError, InvalidParams
from simulations.structures import Structure, resolve

from .reaction_params import ReactionEnergyParams, ReactionSpecies

Side = Literal["reactant", "product"]
FIELDS: dict[Side, str] = {"reactant": "reactants", "product": "products"}
SIGNS: dict[Side, int] = {"reactant": -1, "product": 1}
COEFFICIENT_EXAMPLE = '{"structure": "O", "coefficient": 2}'
MAX_MARK = 40
"""Letters of a SMILES that still reads as a name."""
CHARGE = "charge"
"""Counted among a side's elements, for it balances as they do."""
_COUNTED = re.compile(r"[ \t]*(\d{1,3}(?:\.\d{1,3})?)[ \t]+(\S.{0,200})")
"""A coefficient before a structure, in one line."""
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
    mark: str = ""
    """What tells it from another species of the same formula, its SMILES if it can."""

    @property
    def formula(self) -> str:
        """With the charge, `H3O⁺`."""
        if not self.charge:
            return self.structure.formula
        size = abs(self.charge)
        text = f"{size if size > 1 else ''}{'+' if self.charge > 0 else '-'}"
        return self.structure.formula + text.translate(_SUPERSCRIPTS)

    @property
    def label(self) -> str:
        """What it is called: the formula, `CHN (C#N)` beside an isomer."""
        return f"{self.formula} ({self.mark})" if self.mark else self.formula

    @property
    def identity(self) -> str:
        """Equal for the same molecule, however it was written."""
        if self.structure.smiles and self.structure.positions_angstrom is None:
            return f"{self.structure.smiles} {self.charge} {self.multiplicity}"
        return self.task.key


def understand_reaction(params: ReactionEnergyParams) -> tuple[list[Species], list[Note]]:
    """The reaction's terms, and what is to be known of how they were read.

    :raises InvalidParams: a species cannot be computed, or the sides do not balance.
    """
    species: list[Species] = []
    told: list[list[Note]] = []
    errors: list[FieldError] = []
    for side, field in FIELDS.items():
        for index, given in enumerate(getattr(params, field)):
            try:
                found, notes = _understand(given, side, params)
            except InvalidParams as exc:
                errors += [_within(error, field, index) for error in _counted(exc, given)]
            else:
                species.append(found)
                told.append(notes)
    species = told_apart(species)
    errors = errors or [*imbalance(species)]
    if errors:
        raise InvalidParams(errors)
    return species, _each_once(
        _of(term, note) for term, notes in zip(species, told, strict=True) for note in notes
    )


def told_apart(species: list[Species]) -> list[Species]:
    """With marks where different species share a formula."""
    sharing: dict[str, dict[str, Species]] = {}
    for term in species:
        sharing.setdefault(term.formula, {}).setdefault(term.identity, term)
    marks = {
        identity: mark
        for group in sharing.values()
        if len(group) > 1
        for identity, mark in zip(group, _marks([*group.values()]), strict=True)
    }
    return [replace(term, mark=marks.get(term.identity, "")) for term in species]


def _marks(isomers: list[Species]) -> list[str]:
    """SMILES, else the spins, else numbers: whichever differ."""
    numbers = [str(number) for number, _ in enumerate(isomers, start=1)]
    smiles = [term.structure.smiles or "" for term in isomers]
    short = [
        text if 0 < len(text) <= MAX_MARK else number
        for text, number in zip(smiles, numbers, strict=True)
    ]
    spins = [f"multiplicity {term.multiplicity}" for term in isomers]
    both = [f"{text}, {spin}" for text, spin in zip(short, spins, strict=True)]
    return next(marks for marks in (short, spins, both, numbers) if len({*marks}) == len(isomers))


def equation_of(species: Iterable[Species]) -> str:
    """As in a textbook, `2 H2 + O2 → 2 H2O`; what stands twice on a side is added up."""
    sides: dict[Side, dict[str, Fraction]] = {"reactant": {}, "product": {}}
    for term in species:
        counts = sides[term.side]
        counts[term.label] = counts.get(term.label, Fraction()) + term.coefficient
    return " → ".join(
        " + ".join(f"{'' if count == 1 else f'{_number(count)} '}{name}" for name, count in side)
        for side in (counts.items() for counts in sides.values())
    )


def imbalance(species: Iterable[Species]) -> Iterator[FieldError]:
    """A complaint about what one side has and the other has not."""
    terms = [*species]
    gained = _gained(terms)
    charge = gained.pop(CHARGE)
    lacking = [f"{_number(-n)} {name}" for name, n in sorted(gained.items()) if n < 0]
    surplus = [f"{_number(n)} {name}" for name, n in sorted(gained.items()) if n > 0]
    if lacking or surplus:
        parts = [f"lack {listed(lacking)}"] if lacking else []
        parts += [f"have {listed(surplus)} too many"] if surplus else []
        detail = (
            f"The reaction is not balanced: in {equation_of(terms)} the products "
            f"{' and '.join(parts)}. Give coefficients, two of water as "
            f"2 O in a line, {COEFFICIENT_EXAMPLE} in a list, or the species that is missing."
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
        "scf_max_cycles": params.scf_max_cycles,
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


def _counted(refused: InvalidParams, given: ReactionSpecies) -> Iterator[FieldError]:
    """The complaints; for `2 O`, which is no structure, how to give a coefficient."""
    counted = _COUNTED.fullmatch(given.structure.text)
    for error in refused.errors:
        if not counted or error.code != "unreadable_structure":
            yield error
            continue
        number, text = counted.groups()
        meant = f'{{"structure": {json.dumps(text, ensure_ascii=False)}, "coefficient": {number}}}'
        detail = f"{error.detail} For {number} of “{text}” give {meant}."
        yield replace(error, detail=detail)


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
    return replace(error, path=path, fix=fix)


def _of(species: Species, note: Note) -> Note:
    return Note(code=note.code, message=f"{species.label}: {note.message}")


def _each_once(notes: Iterable[Note]) -> list[Note]:
    return [*dict.fromkeys(notes)]


def _number(value: Any) -> str:
    return f"{float(value):g}"


def _signed(charge: Any) -> str:
    return f"{float(charge):+g}" if charge else "0"


def listed(words: list[str]) -> str:
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
