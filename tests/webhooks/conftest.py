"""A receiver, and a sender that the tests drive by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from jobs import lifecycle
from jobs.models import Job, WebhookDelivery
from jobs.webhooks.sender import Sender
from tests.stack import until

from .receiver import Receiver


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """On loopback, which the site has opened for it."""
    settings.WEBHOOK_ALLOW = ["127.0.0.1"]
    with Receiver() as running:
        yield running


@pytest.fixture
def deliver(settings: Any) -> Callable[..., None]:
    """Send what is due until nothing is; the pauses of the ladder are none."""
    settings.WEBHOOK_RETRIES_S = [0.0] * 3

    def deliver(sender: Sender | None = None) -> None:
        sender = sender or Sender()

        def is_quiet() -> bool:
            sender.look(0.02)
            due = WebhookDelivery.objects.filter(next_at__lte=timezone.now())
            return not sender.n_in_flight and not due.exists()

        until(is_quiet, "all is delivered")

    return deliver


@pytest.fixture
def succeeded(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Callable[..., Job]:
    def succeeded(job: Job | None = None, **overrides: Any) -> Job:
        job = start(job or submit(**overrides))
        lifecycle.succeed(job, job.attempt, {"total": 14}, summary={"total": 14})
        return job

    return succeeded
