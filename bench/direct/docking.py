"""`docking.py SETTINGS.json`: one ligand into one box by AutoDock Vina, both prepared before."""

import json
import sys
from pathlib import Path

from vina import Vina


def main() -> None:
    asked = json.loads(Path(sys.argv[1]).read_text())
    vina = Vina(sf_name="vina", cpu=asked["threads"], seed=42, verbosity=1)
    vina.set_receptor(asked["receptor"])
    vina.set_ligand_from_file(asked["ligand"])
    vina.compute_vina_maps(center=asked["center"], box_size=asked["size"])
    vina.dock(exhaustiveness=asked["exhaustiveness"], n_poses=9)
    vina.write_poses("poses.pdbqt", n_poses=9, energy_range=3.0, overwrite=True)
    print(json.dumps({"figure": float(vina.energies(n_poses=1)[0][0])}))


if __name__ == "__main__":
    main()
