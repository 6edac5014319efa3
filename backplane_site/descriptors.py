"""How many connections the web process may hold: each is a file descriptor."""

from __future__ import annotations

import resource

ENOUGH = 65_536


def allow_many() -> None:
    """Many systems begin with 1,024 and allow more to who asks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
