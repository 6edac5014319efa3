"""A real Slurm, where it is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.slurm import Slurm, missing


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    if packages := missing():
        told = f"Slurm is not installed (apt-get install {' '.join(packages)})"
        # Where the suite counts, nothing is left out.
        assert not os.environ.get("CI"), told
        pytest.skip(told)
    with Slurm() as cluster:
        yield cluster
