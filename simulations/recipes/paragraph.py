"""How a reaction energy was computed, in sentences for a paper."""

from __future__ import annotations

from simulations.quantum.paragraph import in_solvent, level_of_theory, optimised, program
from simulations.tightbinding.paragraph import level_of_theory as xtb_level

from .reaction_params import ReactionEnergyParams, ReactionEnergyResult


def reaction(params: ReactionEnergyParams, result: ReactionEnergyResult) -> str:
    """Only what all of its species have in common, and what set atoms apart."""
    atoms = [row for row in result.species if row.simulation.endswith("single_point")]
    sentences = [_theory(params, result)]
    if len(atoms) < len(result.species):
        sentences.append(optimised(result.versions))
    if atoms:
        sentences.append("Single atoms were computed as they are.")
    sentences.append(_difference(params, result))
    return " ".join(sentences)


def _theory(params: ReactionEnergyParams, result: ReactionEnergyResult) -> str:
    count = f"the {len(result.species)} species of {result.equation}"
    if not params.is_dft:
        theory = xtb_level(params.method, params.solvent, "ALPB")
        tblite = program("tblite", result.versions, "tblite")
        return f"Energies of {count} were computed by {theory} in {tblite}."
    theory = level_of_theory(params.functional, params.basis, params.dispersion)
    solvent = in_solvent(params.solvent, "SMD")
    around = f"; {solvent}" if solvent else ""
    return (
        f"Energies of {count} were computed by density functional theory with "
        f"{program('PySCF', result.versions, 'pyscf')} [@pyscf] and Libxc [@libxc], using "
        f"{theory} on PySCF's integration grid of level {params.grid_level}{around}."
    )


def _difference(params: ReactionEnergyParams, result: ReactionEnergyResult) -> str:
    if not params.thermochemistry:
        return (
            "The reaction energy is the difference of the electronic energies, without zero-point "
            "energy."
        )
    return (
        "The reaction enthalpy and free energy include those of ideal gases of rigid rotors and "
        f"harmonic oscillators at {result.temperature_k:g} K and {result.pressure_bar:g} bar."
    )
