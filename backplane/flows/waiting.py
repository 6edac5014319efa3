"""Until a job or a batch is over: answers that the site holds back, one long request after
another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backplane import errors
from backplane.wire import Answer, Ask, Call, Deadline, Emit, Flow, Pause

Json = dict[str, Any]
LONGEST_WAIT_S = 50
"""The most that a site holds an answer back."""
LOOK_S = 2.0
"""How soon to look again where it holds none back and does not say."""
MIN_GAP_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """:param is_over: told by the answer at `path`.
    :param goes_on: what of it is said when the time was too short, "Job 1 goes on".
    """

    path: str
    is_over: Callable[[Mapping[str, Any]], bool]
    goes_on: str
    query: Mapping[str, str] = field(default_factory=dict)

    def too_long(self, deadline: Deadline) -> errors.WaitTimeout:
        return errors.WaitTimeout(f"{self.goes_on}; {deadline.timeout_s:g} s were not enough.")


def wait(ask: Ask, what: Awaited, deadline: Deadline) -> Flow[Json]:
    """How it stands once it is over.

    :raises WaitTimeout: it was not by the deadline; it goes on.
    """
    while True:
        wait_s = deadline.at_most(LONGEST_WAIT_S)
        call = reading(what.path, wait_s=wait_s, query=what.query)
        answer = yield from ask(call, within_s=patience_s(deadline))
        found: Json = answer.json()
        if what.is_over(found):
            return found
        if deadline.is_over:
            raise what.too_long(deadline)
        if not answer.has_waited:
            yield Pause(deadline.at_most(answer.retry_after_s or LOOK_S))


def watch(ask: Ask, what: Awaited, deadline: Deadline) -> Flow[None]:
    """Emits how it stands, now and at each change, the last time with its end."""
    known = ""
    while True:
        wait_s = deadline.at_most(LONGEST_WAIT_S) if known else 0
        call = reading(what.path, wait_s=wait_s, known=known, query=what.query)
        answer = yield from ask(call, within_s=patience_s(deadline))
        if answer.status == 200:
            found = answer.json()
            known = answer.headers.get("etag", "")
            yield Emit(found)
            if what.is_over(found):
                return
        if deadline.is_over:
            raise what.too_long(deadline)
        yield Pause(_gap_s(answer, deadline))


def reading(
    path: str, *, wait_s: float, known: str = "", query: Mapping[str, Any] | None = None
) -> Call:
    """:param known: the tag of the version that one has; then any other is waited for."""
    headers = {"If-None-Match": known} if known else {}
    if seconds := math.ceil(wait_s):
        headers["Prefer"] = f"wait={seconds}"
    return Call(method="GET", path=path, query=query or {}, headers=headers, takes_s=seconds)


def patience_s(deadline: Deadline) -> float | None:
    """A site that restarts is given a moment, even where there is hardly time left."""
    left = deadline.left_s
    return None if left is None else max(left, LOOK_S)


def _gap_s(answer: Answer, deadline: Deadline) -> float:
    """Between two looks: a moment, or what the site asks for that holds none back."""
    if answer.status == 304 and not answer.has_waited:
        return deadline.at_most(answer.retry_after_s or LOOK_S)
    return MIN_GAP_S
