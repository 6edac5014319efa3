"""Send webhooks for as long as it runs."""

import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from jobs.webhooks.sender import Sender, forget_old

LOOK_EVERY_S = 0.5
FORGET_EVERY_S = 3600
FINISH_WITHIN_S = 5


class Command(BaseCommand):
    help = "Send the webhooks that are due, and again those that did not arrive."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        sender, forget_at = Sender(), 0.0
        while not stop.is_set():
            try:
                sender.look(LOOK_EVERY_S)
                if time.monotonic() >= forget_at:
                    forget_old()
                    forget_at = time.monotonic() + FORGET_EVERY_S
            except DatabaseError as exc:
                self.stderr.write(f"the database did not answer, trying again: {exc}")
                close_old_connections()
                stop.wait(2)
        sender.finish(FINISH_WITHIN_S)
