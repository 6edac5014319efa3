"""Submissions that come at the same time go together: they are stored in one transaction and told
to the queue in one breath, by one thread.

Each is read, checked and told by the rules of its view (`jobs.api.crowded`), without Django's way
there and back. What the middlewares would add to the answer is what they added to the first one
that was asked for in the same manner; and whatever is more than a plain submission, or is to be
refused, goes to Django, which knows why.
"""

from __future__ import annotations

import asyncio
import io
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.db import close_old_connections
from django.http import HttpRequest
from django.urls import set_script_prefix

from jobs import log_context
from jobs.api import crowded
from jobs.api.crowded import Submission, Told
from jobs.api.idempotency import HEADER, REPLAYED
from jobs.api.throttles import COUNTED
from jobs.asking import App, Message, Receive, Scope, Send, again
from simulations.bounded import READERS

from .kept import MOST_MANNERS, manner_of, plain_headers
from .local_user import local_user
from .request_id import log_access, request_id_of

logger = logging.getLogger(__name__)

PATH = "/api/v1/jobs"
ONCE = HEADER.lower().encode()
KNOWN = {
    b"accept", b"authorization", b"content-length", b"content-type", b"host", b"x-request-id", ONCE,
}  # fmt: skip
OF_ONE = {b"content-length", b"x-request-id", ONCE}
"""What tells one request of a sender from another."""
OF_EACH = {b"content-length", b"location", b"retry-after", b"x-request-id"}
"""The headers of an answer that are its own."""
OF_OTHERS = {b"set-cookie", REPLAYED.lower().encode()}
"""What an answer has that is none to a new submission, or not for everybody."""
OF_A_202 = {b"allow", b"content-type"}
MOST_BYTES = 8192
MOST_AT_ONCE = 64
HELD_UP_S = 1.0
"""When those who were stored together take longer than that, others do not wait for them."""

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True, kw_only=True, eq=False)
class Waiting:
    """One who waits for the answer.

    :param ended: of a loop that may be another one's.
    """

    submission: Submission
    loop: asyncio.AbstractEventLoop
    ended: asyncio.Future[Told | None]
    began: float = field(default_factory=time.perf_counter)

    def tell(self, told: Told | BaseException | None) -> None:
        with suppress(RuntimeError):  # its loop is closed, and nobody waits
            self.loop.call_soon_threadsafe(self._tell, told)

    def _tell(self, told: Told | BaseException | None) -> None:
        if self.ended.done():
            return  # the client has left; its job is there all the same
        if isinstance(told, BaseException):
            self.ended.set_exception(told)
        else:
            self.ended.set_result(told)


class Crowd:
    """In front of Django."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._common: dict[Any, Headers] = {}
        self._waiting: list[Waiting] = []
        self._lock = threading.Lock()
        self._since: float | None = None
        self._looks: dict[int, float] = {}
        self._desk = ThreadPoolExecutor(1, thread_name_prefix="crowd")
        self._lookers = ThreadPoolExecutor(READERS, thread_name_prefix="looker")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = plain(scope)
        if headers is None:
            await self._app(scope, receive, send)
            return
        manner = manner_of(scope, headers)
        if (common := self._common.get(manner)) is None or self._is_held_up():
            await self._app(scope, receive, self._noting(manner, send))
            return
        if (body := await whole(receive)) is None:
            return
        request_id = request_id_of(headers.get(b"x-request-id", b"").decode("latin-1"))
        one = Submission(
            sender=sender_of(scope, headers),
            asked=partial(request_of, scope, acts_as_local=b"authorization" not in headers),
            body=body,
            request_id=request_id,
            key=headers[ONCE].decode("latin-1") if ONCE in headers else None,
        )
        began = time.perf_counter()
        try:
            told = await self._answer(one)
        except Exception:  # which is in the log
            told = crowded.unanswered(ASGIRequest(scope, io.BytesIO()), request_id)
            common = [each for each in common if each[0].lower() not in OF_A_202]
        if told is None:
            counted = {**scope, COUNTED: one.is_counted}
            await self._app(counted, again(body, receive), send)
            return
        own = {**told.headers, "X-Request-ID": request_id, "Content-Length": len(told.content)}
        start = {"type": "http.response.start", "status": told.status}
        written = [(name.encode(), str(text).encode("latin-1")) for name, text in own.items()]
        await send({**start, "headers": [*common, *written]})
        await send({"type": "http.response.body", "body": told.content})
        with log_context.bound(request_id=request_id):
            log_access("POST", PATH, told.status, time.perf_counter() - began, told.user_id)

    def _noting(self, manner: Any, send: Send) -> Send:
        """What Django says to one who is accepted, on its way to the client."""

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 202:
                self._note(manner, list(message["headers"]))
            await send(message)

        return note

    def _note(self, manner: Any, headers: Headers) -> None:
        names = {name.lower() for name, _ in headers}
        if names >= OF_EACH and names.isdisjoint(OF_OTHERS):
            self._common[manner] = [(k, v) for k, v in headers if k.lower() not in OF_EACH]
        if len(self._common) > MOST_MANNERS:
            # A sender can make them up, as by ports of our host: the others' are learned again.
            self._common.pop(next(iter(self._common)))

    def _is_held_up(self) -> bool:
        since = self._since
        return since is not None and time.monotonic() - since > HELD_UP_S

    async def _answer(self, one: Submission) -> Told | None:
        """None: Django is to be asked."""
        loop = asyncio.get_running_loop()
        each = Waiting(submission=one, loop=loop, ended=loop.create_future())
        self._line_up([each])
        return await each.ended

    def _line_up(self, some: list[Waiting]) -> None:
        with self._lock:
            if self._since is None:
                if not _is_begun(self._desk, self._work):
                    for each in some:
                        each.tell(None)
                    return
                self._since = time.monotonic()
            self._waiting += some

    def _work(self) -> None:
        """In the one thread, until nobody waits."""
        while some := self._taken():
            try:
                self._serve(some)
            except Exception as exc:
                # Nobody knows how far it came: to ask Django might do it twice.
                logger.exception("%d submissions have no answer", len(some))
                for each in some:
                    each.tell(exc)
            finally:
                give_back_connections()

    def _taken(self) -> list[Waiting]:
        with self._lock:
            some, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            self._since = time.monotonic() if some else None
            return some

    def _serve(self, some: list[Waiting]) -> None:
        fresh = [each for each in some if not each.submission.is_read]
        later: list[Waiting] = []
        try:
            crowded.read_each([each.submission for each in fresh])
            later = [each for each in fresh if each.submission.takes_a_reader]
            at_a_glance = [each.submission for each in fresh if each not in later]
            crowded.look_at_each(at_a_glance)
        except Exception:
            # Nothing was done of any of them: Django is asked of each.
            logger.exception("%d submissions are looked at one by one", len(fresh))
        for each in later:
            self._have_looked_at(each)
        now = [each for each in some if each not in later]
        stored = crowded.store_each([each.submission for each in now])
        for each, told in zip(now, stored, strict=True):
            each.tell(told)

    def _have_looked_at(self, one: Waiting) -> None:
        queued = time.monotonic()
        if self._looks_are_held_up() or not _is_begun(self._lookers, self._look, one, queued):
            one.tell(None)

    def _looks_are_held_up(self) -> bool:
        """All who look are at something that takes long."""
        looks = list(self._looks.values())
        return len(looks) == READERS and time.monotonic() - max(looks) > HELD_UP_S

    def _look(self, one: Waiting, queued: float) -> None:
        """:param queued: since when it waits for one of these threads."""
        began = time.monotonic()
        if began - queued > HELD_UP_S:
            # Behind many that take long: Django knows when to say that everybody is busy.
            one.tell(None)
            return
        self._looks[id(one)] = began
        try:
            crowded.look_at_each([one.submission])
        except Exception:
            logger.exception("a submission is looked at by Django")
        finally:
            del self._looks[id(one)]
            give_back_connections()
        self._line_up([one])


def _is_begun(threads: ThreadPoolExecutor, what: Callable[..., None], *args: Any) -> bool:
    """Or there is to be no more of it: the process ends, or may have no more threads."""
    try:
        threads.submit(what, *args)
    except RuntimeError as exc:
        logger.warning("submissions are left to Django: %s", exc)
        return False
    return True


def give_back_connections() -> None:
    """Of this thread, as at the end of a request; should that fail, the next is asked all the
    same."""
    try:
        close_old_connections()
    except Exception:
        logger.exception("a connection was not given back")


def plain(scope: Scope) -> dict[bytes, bytes] | None:
    """The headers of a submission that has nothing to it but its body and its sender."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != PATH:
        return None
    if scope["query_string"] or scope.get("root_path"):
        return None
    headers = plain_headers(scope, KNOWN)
    if headers is None or headers.get(b"content-type") != b"application/json":
        return None
    if b"host" not in headers:
        return None  # what it is then called depends on which address of ours it came to
    length = headers.get(b"content-length", b"")
    is_short = length.isdigit() and int(length) <= MOST_BYTES
    has_other = not headers.get(b"authorization", b"Bearer ").startswith(b"Bearer ")
    return headers if is_short and not has_other else None


def sender_of(scope: Scope, headers: dict[bytes, bytes]) -> Any:
    """The same for whoever is the same, and asks in the same manner."""
    told = frozenset(each for each in headers.items() if each[0] not in OF_ONE)
    return scope.get("scheme"), (scope.get("client") or ("",))[0], told


def request_of(scope: Scope, *, acts_as_local: bool) -> HttpRequest:
    """As it comes to the view, but for its body."""
    set_script_prefix(get_script_prefix(scope))
    request = ASGIRequest(scope, io.BytesIO())
    request.user = AnonymousUser()
    if acts_as_local:
        request.user = local_user()
        request.acts_as_local = True  # type: ignore[attr-defined]
    return request


async def whole(receive: Receive) -> bytes | None:
    """The body; None: the client hung up before the end of it."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
