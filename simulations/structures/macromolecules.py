"""Proteins and nucleic acids from PDB and mmCIF: what is in them, and what is not.

gemmi reads both. It also accepts what is neither, so that lines and counts are looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import isfinite
from typing import Any

from .cif import where
from .model import Macromolecule, Structure

MAX_ATOMS = 100_000
LONGEST_PEPTIDE_BOND_ANGSTROM = 2.2
LONGEST_PHOSPHATE_BOND_ANGSTROM = 2.5
MAX_TOLD = 12


class MacromoleculeError(ValueError):
    """What is wrong, in a clause that names the line where there is one."""


def read(text: str, format: str) -> Structure:
    """:raises MacromoleculeError: it holds no polymer, or no atoms at all."""
    found = parse(text, format)
    model = found[0]
    polymers = [residue for chain in model for residue in chain if _is_polymer(residue)]
    if not polymers:
        raise MacromoleculeError(
            "it has no amino acid or nucleotide; give a small molecule as SMILES or as an SD file"
        )
    waters = [residue for chain in model for residue in chain if residue.is_water()]
    told = Macromolecule(
        pdb=text if format == "pdb" else pdb_text(found),
        chains=tuple(_named(chain) for chain in model if any(map(_is_polymer, chain))),
        n_residues=len(polymers),
        n_waters=len(waters),
        ligands=tuple(_labels(model, lambda r: not (_is_polymer(r) or r.is_water()))),
        alternates=tuple(_labels(model, _has_alternates)),
        missing=tuple(_missing(found)),
        breaks=tuple(_breaks(model)),
        n_models=len(found),
    )
    atoms = [atom for chain in model for residue in chain for atom in residue.first_conformer()]
    kind = "mmCIF" if format == "mmcif" else "PDB"
    return Structure(
        kind="macromolecule",
        reading=f"read as {kind}: {_content(told)}",
        symbols=tuple("H" if a.element.name == "D" else a.element.name for a in atoms),
        macromolecule=told,
        warnings=tuple(_warnings(told)),
    )


def as_pdb(text: str, format: str) -> str:
    """The text of a PDB file with the same atoms.

    :raises MacromoleculeError: it is mmCIF, and cannot be read.
    """
    return pdb_text(parse(text, "mmcif")) if format == "mmcif" else text


def parse(text: str, format: str) -> Any:
    """gemmi's structure, its entities set, with one atom at least and none out of reach.

    :raises MacromoleculeError: naming the line where there is one.
    """
    import gemmi

    if format == "pdb":
        _refuse_bad_lines(text)
    try:
        found = gemmi.read_pdb_string(text) if format == "pdb" else _from_mmcif(text)
    # gemmi raises either of the two, for syntax as for numbers.
    except (ValueError, RuntimeError) as exc:
        raise MacromoleculeError(where(str(exc))) from exc
    n_atoms = found[0].count_atom_sites() if len(found) else 0
    if n_atoms == 0:
        raise MacromoleculeError("it holds no atoms: paste the text of the file")
    if n_atoms > MAX_ATOMS:
        raise MacromoleculeError(f"it holds {n_atoms} atoms, more than the {MAX_ATOMS} read here")
    found.setup_entities()
    _refuse_impossible(found[0])
    return found


def _from_mmcif(text: str) -> Any:
    import gemmi

    document = gemmi.cif.read_string(text)
    with_atoms = [block for block in document if block.find_values("_atom_site.Cartn_x")]
    if not with_atoms:
        raise MacromoleculeError(
            "it lists no atoms by Cartesian coordinates (_atom_site.Cartn_x, Cartn_y and Cartn_z)"
        )
    return gemmi.make_structure_from_block(with_atoms[0])


def _refuse_bad_lines(text: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("ATOM  ", "HETATM")):
            try:
                values = [float(line[start : start + 8]) for start in (30, 38, 46)]
            except ValueError:
                raise MacromoleculeError(
                    f"line {number} has no coordinates in columns 31-54"
                ) from None
            if not all(isfinite(value) and abs(value) < 1e4 for value in values):
                raise MacromoleculeError(f"line {number} has a coordinate outside ±10,000 Å")


def _refuse_impossible(model: Any) -> None:
    for chain in model:
        for residue in chain:
            for atom in residue:
                if not all(isfinite(v) and abs(v) < 1e4 for v in atom.pos.tolist()):
                    raise MacromoleculeError(
                        f"atom {atom.name} of {_label(chain, residue)} has a coordinate that is "
                        "no position in Å"
                    )
                if atom.element.atomic_number == 0:
                    raise MacromoleculeError(
                        f"atom {atom.name} of {_label(chain, residue)} names no element"
                    )


def pdb_text(found: Any) -> str:
    """The atoms as a PDB file has them, chains and residues named in its columns."""
    import gemmi

    written = found.clone()
    while len(written) > 1:
        del written[-1]
    written.shorten_chain_names()
    written.shorten_ccd_codes()
    # Without a cell: readers would take gemmi's default, 1 Å, for a box.
    options = gemmi.PdbWriteOptions(minimal=True, cryst1_record=False, end_record=True)
    return str(written.make_pdb_string(options))


def _is_polymer(residue: Any) -> bool:
    import gemmi

    known = gemmi.find_tabulated_residue(residue.name)
    return bool(known.is_amino_acid() or known.is_nucleic_acid())


def _has_alternates(residue: Any) -> bool:
    return any(atom.altloc != "\0" for atom in residue)


def _labels(model: Any, wanted: Any) -> Iterator[str]:
    for chain in model:
        for residue in chain:
            if wanted(residue):
                yield _label(chain, residue)


def _label(chain: Any, residue: Any) -> str:
    return f"{residue.name} {_named(chain)}:{residue.seqid}"


def _named(chain: Any) -> str:
    """PDB files may leave a chain without a name."""
    return chain.name.strip() or "unnamed"


def _missing(found: Any) -> Iterator[str]:
    """For each chain whose sequence the file gives: how many of it nobody saw."""
    for chain in found[0]:
        polymer = chain.get_polymer()
        entity = found.get_entity_of(polymer) if len(polymer) else None
        if entity is not None and entity.full_sequence:
            seen = len({str(residue.seqid) for residue in polymer})
            lost = len(entity.full_sequence) - seen
            if lost > 0:
                yield f"{_named(chain)}: {lost} of {len(entity.full_sequence)}"


def _breaks(model: Any) -> Iterator[str]:
    for chain in model:
        for one, two in pairwise(chain.get_polymer().first_conformer()):
            if _is_break(one, two):
                yield f"{_named(chain)}:{one.seqid}–{_named(chain)}:{two.seqid}"


def _is_break(one: Any, two: Any) -> bool:
    for last, first, limit in (
        ("C", "N", LONGEST_PEPTIDE_BOND_ANGSTROM),
        ("O3'", "P", LONGEST_PHOSPHATE_BOND_ANGSTROM),
    ):
        before, after = one.find_atom(last, "*"), two.find_atom(first, "*")
        if before and after:
            return bool(before.pos.dist(after.pos) > limit)
    return False


def _content(told: Macromolecule) -> str:
    chains = f"{_count(len(told.chains), 'chain')} ({', '.join(told.chains)})"
    parts = [f"{_count(told.n_residues, 'residue')} in {chains}"]
    if told.n_waters:
        parts.append(_count(told.n_waters, "water"))
    if told.ligands:
        parts.append(_count(len(told.ligands), "ligand or ion", "ligands and ions"))
    return ", ".join(parts)


def _warnings(told: Macromolecule) -> Iterator[str]:
    if told.n_models > 1:
        yield f"The file has {told.n_models} models: the first is taken."
    if told.alternates:
        yield f"Some atoms are in alternate locations: {_some(told.alternates)}."
    if told.missing:
        yield f"Residues of the sequence are missing: {_some(told.missing)}."
    if told.breaks:
        yield f"Chains are broken at {_some(told.breaks)}."


def _some(items: tuple[str, ...]) -> str:
    more = len(items) - MAX_TOLD
    return ", ".join(items[:MAX_TOLD]) + (f" and {more} more" if more > 0 else "")


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"
