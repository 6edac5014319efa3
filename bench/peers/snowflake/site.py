"""PostgreSQL beside it, started as another user: it refuses to run as root, and a snowflake that
starts its own does not know how to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.child import Child
from bench.peers.jobs import environment, path_of
from tests.postgres import Postgres

AS_SHIPPED = {"fsync": "on"}


@contextmanager
def site(python: str, workers: int, folder: Path) -> Iterator[Child]:
    """Its client.

    :param python: where it is installed.
    """
    with Postgres(settings=AS_SHIPPED) as database:
        env = environment(
            PEER_FOLDER=str(folder),
            PEER_POSTGRES=str(database.directory),
            PEER_WORKERS=str(workers),
            TMPDIR=str(folder),
            # It starts each job by the `python3` that is found first.
            PATH=path_of(python),
        )
        with closing(Child("bench.peers.snowflake.client", env, python)) as client:
            yield client
