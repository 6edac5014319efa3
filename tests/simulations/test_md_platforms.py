"""Which of OpenMM's platforms a run takes, by what OpenMM itself reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulations.dynamics import platforms
from simulations.dynamics.platforms import best, platform, works
from simulations.execution import execute

from .recording import RecordingContext

openmm = pytest.importorskip("openmm")


def test_what_openmm_has_here_works_and_what_it_has_not_does_not() -> None:
    there = {
        openmm.Platform.getPlatform(n).getName() for n in range(openmm.Platform.getNumPlatforms())
    }

    assert there >= {"Reference", "CPU"}
    assert works("Reference")
    assert works("CPU")
    assert not works("of nobody")
    assert works("CUDA") <= ("CUDA" in there)


@pytest.mark.parametrize(
    ("n_atoms", "is_implicit", "name"),
    [(9, False, "Reference"), (9, True, "CPU"), (101, False, "CPU")],
)
def test_on_cores_the_size_decides(n_atoms: int, is_implicit: bool, name: str) -> None:
    assert best(n_atoms, is_implicit=is_implicit, gpu=False) == name


@pytest.mark.parametrize(("is_there", "name"), [(True, "CUDA"), (False, "CPU")])
def test_a_gpu_is_taken_where_the_job_may_and_openmm_can(
    is_there: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platforms, "works", lambda asked: is_there)

    assert best(5000, is_implicit=False, gpu=True) == name
    assert best(5000, is_implicit=False, gpu=False) == "CPU"


def test_the_cpu_platform_is_kept_to_the_threads_of_the_job() -> None:
    assert platform("CPU", 3).getPropertyDefaultValue("Threads") == "3"
    assert platform("Reference", 3).getName() == "Reference"


@pytest.mark.slow
@pytest.mark.engine
def test_a_run_that_may_use_a_gpu_says_what_it_ran_on(tmp_path: Path) -> None:
    context = RecordingContext(workdir=tmp_path, gpu=True)
    params: dict[str, Any] = {"structure": "CCO", "length_ps": 1, "equilibration_ps": 1}

    outcome = execute("md_simulation", params, context)

    on = "CUDA" if works("CUDA") else "Reference"
    assert outcome.result["platform"] == on
    assert f"on its {on} platform" in outcome.methods["text"]
    assert (outcome.provenance["gpu_allowed"], outcome.provenance["compute_platform"]) == (True, on)
    notes = {note["code"] for note in outcome.result["notes"]}
    assert ("no_gpu" in notes) == (not works("CUDA"))
