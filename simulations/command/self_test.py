"""`self-test`: does each engine that is installed here still compute what it should?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from simulations.base import Simulation
from simulations.execution import execute, failure
from simulations.registry import get

from .context import context_in
from .node import BAD_INPUT, FAILED, SUCCEEDED
from .self_test_cases import CASES, Case

WIDTH = max(len(case.engine) for case in CASES)


def self_test(wanted: Sequence[str]) -> int:
    """One line for each engine. An engine that is not installed is told of, and is no failure.

    :param wanted: parts of engines' names; none takes all.
    """
    cases = [case for case in CASES if _is_wanted(case, wanted)]
    if not cases:
        print(f"No engine is called that; there are: {'; '.join(c.engine for c in CASES)}.")
        return BAD_INPUT
    verdicts = [_try(case) for case in cases]
    return SUCCEEDED if all(verdicts) else FAILED


def _is_wanted(case: Case, wanted: Sequence[str]) -> bool:
    return not wanted or any(name.lower() in case.engine.lower() for name in wanted)


def _try(case: Case) -> bool:
    """Run it and say how it went; False if it went wrong."""
    simulation = get(case.simulation)
    if not simulation.available:
        _line(case, "missing", f"{case.simulation} needs {', '.join(simulation.requires)}")
        return True
    started = time.monotonic()
    try:
        found = _compute(case, simulation)
    except Exception as exc:
        told = failure(exc) if not isinstance(exc, OSError) else None
        _line(case, "FAILED", told.error["detail"] if told else str(exc))
        return False
    is_right = abs(found - case.expected) <= case.tolerance
    shown = f"{case.value} {found:.8g}, expected {case.expected:.8g} ± {case.tolerance:g}"
    _line(case, "ok" if is_right else "WRONG", f"{shown}, {time.monotonic() - started:.1f} s")
    return is_right


def _compute(case: Case, simulation: Simulation) -> float:
    with tempfile.TemporaryDirectory() as scratch, context_in(Path(scratch)) as context:
        return float(execute(simulation.name, case.params(), context).result[case.value])


def _line(case: Case, verdict: str, detail: str) -> None:
    print(f"{case.engine:<{WIDTH}}  {verdict:<7}  {detail}", flush=True)
