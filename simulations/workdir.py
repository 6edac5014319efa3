"""The files by which a simulation's directory tells what is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MANIFEST_NAME = "artifacts.json"
PREVIOUS_NAME = ".previous"
"""The folder in which a run finds what an earlier attempt had written."""

SCRATCH_NAME = ".scratch"
"""Where the temporary files of a run go; they are nobody's to inherit."""
SIMULATION_NAME = "simulation"
"""What is to be run there, for a script that runs many."""
CLAIM_NAME = "claimed"
"""Made by the first that runs there, and never again: whatever is started twice ends at once."""
OUTPUT_NAME = "slurm.out"


class Manifest:
    """The list of files that a simulation wants its user to have."""

    def __init__(self, workdir: Path) -> None:
        self._path = workdir / MANIFEST_NAME
        self._entries: list[dict[str, str]] = []

    def add(self, name: str, title: str, media_type: str) -> None:
        self._entries.append({"name": name, "title": title, "media_type": media_type})
        write_json(self._path, self._entries)


def declared_names(workdir: Path) -> set[str]:
    """The files of the list; none if nothing was declared."""
    path = workdir / MANIFEST_NAME
    return {entry["name"] for entry in json.loads(path.read_text())} if path.exists() else set()


def write_json(path: Path, data: Any) -> None:
    """Rename into place, so that a reader never meets half a file."""
    scratch = path.with_name(f".{path.name}")
    scratch.write_text(json.dumps(data))
    scratch.replace(path)
