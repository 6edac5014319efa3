"""`dft.py SETTINGS.json`: one Kohn-Sham energy by PySCF, and what one wants to know beside it."""

import json
import sys
from pathlib import Path

from pyscf import dft, gto, lib


def main() -> None:
    asked = json.loads(Path(sys.argv[1]).read_text())
    lib.num_threads(asked["threads"])
    mol = gto.M(atom=asked["xyz"], basis=asked["basis"], verbose=4, output="dft.log")
    mf = dft.RKS(mol, xc=asked["xc"]).density_fit()
    mf.disp = "d3bj"
    mf.conv_tol = 1e-9
    mf.chkfile = "dft.chk"
    energy_hartree = mf.kernel()
    mf.dip_moment()
    mf.mulliken_meta()
    print(json.dumps({"figure": energy_hartree}))


if __name__ == "__main__":
    main()
