"""What a peer needs beside its client: its servers and workers, which end with it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from backplane_site.services import redis_server
from tests.stack import ROOT, until

ENDS_WITHIN_S = 30


class Processes:
    """Those that were started, to be stopped in the reverse order."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        for process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
            process.wait(ENDS_WITHIN_S)

    def start(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> int:
        started = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        self._running.append(started)
        return started.pid

    def redis(self, folder: Path) -> Path:
        """Its socket."""
        socket = folder / "redis.sock"
        argv = [redis_server(), "--port", "0", "--unixsocket", str(socket), "--save", ""]
        self.start([*argv, "--dir", str(folder)])
        until(socket.exists, "Redis is up")
        return socket
