"""Run the reconciler: once, or for ever."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections

from jobs.reconciler import Reconciler, reconcile


class Command(BaseCommand):
    help = "Dispatch queued jobs that no queue knows, settle running jobs whose worker is gone."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on for ever")

    def handle(self, *args: Any, every: float | None, **options: Any) -> None:
        if every is None:
            reconcile()
            return
        reconciler = Reconciler()
        while True:
            try:
                reconciler.look()
            except DatabaseError as exc:
                self.stderr.write(f"the database did not answer, trying again: {exc}")
                close_old_connections()
            time.sleep(every)
