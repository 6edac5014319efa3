"""One job or many: made, read, waited for, watched."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from backplane import errors
from backplane.submission import new_key, uploaded
from backplane.wire import Ask, Call, Deadline, Emit, Flow, Pause

from . import waiting
from .waiting import LONGEST_WAIT_S, LOOK_S, MIN_GAP_S, Awaited, patience_s, reading

Json = dict[str, Any]
JOBS = "/api/v1/jobs"
FINAL = frozenset({"succeeded", "failed", "cancelled"})
MANY_LOOK_S = 1.0
"""How soon many jobs are looked at again that somebody watches."""
IDS_A_PAGE = 100
ID_LENGTH = 32
"""Of an id without its hyphens."""
SHORT_ID = 8
"""So much of an id do pages show."""


def is_final(job: Mapping[str, Any]) -> bool:
    return job["state"] in FINAL


def submit(ask: Ask, body: Json, idempotency_key: str | None = None) -> Flow[Json]:
    """The job, once: the key goes with each repetition."""
    return (yield from make(ask, JOBS, body, idempotency_key))


def check(ask: Ask, body: Json) -> Flow[Json]:
    body = yield from uploaded(ask, body)
    answer = yield from ask(Call(method="POST", path=f"{JOBS}/check", json=body))
    verdict: Json = answer.json()
    return verdict


def make(ask: Ask, path: str, body: Json, idempotency_key: str | None = None) -> Flow[Json]:
    """Post what makes something, its files first, so that it is made once."""
    body = yield from uploaded(ask, body)
    headers = {"Idempotency-Key": idempotency_key or new_key()}
    answer = yield from ask(Call(method="POST", path=path, json=body, headers=headers))
    made: Json = answer.json()
    return made


def get(ask: Ask, path: str, **query: Any) -> Flow[Any]:
    answer = yield from ask(Call(method="GET", path=path, query=query))
    return answer.json()


def found(ask: Ask, job_id: str) -> Flow[Json]:
    """The job of that id, or of an id that begins so and no other does.

    :raises NotFound: there is none, or there are several.
    """
    is_short = SHORT_ID <= len(job_id) < ID_LENGTH
    whole = (yield from _whole_id(ask, job_id)) if is_short else job_id
    try:
        job: Json = yield from get(ask, f"{JOBS}/{quote(whole, safe='')}")
    except errors.NotFound:
        raise errors.missing(f"job {whole}") from None
    return job


def _whole_id(ask: Ask, beginning: str) -> Flow[str]:
    page = yield from get(ask, JOBS, text=beginning, fields="id", limit=IDS_A_PAGE)
    ids = [job["id"] for job in page["results"] if job["id"].startswith(beginning.lower())]
    if not ids:
        raise errors.missing(f"job whose id begins with {beginning}")
    if len(ids) > 1:
        raise errors.not_an_id(f"{beginning} is the beginning of several ids: {', '.join(ids)}.")
    return str(ids[0])


def cancel(ask: Ask, job_id: str) -> Flow[Json]:
    """Asked twice, it is what was asked for: it needs no key."""
    answer = yield from ask(Call(method="POST", path=f"{JOBS}/{job_id}/cancel"))
    job: Json = answer.json()
    return job


def listed(ask: Ask, query: Mapping[str, Any], most: int | None) -> Flow[None]:
    """Emits jobs, newest first."""
    cursor: Json = {}
    left = math.inf if most is None else most
    while left > 0:
        page = yield from get(ask, JOBS, **query, **cursor)
        for job in page["results"][: None if left == math.inf else int(left)]:
            left -= 1
            yield Emit(job)
        if not page["next_cursor"]:
            return
        cursor = {"cursor": page["next_cursor"]}


def wait(ask: Ask, job_id: str, deadline: Deadline) -> Flow[Json]:
    """Its summary once it has ended.

    :raises WaitTimeout: it had not by the deadline; it goes on.
    """
    return waiting.wait(ask, _awaited(job_id), deadline)


def result(ask: Ask, job_id: str, deadline: Deadline, fields: Sequence[str] = ()) -> Flow[Json]:
    """:raises JobFailed, JobCancelled: there is none, and why.

    :raises WaitTimeout: see `wait`.
    """
    job = yield from wait(ask, job_id, deadline)
    if job["state"] != "succeeded":
        raise (yield from _why_none(ask, job_id))
    query = {"fields": ",".join(fields)} if fields else {}
    found: Json = yield from get(ask, f"{JOBS}/{job_id}/result", **query)
    return found


def _why_none(ask: Ask, job_id: str) -> Flow[errors.JobFailed]:
    """A job that was cancelled does not say by whom; its explanation does."""
    job = yield from get(ask, f"{JOBS}/{job_id}")
    if job["state"] != "cancelled":
        return errors.of_job(job)
    explained = yield from get(ask, f"{JOBS}/{job_id}/explain")
    return errors.of_job(job, explained["text"])


def watch(ask: Ask, job_id: str, deadline: Deadline) -> Flow[None]:
    """Emits its summary, now and at each change, the last one with its end."""
    return waiting.watch(ask, _awaited(job_id), deadline)


def _awaited(job_id: str) -> Awaited:
    return Awaited(
        path=f"{JOBS}/{job_id}",
        is_over=is_final,
        goes_on=f"Job {job_id} goes on",
        query={"view": "summary"},
    )


def changed(ask: Ask, job_id: str, known: str, wait_s: float) -> Flow[str]:
    """The tag of the job's newest version, after a while if it is the known one."""
    path, query = f"{JOBS}/{job_id}", {"fields": "state"}
    call = reading(path, wait_s=wait_s if known else 0, known=known, query=query)
    answer = yield from ask(call)
    if known and not answer.has_waited:
        yield Pause(wait_s)
    return answer.headers.get("etag", "")


def watch_all(
    ask: Ask, ids: Sequence[str], deadline: Deadline, look_s: float = LONGEST_WAIT_S
) -> Flow[None]:
    """Emits the summary of each job, now and whenever it has changed, until all have ended.

    One connection, however many jobs: all are looked at as soon as one of them ends, every `look_s`
    at the latest.
    """
    seen: dict[str, int] = {}
    pending = list(dict.fromkeys(ids))
    while pending:
        jobs = yield from _look(ask, pending, deadline)
        for job in jobs:
            if seen.get(job["id"]) != job["last_seq"]:
                seen[job["id"]] = job["last_seq"]
                yield Emit(job)
        pending = [job["id"] for job in jobs if not is_final(job)]
        if pending and deadline.is_over:
            raise _too_long(pending, deadline)
        if pending:
            yield from _nap(ask, pending, deadline, look_s)


def follow(ask: Ask, ids: Sequence[str], deadline: Deadline) -> Flow[None]:
    """Emits the summary of each job, now and at each change, until all have ended."""
    one = {*ids}
    if len(one) == 1:
        return watch(ask, one.pop(), deadline)
    return watch_all(ask, ids, deadline, MANY_LOOK_S)


def as_completed(ask: Ask, ids: Sequence[str], deadline: Deadline) -> Flow[None]:
    """Emits the summary of each job once it has ended, those that have first."""
    return (yield from _only(is_final, watch_all(ask, ids, deadline)))


def _only(wanted: Callable[[Json], bool], flow: Flow[None]) -> Flow[None]:
    """The same, with fewer emitted."""
    reply = None
    while True:
        try:
            step = flow.send(reply)
        except StopIteration:
            return
        passes = not isinstance(step, Emit) or wanted(step.value)
        reply = (yield step) if passes else None


def _look(ask: Ask, ids: Sequence[str], deadline: Deadline) -> Flow[list[Json]]:
    found: list[Json] = []
    for some in _pages(ids):
        call = Call(method="GET", path=JOBS, query={"ids": ",".join(some), "view": "summary"})
        answer = yield from ask(call, within_s=patience_s(deadline))
        page = answer.json()
        if page.get("unknown_ids"):
            raise errors.missing(f"job {page['unknown_ids'][0]}")
        found += page["results"]
    return found


def _nap(ask: Ask, ids: Sequence[str], deadline: Deadline, look_s: float) -> Flow[None]:
    """Until one of the first of these has ended, or it is time for a look at all."""
    if len(ids) > IDS_A_PAGE:
        # The others are not waited for; and a look at thousands takes a while itself.
        look_s = max(min(look_s, LOOK_S), 0.5 * len(ids) / IDS_A_PAGE)
    seconds = deadline.at_most(look_s)
    query = {"ids": ",".join(ids[:IDS_A_PAGE]), "fields": "state"}
    answer = yield from ask(reading(JOBS, wait_s=seconds, query=query))
    yield Pause(MIN_GAP_S if answer.has_waited else min(seconds, LOOK_S))


def _pages(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_A_PAGE):
        yield ids[start : start + IDS_A_PAGE]


def _too_long(ids: Sequence[str], deadline: Deadline) -> errors.WaitTimeout:
    what = f"Job {ids[0]} goes" if len(ids) == 1 else f"{len(ids)} jobs go"
    return errors.WaitTimeout(f"{what} on; {deadline.timeout_s:g} s were not enough.")
