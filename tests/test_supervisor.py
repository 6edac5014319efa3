"""What keeps the services alive, whatever they say and however they end."""

from __future__ import annotations

import asyncio
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


async def _until(ready: Callable[[], bool], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not ready():
            await asyncio.sleep(0.01)
