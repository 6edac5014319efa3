"""Its processes: the daemon's workers and its broker, on a profile with SQLite, as `verdi presto`
makes one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.child import Child
from bench.peers.jobs import environment, path_of
from tests.stack import ROOT

STOPS_WITHIN_S = "120"


@contextmanager
def site(python: str, workers: int, folder: Path) -> Iterator[Child]:
    """Its client.

    :param python: where it is installed.
    """
    env = environment(
        AIIDA_PATH=str(folder),
        PATH=path_of(python),
        PYTHONPATH=str(ROOT),
        PYTHONWARNINGS="ignore",
    )

    def verdi(*words: str) -> None:
        argv = [str(Path(python).parent / "verdi"), *words]
        subprocess.run(argv, env=env, check=True, stdout=subprocess.DEVNULL)

    verdi("presto", "--use-zeromq", "--non-interactive")
    verdi("daemon", "start", str(workers))
    try:
        with closing(Child("bench.peers.aiida.client", env, python)) as client:
            yield client
    finally:
        verdi("daemon", "stop", "--timeout", STOPS_WITHIN_S)
