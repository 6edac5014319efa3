"""A system ready to move, and its files: a later attempt goes on with exactly the same one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulations.base import Note

SYSTEM_NAME = "system.xml"
TOPOLOGY_NAME = "topology.pdb"
POSITIONS_NAME = "prepared.npy"
NOTES_NAME = "prepared.json"
FILES = (SYSTEM_NAME, TOPOLOGY_NAME, POSITIONS_NAME, NOTES_NAME)
SOLVENT = frozenset({"HOH", "NA", "CL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An OpenMM system without thermostat or barostat, and where its atoms start, in nm."""

    system: Any
    topology: Any
    positions: Any
    notes: Sequence[Note]

    @property
    def n_atoms(self) -> int:
        return int(self.system.getNumParticles())

    @property
    def periodic(self) -> bool:
        return bool(self.system.usesPeriodicBoundaryConditions())

    def element_masses_da(self) -> Any:
        """Of each atom as nature has it, also where hydrogens were made heavier."""
        import numpy as np
        from openmm import unit

        masses = [atom.element.mass for atom in self.topology.atoms()]
        return np.array([mass.value_in_unit(unit.dalton) for mass in masses])

    def heavy_solute(self) -> list[int]:
        """Atoms whose motion the RMSD tells of: all but hydrogens, water and ions."""
        return [
            atom.index
            for atom in self.topology.atoms()
            if atom.element.symbol != "H" and atom.residue.name not in SOLVENT
        ]


def store(prepared: Prepared, workdir: Path) -> None:
    import numpy as np
    from openmm import XmlSerializer

    (workdir / SYSTEM_NAME).write_text(XmlSerializer.serialize(prepared.system))
    write_pdb(prepared, prepared.positions, workdir / TOPOLOGY_NAME)
    np.save(workdir / POSITIONS_NAME, prepared.positions)
    notes = [asdict(note) for note in prepared.notes]
    (workdir / NOTES_NAME).write_text(json.dumps(notes))


def load(directory: Path) -> Prepared:
    """:raises OSError, ValueError: it was not written to its end."""
    from openmm import OpenMMException

    try:
        return _load(directory)
    except (EOFError, OpenMMException) as exc:
        raise ValueError(str(exc)) from None


def _load(directory: Path) -> Prepared:
    import numpy as np
    from openmm import XmlSerializer
    from openmm.app import PDBFile

    return Prepared(
        system=XmlSerializer.deserialize((directory / SYSTEM_NAME).read_text()),
        topology=PDBFile(str(directory / TOPOLOGY_NAME)).topology,
        positions=np.load(directory / POSITIONS_NAME),
        notes=[Note(**note) for note in json.loads((directory / NOTES_NAME).read_text())],
    )


def write_pdb(prepared: Prepared, positions_nm: Any, path: Path, box: Any = None) -> None:
    """:param box: the periodic box of now, where it is not that of the start."""
    from openmm import unit
    from openmm.app import PDBFile

    if box is not None:
        prepared.topology.setPeriodicBoxVectors(box)
    with path.open("w") as stream:
        PDBFile.writeFile(prepared.topology, positions_nm * unit.nanometer, stream, keepIds=True)
