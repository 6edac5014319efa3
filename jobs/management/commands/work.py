"""Run one worker: `rqworker` on our queues, without the start-up checks that the site has made."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django_rq.management.commands import rqworker

from jobs import abilities, fleet

ALL = "default"
"""What is named where nobody wants to choose, and what there was before there was a choice."""


class Command(rqworker.Command):
    help = "Take jobs from the queues, one at a time, and run each in a process of its own."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--queues",
            default="",
            help="Of cpu, gpu and long, those that it serves, with commas between; none named: "
            "BACKPLANE_QUEUES, or all that this host can.",
        )

    def handle(self, *names: str, queues: str, **options: Any) -> None:
        asked = [each.strip() for each in queues.split(",") if each.strip()]
        asked = asked or [name for name in names if name != ALL] or [*settings.QUEUES]
        try:
            served = abilities.of_this_host(asked).queues
        except abilities.Unable as exc:
            raise CommandError(str(exc)) from None
        super().handle(*map(fleet.in_redis, served), **options)
