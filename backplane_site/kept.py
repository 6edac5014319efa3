"""The state of a job, said again as it was said before, as long as the database says it is the
same: what most requests are, and most of them find nothing new.

Every answer here was made by Django, for the same address, asked for in the same way, of the same
version of the job. That it is still theirs who ask, that their key still opens it, and that it is
that version, is looked up each time. Whatever is asked for in any other way goes to Django.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from django.utils.http import parse_etags

from jobs import glance, log_context, versions
from jobs.api.conditions import retry_after_since
from jobs.asking import UUID, Answer, App, Receive, Scope, Send
from jobs.glance import Question, Seen
from jobs.states import JobState

from . import local_user
from .request_id import log_access, request_id_of

PLACE = re.compile(rf"/(?:api/v1/jobs|(job_status))/({UUID})")
WHOLE = {b"*/*", b"application/json"}
"""What may be accepted so that the answer is as ever."""
CHANGES_NOTHING = {
    b"accept-encoding", b"accept-language", b"cache-control", b"connection", b"keep-alive",
    b"pragma", b"user-agent", b"x-agent-name",
}  # fmt: skip
OF_PROXIES = {b"x-forwarded-for", b"x-forwarded-proto", b"x-real-ip"}
KNOWN = {b"accept", b"authorization", b"host", b"if-none-match", b"x-request-id"}
OF_EACH = ("X_Request_ID", "ETag", "Retry_After")
"""The headers that are made anew each time."""
TOLD_ALIKE = {JobState.SUCCEEDED, JobState.RUNNING}
"""What is told of a job in another state depends on more than the job: on the line, on the disk."""
MOST_BYTES = 32 * 2**20
MOST_OF_ONE = 2**18
MOST_MANNERS = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that says nothing but which job.

    :param manner: all that the answer may depend on beside the path.
    :param known: which versions the client has.
    """

    path: str
    question: Question
    in_seeds_words: bool
    manner: Any
    known: str
    request_id: str


class Kept:
    """In front of all that waits in front of Django."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._whole = Shelf()
        self._unchanged: dict[Any, Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        asked = asked_by(scope)
        seen = await glance.ask(asked.question) if asked else None
        if asked is None or seen is None:
            await self._app(scope, receive, send)
        elif answer := self._answer(asked, seen, began):
            await answer.send_by(send)
        else:
            await self._app(scope, receive, self._noting(asked, seen, send))

    def at_once(self, scope: Scope) -> Answer | None:
        """For a server that can send it without more ado. None: it takes more."""
        began = time.perf_counter()
        asked = asked_by(scope)
        seen = glance.at_once(asked.question) if asked else None
        return self._answer(asked, seen, began) if asked and seen else None

    def _answer(self, asked: Asked, seen: Seen, began: float) -> Answer | None:
        """None: it was not made yet."""
        found, of_this = self._found(asked, seen)
        if found is None:
            return None
        _log(asked, found, began)
        of_this.append((b"X-Request-ID", asked.request_id.encode()))
        return Answer(found.status, found.headers + of_this, found.body)

    def _found(self, asked: Asked, seen: Seen) -> tuple[Answer | None, list[tuple[bytes, bytes]]]:
        """What was said before, and the headers that are this answer's own."""
        where = (asked.path, asked.manner)
        if asked.in_seeds_words:
            return self._whole.get(where, seen.version), []
        if seen.state == JobState.QUEUED or not seen.is_filed:
            return None, []
        tag = versions.tag_of_seq(seen.seq)
        of_this = [(b"ETag", tag.encode())]
        if seen.state == JobState.RUNNING:
            of_this.append((b"Retry-After", str(retry_after_since(seen.since)).encode()))
        if asked.known == tag or (asked.known and {"*", tag} & {*parse_etags(asked.known)}):
            return self._unchanged.get(asked.manner), of_this
        return self._whole.get(where, seen.version), of_this

    def _noting(self, asked: Asked, seen: Seen, send: Send) -> Send:
        """What Django says, on its way to the client."""
        start: dict[str, Any] = {}
        body = bytearray()

        async def note(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    self._keep(asked, seen, Answer(start["status"], start["headers"], bytes(body)))
            await send(message)

        return note

    def _keep(self, asked: Asked, seen: Seen, answer: Answer) -> None:
        """Under the version that was seen before it was made: if that is still the job's, it is
        the answer's too."""
        if answer.header("Set-Cookie") is not None:
            return
        common = answer.with_headers(**dict.fromkeys(OF_EACH))
        if answer.status == 304 and len(self._unchanged) < MOST_MANNERS:
            self._unchanged[asked.manner] = common
        elif answer.status == 200 and (asked.in_seeds_words or _is_told_alike(seen)):
            self._whole.put((asked.path, asked.manner), seen.version, common)


class Shelf:
    """Answers by where and how they were asked for; the longest unasked one goes first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._kept: OrderedDict[Any, tuple[tuple[Any, ...], Answer]] = OrderedDict()
        self._room = most_bytes

    def get(self, where: Any, version: tuple[Any, ...]) -> Answer | None:
        if (found := self._kept.get(where)) is None or found[0] != version:
            return None
        self._kept.move_to_end(where)
        return found[1]

    def put(self, where: Any, version: tuple[Any, ...], answer: Answer) -> None:
        if known := self._kept.pop(where, None):
            self._room += _size(known[1])
        if len(answer.body) > MOST_OF_ONE:
            return
        self._kept[where] = (version, answer)
        self._room -= _size(answer)
        while self._room < 0:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._room += _size(oldest)


def _size(answer: Answer) -> int:
    """About what it takes to keep it."""
    return len(answer.body) + 4096


def _is_told_alike(seen: Seen) -> bool:
    """What earlier attempts used may still be written down."""
    return seen.state in TOLD_ALIKE and seen.attempt == 1


def asked_by(scope: Scope) -> Asked | None:
    """None: something is asked for that we do not know by heart."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return None
    place = PLACE.fullmatch(scope["path"])
    if place is None or scope.get("root_path"):
        return None
    headers = plain_headers(scope, KNOWN)
    if headers is None:
        return None
    key = headers.get(b"authorization")
    text = key.decode("latin-1").removeprefix("Bearer ") if key else local_user.USERNAME
    return Asked(
        path=place[0],
        question=Question(place[2], text, key is not None),
        in_seeds_words=bool(place[1]),
        manner=manner_of(scope, headers),
        known=headers.get(b"if-none-match", b"").decode("latin-1"),
        request_id=request_id_of(headers.get(b"x-request-id", b"").decode("latin-1")),
    )


def plain_headers(scope: Scope, known: set[bytes]) -> dict[bytes, bytes] | None:
    """Of a request that bears a key or is the local user's, and has nothing among them that would
    have a say in the answer but for what is known; None: there is more to it."""
    headers = dict(scope["headers"])
    if len(headers) != len(scope["headers"]) or headers.get(b"accept", b"*/*") not in WHOLE:
        return None
    has_key = b"authorization" in headers
    plain = headers.keys() <= known | CHANGES_NOTHING | (OF_PROXIES if has_key else set())
    return headers if plain and (has_key or _is_local(scope, headers)) else None


def _is_local(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    address = (scope.get("client") or ("",))[0]
    return local_user.may_act(address, {name.decode("latin-1") for name in headers})


def manner_of(scope: Scope, headers: dict[bytes, bytes]) -> Any:
    """All that an answer may depend on beside the path and who asks."""
    proto = headers.get(b"x-forwarded-proto")
    return b"authorization" in headers, headers.get(b"host"), scope.get("scheme"), proto


def _log(asked: Asked, answer: Answer, began: float) -> None:
    with log_context.bound(request_id=asked.request_id, job_id=asked.question.job_id):
        log_access("GET", asked.path, answer.status, time.perf_counter() - began)
