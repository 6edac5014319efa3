"""What a tool answers: a sentence first, what to do next, then the data. Never more than fits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs import mending
from jobs.states import RETRIED
from simulations import FieldError

from .site import Refused

KEPT = (
    "id", "simulation", "name", "tags", "state", "reason_text", "waiting", "placement",
    "cancelling", "progress", "stage", "message", "metrics", "summary", "failure_kind", "error",
    "notes", "agent", "purpose", "approval", "attempt", "created_at", "started_at", "finished_at",
)  # fmt: skip
"""Of a job's wire form what a conversation is about; all of it is at its resource."""
LOOK = {"fields": ",".join([*KEPT, "last_seq", "links", "artifacts"])}
"""What to ask of the REST door for that: its bulk is not even read."""
FINAL = {"succeeded", "failed", "cancelled"}
SHOWN_FILES = 20
TOOL_OF = {
    "cancel_job": "cancel_job", "restart_job": "restart_job", "run_job_again": "run_job_again",
}  # fmt: skip
"""Of the operations that an explanation offers, those that are tools here too."""
SAID_TOO = ("status", "retryable", "request_id")
"""Of a problem, beside what its sentence says."""
PARAMS = "/params"
OPTIONS = "job"
"""The argument of a simulation's own tool that is none of its params."""
ID_LENGTH = 36
MAX_TEXT = 300
LONG_TEXT = 1000
LONG_LIST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer, as `structuredContent` and as text.

    :param follow: a job that is not over, for a client that would rather follow it as a task.
    """

    summary: str
    next: str
    data: dict[str, Any] = field(default_factory=dict)
    is_error: bool = False
    follow: dict[str, Any] | None = None

    @property
    def structured(self) -> dict[str, Any]:
        return {"summary": self.summary, "next": self.next, **self.data}

    @property
    def text(self) -> str:
        """For the many clients that show a model nothing but text: the same, data last."""
        lines = [self.summary, f"Next: {self.next}"]
        if self.data:
            lines.append(json.dumps(self.data, ensure_ascii=False, separators=(",", ":")))
        return "\n".join(lines)


def of_job(job: dict[str, Any]) -> Told:
    """Where the job stands, and what may be done about it."""
    summary = f"{called(job)} {STANDING[job['state']](job)}"
    return Told(
        summary=summary,
        next=NEXT[job["state"]](job),
        data={"job": brief(job)},
        is_error=job["state"] == "failed",
    )


def is_final(job: dict[str, Any]) -> bool:
    return job["state"] in FINAL


def called(job: dict[str, Any]) -> str:
    name = f" {job['name']!r}" if job.get("name") else ""
    return f"Job {job['id']} ({job['simulation']}{name})"


def brief(job: dict[str, Any]) -> dict[str, Any]:
    """The job without its bulk, and without what is empty."""
    kept = {
        name: job[name]
        for name in (*KEPT, "reuse")
        if job.get(name) not in (None, "", [], {}, False)
    }
    if files := job.get("artifacts"):
        kept["files"] = [_file(each) for each in files[:SHOWN_FILES]]
    return {**shortened(kept), "page": job["links"]["page"], "resource": uri(job["id"])}


def shortened(value: Any) -> Any:
    """Of a long text its beginning, of a long list its first entries; both say how much it was."""
    if isinstance(value, str) and len(value) > LONG_TEXT:
        return f"{value[:LONG_TEXT]}… ({len(value):,} characters)"
    if isinstance(value, dict):
        return {key: shortened(each) for key, each in value.items()}
    if isinstance(value, list):
        more = [f"… ({len(value):,} entries)"] if len(value) > LONG_LIST else []
        return [*(shortened(each) for each in value[:LONG_LIST]), *more]
    return value


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def uri(job_id: str) -> str:
    return f"backplane://jobs/{job_id}"


def of_check(found: dict[str, Any]) -> Told:
    """What `POST /jobs/check` answered."""
    found = shortened(found)
    if not found["ok"]:
        what = " ".join(each["detail"] for each in found["errors"])
        patch = found["patch"]
        fix = f"check again with {json.dumps(patch)}" if patch else "change what it names"
        return Told(summary=f"This would be refused: {what}", next=fix, data=found)
    same = found["same"]
    if same["job"]:
        told = f"{same['reason']} Submitting answers with job {same['job']['id']}."
        return Told(summary=told, next="submit it, or get_job for that one", data=found)
    return Told(summary=f"This would be accepted.{_takes(found)}", next="submit it", data=found)


def _takes(found: dict[str, Any]) -> str:
    """About how long, where that is known."""
    seconds = ((found["job"] or {}).get("estimate") or {}).get("seconds")
    return (
        f" It takes about {seconds['p50']:.0f} s ({seconds['p10']:.0f} to {seconds['p90']:.0f})."
        if seconds
        else ""
    )


def of_explanation(found: dict[str, Any]) -> Told:
    """What `GET /jobs/{id}/explain` answered."""
    found = shortened(found)
    actions = [each for each in found["actions"] if each["operation"] in TOOL_OF]
    first = actions[0] if actions else None
    given = f" with {json.dumps(first['body'])}" if first and first["body"] else ""
    hint = found["hints"][0] if found["hints"] else "get_job shows all that is known"
    what = f"{TOOL_OF[first['operation']]}{given}: {first['why']}" if first else hint
    return Told(summary=found["text"], next=what, data=found)


def path_part(text: str) -> str:
    """An id as part of a path; what is none is the id of nothing."""
    return "".join(each for each in text if each.isalnum() or each == "-") or "none"


def pointer(path: Sequence[str | int]) -> str:
    return "".join(f"/{part}" for part in path)


def progress_line(job: dict[str, Any]) -> str:
    """One line on a job that is not over."""
    if job["state"] == "queued":
        return "queued" + _why_waiting(job)
    said = ", ".join(filter(None, (job.get("stage"), job.get("message"))))
    # A key that may not look is not told how far.
    far = f", {job['progress']:.0%}" if "progress" in job else ""
    line = f"running{far}" + (f": {said}" if said else "")
    if job.get("cancelling"):
        return "stopping"
    # While it runs it has a reason only if it may not: then that is what there is to say.
    doubt = job.get("reason_text")
    return f"unconfirmed{far}: {doubt}" if doubt else line


def of_refusal(
    refused: Refused,
    *,
    is_flat: bool = False,
    patch_in: str = "",
    given: Any = None,
    job_id: str = "",
) -> Told:
    """What the REST door refused, and why, in terms of the arguments of the call.

    :param is_flat: they are the submission's params themselves.
    :param patch_in: the one that holds a merge patch on a submission, which `given` was.
    :param job_id: the job that was asked for, where one was.
    """
    problem = refused.problem
    if job_id and problem["code"] == "not_found":
        problem = {**problem, "detail": _no_job(job_id)}
    errors, patch = problem.get("errors", []), problem.get("patch")
    if is_flat:
        errors = [{**each, "pointer": _flat(each["pointer"])} for each in errors]
        patch = (patch or {}).get("params")
    if patch_in:
        errors = [{**each, "pointer": f"/{patch_in}{each['pointer']}"} for each in errors]
        patch = {patch_in: mending.patched(given, patch)} if patch else None
    known: dict[str, Any] = {name: problem[name] for name in SAID_TOO if name in problem}
    if wait := refused.answer.headers.get("retry-after"):
        known["retry_after_s"] = wait
    return of_error(problem["code"], problem["detail"], errors, patch, **known)


def _no_job(job_id: str) -> str:
    if len(job_id) < ID_LENGTH:
        return (
            f"{job_id!r} is no id of a job, which has {ID_LENGTH} characters; "
            f'list_jobs(text="{path_part(job_id)}") finds the whole of one.'
        )
    return f"There is no job {job_id[:ID_LENGTH]} here, or it is somebody else's."


def _flat(pointer: str) -> str:
    """Where an argument stands whose tool is for one simulation: all but params are options."""
    if pointer.startswith(f"{PARAMS}/"):
        return pointer.removeprefix(PARAMS)
    return pointer if pointer in ("", "/simulation") else f"/{OPTIONS}{pointer}"


def of_bad_arguments(errors: Sequence[FieldError]) -> Told:
    """What is wrong with a call before anybody is asked."""
    items = [
        {"pointer": pointer(each.path), "detail": each.detail}
        | ({"fix": each.fix} if each.fix else {})
        for each in errors
    ]
    return of_error("invalid_arguments", "", items)


def of_error(
    code: str,
    detail: str,
    errors: Sequence[dict[str, Any]] = (),
    patch: dict[str, Any] | None = None,
    **known: Any,
) -> Told:
    """`E_CODE: what - fix: what to do`, and the mend in a form for machines."""
    what = " ".join(error["detail"] for error in errors) or detail
    fix = _fix(code, patch, is_retryable=bool(known.get("retryable")))
    name = f"E_{code.upper()}"
    told = {"code": name, "detail": what, **known, "errors": [*errors], "patch": patch}
    error = {key: value for key, value in told.items() if value not in ([], {}, None)}
    summary = f"{name}: {what} - fix: {fix}"
    return Told(summary=summary, next=fix, data=shortened({"error": error}), is_error=True)


def _fix(code: str, patch: dict[str, Any] | None, *, is_retryable: bool) -> str:
    if patch:
        return f"call again {', '.join(_change(k, v) for k, v in patch.items())}"
    if is_retryable:
        return "the same call again, a little later"
    return FIXES.get(code, "change what the message names, then call again")


def _change(name: str, value: Any) -> str:
    return f"without {name}" if value is None else f"with {name} = {json.dumps(value)}"


FIXES = {
    "batch_over": "list_batch_items shows what became of its jobs",
    "cannot_restart": "run_job_again starts it from the beginning, with a patch if need be",
    "invalid_batch": 'change what the message names, or on_invalid = "skip" leaves these out',
    "not_found": "list_jobs and list_batches show the ids of yours",
    "nothing_to_resume": "list_batch_items shows how each ended",
    "permission_denied": "ask the key's owner for what the message names",
    "insufficient_scope": "ask the key's owner for one with that scope",
    "budget_spent": "tell the key's owner, who can raise it; jobs that were accepted go on",
    "illegal_transition": "get_job shows how it stands now",
    "unknown_simulation": "list_simulations shows the names",
    "internal": "report the request_id to whoever runs the site",
    "over_quota": "wait_for_job on one of your jobs, or cancel_job, then call again",
}


def _file(artifact: dict[str, Any]) -> dict[str, Any]:
    return {name: artifact[name] for name in ("name", "size_bytes", "url")}


def _why_waiting(job: dict[str, Any]) -> str:
    waiting = job.get("waiting") or {}
    text = waiting.get("text") or job.get("reason_text")
    starts = (waiting.get("starts_in_s") or {}).get("p50")
    soon = f", starts in about {starts:.0f} s" if starts is not None else ""
    return f": {text}{soon}" if text else soon


def _succeeded(job: dict[str, Any]) -> str:
    figures = ", ".join(f"{k} = {json.dumps(v)}" for k, v in (job.get("summary") or {}).items())
    return f"succeeded: {figures[:MAX_TEXT]}" if figures else "succeeded."


def _failed(job: dict[str, Any]) -> str:
    error = job.get("error") or {}
    return f"failed ({job['failure_kind']}): {str(error.get('detail', ''))[:MAX_TEXT]}"


def _after_success(job: dict[str, Any]) -> str:
    return f'get_result(job_id="{job["id"]}") for all values, or for some by `fields`'


def _after_failure(job: dict[str, Any]) -> str:
    error, kind = job.get("error") or {}, job["failure_kind"]
    patch = mending.of_failure(kind, error)
    if _can_go_on(job) and ((patch and kind in mending.OF_LIMITS) or kind in RETRIED):
        within = f", limits={json.dumps(patch['limits'])}" if patch else ""
        return f'restart_job(job_id="{job["id"]}"{within}) goes on from where it was stopped'
    if patch:
        return f'run_job_again(job_id="{job["id"]}", patch={json.dumps(patch)})'
    hints = " ".join(error.get("hints") or ())
    return hints[:MAX_TEXT] or f'explain_job(job_id="{job["id"]}") for cause and evidence'


def _cancelled(job: dict[str, Any]) -> str:
    why = str((job.get("error") or {}).get("detail", ""))[:MAX_TEXT]
    return f"was cancelled: {why}" if why else "was cancelled."


def _after_cancel(job: dict[str, Any]) -> str:
    if job.get("approval") == "refused":
        return "tell its owner, or submit what they would say yes to; the same is asked about anew"
    again = f'run_job_again(job_id="{job["id"]}")'
    if _can_go_on(job):
        more = f'restart_job(job_id="{job["id"]}")'
        return f"{more} goes on from where it was stopped, {again} from the beginning"
    return f"{again} if it was cancelled by mistake"


def _can_go_on(job: dict[str, Any]) -> bool:
    return "restart" in job["links"]


def _while_it_lasts(job: dict[str, Any]) -> str:
    if job.get("approval") == "awaited":
        return f"its owner approves it on {job['links']['page']}; tell them"
    wait = f'wait_for_job(job_id="{job["id"]}")'
    return f"{wait} waits up to 50 s; or do something else and come back, the job goes on by itself"


STANDING = {
    "queued": lambda job: f"is {progress_line(job)}",
    "running": lambda job: f"is {progress_line(job)}",
    "succeeded": _succeeded,
    "failed": _failed,
    "cancelled": _cancelled,
}
NEXT = {
    "queued": _while_it_lasts,
    "running": _while_it_lasts,
    "succeeded": _after_success,
    "failed": _after_failure,
    "cancelled": _after_cancel,
}
