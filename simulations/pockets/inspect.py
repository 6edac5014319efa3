"""Does the input make sense? Asked when a job is submitted, without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulations.base import Checked, Note
from simulations.errors import FieldError, InvalidParams, ScienceError
from simulations.structures import StructureInput, resolve
from simulations.structures.macromolecules import MacromoleculeError, as_pdb

from .box import (
    EDGE_PER_GYRATION,
    LARGE_VOLUME_ANGSTROM3,
    Box,
    refusal,
    refuse_small,
    understand_box,
)
from .file_notes import notes_on_file
from .ligand import FIELD, MANY_TORSIONS, Ligand, embed, understand_ligand
from .mending import cut_side_chains, mend
from .params import DockingParams, ReceptorParams
from .pdb import PdbError, PdbFile, parse

RECEPTOR = "receptor_pdb"
EMBEDDING_SEED = 42
"""For the size of the ligand only."""

SCORE_MEANING = Note(
    code="score_meaning",
    message="Scores rank poses; they are no measured binding energies, and differ from those by "
    "some 2 kcal/mol.",
)
RIGID_RECEPTOR = Note(
    code="rigid_receptor",
    message="The receptor is rigid and dry: side chains do not give way, and no water takes part.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A receptor as it was given, and the box on it.

    :param missing: residues that its sequence names and nobody saw, `A: 12 of 154`.
    """

    pdb: PdbFile
    box: Box
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Docking:
    """A ligand that fits a box on a receptor."""

    ligand: Ligand
    site: Site
    gyration: float


def understand_site(params: ReceptorParams) -> Site:
    """:raises InvalidParams: no receptor, or no box on it."""
    try:
        pdb = parse(_text_of(params.receptor_pdb))
    except PdbError as exc:
        raise refusal(RECEPTOR, "unreadable_pdb", f"{exc}.") from None
    if not pdb.of_kind("polymer"):
        detail = "The receptor has no amino acid or nucleotide."
        raise refusal(RECEPTOR, "no_receptor", detail)
    box = understand_box(params, pdb)
    return Site(pdb=pdb, box=box, missing=_missing(params.receptor_pdb))


def _missing(receptor: StructureInput) -> tuple[str, ...]:
    try:
        found = resolve(receptor).macromolecule
    except InvalidParams:
        return ()  # it was read above, by rules that are less strict
    return found.missing if found else ()


def _text_of(receptor: StructureInput) -> str:
    """The receptor's text as a PDB file, or whatever it is, for the parser to complain of.

    :raises InvalidParams: it is a molecule or a crystal, or mmCIF that cannot be read.
    """
    if receptor.is_macromolecule:
        try:
            return as_pdb(receptor.text, receptor.likely_format)
        except MacromoleculeError as exc:
            raise refusal(RECEPTOR, "unreadable_mmcif", f"As mmCIF: {exc}.") from None
    try:
        found = resolve(receptor)
    except InvalidParams:
        return receptor.text  # the parser says what a PDB file would have
    detail = (
        f"{found.sentence} That is a {found.kind}; a receptor is a protein or nucleic acid, as PDB "
        "or mmCIF. What is to be docked goes into ligand."
    )
    raise refusal(RECEPTOR, f"is_{found.kind}", detail)


def understand(params: DockingParams) -> Docking:
    """:raises InvalidParams: with what is wrong of ligand and receptor at once."""
    errors: list[FieldError] = []
    try:
        ligand = understand_ligand(params.ligand)
    except InvalidParams as refused:
        errors += refused.errors
    try:
        site = understand_site(params)
    except InvalidParams as refused:
        errors += refused.errors
    if errors:
        raise InvalidParams(errors)
    gyration = gyration_of(ligand)
    refuse_small(site.box, gyration, params)
    return Docking(ligand=ligand, site=site, gyration=gyration)


def gyration_of(ligand: Ligand) -> float:
    """Radius of gyration of one conformation, in Å.

    :raises InvalidParams: the molecule has no 3D.
    """
    import numpy as np
    from rdkit import Chem

    try:
        mol = Chem.RemoveHs(embed(ligand.smiles, EMBEDDING_SEED))
    except ScienceError as exc:
        raise refusal(FIELD, "no_3d", f"{exc} {' '.join(exc.hints)}") from None
    positions = mol.GetConformer().GetPositions()
    centred = positions - positions.mean(axis=0)
    return float(np.sqrt((centred**2).sum(axis=1).mean()))


def inspect_docking(params: DockingParams) -> Checked:
    docking = understand(params)
    return Checked(params={}, notes=notes_on(docking), structure=docking.ligand.structure.as_dict())


def notes_on(docking: Docking) -> list[Note]:
    """What was understood, and what to be wary of."""
    return [
        *_ligand_notes(docking.ligand),
        *site_notes(docking.site),
        *_fit_notes(docking),
        RIGID_RECEPTOR,
        SCORE_MEANING,
    ]


def _ligand_notes(ligand: Ligand) -> Iterator[Note]:
    yield Note(code="structure", message=ligand.structure.sentence)
    for warning in ligand.structure.warnings:
        yield Note(code="structure_warning", message=warning)
    charge = ligand.structure.charge
    yield Note(
        code="protonation",
        message=f"The ligand is docked as written, with charge {charge:+d}: no pKa is computed."
        if charge
        else "The ligand is docked as written, neutral: no pKa is computed.",
    )
    if ligand.structure.positions_angstrom:
        message = "The ligand's coordinates are not used: its 3D is made anew from its bonds."
        yield Note(code="coordinates_not_used", message=message)
    if ligand.n_rotatable > MANY_TORSIONS:
        message = (
            f"The ligand has {ligand.n_rotatable} rotatable bonds: beyond {MANY_TORSIONS} docking "
            "often misses the right pose; search more exhaustively and distrust it."
        )
        yield Note(code="many_torsions", message=message)
    if ligand.largest_ring > 6:
        message = f"Its ring of {ligand.largest_ring} atoms keeps its generated conformation."
        yield Note(code="rigid_ring", message=message)


def site_notes(site: Site) -> list[Note]:
    return [
        *_box_notes(site.box),
        *_pdb_notes(site),
        *notes_on_file(site.pdb, site.missing),
    ]


def _box_notes(box: Box) -> Iterator[Note]:
    size = " × ".join(f"{edge:.1f}" for edge in box.size)
    yield Note(code="box", message=f"The box is {size} Å, defined by {box.defined_by}.")
    if box.marker and box.n_like_marker:
        message = (
            f"{box.marker.name} is there {box.n_like_marker + 1} times: {box.marker.key} marks the "
            "site. Name another by its place."
        )
        yield Note(code="several_markers", message=message)
    if box.volume > LARGE_VOLUME_ANGSTROM3:
        message = (
            f"The box holds {box.volume:,.0f} Å³, more than {LARGE_VOLUME_ANGSTROM3:,.0f}: raise "
            "the exhaustiveness, or shrink it."
        )
        yield Note(code="large_box", message=message)


def _pdb_notes(site: Site) -> Iterator[Note]:
    if site.pdb.n_models > 1:
        message = f"The file has {site.pdb.n_models} models: the first is docked into."
        yield Note(code="several_models", message=message)
    at_site = [r for r in site.pdb.residues if r is not site.box.marker and site.box.touches(r)]
    whole = [residue for residue in at_site if residue.kind == "polymer"]
    cut = cut_side_chains(whole, [mend(residue) for residue in whole])
    if cut:
        message = (
            f"Side chains at the site lack atoms in the file: {', '.join(cut)}. Poses may lie "
            "where these atoms would be."
        )
        yield Note(code="side_chains_cut_at_site", message=message)
    lost = [residue.label for residue in at_site if residue.kind == "hetero"]
    if lost:
        message = (
            f"Taken out of the box, as there are no parameters for it: {', '.join(lost)}. If it is "
            "a cofactor, poses may lie where it is."
        )
        yield Note(code="hetero_in_box", message=message)


def _fit_notes(docking: Docking) -> Iterator[Note]:
    usual = EDGE_PER_GYRATION * docking.gyration
    if min(docking.site.box.size) < usual:
        message = f"The box is narrow for this ligand: edges of {usual:.0f} Å are usual."
        yield Note(code="narrow_box", message=message)
