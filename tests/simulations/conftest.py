from collections.abc import Callable
from pathlib import Path

import pytest

from simulations.dynamics.aside import Aside

from .recording import RecordingContext


@pytest.fixture
def context(tmp_path: Path) -> RecordingContext:
    workdir = tmp_path / "attempt-1"
    workdir.mkdir()
    return RecordingContext(workdir)


@pytest.fixture
def next_context(tmp_path: Path, context: RecordingContext) -> RecordingContext:
    """Of an attempt that follows one that was lost."""
    workdir = tmp_path / "attempt-2"
    workdir.mkdir()
    return RecordingContext(workdir, previous=context.workdir)


@pytest.fixture
def nothing_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run writes beside itself is there at once: else it depends on the disk how much is."""
    do = Aside.do

    def do_and_wait(aside: Aside, work: Callable[[], None]) -> None:
        do(aside, work)
        aside.wait()

    monkeypatch.setattr(Aside, "do", do_and_wait)
