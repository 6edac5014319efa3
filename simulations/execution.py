"""The one way to run a simulation, whoever asks: a worker, a cluster's node, a terminal."""

from __future__ import annotations

import json
import logging
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .base import Context, Simulation
from .errors import InvalidParams, ScienceError, UnknownSimulation
from .record.bibtex import BIBTEX_NAME, bibtex
from .record.methods import Methods, methods_of
from .record.provenance import Provenance, ending_badly
from .record.summary import summarise
from .registry import find
from .workdir import write_json

logger = logging.getLogger(__name__)

RESULT_NAME = "result.json"
SUMMARY_NAME = "summary.json"
METHODS_NAME = "methods.json"
FAILURE_NAME = "error.json"

Kind = Literal["input", "science", "memory", "internal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run that succeeded gives back, all of it JSON.

    :param summary: its headline figures, under a kilobyte.
    :param methods: `text` for a paper and the `references` that it cites by number.
    :param provenance: as in provenance.json.
    """

    result: dict[str, Any]
    summary: dict[str, Any]
    methods: dict[str, Any]
    provenance: dict[str, Any]

    def write(self, workdir: Path) -> None:
        """For a reader in another process; the result comes last, and says that all is there."""
        write_json(workdir / SUMMARY_NAME, self.summary)
        write_json(workdir / METHODS_NAME, self.methods)
        write_json(workdir / RESULT_NAME, self.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run failed.

    :param error: for its user: `detail`, and what the kind has beside it.
    :param trace: for whoever has to mend the program; empty where nothing is broken.
    """

    kind: Kind
    error: dict[str, Any]
    trace: str = ""

    def write(self, workdir: Path) -> None:
        write_json(workdir / FAILURE_NAME, {"kind": self.kind, **self.error})


def execute(name: str, params: dict[str, Any], context: Context) -> Outcome:
    """Run it, and record it: provenance from the first moment, methods and references at the end.

    :raises UnknownSimulation: there is none of that name, or its engine is not installed.
    :raises InvalidParams: the params do not fit; nothing was started.
    :raises ScienceError: the engine could not do it.
    :raises Cancelled: it was asked to stop.
    """
    simulation = find(name)
    checked = simulation.check(params)
    provenance = Provenance(simulation, checked, context)
    with ending_badly(provenance):
        result = simulation.run(checked.params, context)
        # A figure that is none is a defect of the simulation, and no result.
        json.dumps(result, allow_nan=False)
        summary, methods = _told(simulation, checked.params, result, context)
        _hand_over_references(methods, context)
    provenance.end("succeeded", result)
    return Outcome(
        result=result, summary=summary, methods=methods.as_dict(), provenance=provenance.record
    )


def failure(exc: Exception) -> Failure:
    """What kind of failure an exception out of `execute` is, told to its user.

    An OSError is not for here: a full disk says nothing of the run, and only the caller knows
    whether another machine will try it.
    """
    match exc:
        case UnknownSimulation():
            return Failure(kind="input", error={"detail": str(exc)})
        case InvalidParams():
            errors = [error.as_dict() for error in exc.errors]
            return Failure(kind="input", error={"detail": str(exc), "errors": errors})
        case ScienceError():
            error = {"detail": str(exc), "hints": [*exc.hints], "fix": exc.fix}
            return Failure(kind="science", error=error)
        case MemoryError():
            detail = "The engine asked for more memory than this machine gives it."
            return Failure(kind="memory", error={"detail": detail})
    detail = f"The simulation stopped on an unexpected {type(exc).__name__}: {exc}"
    trace = "".join(traceback.format_exception(exc))
    return Failure(kind="internal", error={"detail": detail}, trace=trace)


def _told(
    simulation: Simulation, params: dict[str, Any], result: dict[str, Any], context: Context
) -> tuple[dict[str, Any], Methods]:
    """The summary and the methods. A defect here must not cost what was computed for days."""
    try:
        return summarise(simulation, result), methods_of(simulation, params, result)
    except Exception:
        logger.exception("the result of %s cannot be told", simulation.name)
        context.log.write(f"Neither summary nor methods:\n{traceback.format_exc()}")
        return {}, Methods(text="", references=())


def _hand_over_references(methods: Methods, context: Context) -> None:
    if methods.references:
        (context.workdir / BIBTEX_NAME).write_text(bibtex(methods.references))
        context.artifact(BIBTEX_NAME, "References (BibTeX)", "application/x-bibtex")
