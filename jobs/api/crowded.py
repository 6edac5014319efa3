"""`POST /api/v1/jobs`, many at the same time: each is read by what the view reads it by, all are
stored together, and each is told what the view would tell.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from jobs import lifecycle
from jobs.lifecycle import Looked, Sent, Wanted
from jobs.models import Job
from jobs.outlook import Outlook

from . import receipts, submitting, telling
from .parsers import BoundedJSONParser
from .views import JobsView

OF_A_JOB = {field.name for field in fields(Wanted)} - {"given", "unreadable", "restarted_from"}
REFUSED = (APIException, BadRequest, SuspiciousOperation, Http404)
"""What a view is left by when it refuses; it is to say so itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The answer to one: 202, with these headers beside those that all have."""

    headers: dict[str, str]
    content: bytes
    user_id: int


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

    def read(self, body: bytes, request_id: str) -> Sent | None:
        """None: the view has to look at it.

        :raises APIException: as the view.
        """
        given = BoundedJSONParser().parse(io.BytesIO(body), None, self.request.parser_context)
        submission = submitting.read(given)
        if not submission.is_valid():
            return None
        asked = submitting.asked_by(self.request, submission)
        if "webhook" in asked:
            return None
        return Sent(
            owner=asked["owner"],
            origin=asked["origin"],
            wanted=Wanted(**{name: asked[name] for name in OF_A_JOB & asked.keys()}),
            request_id=request_id,
        )

    def tell(self, jobs: Sequence[Job]) -> list[Told]:
        """As the view tells of each that it has made."""
        shape = telling.receipt(self._shape, self.request)
        told = telling.of_many(jobs, shape, self.request, Outlook(jobs))
        return [self._told(job, each) for job, each in zip(jobs, told, strict=True)]

    def _told(self, job: Job, told: dict[str, Any]) -> Told:
        asked = self.request
        told["reuse"] = receipts.reuse(job, asked)
        content: Any = asked.accepted_renderer.render(
            told, asked.accepted_media_type, self._view.get_renderer_context()
        )
        headers = receipts.headers_of(job, asked)
        return Told(headers=headers, content=content, user_id=job.owner_id)


@dataclass(slots=True)
class Submission:
    """One of them, and how far it has come.

    :param sender: tells its sender, and manner of asking, from others.
    :param asked: makes the request of it.
    """

    sender: Any
    asked: Callable[[], HttpRequest]
    body: bytes
    request_id: str
    is_read: bool = False
    is_counted: bool = False
    by: Sender | None = None
    sent: Sent | None = None
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
            each.by, each.sent = sender, sender.read(each.body, each.request_id)
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


def store_each(submissions: Sequence[Submission]) -> list[Told | None]:
    """The answer to each. None: nothing was done of it, and the view is to be asked.

    :raises Unsure: something may have been done of each.
    """
    good = [each for each in submissions if each.looked]
    stored = lifecycle.submit_each([each.looked for each in good if each.looked])
    new: dict[int, list[tuple[int, Job]]] = {}
    senders = {}
    for each, job in zip(good, stored, strict=True):
        if job and each.by:
            senders[id(each.by)] = each.by
            new.setdefault(id(each.by), []).append((id(each), job))
    told: dict[int, Told] = {}
    for name, theirs in new.items():
        answers = senders[name].tell([job for _, job in theirs])
        told |= zip((which for which, _ in theirs), answers, strict=True)
    return [told.get(id(each)) for each in submissions]
