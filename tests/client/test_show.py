"""What a person sees on a terminal, and in a pipe."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from backplane import Client, Job
from backplane.cli import show
from backplane.cli.parser import parser

from .scripted import job

EVIL = "[/bold] [red]x"


@pytest.fixture
def a_job() -> Iterator[Any]:
    with Client("http://site") as client:
        yield lambda **changes: Job(client, job(**changes))


def screen(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> StringIO:
    stream = StringIO()
    drawn = Console(file=stream, force_terminal=is_terminal, width=120, color_system=None)
    monkeypatch.setattr(show, "console", drawn)
    return stream


def test_on_a_terminal_each_job_has_a_bar(monkeypatch: pytest.MonkeyPatch, a_job: Any) -> None:
    stream = screen(monkeypatch, is_terminal=True)
    metrics = {"energy_hartree": -76.4123, "path": [1]}

    with show.Bars() as bars:
        bars.draw(a_job(name=EVIL, state="running", progress=0.25, metrics=metrics))
        bars.draw(a_job(id="2", name="other", state="succeeded", progress=0.5))

    last = stream.getvalue()
    assert EVIL in last
    assert "25 %" in last
    assert "energy_hartree -76.4123" in last
    assert "path" not in last
    assert "100 %" in last


def test_elsewhere_each_change_is_a_line(monkeypatch: pytest.MonkeyPatch, a_job: Any) -> None:
    stream = screen(monkeypatch, is_terminal=False)

    with show.Bars() as bars:
        for progress in (0.25, 0.25, 0.5):
            bars.draw(a_job(id="1", state="running", progress=progress, message=EVIL))

    assert stream.getvalue().splitlines() == [f"1  running     {n}%  {EVIL}" for n in (25, 50)]


@pytest.mark.parametrize(
    ("fix", "verbs", "mend"),
    [
        ({"max_steps": 9}, ("run_again",), "run-again 1 -p max_steps=9"),
        ({"basis": "6-31g*"}, ("run_again",), """run-again 1 -p 'basis="6-31g*"'"""),
        ({"simulation": "dft_crystal"}, ("run_again",), "explain 1"),
        ({"limits": {"wall_time_s": 9}}, ("run_again",), "run-again 1 --limit wall_time_s=9"),
        ({"limits": {"wall_time_s": 9}}, ("restart",), "restart 1 --limit wall_time_s=9"),
    ],
)
def test_a_failed_job_says_what_to_type_next(
    monkeypatch: pytest.MonkeyPatch, a_job: Any, fix: Any, verbs: Any, mend: str
) -> None:
    stream = screen(monkeypatch, is_terminal=False)
    error = {"detail": "No.", "hints": [EVIL], "fix": fix}
    told = {"failure_kind": "science", "error": error, "links": dict.fromkeys(verbs, "/")}

    show.outcome(a_job(id="1", state="failed", **told))

    assert stream.getvalue().splitlines() == [
        "demo.sum_squares 1: failed",
        "science: No.",
        f"  try: {EVIL}",
        f"  mend: backplane {mend}",
    ]
    assert parser().parse_args(shlex.split(mend)).verb
