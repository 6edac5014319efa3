"""The shapes that a flexible molecule takes, ranked."""

from __future__ import annotations

import time

from simulations import presets
from simulations.base import Checked, Context, Plot, Readout, simulation
from simulations.errors import FieldError, InvalidParams
from simulations.quantum.inspect import Molecule, checked, refuse_single_atom
from simulations.quantum.params import NoteInResult
from simulations.quantum.properties import as_json
from simulations.tightbinding.conformer_params import (
    ConformerSearchParams,
    ConformerSearchResult,
    notes_on_search,
)
from simulations.tightbinding.conformers import Ensemble
from simulations.tightbinding.paragraph import conformers
from simulations.tightbinding.params import understand_xtb, versions
from simulations.tightbinding.search import ConformerSearch
from simulations.tightbinding.size import CONFORMERS


def inspect(params: ConformerSearchParams) -> Checked:
    """A molecule of known bonds, of more than one atom."""
    molecule = _molecule(params)
    return checked(molecule, notes_on_search(molecule, params))


def _molecule(params: ConformerSearchParams) -> Molecule:
    molecule = understand_xtb(params)
    refuse_single_atom(molecule, "conformers", "dft_single_point")
    if molecule.structure.smiles is None:
        detail = "Coordinates alone do not tell which bonds turn: give SMILES or a mol block."
        raise InvalidParams([FieldError(path=("structure",), code="no_bonds", detail=detail)])
    return molecule


@simulation(
    "conformer_search",
    version="2",
    title="Conformer search",
    aliases=("conformers", "conformer"),
    methods=conformers,
    requires=("rdkit", "tblite", "geometric"),
    leaves_nothing=True,
    cost=CONFORMERS,
    inspect=inspect,
    stages=("embed", "relax", "rank"),
    presets=presets.CONFORMERS,
    readouts=(
        Readout(key="lowest_energy_hartree", title="Lowest energy", unit="hartree", digits=7),
        Readout(key="conformer", title="Conformer", form="int"),
        Readout(key="trial", title="Trial", form="int"),
    ),
    plots=(
        Plot(
            x="rank",
            y="relative_kcal_mol",
            title="Conformers by energy",
            x_label="Rank",
            y_label="kcal/mol",
            caption="Energy of each distinct conformer above the lowest, after relaxation.",
        ),
        Plot(
            x="conformer",
            y="conformer_energy_hartree",
            title="Energies as they are found",
            x_label="Relaxed structure",
            y_label="E (hartree)",
            caption="Energy of each structure once it is relaxed; equal ones are one conformer.",
        ),
    ),
)
def run(params: ConformerSearchParams, context: Context) -> ConformerSearchResult:
    """Embeds many 3D structures, relaxes them with GFN-xTB, and ranks what is distinct."""
    started = time.monotonic()
    molecule = _molecule(params)
    ensemble = Ensemble(molecule.structure)
    search = ConformerSearch(molecule, params, ensemble, context)
    embedded = search.embed()
    candidates = search.candidates(embedded)
    relaxed = search.relax(candidates)
    ranked = search.rank(relaxed)
    rows = search.rows(ranked)
    titles = [f"conformer {row.rank} energy_hartree {row.energy_hartree:.10f}" for row in rows]
    ensemble.write(context, ranked, titles)
    notes = [*notes_on_search(molecule, params), *search.notes]
    result = ConformerSearchResult(
        energy_hartree=ranked[0].energy,
        conformers=rows,
        n_embedded=len(embedded),
        n_relaxed=len(relaxed),
        n_conformers=len(rows),
        temperature_k=params.temperature_k,
        method=params.label,
        formula=molecule.structure.formula,
        charge=molecule.charge,
        multiplicity=molecule.multiplicity,
        wall_time_s=round(time.monotonic() - started, 2),
        versions=versions(),
        notes=[NoteInResult(**note) for note in as_json(notes, params)],
    )
    search.progress.report(1.0, "done", stage="rank")
    return result
