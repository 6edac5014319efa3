"""What can go wrong, each as a type of its own; all of them are a `BackplaneError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


class BackplaneError(Exception):
    """Whatever this package raises by intention."""


class Unreachable(BackplaneError):
    """No answer, however often it was asked for. A submission may be repeated: see `submit`."""


class UnexpectedAnswer(BackplaneError):
    """Something answered that is no backplane, or none of this version."""


class ChecksumMismatch(BackplaneError):
    """What arrived is not the file that the job made; it was thrown away."""


class WaitTimeout(BackplaneError, TimeoutError):
    """The time to wait is over; the job goes on, and can be waited for again."""


class Refused(BackplaneError):
    """The site's refusal, as its problem document (RFC 9457) tells it.

    :ivar errors: each thing that is wrong, with `pointer` or `parameter`, `code` and `detail`.
    :ivar fix: a JSON merge patch on what was sent that likely mends it, where there is one.
    """

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = dict(problem)
        self.status: int = problem.get("status", 0)
        self.code: str = problem.get("code", "")
        self.detail: str = problem.get("detail", "")
        self.errors: Sequence[Json] = problem.get("errors", ())
        self.fix: Json | None = problem.get("patch")
        self.retryable: bool = bool(problem.get("retryable"))
        self.request_id: str = problem.get("request_id", "")
        super().__init__(self.detail or problem.get("title") or f"HTTP {self.status}")


class InvalidSubmission(Refused):
    """What was sent cannot be run, or cannot be understood; nothing was stored."""


class Unauthorized(Refused):
    """The site does not know who asks: give a key."""


class Forbidden(Refused):
    """The key may not do this, or its budget is spent."""


class NotFound(Refused):
    """There is no such thing, or it is somebody else's."""


class Conflict(Refused):
    """The job's state, or another request, does not allow it."""


class Gone(Refused):
    """It was there once: a file past its retention, say."""


class OverQuota(Refused):
    """Too much at once; `retry_after_s` says when there may be room again."""

    retry_after_s: float | None = None


class ServerError(Refused):
    """A fault on the site's side; `request_id` leads an operator to it."""


KINDS: Mapping[int, type[Refused]] = {
    400: InvalidSubmission,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: Conflict,
    413: InvalidSubmission,
    415: InvalidSubmission,
    422: InvalidSubmission,
    429: OverQuota,
}


class JobFailed(BackplaneError):
    """The job has ended without a result.

    :ivar kind: `science`, `input`, `timeout`, `memory`, `disk`, `threads`, `lost` ...
    :ivar hints: what a colleague would try next.
    :ivar fix: a JSON merge patch on what was submitted that likely helps, where one is known:
        `job.run_again(error.fix)` takes it.
    """

    def __init__(self, job: Mapping[str, Any], told: str = "") -> None:
        error: Mapping[str, Any] = job.get("error") or {}
        self.job = dict(job)
        self.job_id: str = job["id"]
        self.kind: str = job.get("failure_kind") or error.get("kind", "")
        self.detail: str = error.get("detail") or told
        self.hints: Sequence[str] = error.get("hints") or ()
        self.fix: Json | None = _patch_of(error)
        why = self.detail or "it gives no reason."
        super().__init__(f"Job {self.job_id} {job['state']} ({self.kind}): {why}")


class JobCancelled(JobFailed):
    """The job was cancelled; what it had computed by then is among its artifacts."""


def _patch_of(error: Mapping[str, Any]) -> Json | None:
    """Its mends as one merge patch, as the site's explanation has them; the first for a param."""
    patch: Json = {}
    for fix in (error.get("fix"), *(each.get("fix") for each in error.get("errors") or ())):
        for name, value in (fix or {}).items():
            of_job = name == "simulation" or (name == "limits" and isinstance(value, Mapping))
            (patch if of_job else patch.setdefault("params", {})).setdefault(name, value)
    return patch or None


def of_answer(status: int, problem: Mapping[str, Any]) -> Refused:
    """The error that a refusal is."""
    kind = KINDS.get(status, ServerError if status >= 500 else Refused)
    return kind({"status": status, **problem})


def of_job(job: Mapping[str, Any], told: str = "") -> JobFailed:
    """The error that a job is which ended without success.

    :param told: why, where the job itself does not say.
    """
    return (JobCancelled if job["state"] == "cancelled" else JobFailed)(job, told)


def missing(what: str) -> NotFound:
    detail = f"There is no {what} here, or it is somebody else's."
    return NotFound({"status": 404, "code": "not_found", "detail": detail})


def not_an_id(detail: str) -> NotFound:
    """What was given does not say which one is meant."""
    return NotFound({"status": 404, "code": "not_found", "detail": detail})
