"""From the text of a PDB file to an Amber system: repaired, protonated, and solvated if asked."""

from __future__ import annotations

import io
import random
from collections import Counter
from typing import Any

from simulations.base import Context, Note
from simulations.errors import FieldError, InvalidParams, ScienceError

from .inspect import notes_on_pdb, protein_of, protein_text
from .params import MdParams
from .pdb_text import without_waters
from .platforms import cpu_platform
from .prepared import Prepared
from .schedule import environment, is_constrained

CUTOFF_NM = 0.9
OBC_OFFSET_NM = 0.009
SOLUTE_DIELECTRIC, SOLVENT_DIELECTRIC = 1.0, 78.5
HEAVY_HYDROGEN_DA = 3.0
FORCE_FIELD = "amber14/protein.ff14SB.xml"
SURROUNDINGS = {"GBn2": "implicit/gbn2.xml", "OBC2": "implicit/obc2.xml"}
WATER = "amber14/tip3p.xml"
IONS = {"NA": "Na⁺", "CL": "Cl⁻"}
WATER_MOLAR = 55.4
"""Molecules of water in a litre of it, as OpenMM has it."""


def prepare_protein(params: MdParams, context: Context) -> Prepared:
    """
    :raises InvalidParams: residues that the force field has no template for.
    :raises ScienceError: atoms that are missing cannot be placed.
    """
    from openmm.app import ForceField, Modeller

    notes = notes_on_pdb(protein_of(params))
    # OpenMM places what it adds by Python's own generator.
    random.seed(params.seed)
    context.report(0.0, "adding missing atoms and hydrogens", stage="minimise")
    fixer = _repaired(params, context.threads, notes)
    modeller = Modeller(fixer.topology, fixer.positions)
    force_field = ForceField(FORCE_FIELD, *_surroundings(params))
    _refuse_unmatched(force_field, modeller.topology, params)
    if environment(params) == "explicit":
        context.report(0.0, "adding water", stage="minimise")
        _solvate(modeller, force_field, params)
        notes.append(_on_water(modeller, params))
    return Prepared(
        system=_system(force_field, modeller.topology, params),
        topology=modeller.topology,
        positions=_in_nm(modeller.positions),
        notes=notes,
    )


def _repaired(params: MdParams, threads: int, notes: list[Note]) -> Any:
    from openmm import OpenMMException
    from pdbfixer import PDBFixer

    fixer = PDBFixer(
        pdbfile=io.StringIO(without_waters(protein_text(params))), platform=cpu_platform(threads)
    )
    fixer.findNonstandardResidues()
    fixer.replaceNonstandardResidues()
    # What SEQRES names and nobody saw is left out: a loop made of nothing is no structure.
    fixer.missingResidues = {}
    fixer.findMissingAtoms()
    given = fixer.topology.getNumAtoms()
    try:
        fixer.addMissingAtoms(seed=params.seed)
    except OpenMMException as exc:
        raise _too_crowded(exc) from exc
    heavy = fixer.topology.getNumAtoms() - given
    fixer.addMissingHydrogens(params.ph)
    hydrogens = fixer.topology.getNumAtoms() - given - heavy
    if heavy or hydrogens:
        message = (
            f"Added by pdbfixer: {heavy} heavy atoms and {hydrogens} hydrogens (pH {params.ph:g})."
        )
        notes.append(Note(code="atoms_added", message=message))
    return fixer


def _too_crowded(exc: Exception) -> ScienceError:
    return ScienceError(
        f"The atoms that are missing found no room, or those given lie on one another: {exc}",
        hints=[
            "Removing the hydrogens from the PDB text often helps; they are added anew.",
            "A residue of which most atoms are missing can be left out.",
        ],
        cause="atoms_found_no_room",
    )


def _surroundings(params: MdParams) -> list[str]:
    match environment(params):
        case "implicit":
            return [SURROUNDINGS[params.implicit_model]]
        case "explicit":
            return [WATER]
    return []


def _refuse_unmatched(force_field: Any, topology: Any, params: MdParams) -> None:
    if unmatched := force_field.getUnmatchedResidues(topology):
        named = ", ".join(f"{r.name} {r.chain.id} {r.id}" for r in unmatched[:8])
        detail = (
            f"Amber ff14SB has no template that fits {named}: atoms are missing, too many or named "
            "unusually. Removing the hydrogens from the PDB text often helps; they are added anew."
        )
        path = (params.protein_field,)
        raise InvalidParams([FieldError(path=path, code="no_parameters", detail=detail)])


def _solvate(modeller: Any, force_field: Any, params: MdParams) -> None:
    from openmm import unit

    modeller.addSolvent(
        force_field,
        model="tip3p",
        padding=params.padding_angstrom * unit.angstrom,
        ionicStrength=params.ionic_strength_molar * unit.molar,
    )


def _on_water(modeller: Any, params: MdParams) -> Note:
    """What was put about the protein: of a salt whole ions only, in a small box perhaps none."""
    from openmm import unit

    counts = Counter(residue.name for residue in modeller.topology.residues())
    box = modeller.topology.getUnitCellDimensions().value_in_unit(unit.angstrom)
    added = [f"{counts['HOH']:,} water molecules"]
    added += [f"{counts[name]} {ion}" for name, ion in IONS.items() if counts[name]]
    message = (
        f"Added in a box of {' × '.join(f'{edge:.1f}' for edge in box)} Å: {', '.join(added)}."
    )
    if params.ionic_strength_molar:
        # As OpenMM reckons: beyond the ions that neutralise there are as many of either kind.
        pairs = min(counts[name] for name in IONS)
        molar = WATER_MOLAR * pairs / counts["HOH"]
        message += f" That is {molar:.2g} mol/L of salt, {params.ionic_strength_molar:g} was asked."
    return Note(code="solvated", message=message)


def _system(force_field: Any, topology: Any, params: MdParams) -> Any:
    from openmm import app, unit

    settings: dict[str, Any] = {"nonbondedMethod": app.NoCutoff}
    if environment(params) == "explicit":
        settings = {
            "nonbondedMethod": app.PME,
            "nonbondedCutoff": CUTOFF_NM * unit.nanometer,
            "hydrogenMass": HEAVY_HYDROGEN_DA * unit.dalton if params.heavy_hydrogens else None,
        }
    system = force_field.createSystem(
        topology,
        constraints=app.HBonds if is_constrained(params) else None,
        removeCMMotion=False,
        **settings,
    )
    if environment(params) == "implicit" and params.implicit_model == "OBC2":
        compile_obc2(system)
    return system


def compile_obc2(system: Any) -> None:
    """Put OpenMM's compiled OBC2 force for the formulas that the force field file spells out.

    The energy is the same, and the CPU platform is six times as fast.
    """
    from openmm import CustomGBForce, GBSAOBCForce

    forces = system.getForces()
    index = next(i for i, force in enumerate(forces) if isinstance(force, CustomGBForce))
    compiled = GBSAOBCForce()
    compiled.setNonbondedMethod(GBSAOBCForce.NoCutoff)
    compiled.setSoluteDielectric(SOLUTE_DIELECTRIC)
    compiled.setSolventDielectric(SOLVENT_DIELECTRIC)
    for particle in range(forces[index].getNumParticles()):
        charge, radius, scaled = forces[index].getParticleParameters(particle)
        compiled.addParticle(charge, radius + OBC_OFFSET_NM, scaled / radius)
    system.removeForce(index)
    system.addForce(compiled)


def _in_nm(positions: Any) -> Any:
    import numpy as np
    from openmm import unit

    return np.array(positions.value_in_unit(unit.nanometer))
