"""The lock of `manage.py up`: who works on a site that must not run takes it meanwhile."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError


@contextmanager
def nothing_runs() -> Iterator[None]:
    """So that neither can begin while the other is at work.

    :raises CommandError: it runs.
    """
    with (settings.VAR_DIR / "up.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"A backplane is running on {settings.VAR_DIR}. Stop it first."
            ) from None
        yield
