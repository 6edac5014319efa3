"""The locks of `manage.py up` and of the watcher, which may run by itself: who works on a site that
must not run takes them meanwhile."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.core.management.base import CommandError

LOCKS = {"up.lock": "A backplane", "watch.lock": "A watcher (manage.py watch)"}


@contextmanager
def nothing_runs() -> Iterator[None]:
    """So that neither can begin while the other is at work.

    :raises CommandError: it runs.
    """
    with ExitStack() as held:
        for name, who in LOCKS.items():
            stream = held.enter_context((settings.VAR_DIR / name).open("w"))
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CommandError(
                    f"{who} is running on {settings.VAR_DIR}. Stop it first."
                ) from None
        yield
