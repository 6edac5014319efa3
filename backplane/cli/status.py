"""Exit statuses, for scripts: what is said of jobs first, then what went wrong."""

from __future__ import annotations

from collections.abc import Iterable

from backplane import errors

SUCCEEDED = 0
FAILED = 1
"""A job failed, or something that no other number stands for."""
USAGE = 2
REFUSED = 3
UNREACHABLE = 4
NOT_FOUND = 5
NOT_ALLOWED = 6
TOO_MUCH = 7
STILL_GOING = 8
CANCELLED = 9
INTERRUPTED = 130

OF_ERRORS: dict[type[errors.BackplaneError], int] = {
    errors.InvalidSubmission: REFUSED,
    errors.Conflict: REFUSED,
    errors.Unreachable: UNREACHABLE,
    errors.UnexpectedAnswer: UNREACHABLE,
    errors.ServerError: UNREACHABLE,
    errors.NotFound: NOT_FOUND,
    errors.Gone: NOT_FOUND,
    errors.Unauthorized: NOT_ALLOWED,
    errors.Forbidden: NOT_ALLOWED,
    errors.OverQuota: TOO_MUCH,
    errors.WaitTimeout: STILL_GOING,
    errors.JobCancelled: CANCELLED,
}

TEXT = """\
exit statuses:
  0  done; all jobs that were waited for succeeded
  1  a job failed, or a fault without a number of its own
  2  the command line cannot be understood
  3  the site refuses what was sent
  4  the site does not answer
  5  there is no such thing, or it is not yours, or it is gone
  6  no key, or one that may not do this
  7  over a quota or a rate limit
  8  the time to wait is over; the job goes on
  9  a job was cancelled
130  Ctrl-C; jobs go on"""


def of_error(error: errors.BackplaneError) -> int:
    found = (number for kind, number in OF_ERRORS.items() if isinstance(error, kind))
    return next(found, FAILED)


def of_states(states: Iterable[str]) -> int:
    """A failure goes before a cancellation."""
    found = set(states)
    if "failed" in found:
        return FAILED
    return CANCELLED if "cancelled" in found else SUCCEEDED
