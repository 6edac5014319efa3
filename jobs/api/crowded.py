"""`POST /api/v1/jobs`, many at the same time: each is read by what the view reads it by, all are
stored together, and each is told what the view would tell.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from jobs import lifecycle
from jobs.lifecycle import Looked, Sent, Wanted
from jobs.models import Job
from jobs.outlook import InsideLock, Outlook

from . import idempotency, problems, receipts, submitting, telling
from .idempotency import Asked, Kept
from .parsers import BoundedJSONParser
from .views import JobsView

logger = logging.getLogger(__name__)

OF_A_JOB = {field.name for field in fields(Wanted)} - {"given", "unreadable", "restarted_from"}
REFUSED = (APIException, BadRequest, SuspiciousOperation, Http404)
"""What a view is left by when it refuses; it is to say so itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The answer to one, with these headers beside those that all have."""

    headers: dict[str, str]
    content: bytes
    user_id: int | None
    status: int = 202

    def kept(self) -> Kept:
        return Kept(status=202, headers=self.headers, body=json.loads(self.content))


class Sender:
    """Who sends some of them, recognised as by the view, and all who are asked in this manner.

    :param asked: any of their requests; they differ by their bodies and names alone.
    :raises APIException: as the view.
    """

    def __init__(self, asked: HttpRequest) -> None:
        self._view = JobsView()
        self._view.args, self._view.kwargs = (), {}
        self._view.format_kwarg = None
        self.request: Request = self._view.initialize_request(asked)
        self._view.request = self.request
        self._is_counted = False

    def count(self) -> None:
        """One of theirs, for what is allowed in a while.

        :raises APIException: as the view, be it that they are nobody.
        """
        if self._is_counted:
            self._view.check_throttles(self.request)
            return
        self._view.initial(self.request)
        self._shape = telling.wanted(self.request)
        self._is_counted = True

    def read(self, one: Submission) -> None:
        """What cannot be stored with others has nothing that was sent.

        :raises APIException: as the view.
        """
        given = BoundedJSONParser().parse(io.BytesIO(one.body), None, self.request.parser_context)
        submission = submitting.read(given)
        if not submission.is_valid():
            return
        asked = submitting.asked_by(self.request, submission)
        if "webhook" in asked:
            return
        if one.key is not None:
            one.once = idempotency.asked_under(one.key, self.request, given)
        one.by = self
        one.sent = Sent(
            owner=asked["owner"],
            origin=asked["origin"],
            wanted=Wanted(**{name: asked[name] for name in OF_A_JOB & asked.keys()}),
            request_id=one.request_id,
        )

    def tell(self, jobs: Sequence[Job], outlook: Outlook | None = None) -> list[Told]:
        """As the view tells of each that it has made.

        :param outlook: why they wait, if it is not to be looked at now.
        """
        shape = telling.receipt(self._shape, self.request)
        told = telling.of_many(jobs, shape, self.request, outlook or Outlook(jobs))
        return [self._told(job, each) for job, each in zip(jobs, told, strict=True)]

    def _told(self, job: Job, told: dict[str, Any]) -> Told:
        asked = self.request
        told["reuse"] = receipts.reuse(job, asked)
        content: Any = asked.accepted_renderer.render(
            told, asked.accepted_media_type, self._view.get_renderer_context()
        )
        headers = receipts.headers_of(job, asked)
        return Told(headers=headers, content=content, user_id=job.owner_id)


@dataclass(slots=True, eq=False)
class Submission:
    """One of them, and how far it has come.

    :param sender: tells its sender, and manner of asking, from others.
    :param asked: makes the request of it.
    :param key: against doing it twice.
    """

    sender: Any
    asked: Callable[[], HttpRequest]
    body: bytes
    request_id: str
    key: str | None = None
    is_read: bool = False
    is_counted: bool = False
    by: Sender | None = None
    sent: Sent | None = None
    once: Asked | None = None
    looked: Looked | None = None

    @property
    def takes_a_reader(self) -> bool:
        """It has a structure, to look at which may take a while."""
        return self.sent is not None and not lifecycle.is_told_at_a_glance(self.sent)


def read_each(submissions: Sequence[Submission]) -> None:
    """What cannot be stored with others has nothing that was sent."""
    known: dict[Any, Sender | None] = {}
    for each in submissions:
        each.is_read = True
        if each.sender not in known:
            known[each.sender] = _sender(each)
        sender = known[each.sender]
        if sender is None:
            continue
        try:
            sender.count()
            each.is_counted = True
            sender.read(each)
        except REFUSED:
            continue


def _sender(one: Submission) -> Sender | None:
    try:
        return Sender(one.asked())
    except REFUSED:
        return None


def look_at_each(submissions: Sequence[Submission]) -> None:
    sent = [each.sent for each in submissions if each.sent]
    looked = iter(lifecycle.look_at_each(sent))
    for each in submissions:
        if each.sent:
            each.looked = next(looked)


def store_each(submissions: Sequence[Submission]) -> list[Told | Exception | None]:
    """The answer to each, or why it has none. None: nothing was done of it, and the view is to be
    asked.

    :raises Unsure: something may have been done of each.
    """
    new = list(_new(submissions))

    def keep(jobs: list[Job | None]) -> None:
        # Others wait for us: nobody looks at a line of thousands then.
        under_keys = [job if each.once else None for each, job in zip(new, jobs, strict=True)]
        told = _told(new, under_keys, lambda sender, some: sender.tell(some, InsideLock()))
        _keep(idempotency.keep_new, new, told)

    jobs = lifecycle.submit_each([each.looked for each in new if each.looked], keep)
    told = _told(new, jobs, _told_by)
    _keep(idempotency.keep_as_told, new, told)
    by_submission = {id(each): answer for each, answer in zip(new, told, strict=True)}
    return [by_submission.get(id(each)) for each in submissions]


def _new(submissions: Sequence[Submission]) -> Iterator[Submission]:
    """Those that may be stored, and were not asked for before under their key."""
    asked = [each.once for each in submissions if each.looked and each.once]
    known = idempotency.known(asked) if asked else set()
    for each in submissions:
        if each.looked is None or each.once in known:
            continue
        if each.once:
            known.add(each.once)
        yield each


def _told(
    submissions: Sequence[Submission],
    jobs: Sequence[Job | None],
    tell: Callable[[Sender, Sequence[Job]], Sequence[Told | Exception]],
) -> list[Told | Exception | None]:
    """What is told of each that has a job; all of one sender's are told together."""
    by_sender: dict[int, tuple[Sender, dict[int, Job]]] = {}
    for n, (each, job) in enumerate(zip(submissions, jobs, strict=True)):
        if job and each.by:
            by_sender.setdefault(id(each.by), (each.by, {}))[1][n] = job
    told: dict[int, Told | Exception] = {}
    for sender, theirs in by_sender.values():
        told |= zip(theirs, tell(sender, [*theirs.values()]), strict=True)
    return [told.get(n) for n in range(len(submissions))]


def _told_by(sender: Sender, jobs: Sequence[Job]) -> Sequence[Told | Exception]:
    """What cannot be told to one sender is no reason why others should not hear of theirs."""
    try:
        return sender.tell(jobs)
    except Exception as exc:
        logger.exception("%d jobs are stored, and not told of", len(jobs))
        return [exc] * len(jobs)


def _keep(
    put: Callable[[dict[Asked, Kept]], None],
    submissions: Sequence[Submission],
    told: Sequence[Told | Exception | None],
) -> None:
    answers = {
        each.once: answer.kept()
        for each, answer in zip(submissions, told, strict=True)
        if each.once and isinstance(answer, Told)
    }
    if answers:
        put(answers)


def unanswered(asked: HttpRequest, request_id: str) -> Told:
    """What Django says where it does not know how far it came, either."""
    asked.request_id = request_id  # type: ignore[attr-defined]
    told = problems.problem(500, "internal", problems.DEFECT, asked)
    headers = {"Content-Type": problems.CONTENT_TYPE}
    return Told(headers=headers, content=json.dumps(told).encode(), user_id=None, status=500)
