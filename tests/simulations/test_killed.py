"""A run whose process is killed is gone on from by a fresh one: DFT and docking, as dynamics is in
test_md_restart."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from simulations.quantum.geometry import read_frames
from simulations.workdir import PREVIOUS_NAME

from .test_docking import EXAMPLE

pytestmark = [pytest.mark.slow, pytest.mark.engine]

STRETCHED = "3\n\nO 0 0 0.1173\nH 0 0.85 -0.55\nH 0 -0.85 -0.55"
FRAME_LINES = 5
Point = dict[str, Any]


def command(name: str, directory: Path) -> list[str]:
    return [sys.executable, "-m", "simulations", "exec", name, str(directory)]


def killed(
    name: str, params: dict[str, Any], directory: Path, when: Callable[[Point], bool]
) -> None:
    """Run it until it has told so much, and kill it without a warning."""
    directory.mkdir()
    (directory / "params.json").write_text(json.dumps(params))
    running = subprocess.Popen(command(name, directory), env=environment())
    give_up = time.monotonic() + 120
    while not any(map(when, points(directory))):
        assert running.poll() is None, "it ended before it was killed"
        assert time.monotonic() < give_up
        time.sleep(0.02)
    running.kill()
    running.wait()


def gone_on(name: str, params: dict[str, Any], lost: Path, directory: Path) -> dict[str, Any]:
    """The result of a fresh process that finds what the lost one left."""
    directory.mkdir()
    (directory / "params.json").write_text(json.dumps(params))
    lost.rename(directory / PREVIOUS_NAME)
    subprocess.run(command(name, directory), env=environment(), check=True, timeout=300)
    result: dict[str, Any] = json.loads((directory / "result.json").read_text())
    return result


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def points(directory: Path) -> list[Point]:
    path = directory / "progress.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def test_an_optimisation_goes_on_from_its_geometry_and_density(tmp_path: Path) -> None:
    params = {"structure": STRETCHED, "functional": "PBE", "basis": "6-31g", "grid_level": 1}
    lost, directory = tmp_path / "lost", tmp_path / "next"
    # In the midst of an SCF.
    killed("dft_optimization", params, lost, lambda p: "step 3, SCF cycle 2" in p["message"])
    begun = read_frames(lost / "trajectory.xyz")
    cycles_from_scratch = max(p.get("scf_cycle", 0) for p in points(lost))

    result = gone_on("dft_optimization", params, lost, directory)

    told = points(directory)
    assert next(p["step"] for p in told if "step" in p) == len(begun) >= 2
    assert "resumed" in {note["code"] for note in result["notes"]}
    frames = read_frames(directory / "trajectory.xyz")
    assert frames[: len(begun)] == begun
    assert len(frames) == result["n_steps"] > len(begun)
    # Its first SCF begins at the density that the lost one had saved.
    step = f"geometry step {len(begun)}, "
    first = [p["scf_cycle"] for p in told if p["message"].startswith(step) and "scf_cycle" in p]
    assert max(first) < cycles_from_scratch
    assert result["initial_energy_hartree"] > result["energy_hartree"]


@pytest.mark.skipif(not find_spec("prolif"), reason="needs the docking extras")
def test_a_docking_keeps_the_searches_that_were_done(tmp_path: Path) -> None:
    params = {**EXAMPLE, "ligand": "c1c[nH]cn1", "exhaustiveness": 4}
    lost, directory = tmp_path / "lost", tmp_path / "next"
    killed("docking", params, lost, lambda point: point.get("search") == 1)
    done = sorted(path.name for path in (lost / "searches").glob("*.json"))
    kept = (lost / "searches" / done[0]).read_text()

    result = gone_on("docking", params, lost, directory)

    # The same file with its wall time, which a search done again would not repeat.
    assert (directory / "searches" / done[0]).read_text() == kept
    log = (directory / "job.log").read_text()
    assert f"an earlier attempt: {len(done)} of 4" in log
    assert log.count("random seed") == 4 - len(done)
    assert result["n_searches"] == 4
