"""What keeps the services alive, whatever they say and however they end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backplane_site.services import Service
from backplane_site.supervisor import LONGEST_LINE, Supervisor


async def test_a_line_without_end_silences_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    code = f"print('x' * {3 * LONGEST_LINE + 5}); print('é after'); print('no end', end='')"

    status = await Supervisor()._run_once(Service(name="chatty", argv=[sys.executable, "-c", code]))

    said = [line.partition(" | ")[2] for line in capsys.readouterr().out.splitlines()]
    assert status == 0
    assert sum(line.count("x") for line in said) == 3 * LONGEST_LINE + 5
    assert said[-2:] == ["é after", "no end"]


async def test_what_cannot_be_started_now_is_started_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ""

    def has_said(words: str) -> bool:
        nonlocal said
        said += capsys.readouterr().out
        return words in said

    program = tmp_path / "late"
    supervisor = Supervisor()
    supervisor.start(Service(name="late", argv=[str(program)]))
    await _until(lambda: has_said("could not be started"))
    program.write_text("#!/bin/sh\necho here it is\n")
    program.chmod(0o700)
    await _until(lambda: has_said("here it is"))
    await supervisor.stop()


async def test_nothing_of_ours_runs_between_fork_and_exec() -> None:
    """There, a lock that another thread held would be held for ever: `up` once stood still so."""
    runs = True
    os.register_at_fork(after_in_child=lambda: os._exit(77) if runs else None)
    code = "import ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n));"
    code += "exit(n.value)"
    try:
        status = await Supervisor()._run_once(
            Service(name="born", argv=[sys.executable, "-c", code])
        )
    finally:
        runs = False

    # What it was born with: the signal that it gets when its parent dies.
    assert status == signal.SIGKILL


async def _until(ready: Callable[[], bool], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not ready():
            await asyncio.sleep(0.01)
