"""A run and its record: the one way in, what is on disk when, and what a failure is."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

import simulations
from simulations import Cancelled, Context, FieldError, InvalidParams, ScienceError, base
from simulations.base import simulation
from simulations.command.context import DirectoryContext
from simulations.execution import RESULT_NAME, execute, failure
from simulations.record import digests, provenance
from simulations.version import VERSION
from tests.stack import ROOT


class ProbeParams(BaseModel):
    what: str = Field("file", title="What", description="What it does.")
    seed: int = Field(7, ge=0, le=9, title="Seed", description="Of nothing.")


class ProbeResult(BaseModel):
    value: float = Field(title="Value")
    seeds: list[int] = Field(title="Seeds")


FAILS = {
    "science": ScienceError("No convergence.", hints=["Wait."], fix={"seed": 1}),
    "memory": MemoryError(),
    "internal": ZeroDivisionError("by nought"),
    "cancel": Cancelled(),
}


def probe(params: ProbeParams, context: Context) -> ProbeResult:
    """Does what it is told."""
    found = provenance.read(context.workdir)
    assert found
    assert found["outcome"] == "running"
    if params.what in FAILS:
        raise FAILS[params.what]
    (context.workdir / "a.txt").write_text("abc")
    context.artifact("a.txt", "A file")
    context.artifact("never.txt", "One that was not written")
    return ProbeResult(value=math.nan if params.what == "nan" else 1.5, seeds=[3, 4])


@pytest.fixture
def probed() -> Iterator[str]:
    """A simulation of this test's own, gone after it."""
    simulations.all_simulations()
    simulation("test.probe", title="Probe")(probe)
    yield "test.probe"
    del base.declared["test.probe"]


@pytest.fixture
def here(tmp_path: Path) -> DirectoryContext:
    workdir = tmp_path / "1"
    workdir.mkdir()
    return DirectoryContext(workdir, StringIO())


def test_a_run_is_recorded_with_all_that_it_was_made_with(
    probed: str, here: DirectoryContext
) -> None:
    outcome = execute(probed, {}, here)

    record = json.loads((here.workdir / "provenance.json").read_text())
    assert record == outcome.provenance
    assert record["outcome"] == "succeeded"
    assert record["params"] == {"what": "file", "seed": 7}
    assert record["seeds"] == {"seed": 7, "seeds": [3, 4]}
    assert record["backplane_version"] == VERSION
    assert record["software"]["python"] == sys.version.split()[0]
    assert record["started_at"] <= record["ended_at"]
    assert record["started_at"].endswith("Z")
    assert record["wall_s"] >= 0
    assert record["cpu_s"] >= 0
    assert record["peak_resident_mib"] > 10
    assert record["host"]
    assert record["cpu"]
    assert record["threads"] == here.threads


def test_its_checksums_are_those_that_anybody_computes(probed: str, here: DirectoryContext) -> None:
    outcome = execute(probed, {}, here)

    canonical = json.dumps(outcome.result, sort_keys=True, separators=(",", ":")).encode()
    record = outcome.provenance
    assert record["result_sha256"] == hashlib.sha256(canonical).hexdigest()
    assert record["input_sha256"] == digests.of_json({"seed": 7, "what": "file"})
    assert record["artifacts_sha256"] == {"a.txt": hashlib.sha256(b"abc").hexdigest()}
    assert record["structure_sha256"] is None


@pytest.mark.parametrize(("what", "outcome"), [("science", "failed"), ("cancel", "cancelled")])
def test_a_run_that_ends_badly_has_a_record_too(
    probed: str, here: DirectoryContext, what: str, outcome: str
) -> None:
    with pytest.raises((ScienceError, Cancelled)):
        execute(probed, {"what": what}, here)

    record = provenance.read(here.workdir)
    assert record
    assert record["outcome"] == outcome
    assert record["ended_at"]
    assert record["result_sha256"] is None


def test_the_attempt_before_is_told(probed: str, here: DirectoryContext, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        execute(probed, {"what": "cancel"}, here)
    workdir = tmp_path / "2"
    workdir.mkdir()
    second = DirectoryContext(workdir, StringIO())
    second.previous = here.workdir

    record = execute(probed, {}, second).provenance

    first = provenance.read(here.workdir)
    assert first
    assert record["previous_attempt"]["directory"] == "1"
    assert record["previous_attempt"]["started_at"] == first["started_at"]


def test_versions_that_began_it_are_told_however_many_attempts_ago(
    probed: str, here: DirectoryContext, tmp_path: Path
) -> None:
    newest, found = base.declared[probed], []
    context = here
    for number, its_own in enumerate(["1", "2", "3", "3"]):
        base.declared[probed] = replace(newest, version=its_own)
        found.append(execute(probed, {}, context).provenance[provenance.EARLIER_VERSIONS])
        workdir = tmp_path / f"{number} and on"
        workdir.mkdir()
        before, context = context, DirectoryContext(workdir, StringIO())
        context.previous = before.workdir

    assert found == [[], ["1"], ["1", "2"], ["1", "2"]]


def test_a_defect_in_telling_of_a_result_does_not_cost_it(
    probed: str, here: DirectoryContext
) -> None:
    def broken(params: ProbeParams, result: ProbeResult) -> str:
        return "PySCF [@no_such_key]"

    base.declared[probed] = replace(base.declared[probed], methods=broken)

    outcome = execute(probed, {}, here)

    assert outcome.result["value"] == 1.5
    assert outcome.methods == {"text": "", "references": []}
    assert outcome.provenance["outcome"] == "succeeded"
    assert "no_such_key" in here.log.getvalue()  # type: ignore[attr-defined]


def test_params_that_do_not_fit_start_nothing(probed: str, here: DirectoryContext) -> None:
    with pytest.raises(InvalidParams):
        execute(probed, {"seed": 10}, here)

    assert provenance.read(here.workdir) is None


def test_a_figure_that_is_none_is_no_result(probed: str, here: DirectoryContext) -> None:
    with pytest.raises(ValueError, match="JSON"):
        execute(probed, {"what": "nan"}, here)


@pytest.mark.parametrize("kind", ["science", "memory", "internal"])
def test_each_exception_has_its_kind(probed: str, here: DirectoryContext, kind: str) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - what is raised is the question
        execute(probed, {"what": kind}, here)

    told = failure(raised.value)
    assert told.kind == kind
    assert told.error["detail"]
    assert bool(told.trace) == (kind == "internal")


def test_the_users_own_mistakes_are_input() -> None:
    wrong = InvalidParams([FieldError(path=("seed",), code="x", detail="Too large.")])

    assert failure(wrong).kind == "input"
    assert failure(wrong).error["errors"][0]["path"] == ["seed"]
    assert failure(simulations.UnknownSimulation("x", "There is none.")).kind == "input"


def test_a_science_error_keeps_its_hints_and_its_mend() -> None:
    told = failure(FAILS["science"])  # type: ignore[arg-type]

    assert told.error == {"detail": "No convergence.", "hints": ["Wait."], "fix": {"seed": 1}}


def test_versions_are_those_of_the_engines(context: Any) -> None:
    for sim in simulations.all_simulations():
        software = provenance.software(sim.requires)
        assert all(software.values()), sim.name
    assert software["tblite"] == version("tblite")


def test_an_engine_is_looked_for_without_being_imported() -> None:
    before = set(sys.modules)

    assert base.is_installed("pyscf.dispersion")
    assert not base.is_installed("pyscf.no_such")
    assert not base.is_installed("no_such.thing")
    assert "pyscf" in before or "pyscf" not in sys.modules


def test_the_version_is_the_projects() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()


def test_an_outcome_is_written_for_a_reader_elsewhere(probed: str, here: DirectoryContext) -> None:
    outcome = execute(probed, {}, here)

    replace(outcome, summary={"a": 1}).write(here.workdir)

    assert json.loads((here.workdir / RESULT_NAME).read_text()) == outcome.result
    assert json.loads((here.workdir / "summary.json").read_text()) == {"a": 1}
    assert json.loads((here.workdir / "methods.json").read_text()) == outcome.methods


@pytest.mark.parametrize(("given", "known"), [("2000", 2000), ("0", None), ("", None)])
def test_a_run_knows_what_memory_slurm_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, known: int | None
) -> None:
    monkeypatch.setenv("SLURM_MEM_PER_NODE", given)

    assert DirectoryContext(tmp_path, StringIO()).memory_mib == known
