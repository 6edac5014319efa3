"""What a person sees: bars and tables on the error stream, results on the other."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from backplane import errors
from backplane.snapshot import BatchSnapshot, JobSnapshot

Json = Mapping[str, Any]
READOUTS = 3
BAR_WIDTH = 20
REST: dict[str, Any] = {"ratio": 1, "no_wrap": True, "overflow": "ellipsis"}
"""What a line has no room for is cut from the words; the bar stays."""
STYLES = {"succeeded": "green", "failed": "red", "cancelled": "yellow"}
console = Console(stderr=True, highlight=False)


def answer(value: Any) -> None:
    """For programs and pipes: JSON, one object a line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def pretty(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def say(sentence: str, style: str = "") -> None:
    console.print(sentence, style=style, markup=False, soft_wrap=True)


class Bars:
    """A bar for each job; where the stream is no terminal, a line for each change."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.fields[name]:<20.20}", markup=False),
            TextColumn("{task.fields[state]:<10}", markup=False),
            BarColumn(BAR_WIDTH, table_column=Column(min_width=BAR_WIDTH, no_wrap=True)),
            TextColumn("{task.percentage:>3.0f} %", table_column=Column(min_width=5, no_wrap=True)),
            TimeElapsedColumn(table_column=Column(min_width=7, no_wrap=True)),
            TextColumn("{task.fields[readout]}", markup=False, table_column=Column(**REST)),
            console=console,
            expand=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, str] = {}

    def __enter__(self) -> Self:
        if console.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if console.is_terminal:
            self._bars.stop()

    def draw(self, job: JobSnapshot) -> None:
        if not console.is_terminal:
            self._line(job)
            return
        told: dict[str, Any] = {
            "name": job.name or job.simulation,
            "state": standing(job),
            "readout": readout(job),
        }
        if job.id not in self._tasks:
            self._tasks[job.id] = self._bars.add_task("", total=1.0, **told)
        ended = 1.0 if job.is_final else job.progress
        self._bars.update(self._tasks[job.id], completed=ended, **told)

    def batch(self, batch: BatchSnapshot) -> None:
        counts = ", ".join(f"{n} {state}" for state, n in batch.counts.items() if n)
        if not console.is_terminal:
            say(f"{batch.id}  {batch.state}  {batch.progress:.0%}  {counts}")
            return
        told: dict[str, Any] = {"name": batch.id, "state": batch.state, "readout": counts}
        if batch.id not in self._tasks:
            self._tasks[batch.id] = self._bars.add_task("", total=1.0, **told)
        self._bars.update(self._tasks[batch.id], completed=batch.progress, **told)

    def _line(self, job: JobSnapshot) -> None:
        line = f"{job.id}  {standing(job):<10}  {job.progress:>4.0%}  {readout(job)}".rstrip()
        if self._said.get(job.id) != line:
            self._said[job.id] = line
            say(line)


def standing(job: JobSnapshot) -> str:
    """Its state; one that runs and was asked to stop is over once its process is gone."""
    return "cancelling" if job.is_cancelling else job.state


def readout(job: JobSnapshot) -> str:
    """What it does, and its newest quantities; a number that the message has is not repeated."""
    said = {word.strip(",.:;()") for word in job.message.split()}
    numbers = {
        name: value
        for name, value in job.metrics.items()
        if isinstance(value, int | float) and f"{value:.8g}" not in said
    }
    newest = [f"{name} {value:.8g}" for name, value in [*numbers.items()][:READOUTS]]
    return "  ".join(filter(None, [job.message, *newest]))


def outcome(job: JobSnapshot) -> None:
    """The end of a job: its figures, or what went wrong and what to try."""
    say(f"{job.name or job.simulation} {job.id}: {job.state}", STYLES.get(job.state, ""))
    if job.state == "succeeded":
        figures(job.summary)
        return
    failure(errors.of_job(job.data))


def figures(found: Json) -> None:
    for name, value in found.items():
        text = f"{value:.10g}" if isinstance(value, float) else json.dumps(value)
        print(f"{name:<36} {text}")


def failure(error: errors.JobFailed) -> None:
    if error.detail:
        say(f"{error.kind}: {error.detail}")
    for hint in error.hints:
        say(f"  try: {hint}")
    if error.fix:
        say(f"  mend: backplane {_mend(error, error.fix)}")


def _mend(error: errors.JobFailed, fix: Json) -> str:
    """What to type for it."""
    params = fix.get("params", {})
    if "simulation" in fix or None in params.values():  # no words of ours stand for it
        return f"explain {error.job_id}"
    limits = fix.get("limits", {})
    can_go_on = limits and not params and "restart" in error.job["links"]
    words = [f"--limit {name}={value}" for name, value in limits.items()]
    words += [f"-p {quote(f'{name}={json.dumps(value)}')}" for name, value in params.items()]
    return " ".join(["restart" if can_go_on else "run-again", error.job_id, *words])


def refusal(error: errors.Refused) -> None:
    """Each thing that is wrong, and how to mend it."""
    for each in error.errors:
        where = each.get("pointer") or each.get("parameter") or ""
        say(f"{where}: {each['detail']}".removeprefix(": "))
    if not error.errors:
        say(str(error))
    if error.fix:
        say(f"  mend: {json.dumps(error.fix, ensure_ascii=False)}")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """On the output stream; plain text columns where it is no terminal."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    drawn = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        drawn.add_row(*row)
    Console().print(drawn, markup=False)
