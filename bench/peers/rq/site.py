"""Its processes: Redis, and the workers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.child import Child
from bench.peers.jobs import environment
from bench.peers.processes import Processes


@contextmanager
def site(python: str, workers: int, folder: Path) -> Iterator[Child]:
    """Its client; it needs no Python of its own."""
    with Processes() as running:
        env = environment(PEER_REDIS=str(running.redis(folder)))
        for _ in range(workers):
            running.start([sys.executable, "-m", "bench.peers.rq.worker"], env)
        with closing(Child("bench.peers.rq.client", env)) as client:
            yield client
