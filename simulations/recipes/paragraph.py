"""How a reaction energy was computed, in sentences for a paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from simulations.base import declared
from simulations.quantum import paragraph as dft
from simulations.quantum.methods import disp_of
from simulations.quantum.paragraph import program
from simulations.tightbinding import paragraph as xtb

from .reaction import Species, listed, understand_reaction
from .reaction_params import ReactionEnergyParams, ReactionEnergyResult, SpeciesRow


@dataclass(frozen=True, slots=True)
class _Computed:
    """A distinct species, the params of its own simulation, and what that found."""

    species: Species
    params: Any
    row: SpeciesRow

    @property
    def label(self) -> str:
        return self.species.label

    @property
    def noted(self) -> set[str]:
        return set(self.row.note_codes.split())


def reaction(params: ReactionEnergyParams, result: ReactionEnergyResult) -> str:
    """What its species have in common, and of each only what sets it apart."""
    computed = _computed(params, result)
    atoms = [each for each in computed if each.row.simulation.endswith("single_point")]
    molecules = [each for each in computed if each not in atoms]
    sentences = [*_theory(params, result, computed), *_starts(params, result, molecules)]
    if molecules:
        sentences.append(dft.optimised(result.versions, of=_of_each(molecules)))
    if molecules and params.thermochemistry:
        sentences.append(_gas(params, molecules))
    if atoms:
        sentences.append(_atoms(params))
    return " ".join([*sentences, _difference(params)])


def _computed(params: ReactionEnergyParams, result: ReactionEnergyResult) -> list[_Computed]:
    species, _ = understand_reaction(params)
    distinct = {
        term.task.key: (term, row) for term, row in zip(species, result.species, strict=True)
    }
    return [
        _Computed(term, declared[term.task.simulation].Params.model_validate(term.task.params), row)
        for term, row in distinct.values()
    ]


def _theory(
    params: ReactionEnergyParams, result: ReactionEnergyResult, computed: list[_Computed]
) -> Iterator[str]:
    count = f"the {len(computed)} species" if len(computed) > 1 else "the one species"
    what = f"Energies of {count} of {result.equation}"
    if not params.is_dft:
        theory = xtb.level_of_theory(params.method, params.solvent, "ALPB")
        tblite = program("tblite", result.versions, "tblite")
        yield f"{what} were computed by {theory} in {tblite} ({_states(computed)})."
        return
    theory = dft.level_of_theory(params.functional, params.basis, params.dispersion)
    symbols = [symbol for each in computed for symbol in each.species.structure.symbols]
    yield (
        f"{what} were computed by density functional theory ({_states(computed)}) with "
        f"{program('PySCF', result.versions, 'pyscf')} [@pyscf] and Libxc [@libxc], using "
        f"{theory}{dft.cores(params.basis, symbols)}."
    )
    noted = {code for each in computed for code in each.noted}
    yield dft.sentence(dft.scf_settings(computed[0].params, noted))


def _states(computed: list[_Computed]) -> str:
    """`restricted Kohn-Sham, multiplicity 1 for H2 and H2O; unrestricted … 3 for O2`."""
    groups: dict[str, list[_Computed]] = {}
    for each in computed:
        reference = each.row.reference
        method = f"{dft.SPINS[reference]} Kohn-Sham, " if reference else ""
        state = f"{method}multiplicity {each.row.multiplicity}"
        groups.setdefault(state, []).append(each)
    if len(groups) == 1:
        return next(iter(groups))
    return "; ".join(f"{state} for {_names(group)}" for state, group in groups.items())


def _starts(
    params: ReactionEnergyParams, result: ReactionEnergyResult, molecules: list[_Computed]
) -> Iterator[str]:
    """One sentence for all that began in the same way."""
    start = dft.start if params.is_dft else xtb.start
    groups: dict[str, list[_Computed]] = {}
    for each in molecules:
        way = start(each.params, "", result.versions, each.noted)
        groups.setdefault(way, []).append(each)
    for group in groups.values():
        first = group[0]
        yield start(first.params, _of_each(group), result.versions, first.noted)


def _dft_hessian(params: ReactionEnergyParams) -> str:
    has_dispersion = bool(disp_of(params.functional, params.dispersion))
    return dft.hessian(has_dispersion=has_dispersion, is_smd=params.solvent != "none")


def _gas(params: ReactionEnergyParams, molecules: list[_Computed]) -> str:
    hessian = _dft_hessian(params) if params.is_dft else xtb.NUMERICAL_HESSIAN
    gas = dft.ideal_gas(params.temperature_k, params.pressure_bar)
    numbers = listed([f"{each.row.symmetry_number} ({each.label})" for each in molecules])
    plural = "s" if len(molecules) > 1 else ""
    omitted = "".join(
        dft.left_out(each.row.n_imaginary or 0, f" of {each.label}") for each in molecules
    )
    hessian = hessian.replace("The Hessian", f"The Hessian{_of_each(molecules)}", 1)
    return f"{hessian}; {gas} with symmetry number{plural} {numbers}{omitted}."


def _atoms(params: ReactionEnergyParams) -> str:
    as_they_are = "Single atoms were computed as they are"
    if not params.thermochemistry:
        return f"{as_they_are}."
    return (
        f"{as_they_are}; their enthalpy and free energy are those of translation and spin at "
        f"{params.temperature_k:g} K and {params.pressure_bar:g} bar."
    )


def _difference(params: ReactionEnergyParams) -> str:
    if params.thermochemistry:
        return (
            "The reaction energy, enthalpy and free energy are those of the products less those "
            "of the reactants."
        )
    return (
        "The reaction energy is the difference of the electronic energies, without zero-point "
        "energy."
    )


def _of_each(group: list[_Computed]) -> str:
    return f" of {'each of ' if len(group) > 1 else ''}{_names(group)}"


def _names(group: Iterable[_Computed]) -> str:
    return listed([*dict.fromkeys(each.label for each in group)])
