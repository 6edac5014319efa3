"""What a receptor's file holds that is not docked into, and what it lacks."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.base import Note

from .pdb import PdbFile

MOST_LISTED = 12


def notes_on_file(pdb: PdbFile, missing: Sequence[str]) -> list[Note]:
    """Known as soon as the file is read, one note for each kind of thing.

    :param missing: residues that the file's sequence names and nobody saw, by chain.
    """
    n_waters = len(pdb.of_kind("water"))
    docked_into = pdb.of_kind("polymer", "metal")
    told = {
        "waters_removed": n_waters and f"{_waters(n_waters)} taken out.",
        "alternate_locations": listed(
            "Alternate locations, the most occupied taken",
            [f"{residue.label}: {residue.altloc}" for residue in docked_into if residue.altloc],
        ),
        "chain_gaps": listed("Residues are missing between", pdb.gaps()),
        "residues_missing": listed("Residues of the sequence that nobody saw", missing),
    }
    return [Note(code=code, message=message) for code, message in told.items() if message]


def _waters(count: int) -> str:
    return "1 water is" if count == 1 else f"{count} waters are"


def listed(lead: str, things: Sequence[str]) -> str:
    """A sentence with the first of them; empty for none."""
    if not things:
        return ""
    more = f" and {len(things) - MOST_LISTED} more" if len(things) > MOST_LISTED else ""
    return f"{lead}: {', '.join(things[:MOST_LISTED])}{more}."
