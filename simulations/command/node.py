"""What a cluster's node executes: one attempt in a directory, told in files."""

from __future__ import annotations

import json
from pathlib import Path

from simulations.errors import Cancelled, InvalidParams, UnknownSimulation
from simulations.execution import execute, failure

from .context import context_in

SUCCEEDED, FAILED, BAD_INPUT, CANCELLED = 0, 1, 2, 130
"""How the process exits."""
PARAMS_NAME = "params.json"
TRACE_NAME = "traceback.txt"
"""Of a defect of ours; for whoever mends it."""


def run_in(name: str, workdir: Path) -> int:
    """Run what params.json there asks for; result.json or error.json say how it went.

    :raises OSError: the directory cannot be read or written.
    """
    params = json.loads((workdir / PARAMS_NAME).read_text())
    try:
        with context_in(workdir) as context:
            outcome = execute(name, params, context)
    except Cancelled:
        return CANCELLED
    except OSError:
        raise
    except Exception as exc:
        failed = failure(exc)
        failed.write(workdir)
        if failed.trace:
            (workdir / TRACE_NAME).write_text(failed.trace)
        return exit_status(exc)
    outcome.write(workdir)
    return SUCCEEDED


def exit_status(exc: Exception) -> int:
    return BAD_INPUT if isinstance(exc, InvalidParams | UnknownSimulation) else FAILED
