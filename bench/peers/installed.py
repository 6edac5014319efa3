"""Where peers are installed that are no packages of ours: each in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

SCIENCE = ("rdkit", "tblite", "geometric", "spglib", "ase", "qcelemental", "pyscf")
"""What `xtb_optimization` needs, for a peer that runs it."""
PINNED = tuple(f"{name}=={version(name)}" for name in SCIENCE)
PREFECT = ("prefect==3.9.1", *PINNED)
AIIDA = ("aiida-core==2.9.4", *PINNED)
SNOWFLAKE = (
    "qcfractal==0.71", "qcfractalcompute==0.71", "qcportal==0.71", "qcengine==0.52.0",
    "xtb==22.1", f"geometric=={version('geometric')}",
)  # fmt: skip
MARK = "pins.json"


def python_of(place: Path, pins: Sequence[str]) -> str | None:
    """None where these are not installed.

    :param pins: none, and it is the Python that runs this.
    """
    if not pins:
        return sys.executable
    mark = place / MARK
    is_there = mark.exists() and json.loads(mark.read_text()) == [*pins]
    return str(place / "bin" / "python") if is_there else None


def install(place: Path, pins: Sequence[str]) -> None:
    """Anew, if it is not there as it should be."""
    if python_of(place, pins):
        return
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, str(place)], check=True)
    python = str(place / "bin" / "python")
    subprocess.run([*uv, "pip", "install", "--python", python, *pins], check=True)
    (place / MARK).write_text(json.dumps([*pins]))
