"""What a person sees on a terminal, and in a pipe."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from backplane import Client, Job
from backplane.cli import batch_verbs, job_verbs, show
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

    assert stream.getvalue().splitlines() == [f"1  running      {n}%  {EVIL}" for n in (25, 50)]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"cancelling": True}, "1  cancelling   40%  step 4"),
        ({"reason_text": "Its worker is silent"}, "1  running      40%  Its worker is silent"),
    ],
)
def test_a_job_that_is_stopping_or_silent_is_told_so(
    monkeypatch: pytest.MonkeyPatch, a_job: Any, told: dict[str, Any], line: str
) -> None:
    stream = screen(monkeypatch, is_terminal=False)

    with show.Bars() as bars:
        bars.draw(a_job(id="1", state="running", progress=0.4, message="step 4", **told))

    assert stream.getvalue().splitlines() == [line]


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


def test_what_there_is_no_room_for_is_cut_from_the_words(
    monkeypatch: pytest.MonkeyPatch, a_job: Any
) -> None:
    stream = StringIO()
    drawn = Console(file=stream, force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr(show, "console", drawn)
    told = {"message": f"Step 12 of 56, {'energy ' * 20}", "metrics": {"step": 12, "other": 3.5}}
    running = a_job(name="b", state="running", progress=0.5, **told)

    with show.Bars() as bars:
        bars.draw(running)

    assert "━" * 10 in stream.getvalue()
    assert "50 %" in stream.getvalue()
    assert "…" in stream.getvalue()
    assert show.readout(running).endswith("other 3.5")
    assert "step 12" not in show.readout(running)


@pytest.mark.parametrize(
    ("pointer", "row"),
    [("/zip/params.n/2", 2), ("/jobs/1/params/n", 1), ("/template/params/n", None), ("", None)],
)
def test_a_refusal_names_the_line_of_the_table(
    pointer: str, row: int | None, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("n\n1\n\n2\nx\n")
    refused = {"pointer": pointer, "detail": "No."}

    told = batch_verbs._with_line(refused, table)["detail"]

    assert told == ("No." if row is None else f"{table}:{[2, 4, 5][row]}: No.")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"state": "running", "cancelling": True}, "cancelling"),
        ({"state": "cancelled", "cancelling": True}, "cancelled"),
        ({"state": "queued"}, "queued"),
    ],
)
def test_a_job_that_is_asked_to_stop_is_not_told_as_running(
    changes: Any, word: str, a_job: Any
) -> None:
    assert show.standing(a_job(**changes)) == word


def test_a_check_answers_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = {"p10": 1, "p50": 2, "p90": 5}
    job_verbs._tell_plan({"job": {"estimate": {"seconds": seconds}}, "same": {"job": None}})

    assert capsys.readouterr().out == "It would be accepted. It takes about 2 s (1 to 5).\n"
