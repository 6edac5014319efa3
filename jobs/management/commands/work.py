"""Run one worker: `rqworker` on our queues, without the start-up checks that the site has made."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from django_rq.management.commands import rqworker

from jobs import abilities, fleet, tables

ALL = "default"
"""What is named where nobody wants to choose, and what there was before there was a choice."""


class Command(rqworker.Command):
    help = "Take jobs from the queues, one at a time, and run each in another process."
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
        _refuse_other_tables()
        super().handle(*map(fleet.in_redis, served), **options)


def _refuse_other_tables() -> None:
    """It would draw one turn after the other, and be able to take none."""
    try:
        missing = tables.not_applied()
    except DatabaseError:
        return  # it is away, and is waited for once there is a turn to take
    if missing:
        raise CommandError(
            f"The database lacks {missing[0]}{f' and {len(missing) - 1} more' * (len(missing) > 1)}"
            ", migrations of this release. Bring the site to it first (systemctl reload backplane, "
            "or manage.py migrate); then this worker starts."
        )
