from pathlib import Path

import pytest

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
