"""Sends what is due. The table is the queue, so that nothing is lost with a process or with Redis.

A message is claimed by moving the moment at which it is due past the longest that a request may
take, compare-and-set: of several senders one gets it, and of one that dies it is due again.
Requests are made by threads, a few for each user at a time, so that nobody's slow receiver holds
up others; the database is talked to by the thread that calls `look` and no other.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any

from django.conf import settings
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from jobs import moments
from jobs.prepared import Example, Prepared
from jobs.webhook_models import DeliveryState, WebhookDelivery
from simulations.version import VERSION

from . import endpoints, posting, signing

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 32
MOST_PER_OWNER = 4
MOST_TRIES_KEPT = 30
CLAIM_MARGIN_S = 10
"""Beyond the request itself, for a name service that takes its time."""
JITTER = 0.1
LINKS = ("self", "page")
DEAD = "Nothing that was sent arrived in all the time in which it was tried."

DUE = Prepared(
    lambda now: WebhookDelivery.objects.filter(next_at__lte=now).order_by().values_list("pk")[:1],
    now=Example.MOMENTS[0],
)
"""Mostly there is none: to ask is all that this process does on most sites, twice a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    delivery: WebhookDelivery
    outcome: posting.Outcome


class Sender:
    def __init__(self) -> None:
        self._busy: Counter[int] = Counter()
        self._back: SimpleQueue[Sent] = SimpleQueue()

    @property
    def n_in_flight(self) -> int:
        return self._busy.total()

    def look(self, wait_s: float) -> None:
        """Begin with what is due, and write down what came of what was begun before.

        :param wait_s: how long to wait for the first answer, where there is nothing else to do.
        """
        while self._begin_some():
            pass
        self._settle_some(wait_s)

    def finish(self, within_s: float) -> None:
        """Begin nothing more. What is not answered by then is due again when its claim lapses."""
        deadline = time.monotonic() + within_s
        while self.n_in_flight and (left_s := deadline - time.monotonic()) > 0:
            self._settle_some(left_s)

    def _begin_some(self) -> bool:
        """Whether there was anything; then there may be more, of somebody who is not so busy."""
        if not DUE.rows(now=timezone.now()):
            return False
        room = MOST_AT_ONCE - self.n_in_flight
        busy = [owner for owner, n in self._busy.items() if n >= MOST_PER_OWNER]
        due = WebhookDelivery.objects.filter(next_at__lte=timezone.now())
        due = due.exclude(endpoint__owner__in=busy)
        due = due.select_related("endpoint__key", "endpoint__owner")
        began = False
        for delivery in due.order_by("next_at", "id")[:room]:
            owner = delivery.endpoint.owner_id
            if self._busy[owner] < MOST_PER_OWNER and claim(delivery):
                self._busy[owner] += 1
                threading.Thread(target=self._send, args=(delivery,), daemon=True).start()
                began = True
        return began

    def _send(self, delivery: WebhookDelivery) -> None:
        """In a thread of its own: no database."""
        try:
            outcome = send(delivery)
        except Exception as exc:
            # A defect of ours; its place must not stay taken for ever.
            logger.exception("webhook %s could not be sent", delivery.message_id)
            outcome = posting.Outcome(error=f"Not sent: {type(exc).__name__}, a defect of ours.")
        self._back.put(Sent(delivery=delivery, outcome=outcome))

    def _settle_some(self, wait_s: float) -> None:
        try:
            sent = self._back.get(timeout=wait_s)
            while True:
                try:
                    settle(sent.delivery, sent.outcome)
                except BaseException:
                    self._back.put(sent)  # the database is away: written down later
                    raise
                self._busy[sent.delivery.endpoint.owner_id] -= 1
                sent = self._back.get_nowait()
        except Empty:
            return


def claim(delivery: WebhookDelivery) -> bool:
    """Whether it is ours to send, and nobody else's until the claim lapses."""
    due = WebhookDelivery.objects.filter(pk=delivery.pk, next_at=delivery.next_at)
    endpoint = delivery.endpoint
    key, is_known = endpoint.key, endpoint.owner.is_active
    if not (endpoint.is_active and is_known) or (key and not key.is_usable):
        # Written before somebody switched the endpoint off, or for a key that has ended since;
        # and whoever may no longer sign in is told nothing.
        ended = {"next_at": None, "ended_at": timezone.now()}
        due.update(state=DeliveryState.CANCELLED, **ended)
        return False
    until = timezone.now() + timedelta(seconds=settings.WEBHOOK_TIMEOUT_S + CLAIM_MARGIN_S)
    if not due.update(next_at=until, n_tries=F("n_tries") + 1):
        return False
    delivery.next_at = until
    delivery.n_tries += 1
    return True


def send(delivery: WebhookDelivery) -> posting.Outcome:
    now = timezone.now()
    body = body_of(delivery)
    signed = signing.headers(delivery.message_id, body, delivery.endpoint.secrets_at(now), now)
    named = {"User-Agent": f"scientific-ai-backplane/{VERSION}", "Content-Type": "application/json"}
    return posting.post(delivery.target, body.encode(), named | signed)


def body_of(delivery: WebhookDelivery) -> str:
    """The same for every try."""
    data: dict[str, Any] = dict(delivery.data)
    if links := _links(delivery):
        data["links"] = {name: settings.PUBLIC_URL + path for name, path in links.items()}
    at = moments.written(delivery.at, timespec="milliseconds")
    body = {"type": delivery.type, "timestamp": at, "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _links(delivery: WebhookDelivery) -> dict[str, str]:
    if delivery.job_id:
        names, what = ("api:job", "jobs:detail"), delivery.job_id
    elif what := delivery.data.get("batch_id"):
        names = ("api:batch", "batches:detail")
    else:
        return {}
    return {link: reverse(name, args=[what]) for link, name in zip(LINKS, names, strict=True)}


def settle(delivery: WebhookDelivery, outcome: posting.Outcome) -> None:
    """Write down what came of it, and when it is tried again."""
    # Behind our claim only: who sends it next writes what came of that.
    ours = WebhookDelivery.objects.filter(pk=delivery.pk, next_at=delivery.next_at)
    tried = {"at": moments.written(timezone.now()), **asdict(outcome)}
    fields = _after(delivery, outcome)
    if not ours.update(tries=[*delivery.tries, tried][-MOST_TRIES_KEPT:], **fields):
        return
    if not outcome.is_success:
        told = outcome.status or outcome.error
        logger.info("webhook %s, try %d: %s", delivery.message_id, delivery.n_tries, told)
    if outcome.is_gone:
        _stop(delivery)
    elif fields["state"] == DeliveryState.FAILED and _is_dead(delivery):
        endpoints.disable(delivery.endpoint, DEAD)


def _after(delivery: WebhookDelivery, outcome: posting.Outcome) -> dict[str, Any]:
    now = timezone.now()
    ladder = settings.WEBHOOK_RETRIES_S
    if outcome.is_success:
        return {"state": DeliveryState.DELIVERED, "next_at": None, "ended_at": now}
    if outcome.is_gone or delivery.n_tries > len(ladder):
        return {"state": DeliveryState.FAILED, "next_at": None, "ended_at": now}
    pause_s = ladder[delivery.n_tries - 1] * random.uniform(1, 1 + JITTER)
    return {"state": DeliveryState.PENDING, "next_at": now + timedelta(seconds=pause_s)}


def _stop(delivery: WebhookDelivery) -> None:
    """410: whoever is there wants no more."""
    if delivery.url:
        endpoints.forget_url(delivery.endpoint, delivery.url)
    else:
        endpoints.disable(delivery.endpoint, "It answered 410 Gone, which asks for no more.")


def _is_dead(delivery: WebhookDelivery) -> bool:
    """Nothing arrived since this message was written, which was tried for days."""
    if delivery.endpoint.is_for_single_jobs:
        return False
    arrived = delivery.endpoint.deliveries.filter(
        state=DeliveryState.DELIVERED, ended_at__gte=delivery.at
    )
    return not arrived.exists()


def forget_old() -> int:
    """Delete what ended long ago from the log; returns how many."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    return WebhookDelivery.objects.filter(next_at=None, ended_at__lt=before).delete()[0]
