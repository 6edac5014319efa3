"""Run RQ's scheduler in a process of its own.

Inside a worker it would inherit the worker's socket, and Redis would go on handing jobs to a dead
worker for as long as its scheduler lives. The fixed name lets a restarted one have its lock back
at once.
"""

from typing import Any

import django_rq
from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError
from rq.scheduler import RQScheduler


class Command(BaseCommand):
    requires_system_checks = []
    help = "Move jobs whose time has come (a retry after its back-off) to the queue."

    def handle(self, *args: Any, **options: Any) -> None:
        queue = django_rq.get_queue("default")
        scheduler = RQScheduler(
            [queue], connection=queue.connection, serializer=queue.serializer, name="backplane"
        )
        try:
            scheduler.work()
        except RedisError as exc:
            raise CommandError(f"Redis did not answer: {exc}") from None
