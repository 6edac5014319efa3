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

from jobs import fleet
from jobs.states import Queue


class Command(BaseCommand):
    requires_system_checks = []
    help = "Move jobs whose time has come (a retry after its back-off) to the queue."

    def handle(self, *args: Any, **options: Any) -> None:
        queues = [django_rq.get_queue(fleet.in_redis(name)) for name in Queue.values]
        connection, serializer = queues[0].connection, queues[0].serializer
        scheduler = RQScheduler(
            queues, connection=connection, serializer=serializer, name="backplane"
        )
        try:
            scheduler.work()
        except RedisError as exc:
            raise CommandError(f"Redis did not answer: {exc}") from None
