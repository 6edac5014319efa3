"""`run`: one simulation from the words of a command line, its progress drawn as it goes."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulations.base import Simulation
from simulations.errors import Cancelled
from simulations.execution import Failure, Outcome, execute, failure
from simulations.registry import find
from simulations.workdir import write_json

from .context import context_in
from .given import params_of
from .node import BAD_INPUT, CANCELLED, FAILED, PARAMS_NAME, SUCCEEDED, exit_status
from .place import Unsuitable, make_place
from .progress import ProgressLine


def run(words: Namespace) -> int:
    try:
        simulation = find(words.name)
        params = simulation.check(params_of(words, simulation)).params
        place = make_place(words.workdir, simulation, params)
    except (Unsuitable, OSError) as exc:
        return _complain(str(exc), BAD_INPUT)
    except Exception as exc:
        return _tell_failure(failure(exc), exit_status(exc))
    return _run_in(place, simulation, params, as_json=words.json)


def _run_in(place: Path, simulation: Simulation, params: dict[str, Any], *, as_json: bool) -> int:
    """Run it there; the files say what the streams say, for whoever looks later."""
    write_json(place / PARAMS_NAME, params)
    line = ProgressLine(simulation, sys.stderr)
    try:
        with context_in(place, line) as context:
            if context.previous:
                _say(f"Going on from what an unfinished attempt left in {context.previous}.")
            outcome = execute(simulation.name, params, context)
    except Cancelled:
        line.done()
        return _complain(f"Cancelled; what there is lies in {place}.", CANCELLED)
    except OSError as exc:
        line.done()
        return _complain(f"This machine failed it: {exc}.", FAILED)
    except Exception as exc:
        line.done()
        failed = failure(exc)
        failed.write(place)
        return _tell_failure(failed, exit_status(exc))
    line.done()
    outcome.write(place)
    _say(f"Files are in {place}.")
    print(json.dumps(asdict(outcome), indent=2) if as_json else told(simulation, outcome))
    return SUCCEEDED


def told(simulation: Simulation, outcome: Outcome) -> str:
    """The summary, a line for each figure, and the paragraph on the methods."""
    fields = simulation.Result.model_fields
    lines = []
    for name, value in outcome.summary.items():
        field = fields.get(name)
        extra = field.json_schema_extra if field else None
        unit = extra.get("unit", "") if isinstance(extra, dict) else ""
        title = (field.title if field else None) or name
        lines.append(f"{title:<32} {_figure(value)} {unit}".rstrip())
    lines += _paragraph(outcome.methods)
    return "\n".join(lines)


def _figure(value: Any) -> str:
    match value:
        case list():
            return ", ".join(map(str, value))
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.10g}"
    return str(value)


def _paragraph(methods: dict[str, Any]) -> list[str]:
    if not methods["text"]:
        return []
    cited = [
        f"[{each['number']}] {each['authors']}, {each['title']}. {each['journal']} "
        f"({each['year']}). {each['url']}"
        for each in methods["references"]
    ]
    return ["", methods["text"], "", *cited]


def _tell_failure(failed: Failure, status: int) -> int:
    """Each field with its mend, or what did not work out and what to try; no traceback.

    A defect of ours is the exception: whoever mends it needs to see where.
    """
    errors = failed.error.get("errors")
    if errors is None:
        _say(failed.error["detail"])
    for error in errors or ():
        where = ".".join(map(str, error["path"])) or "input"
        _say(f"{where}: {error['detail']}")
        _say_mend(error["fix"])
    for hint in failed.error.get("hints", ()):
        _say(f"  try: {hint}")
    _say_mend(failed.error.get("fix"))
    if failed.trace:
        _say(failed.trace)
    return status


def _say_mend(fix: dict[str, Any] | None) -> None:
    if fix:
        words = " ".join(f"-p {name}={json.dumps(value)}" for name, value in fix.items())
        _say(f"  mend: {words}")


def _complain(sentence: str, status: int) -> int:
    _say(sentence)
    return status


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
