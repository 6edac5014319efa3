"""Run the reconciler: once, or for ever."""

import math
import time
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

from jobs import clock, fleet
from jobs.api.idempotency import forget_old_keys
from jobs.lifecycle import Filer
from jobs.reconciler import Reconciler, reconcile
from jobs.retention import Pruner
from jobs.storekeeper import Storekeeper

FORGET_EVERY_S = 3600
WORK_FOR_S = 2.0
"""Then what must not wait has its turn."""


class Command(BaseCommand):
    help = "Dispatch queued jobs that no queue knows, settle running jobs whose worker is gone."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on for ever")

    def handle(self, *args: Any, every: float | None, **options: Any) -> None:
        filer = Filer()
        if every is None:
            reconcile(clock.may_differ_s())
            filer.look(math.inf)
            return
        reconciler, pruner, storekeeper, forget_at = Reconciler(), Pruner(), Storekeeper(), 0.0
        tell_at = 0.0
        while True:
            try:
                if time.monotonic() >= tell_at:
                    tell_clock()
                    tell_at = time.monotonic() + clock.LOOK_EVERY_S / 2
                reconciler.look()
                pruner.look()
                is_done = storekeeper.look(WORK_FOR_S)
                is_done &= filer.look(WORK_FOR_S)
                if time.monotonic() >= forget_at:
                    forget_old_keys()
                    forget_at = time.monotonic() + FORGET_EVERY_S
            except DatabaseError as exc:
                self.stderr.write(f"the database did not answer, trying again: {exc}")
                close_old_connections()
                is_done = True  # as far as can be: one that is away is not asked without a pause
            time.sleep(every if is_done else 0)


def tell_clock() -> None:
    """Workers compare theirs with ours."""
    off_s = clock.off_s()
    # One that is away has no tickets for them either.
    with suppress(RedisError):
        fleet.tell_clock(off_s)
