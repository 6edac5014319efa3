"""What each pose touches in the receptor, by ProLIF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import engines
from .params import Contact
from .poses import Pose

KINDS = {
    "Hydrophobic": "hydrophobic",
    "HBAcceptor": "hydrogen bond, ligand accepts",
    "HBDonor": "hydrogen bond, ligand donates",
    "PiStacking": "π stacking",
    "Anionic": "salt bridge, ligand negative",
    "Cationic": "salt bridge, ligand positive",
    "CationPi": "cation-π, ligand positive",
    "PiCation": "cation-π, receptor positive",
    "XBDonor": "halogen bond, ligand donates",
    "XBAcceptor": "halogen bond, ligand accepts",
    "MetalAcceptor": "metal, ligand coordinates",
    "VdWContact": "van der Waals",
}


def find_contacts(polymer: Any, poses: Sequence[Pose]) -> list[Contact]:
    """Every kind of contact of every pose with every residue, the shortest of each."""
    prolif = engines.prolif()
    fingerprint = prolif.Fingerprint(list(KINDS), count=True)
    ligands = [prolif.Molecule.from_rdkit(pose.mol) for pose in poses]
    receptor = prolif.Molecule(_labelled(polymer))
    fingerprint.run_from_iterable(ligands, receptor, progress=False, n_jobs=1)
    found = [
        Contact(
            rank=frame + 1,
            residue=_label(residue),
            kind=KINDS[kind],
            distance_angstrom=round(min(one["distance"] for one in met), 2),
        )
        for frame, pairs in fingerprint.ifp.items()
        for (_, residue), kinds in pairs.items()
        for kind, met in kinds.items()
    ]
    return sorted(found, key=lambda c: (c.rank, c.distance_angstrom, c.residue, c.kind))


def _label(residue: Any) -> str:
    return f"{residue.name} {residue.chain or ''}:{residue.number}"


def _labelled(polymer: Any) -> Any:
    """Meeko's receptor as one molecule whose atoms know their residue, as ProLIF wants it."""
    from rdkit import Chem

    for key, monomer in polymer.get_valid_monomers().items():
        chain, place = key.split(":")
        number, insertion = (place[:-1], place[-1]) if place[-1].isalpha() else (place, "")
        for atom, name in zip(monomer.rdkit_mol.GetAtoms(), monomer.atom_names, strict=True):
            atom.SetMonomerInfo(
                Chem.AtomPDBResidueInfo(
                    f" {name:<3.3}",
                    residueName=monomer.input_resname,
                    residueNumber=int(number),
                    chainId=chain,
                    insertionCode=insertion,
                )
            )
    mol = polymer.to_rdkit_mol()
    Chem.SanitizeMol(mol)
    return mol
