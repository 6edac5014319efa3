"""Run the watcher: it sends jobs to Slurm and follows them, for as long as it runs."""

import fcntl
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from jobs.watcher import Watcher


class Command(BaseCommand):
    help = "Send jobs to Slurm and follow them; one of these for a site, where sbatch works."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        watcher = Watcher()
        with (settings.VAR_DIR / "watch.lock").open("w") as lock:
            while not _is_ours(lock):
                self.stderr.write("another watcher is at work; this one waits for it to end")
                if stop.wait(10):
                    return
            while not stop.is_set():
                self._look(watcher)
                stop.wait(watcher.tick_s)

    def _look(self, watcher: Watcher) -> None:
        try:
            watcher.look()
        except DatabaseError as exc:
            self.stderr.write(f"the database did not answer, trying again: {exc}")
            close_old_connections()


def _is_ours(lock: Any) -> bool:
    """Two would send everything twice."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
