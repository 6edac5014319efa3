"""Its processes: the server with SQLite, as it starts by itself, and the workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from bench.child import Child
from bench.peers.jobs import environment
from bench.peers.processes import Processes
from tests.stack import free_port, until

QUIET = {
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
STARTS_WITHIN_S = 180


@contextmanager
def site(python: str, workers: int, folder: Path) -> Iterator[Child]:
    """Its client.

    :param python: where it is installed.
    """
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    env = environment(PREFECT_HOME=str(folder), PREFECT_API_URL=api, **QUIET)
    with Processes() as running:
        server = [python, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"]
        running.start(server, env)
        until(lambda: _answers(f"{api}/health"), "Prefect's server is up", STARTS_WITHIN_S)
        for _ in range(workers):
            running.start([python, "-m", "bench.peers.prefect.worker"], env)
        with closing(Child("bench.peers.prefect.client", env, python)) as client:
            yield client


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False
