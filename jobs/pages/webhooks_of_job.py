"""Who is told of a job by webhook, and what came of the last message to each."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.models import Job, JobWebhook, WebhookDelivery, WebhookEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """:param last: the newest message on this job; None while there was none yet."""

    url: str
    events: list[str]
    endpoint: WebhookEndpoint
    last: WebhookDelivery | None


def told_by_webhook(job: Job) -> list[Told]:
    """Those that were asked for with the job, then those of all jobs that were told of it."""
    sent = WebhookDelivery.objects.filter(job=job).select_related("endpoint").order_by("at", "id")
    last = {(each.endpoint_id, each.target): each for each in sent}
    asked = JobWebhook.objects.filter(job=job).select_related("endpoint").order_by("id")
    found = [
        Told(
            url=each.url,
            events=each.events,
            endpoint=each.endpoint,
            last=last.pop((each.endpoint_id, each.url), None),
        )
        for each in asked
    ]
    return found + [
        Told(url=url, events=each.endpoint.events, endpoint=each.endpoint, last=each)
        for (_, url), each in last.items()
    ]
