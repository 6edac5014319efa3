"""Measure what simulations take on this machine, for the estimates of time and memory."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import estimates
from simulations.calibration.cases import cases
from simulations.calibration.measure import calibrate


class Command(BaseCommand):
    help = (
        "Run small real cases of every engine, one after another on one thread, and keep what "
        "they took. Minutes; best while nothing else runs."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quick", action="store_true", help="fewer cases, wider ranges")
        parser.add_argument("--only", metavar="SIMULATION", help="measure this one anew")

    def handle(self, *args: Any, quick: bool, only: str | None, **options: Any) -> None:
        path = Path(settings.CALIBRATION_FILE)
        chosen = [case for case in cases(quick=quick) if only in (None, case.simulation)]
        if not chosen:
            known = ", ".join(sorted({case.simulation for case in cases(quick=quick)}))
            raise CommandError(f"There is no case of {only!r}; expected one of {known}.")
        calibration, failed = calibrate(chosen, self.stdout.write)
        if not calibration.runs:
            raise CommandError("Nothing could be measured.")
        older = estimates.calibration() if only else None
        calibration.with_others_of(older).write(path)
        self.stdout.write(f"{len(calibration.runs)} runs are kept in {path}.")
        if failed:
            raise CommandError(f"{len(failed)} of {len(chosen)} cases failed.")
