"""Run the reconciler: once, or for ever."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections

from jobs.api.idempotency import forget_old_keys
from jobs.reconciler import Reconciler, reconcile
from jobs.retention import Pruner
from jobs.storekeeper import Storekeeper

FORGET_EVERY_S = 3600


class Command(BaseCommand):
    help = "Dispatch queued jobs that no queue knows, settle running jobs whose worker is gone."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on for ever")

    def handle(self, *args: Any, every: float | None, **options: Any) -> None:
        if every is None:
            reconcile()
            return
        reconciler, pruner, storekeeper, forget_at = Reconciler(), Pruner(), Storekeeper(), 0.0
        while True:
            try:
                reconciler.look()
                pruner.look()
                storekeeper.look()
                if time.monotonic() >= forget_at:
                    forget_old_keys()
                    forget_at = time.monotonic() + FORGET_EVERY_S
            except DatabaseError as exc:
                self.stderr.write(f"the database did not answer, trying again: {exc}")
                close_old_connections()
            time.sleep(every)
