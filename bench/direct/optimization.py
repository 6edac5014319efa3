"""`optimization.py SETTINGS.json`: a molecule's geometry by PySCF and geomeTRIC as they come.

RDKit's first 3D structure, relaxed by MMFF94; every integral exact; the defaults of everything.
"""

import json
import sys
from pathlib import Path

from pyscf import dft, gto, lib
from pyscf.geomopt.geometric_solver import optimize
from rdkit import Chem
from rdkit.Chem import AllChem


def main() -> None:
    asked = json.loads(Path(sys.argv[1]).read_text())
    lib.num_threads(asked["threads"])
    start = Chem.AddHs(Chem.MolFromSmiles(asked["smiles"]))
    AllChem.EmbedMolecule(start, randomSeed=42)
    AllChem.MMFFOptimizeMolecule(start)
    symbols = [atom.GetSymbol() for atom in start.GetAtoms()]
    atoms = list(zip(symbols, start.GetConformer().GetPositions().tolist(), strict=True))
    mol = gto.M(atom=atoms, basis=asked["basis"], verbose=0)
    mf = dft.RKS(mol, xc=asked["xc"])
    mf.disp = "d3bj"
    found = optimize(mf).atom_coords(unit="Angstrom")
    print(json.dumps({"symbols": symbols, "positions_angstrom": found.tolist()}))


if __name__ == "__main__":
    main()
