"""Where every number of a run comes from: written when it starts, completed when it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulations.base import Checked, Context, Simulation
from simulations.errors import Cancelled
from simulations.version import VERSION
from simulations.workdir import declared_names, write_json

from . import digests
from .machine import Clock, blas, machine, peak_resident_mib, software

PROVENANCE_NAME = "provenance.json"
EARLIER_VERSIONS = "earlier_versions"
"""Of the simulation, beside the one that ended the run."""


class Provenance:
    """The record of one run, on disk from its first moment: a run that is killed has one too."""

    def __init__(self, simulation: Simulation, checked: Checked, context: Context) -> None:
        self._workdir = context.workdir
        self._clock, started_at = Clock.now(), _now()
        before = read(context.previous) if context.previous else None
        self.record: dict[str, Any] = {
            "simulation": simulation.name,
            "simulation_version": simulation.version,
            "backplane_version": VERSION,
            "source_sha256": digests.of_sources(),
            "outcome": "running",
            "started_at": started_at,
            "software": software(simulation.requires),
            "threads": context.threads,
            "gpu_allowed": context.gpu,
            **machine(),
            "directory": context.workdir.name,
            "previous_attempt": _told_of(before),
            EARLIER_VERSIONS: _earlier_versions(before, simulation.version),
            "seeds": _seeds(checked.params),
            "input_sha256": digests.of_json(checked.params),
            "structure_sha256": checked.structure and digests.of_json(checked.structure),
            "structure": checked.structure,
            "params": checked.params,
        }
        context.artifact(PROVENANCE_NAME, "Provenance", "application/json")
        self._write()

    def end(self, outcome: str, result: dict[str, Any] | None = None) -> None:
        """Complete it with what the run took and what it left behind."""
        self.record |= {
            "outcome": outcome,
            "ended_at": _now(),
            **self._clock.spent(),
            "peak_resident_mib": peak_resident_mib(),
            "blas": blas(),
            "result_sha256": digests.of_json(result) if result is not None else None,
            "artifacts_sha256": self._artifacts(),
        }
        if result is not None:
            if platform := result.get("platform"):
                self.record["compute_platform"] = platform
            self.record["seeds"] |= _seeds(result)
            self.record["software"] |= result.get("versions", {})
        self._write()

    def _artifacts(self) -> dict[str, str]:
        names = sorted(declared_names(self._workdir) - {PROVENANCE_NAME})
        paths = [self._workdir / name for name in names]
        return {path.name: digests.of_file(path) for path in paths if path.is_file()}

    def _write(self) -> None:
        write_json(self._workdir / PROVENANCE_NAME, self.record)


@contextmanager
def ending_badly(provenance: Provenance) -> Iterator[None]:
    """Complete the record of a run that raises, and let it raise."""
    try:
        yield
    except Cancelled:
        provenance.end("cancelled")
        raise
    except Exception:
        provenance.end("failed")
        raise


def know_what_stays(requires: tuple[str, ...]) -> None:
    """Look up what the record of every run with these engines tells alike, so that processes
    forked from here know it."""
    digests.of_sources()
    machine()
    software(requires)


def read(workdir: Path) -> dict[str, Any] | None:
    """What is known of the run in this directory; None if it never began.

    :raises ValueError: the file is no JSON object.
    """
    try:
        record = json.loads((workdir / PROVENANCE_NAME).read_text())
    except FileNotFoundError:
        return None
    if not isinstance(record, dict):
        raise ValueError(f"{PROVENANCE_NAME} holds no object")
    return record


def complete(workdir: Path, outcome: str, failure_kind: str = "", **figures: Any) -> None:
    """Let the record in this directory agree with whoever saw from outside how the run ended.

    A run that was killed could not say, and one that had said that it succeeded may have been
    killed before its result was safe. Of the figures those are taken that it did not write itself.

    :raises ValueError: as `read`.
    """
    record = read(workdir)
    if record is None:
        return
    told = {name: value for name, value in figures.items() if value not in (None, "", {})}
    whole = {"ended_at": _now(), **told, **record, "outcome": outcome}
    if outcome != "succeeded":
        whole |= {"failure_kind": failure_kind, "result_sha256": None}
    if whole != record:
        write_json(workdir / PROVENANCE_NAME, whole)


def _told_of(before: dict[str, Any] | None) -> dict[str, Any] | None:
    """The attempt before this one; whether a checkpoint was used, its notes say."""
    told = ("directory", "host", "started_at", "source_sha256", "simulation_version")
    return {name: before.get(name) for name in told} if before else None


def _earlier_versions(before: dict[str, Any] | None, ours: str) -> list[str]:
    """Those of other versions in whose attempts it began, however many attempts ago."""
    known = before or {}
    found = {known.get("simulation_version"), *known.get(EARLIER_VERSIONS, ())}
    return sorted(found - {None, ours})


def _seeds(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if name in ("seed", "seeds") or name.endswith(("_seed", "_seeds"))
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
