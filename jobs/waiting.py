"""`Prefer: wait=N` (RFC 7240): the answer comes once the job has ended, or after N seconds.

Django is asked first, so that whoever may not ask is refused as ever. Then nothing is held but the
connection until there is news; then Django is asked again. With `If-None-Match`, and nothing new
yet, it is any change of the job that is waited for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from . import news, versions
from .asking import (
    UUID,
    Answer,
    App,
    Desk,
    Line,
    Receive,
    Scope,
    Send,
    headers_of,
    path_of,
    reading,
)

MOST_S = 50
"""Proxies and clients commonly give up after 60."""
READ = re.compile(rf"/api/v1/jobs/({UUID})(?:/result)?")
ACT = re.compile(rf"/api/v1/jobs(?:/({UUID})/(?:cancel|restart|run-again))?")
JOB = re.compile(rf"/api/v1/jobs/({UUID})")
OF_THE_ACT = ("Location", "Idempotency-Replayed")
"""Headers that only the answer to what was done has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a client prefers."""

    wait_s: int | None = None
    is_async: bool = False

    def applied(self, answer: Answer) -> str | None:
        """For `Preference-Applied`: what of it was done."""
        if not _is_good(answer):
            return None
        done = [f"wait={self.wait_s}"] if self.wait_s is not None else []
        done += ["respond-async"] if self.is_async and answer.status == 202 else []
        return ", ".join(done) or None


class Waiting:
    """In front of Django."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._desk = Desk(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wish = _wish(scope)
        if wish is None:
            await self._app(scope, receive, send)
            return
        line = Line(receive)
        answer = await self._desk.ask(scope, line.receive)
        if answer is not None and wish.wait_s:
            answer = await self._later(scope, line, answer, wish.wait_s)
        if answer is not None and not line.is_gone:
            vary = ", ".join(filter(None, [answer.header("Vary"), "Prefer"]))
            told = answer.with_headers(Preference_Applied=wish.applied(answer), Vary=vary)
            await told.send_by(send)

    async def _later(self, scope: Scope, line: Line, first: Answer, wait_s: int) -> Answer | None:
        """The answer after the wait, or the first one where there is nothing to wait for."""
        job_id = _job_of(first, scope)
        until = _what_for(first, scope)
        if job_id is None or until is None:
            return first
        await line.while_there(news.wait(job_id, until, wait_s))
        if line.is_gone:
            return None
        path = path_of(scope) if scope["method"] == "GET" else f"/api/v1/jobs/{job_id}"
        known = {"X_Request_ID": first.header("X-Request-ID") or ""}
        then = await self._desk.ask(reading(scope, path, **known), line.again())
        if then is None or scope["method"] == "GET":
            return then
        return _as_done(first, then)


def _wish(scope: Scope) -> Wish | None:
    """None: there is none that could be granted here."""
    if scope["type"] != "http":
        return None
    place = {"GET": READ, "POST": ACT}.get(scope["method"])
    if place is None or not place.fullmatch(path_of(scope)):
        return None
    wish = parsed(headers_of(scope, "Prefer"))
    return wish if wish.wait_s is not None or wish.is_async else None


def parsed(header: str) -> Wish:
    """A preference that is none of ours, or that cannot be read, is ignored, as the RFC has it."""
    said: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition(";")[0].partition("=")
        said.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = said.get("wait", "no")
    # Without a number it is as long as possible, which agents are used to from elsewhere.
    wait = wait or str(MOST_S)
    known = wait.isascii() and wait.isdecimal() and len(wait) < 10
    return Wish(wait_s=min(int(wait), MOST_S) if known else None, is_async="respond-async" in said)


def _is_good(answer: Answer) -> bool:
    return 200 <= answer.status < 300 or answer.status == 304


def _job_of(answer: Answer, scope: Scope) -> str | None:
    """The job that was made, or else the one that was asked for."""
    found = JOB.search(answer.header("Location") or path_of(scope))
    return found[1] if found else None


def _what_for(first: Answer, scope: Scope) -> Callable[[news.Standing], bool] | None:
    """What ends the wait. None: there is nothing to wait for."""
    # Who may ask again later has not got everything yet.
    if not _is_good(first) or first.header("Retry-After") is None:
        return None
    if first.status == 304:
        known = versions.seq_of(first.header("ETag") or "")
        return lambda standing: standing.last_seq != known
    is_condition_met = scope["method"] == "GET" and headers_of(scope, "If-None-Match")
    return None if is_condition_met else lambda standing: standing.is_final


def _as_done(first: Answer, then: Answer) -> Answer:
    """What was done, told as it is by now: 200 with the end, or still 202."""
    if then.status != 200:
        # It was done all the same.
        return first
    body = json.loads(then.body)
    body |= {key: value for key, value in json.loads(first.body).items() if key == "reuse"}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    told = {name.replace("-", "_"): first.header(name) for name in OF_THE_ACT}
    known = {name: value for name, value in told.items() if value is not None}
    status = first.status if then.header("Retry-After") else 200
    return replace(then, status=status, body=text).with_headers(
        Content_Length=str(len(text)), **known
    )
