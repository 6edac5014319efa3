"""What users do with their endpoints, and what is done to them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs.key_models import ApiKey
from jobs.models import Job
from jobs.webhook_models import (
    ENDS,
    TEST,
    DeliveryState,
    JobWebhook,
    WebhookDelivery,
    WebhookEndpoint,
)

from . import addresses, outbox, signing

MOST = 20
"""For one user, and for each of their keys."""
MOST_PER_JOB = 5
MOST_OVERLAP_S = 7 * 24 * 3600
OVERLAP_S = 24 * 3600


class Unacceptable(Exception):
    """It cannot be had; the text says why, and how to mend it."""


def create(
    *,
    owner: Any,
    url: str,
    events: Sequence[str] = (),
    secret: str = "",
    key: ApiKey | None = None,
) -> WebhookEndpoint:
    """:param url: empty for the one that serves the webhooks of single jobs.
    :param key: by which its owner acts; it then hears of the jobs of that key alone.

    :raises addresses.Refused: a webhook may not go there.
    :raises Unacceptable: there is one already, or they are too many, or the secret is none.
    """
    if url:
        url = str(addresses.checked(url))
    with transaction.atomic():
        if WebhookEndpoint.objects.filter(owner=owner, key=key).count() >= MOST:
            raise Unacceptable(f"You have {MOST} webhooks, the most that you may.")
        try:
            with transaction.atomic():
                return WebhookEndpoint.objects.create(
                    owner=owner,
                    key=key,
                    url=url,
                    events=list(events or ENDS),
                    secret=_secret(secret),
                )
        except IntegrityError:
            raise Unacceptable("You have the webhook for single jobs already.") from None


def for_single_jobs(owner: Any, key: ApiKey | None = None) -> WebhookEndpoint:
    found, _ = WebhookEndpoint.objects.get_or_create(
        owner=owner,
        key=key,
        url="",
        defaults={"secret": signing.new_secret(), "events": list(ENDS)},
    )
    return found


def attach(
    job: Job, *, url: str, events: Sequence[str] = (), key: ApiKey | None = None
) -> JobWebhook:
    """Have this one job told of. One that has ended, or waits for approval, is told of at once.

    :raises addresses.Refused: a webhook may not go there.
    :raises Unacceptable: the job has as many as it may.
    """
    url = str(addresses.checked(url))
    with transaction.atomic():
        # Its end comes before this, and is told here; or after, and finds what is written here.
        job = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
        endpoint = for_single_jobs(job.owner, key)
        others = endpoint.of_jobs.filter(job=job).exclude(url=url)
        if others.count() >= MOST_PER_JOB:
            raise Unacceptable(f"The job has {MOST_PER_JOB} webhooks, the most that it may.")
        wanted, _ = endpoint.of_jobs.update_or_create(
            job=job, url=url, defaults={"events": list(events or ENDS)}
        )
        if endpoint.is_active:
            outbox.tell_of_now(job, wanted)
    return wanted


def carry_over(old: Job, new: Job) -> None:
    """Who is told of a job is told of the one that takes its place, if they may hear of it."""
    asked = JobWebhook.objects.filter(job=old).select_related("endpoint").order_by("id")
    JobWebhook.objects.bulk_create(
        JobWebhook(endpoint=each.endpoint, job=new, url=each.url, events=each.events)
        for each in asked
        if outbox.may_hear_of(each.endpoint, new)
    )


def change(
    endpoint: WebhookEndpoint, *, url: str | None = None, events: Sequence[str] | None = None
) -> None:
    """:raises addresses.Refused, Unacceptable: as their texts say."""
    if url is not None:
        if endpoint.is_for_single_jobs:
            raise Unacceptable("Each job names its own URL; make a webhook with a URL for all.")
        endpoint.url = str(addresses.checked(url))
    if events is not None:
        endpoint.events = list(events)
    endpoint.save(update_fields=["url", "events"])


def rotate(endpoint: WebhookEndpoint, *, overlap_s: int = OVERLAP_S, secret: str = "") -> None:
    """A new secret, in `endpoint.secret`; for a while the old one signs as well.

    :raises Unacceptable: the secret that was given is none.
    """
    with transaction.atomic():
        locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        endpoint.old_secret = locked.secret if overlap_s else ""
        endpoint.old_secret_until = timezone.now() + timedelta(seconds=overlap_s)
        endpoint.secret = _secret(secret)
        endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])


def test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """:raises Unacceptable: there is nowhere to send it to."""
    if endpoint.is_for_single_jobs:
        raise Unacceptable("Each job names its own URL: there is none to test here.")
    if not endpoint.is_active:
        raise Unacceptable("It is switched off: switch it on first.")
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        message_id=f"msg_{uuid.uuid4().hex}",
        type=TEST,
        data={"message": "This is a test. What you get later looks like this, of a job."},
    )


def replay(delivery: WebhookDelivery) -> None:
    """Send it again, under the same id.

    :raises Unacceptable: the endpoint is switched off, or it is on its way anyway.
    """
    if not delivery.endpoint.is_active:
        raise Unacceptable("The webhook is switched off: switch it on first.")
    if not WebhookDelivery.objects.filter(pk=delivery.pk, next_at=None).update(**outbox.again()):
        raise Unacceptable("It is on its way already.")
    delivery.refresh_from_db()


def replay_missed(endpoint: WebhookEndpoint) -> int:
    """Send again whatever did not arrive; returns how many.

    :raises Unacceptable: it is switched off.
    """
    if not endpoint.is_active:
        raise Unacceptable("It is switched off: switch it on first.")
    missed = endpoint.deliveries.filter(
        next_at=None, state__in=[DeliveryState.FAILED, DeliveryState.CANCELLED]
    )
    return missed.update(**outbox.again())


def enable(endpoint: WebhookEndpoint) -> None:
    """Of what was missed nothing is sent by itself; see `replay_missed`."""
    endpoint.disabled_at, endpoint.disabled_because = None, ""
    endpoint.save(update_fields=["disabled_at", "disabled_because"])


def disable(endpoint: WebhookEndpoint, because: str) -> None:
    """Nothing is sent there any more, what was waiting neither."""
    with transaction.atomic():
        endpoint.disabled_at, endpoint.disabled_because = timezone.now(), because[:300]
        endpoint.save(update_fields=["disabled_at", "disabled_because"])
        withdraw(endpoint)


def withdraw(endpoint: WebhookEndpoint, **only: Any) -> None:
    waiting = endpoint.deliveries.filter(state=DeliveryState.PENDING, **only)
    waiting.update(state=DeliveryState.CANCELLED, next_at=None, ended_at=timezone.now())


def forget_url(endpoint: WebhookEndpoint, url: str) -> None:
    """Of single jobs: whoever was there wants no more of it."""
    with transaction.atomic():
        endpoint.of_jobs.filter(url=url).delete()
        withdraw(endpoint, url=url)


def remove(endpoint: WebhookEndpoint) -> None:
    """With its log. That of single jobs takes what those asked for along."""
    endpoint.delete()


def _secret(given: str) -> str:
    if given and not signing.is_secret(given):
        raise Unacceptable(
            f"The secret has to be {signing.PREFIX} and the base64 of {signing.LEAST_BYTES} to "
            f"{signing.MOST_BYTES} bytes; leave it out to be given one."
        )
    return given or signing.new_secret()
