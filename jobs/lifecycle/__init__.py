"""Everything that can happen to a job. The only package that writes its tables.

Every verb is a compare-and-set: the WHERE clause names the states it may leave and, for what a
worker writes, the attempt it writes for. Whoever comes second raises `IllegalTransition`.
"""

from .backends import hand_to_backend
from .ending import (
    cancel,
    expire,
    fail,
    hand_over,
    lose,
    record_usage,
    remove_files,
    request_cancel,
    succeed,
)
from .running import doubt, extend_lease, progress, start, take_next
from .submission import (
    CannotRestart,
    NotAllowed,
    OverQuota,
    restart,
    run_again,
    set_priority,
    submit,
    why_no_restart,
)
from .writing import IllegalTransition

__all__ = [
    "CannotRestart",
    "IllegalTransition",
    "NotAllowed",
    "OverQuota",
    "cancel",
    "doubt",
    "expire",
    "extend_lease",
    "fail",
    "hand_over",
    "hand_to_backend",
    "lose",
    "progress",
    "record_usage",
    "remove_files",
    "request_cancel",
    "restart",
    "run_again",
    "set_priority",
    "start",
    "submit",
    "succeed",
    "take_next",
    "why_no_restart",
]
