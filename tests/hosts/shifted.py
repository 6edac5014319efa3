"""`manage.py` on a host whose clock is wrong: `python -m tests.hosts.shifted FILE COMMAND...`.

FILE says by how many seconds, each time that somebody looks.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from django.core.management import execute_from_command_line
from django.utils import timezone

right, right_now = time.time, timezone.now


def shift(told: Path) -> None:
    def wrong() -> float:
        return right() + float(told.read_text())

    def wrong_now() -> datetime:
        return right_now() + timedelta(seconds=float(told.read_text()))

    time.time, timezone.now = wrong, wrong_now


if __name__ == "__main__":
    shift(Path(sys.argv[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backplane_site.settings")
    execute_from_command_line(["manage.py", *sys.argv[2:]])
