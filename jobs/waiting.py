"""`Prefer: wait=N` (RFC 7240): the answer comes once the job has ended, or after N seconds; that of
a batch once it is over, and that of many jobs by `ids=` once any of them has ended.

Django is asked first, so that whoever may not ask is refused as ever. Then nothing is held but the
connection until there is news; then Django is asked again. With `If-None-Match`, and nothing new
yet, it is any change of the job that is waited for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

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
from .events import batch_group_name, group_name
from .states import FINAL

MOST_S = 50
"""Proxies and clients commonly give up after 60."""
READ = re.compile(rf"/api/v1/(?:jobs/{UUID}(?:/result)?|batches/{UUID})")
ACT = re.compile(
    rf"/api/v1/(?:jobs(?:/{UUID}/(?:cancel|restart|run-again))?|"
    rf"batches(?:/{UUID}/(?:cancel|resume))?)"
)
PLACE = re.compile(rf"/api/v1/(jobs|batches)/({UUID})")
GROUPS = {"jobs": group_name, "batches": batch_group_name}
"""What rings for it, by the word in its address."""
LIST = "/api/v1/jobs"
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
        waits = _wait(first, scope, wait_s)
        if waits is None:
            return first
        await line.while_there(waits)
        if line.is_gone:
            return None
        path = path_of(scope) if scope["method"] == "GET" else _place(first, scope)[0]
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
    if place is None or not (place.fullmatch(path_of(scope)) or _asks_for_some(scope)):
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


def _asks_for_some(scope: Scope) -> bool:
    """For jobs by their ids."""
    is_list = scope["method"] == "GET" and path_of(scope) == LIST
    return is_list and "ids" in parse_qs(scope["query_string"].decode("latin-1"))


def _wait(first: Answer, scope: Scope, wait_s: int) -> Coroutine[Any, Any, Any] | None:
    """None: there is nothing to wait for."""
    if not _is_good(first):
        return None
    if _asks_for_some(scope) and first.status == 200:
        told = json.loads(first.body)["results"]
        has_ended = any(each.get("state") in FINAL for each in told)
        ids = [each["id"] for each in told]
        return None if has_ended or not ids else news.wait_for_an_end(ids, wait_s)
    until = _what_for(first, scope)
    if until is None:
        return None
    _, word, found = _place(first, scope)
    return news.wait_in(GROUPS[word](found), until, wait_s)


def _place(answer: Answer, scope: Scope) -> tuple[str, str, str]:
    """The address of what was made, or else of what was asked for; its kind and its id."""
    found = PLACE.search(answer.header("Location") or path_of(scope))
    assert found, "whatever is waited for has an address"
    return found[0], found[1], found[2]


def _what_for(first: Answer, scope: Scope) -> Callable[[news.Standing], bool] | None:
    """What ends the wait. None: there is nothing to wait for."""
    # Who may ask again later has not got everything yet.
    if first.header("Retry-After") is None:
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
