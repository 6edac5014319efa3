"""Look the whole installation over, and say what is wrong with it and how to mend that."""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from redis.exceptions import RedisError

from backplane_site import install_checks, probes, service_checks
from backplane_site.logs import redacted
from backplane_site.probes import Finding, Level

Check = Callable[[], Iterator[Finding]]


class Command(BaseCommand):
    help = "Say what is wrong with this installation and how to mend it. Exit status 1 if any is."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--deep", action="store_true", help="read every stored file and every database page"
        )

    def handle(self, *args: Any, deep: bool, **options: Any) -> None:
        # What a check meets, it says itself, and in one line.
        logging.getLogger("jobs.downloads").setLevel(logging.CRITICAL)
        found: list[Finding] = []
        for finding in _look(deep):
            found.append(finding)
            self._tell(finding)
        n_wrong = sum(finding.level is Level.WRONG for finding in found)
        n_warnings = sum(finding.level is Level.WARNING for finding in found)
        if n_wrong:
            raise CommandError(f"{n_wrong} wrong, {n_warnings} warnings. See above for the mends.")
        self.stdout.write(f"Nothing is wrong; {n_warnings} warnings.")

    def _tell(self, finding: Finding) -> None:
        style = {Level.OK: self.style.SUCCESS, Level.WRONG: self.style.ERROR}
        word = style.get(finding.level, self.style.WARNING)(f"{finding.level:<8}")
        self.stdout.write(redacted(f"{word} {finding.name:<18} {finding.detail}"))
        if finding.mend:
            self.stdout.write(f"{'':<27} -> {redacted(finding.mend)}")


def _look(deep: bool) -> Iterator[Finding]:
    for check in (
        install_checks.python,
        install_checks.packages,
        install_checks.front_end,
        install_checks.safety,
        install_checks.file_system,
    ):
        yield from check()
    answers = {}
    for finding in probes.readiness():
        answers[finding.name] = finding.is_ok
        yield finding
    if answers["redis"]:
        yield from _guarded("redis kept", service_checks.redis_keeps)
        yield from _guarded("clock of redis", service_checks.clocks)
        yield from _guarded("release of workers", service_checks.releases)
    if answers["database"] and answers["migrations"]:
        yield from _guarded("leases", service_checks.leases)
        yield from _guarded("slurm", service_checks.slurm)
        yield from _guarded("webhooks", service_checks.webhooks)
        bucket = [*_guarded("bucket", service_checks.bucket)]
        yield from bucket
        if all(finding.is_ok for finding in bucket):
            # Of one that is away each file would be waited for.
            yield from _guarded("files", partial(service_checks.stored_files, deep=deep))
        if deep:
            yield from _guarded("database pages", service_checks.integrity)
    yield from install_checks.engines()


def _guarded(name: str, check: Check) -> Iterator[Finding]:
    """It answered a moment ago, and may not any more."""
    try:
        yield from check()
    except (DatabaseError, RedisError, OSError) as exc:
        yield probes.wrong(name, f"could not be looked at: {exc}", "Look again: manage.py doctor")
