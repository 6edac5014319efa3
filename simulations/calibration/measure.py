"""Runs a case in a process of its own, and reads what the operating system counted for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from simulations.costs import Calibration, Measured
from simulations.costs.calibration import Start
from simulations.execution import FAILURE_NAME
from simulations.record.machine import machine
from simulations.registry import get

from .cases import Case

LIMIT_S = 300.0
ENGINES = ("pyscf", "geometric", "tblite", "openmm", "rdkit", "vina", "meeko")
LAUNCHER = Path(__file__).with_name("launcher.py")
ROOT = Path(__file__).resolve().parents[2]
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}

Tell = Callable[[str], None]


class CaseFailed(RuntimeError):
    """The case did not run to its end; the message says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Of a process and its children.

    :param seconds: of the processor: those on the wall depend on who else is at work.
    """

    seconds: float
    wall_seconds: float
    memory_mib: float


def calibrate(chosen: Iterable[Case], tell: Tell) -> tuple[Calibration, list[str]]:
    """What was measured, and a sentence for each case that failed."""
    starts: dict[str, Start] = {}
    runs: list[Measured] = []
    failed: list[str] = []
    for case in chosen:
        if not get(case.simulation).available:
            continue
        try:
            if case.simulation not in starts:
                starts[case.simulation] = _start(case.simulation)
            run = measure(case)
        except CaseFailed as exc:
            failed.append(str(exc))
            tell(str(exc))
        else:
            runs.append(run)
            tell(f"{run.simulation:<18} {run.seconds:7.1f} s  {run.memory_mib:6.0f} MiB")
    known = machine()
    calibration = Calibration(
        date=datetime.now(UTC).date().isoformat(),
        host=known["host"],
        cpu=known["cpu"],
        versions=_versions(),
        starts=starts,
        runs=runs,
    )
    return calibration, failed


def measure(case: Case) -> Measured:
    """:raises CaseFailed: it was refused, failed or took too long."""
    checked = get(case.simulation).check(case.params)
    assert checked.size is not None  # what has a case has a size
    with tempfile.TemporaryDirectory(prefix="backplane-calibration-") as directory:
        (Path(directory) / "params.json").write_text(json.dumps(checked.params))
        try:
            usage = _usage(
                case.simulation, ["-m", "simulations", "exec", case.simulation, directory]
            )
        except CaseFailed as exc:
            raise CaseFailed(f"{exc} {_told_in(Path(directory))}".strip()) from None
    return Measured(
        simulation=case.simulation,
        size=checked.size,
        seconds=usage.seconds,
        wall_seconds=usage.wall_seconds,
        memory_mib=usage.memory_mib,
    )


def _told_in(workdir: Path) -> str:
    """What the simulation itself said of its failure, if it came to that."""
    path = workdir / FAILURE_NAME
    return str(json.loads(path.read_text())["detail"]) if path.exists() else ""


def _start(simulation: str) -> Start:
    code = f"import simulations; simulations.preload({simulation!r})"
    usage = _usage(simulation, ["-c", code])
    return Start(seconds=usage.seconds, memory_mib=usage.memory_mib)


def _usage(what: str, arguments: list[str]) -> Usage:
    """Of Python with these arguments, on one thread.

    :raises CaseFailed: it exited with anything but 0.
    """
    with tempfile.TemporaryDirectory(prefix="backplane-usage-") as scratch:
        usage, words = Path(scratch) / "usage.json", Path(scratch) / "words"
        started = time.monotonic()
        status = _launch([str(usage), sys.executable, *arguments], words)
        wall_seconds = time.monotonic() - started
        if status:
            said = words.read_text(errors="replace").strip().splitlines()
            why = said[-1] if said else _ended(status)
            raise CaseFailed(f"{what} could not be measured: {why}.")
        return Usage(wall_seconds=wall_seconds, **json.loads(usage.read_text()))


def _launch(arguments: list[str], words: Path) -> int:
    """The exit status; what takes too long is killed, with its children."""
    with words.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), *arguments],
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    # It has a session of its own, and ends with all its children when the pipe is closed.
    with process:
        try:
            return process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()


def _ended(status: int) -> str:
    return f"it took longer than {LIMIT_S:g} s" if status < 0 else f"exit status {status}"


def _versions() -> dict[str, str]:
    found = {}
    for name in ENGINES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
