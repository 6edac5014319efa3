"""What a worker imports once is not imported by each of its jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ENGINES = ("ase", "openmm", "pdbfixer", "pyscf", "qcelemental", "rdkit", "scipy")
"""Of tblite's the rest loads in no time, and begins threads that must not be forked."""
WATER = "3\n\nO 0.0 0.0 0.1173\nH 0.0 0.7572 -0.4692\nH 0.0 -0.7572 -0.4692"
DIAMOND = {"structure": "diamond", "task": "single_point", "basis": "gth-szv-molopt-sr"}
RUN = f"""
import json, sys
from pathlib import Path
import simulations
from simulations.command.context import DirectoryContext
from simulations.execution import execute
name, params, folder = sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3])
simulations.preload(name)
ahead = set(sys.modules)
with (folder / "job.log").open("w") as log:
    execute(name, params, DirectoryContext(folder, log))
late = {{module for module in set(sys.modules) - ahead if module.split(".")[0] in {ENGINES}}}
print(json.dumps(sorted(late)))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("dft_single_point", {"structure": WATER, "basis": "sto-3g", "cubes": ["homo"]}),
        ("dft_frequencies", {"structure": "O", "basis": "sto-3g"}),
        ("dft_crystal", {**DIAMOND, "ke_cutoff_hartree": 40}),
        ("md_simulation", {"structure": "CCO", "length_ps": 0.05, "equilibration_ps": 0.01}),
    ],
)
def test_a_run_imports_nothing_of_its_engines(
    name: str, params: dict[str, Any], tmp_path: Path
) -> None:
    argv = [sys.executable, "-c", RUN, name, json.dumps(params), str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
