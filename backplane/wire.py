"""What goes over the wire, without a wire: steps that a driver takes, blocking or not.

A flow is a generator that yields steps, is sent what came of each, and returns its outcome. So
everything that is decided (when to ask again, for how long, what an answer means) is written once
for both clients, and can be tested without a clock or a network.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, Protocol, TypeVar

from . import errors

T = TypeVar("T")
NOTHING: Mapping[str, Any] = {}
PASSING = frozenset({429, 502, 503, 504})
IN_FLIGHT = "request_in_flight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Send this; the reply is an `Answer` or `NoAnswer`.

    :param takes_s: how long the site may hold the answer back, as it was asked to.
    :param is_stream: keep the body for `Read` to fetch, unless it is a refusal.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    takes_s: float = 0
    is_stream: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """Fetch what there is next of the stream that was opened last: bytes, none at its end."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; `why` is told to whoever wants to know why it takes so long."""

    seconds: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand this to whoever iterates."""

    value: Any


Step = Call | Read | Pause | Emit
Flow = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            kind = self.headers.get("content-type", "nothing")
            told = f"HTTP {self.status} with {kind}, where JSON was expected: is it a backplane?"
            raise errors.UnexpectedAnswer(told) from None

    def problem(self) -> dict[str, Any]:
        """The refusal's document; a proxy's own page is not one."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {"detail": f"HTTP {self.status}"}

    @property
    def retry_after_s(self) -> float | None:
        return _seconds(self.headers.get("retry-after", ""))

    @property
    def has_waited(self) -> bool:
        """Whether the site held the answer back as it was asked to."""
        return "wait=" in self.headers.get("preference-applied", "")


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The connection failed, and this is how."""

    reason: str

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """For how long a request is repeated that got no answer, and how often.

    :param total_s: from the first try.
    :param first_s: after the first try; it doubles with each one, up to `most_s`.
    """

    total_s: float = 60
    first_s: float = 0.5
    most_s: float = 10
    clock: Callable[[], float] = time.monotonic

    def pause_s(self, n: int, reply: Answer | NoAnswer) -> float:
        """Before the try after the `n`-th; never sooner than the site says."""
        own = min(self.first_s * 2.0**n, self.most_s) * random.uniform(0.5, 1)
        told = reply.retry_after_s if isinstance(reply, Answer) else None
        return max(own, told or 0)


class Ask(Protocol):
    """Send a call, again where that helps, and return an answer that is no refusal."""

    def __call__(self, call: Call, *, within_s: float | None = None) -> Flow[Answer]: ...


def asking(patience: Patience) -> Ask:
    def ask(call: Call, *, within_s: float | None = None) -> Flow[Answer]:
        return exchange(call, patience, within_s)

    return ask


def exchange(call: Call, patience: Patience, within_s: float | None = None) -> Flow[Answer]:
    """As `Ask`. Every call of ours may be sent twice: what makes something carries a key.

    :raises Unreachable: nobody answered for as long as there was patience.
    :raises Refused: the site says no.
    """
    most_s = patience.total_s if within_s is None else min(patience.total_s, within_s)
    give_up_at = patience.clock() + most_s
    for n in count():
        reply = yield call
        if isinstance(reply, Answer) and not _may_pass(reply):
            if reply.status >= 400:
                raise errors.of_answer(reply.status, reply.problem())
            return reply
        pause_s = patience.pause_s(n, reply)
        if patience.clock() + pause_s > give_up_at:
            raise _given_up(reply)
        yield Pause(pause_s, _why(reply))
    raise AssertionError("unreachable")


def _may_pass(answer: Answer) -> bool:
    return answer.status in PASSING or (
        answer.status == 409 and answer.problem().get("code") == IN_FLIGHT
    )


def _given_up(reply: Answer | NoAnswer) -> errors.BackplaneError:
    if isinstance(reply, NoAnswer):
        return errors.Unreachable(reply.reason)
    error = errors.of_answer(reply.status, reply.problem())
    if isinstance(error, errors.OverQuota):
        error.retry_after_s = reply.retry_after_s
    return error


def _why(reply: Answer | NoAnswer) -> str:
    if isinstance(reply, NoAnswer):
        return reply.reason
    return str(reply.problem().get("detail") or f"HTTP {reply.status}")


def _seconds(text: str) -> float | None:
    """Of a `Retry-After`, which is a number or a date."""
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


@dataclass(frozen=True, slots=True)
class Deadline:
    """When to stop waiting; never, where there is no time limit."""

    timeout_s: float | None
    clock: Callable[[], float]
    began_at: float

    @classmethod
    def after(cls, timeout_s: float | None, clock: Callable[[], float]) -> Deadline:
        return cls(timeout_s, clock, clock())

    @property
    def left_s(self) -> float | None:
        if self.timeout_s is None:
            return None
        return max(0.0, self.began_at + self.timeout_s - self.clock())

    def at_most(self, seconds: float) -> float:
        left = self.left_s
        return seconds if left is None else min(seconds, left)

    @property
    def is_over(self) -> bool:
        return self.left_s == 0
