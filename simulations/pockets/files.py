"""The files a docking leaves for its user."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any

from simulations.base import Context
from simulations.workdir import write_json

from .params import Contact, DockedPose, DockingBox
from .poses import Pose
from .receptor import PreparedReceptor

RECEPTOR_NAME = "receptor.pdbqt"
LIGAND_NAME = "ligand.pdbqt"
PDB_TYPE = "chemical/x-pdb"


def write_receptor(context: Context, receptor: PreparedReceptor, box: DockingBox) -> None:
    _write(context, RECEPTOR_NAME, "Receptor as Vina reads it", receptor.pdbqt, "chemical/x-pdbqt")
    name = "receptor_prepared.pdb"
    _write(context, name, "Prepared receptor", receptor.pdb, PDB_TYPE)
    write_json(context.workdir / "box.json", box.model_dump(mode="json"))
    context.artifact("box.json", "Search box", "application/json")


def _write(context: Context, name: str, title: str, text: str, media_type: str) -> None:
    (context.workdir / name).write_text(text)
    context.artifact(name, title, media_type)


def write_poses(
    context: Context, receptor: PreparedReceptor, poses: Sequence[Pose], docked: list[DockedPose]
) -> None:
    pairs = list(zip(poses, docked, strict=True))
    sdf = "".join(_sdf(pose.mol, about) for pose, about in pairs)
    _write(context, "poses.sdf", "Poses", sdf, "chemical/x-mdl-sdfile")
    pdbqt = "".join(_pdbqt(pose.model, about) for pose, about in pairs)
    _write(context, "poses.pdbqt", "Poses as Vina writes them", pdbqt, "chemical/x-pdbqt")
    alone = receptor.pdb.removesuffix("END\n")
    both = f"{alone}{_hetatm(poses[0].mol, len(alone.splitlines()))}END\n"
    _write(context, "complex_best.pdb", "Receptor with the best pose", both, PDB_TYPE)


def _sdf(mol: Any, about: DockedPose) -> str:
    from rdkit import Chem

    fields = about.model_dump(exclude_none=True)
    data = "".join(f">  <{name}>\n{value}\n\n" for name, value in fields.items())
    return f"{Chem.MolToMolBlock(mol)}{data}$$$$\n"


def _pdbqt(model: str, about: DockedPose) -> str:
    """The model with its rank and score among all poses in the place of those in its search."""
    head = (
        f"MODEL {about.rank}\n"
        f"REMARK VINA RESULT: {about.score_kcal_per_mol:9.3f}"
        f" {about.rmsd_to_best_angstrom:10.3f} {about.rmsd_to_best_angstrom:10.3f}\n"
    )
    own = ("MODEL", "REMARK VINA", "REMARK INT", "REMARK UNBOUND")
    return head + "".join(line for line in model.splitlines(True) if not line.startswith(own))


def _hetatm(mol: Any, n_before: int) -> str:
    """The ligand's atom lines, numbered after those before them."""
    from rdkit import Chem

    named = Chem.Mol(mol)
    for atom in named.GetAtoms():
        name = f"{atom.GetSymbol()}{atom.GetIdx() + 1}"
        info = Chem.AtomPDBResidueInfo(f"{name:<4}", residueName="LIG", residueNumber=1)
        info.SetIsHeteroAtom(True)
        atom.SetMonomerInfo(info)
    lines = [x for x in Chem.MolToPDBBlock(named).splitlines(True) if x.startswith("HETATM")]
    return "".join(f"{x[:6]}{n_before + i:5d}{x[11:]}" for i, x in enumerate(lines, start=1))


def write_contacts(context: Context, contacts: list[Contact]) -> None:
    columns = list(Contact.model_fields)
    with (context.workdir / "contacts.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, columns)
        rows.writeheader()
        rows.writerows(contact.model_dump() for contact in contacts)
    context.artifact("contacts.csv", "Contacts", "text/csv")
