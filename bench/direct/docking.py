"""`docking.py SETTINGS.json`: a ligand into a box by AutoDock Vina, both prepared with Meeko."""

import json
import sys
from pathlib import Path

import meeko
from rdkit import Chem
from rdkit.Chem import AllChem
from vina import Vina


def receptor_of(pdb: str) -> str:
    polymer = meeko.Polymer.from_pdb_string(pdb, allow_bad_res=True)
    return str(meeko.PDBQTWriterLegacy.write_from_polymer(polymer)[0])


def ligand_of(smiles: str) -> str:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=42)
    AllChem.MMFFOptimizeMolecule(mol)
    setup = meeko.MoleculePreparation(rigid_macrocycles=True).prepare(mol)[0]
    return str(meeko.PDBQTWriterLegacy.write_string(setup)[0])


def main() -> None:
    asked = json.loads(Path(sys.argv[1]).read_text())
    Path("script_receptor.pdbqt").write_text(receptor_of(Path(asked["receptor"]).read_text()))
    vina = Vina(sf_name="vina", cpu=asked["threads"], seed=42, verbosity=1)
    vina.set_receptor("script_receptor.pdbqt")
    vina.set_ligand_from_string(ligand_of(asked["ligand"]))
    vina.compute_vina_maps(center=asked["center"], box_size=asked["size"])
    vina.dock(exhaustiveness=asked["exhaustiveness"], n_poses=9)
    vina.write_poses("poses.pdbqt", n_poses=9, energy_range=3.0, overwrite=True)
    print(json.dumps({"figure": float(vina.energies(n_poses=1)[0][0])}))


if __name__ == "__main__":
    main()
