"""Tags are a person's own marks: they may be given at any time, also to a job that has ended."""

from __future__ import annotations

from django.db import transaction

from jobs.models import Job

from .writing import change

MOST_TAGS = 50
LONGEST_TAG = 100


class CannotTag(Exception):
    """The tag is none, or one too many; nothing was changed."""


def add_tag(job: Job, tag: str, *, by: str) -> bool:
    """Whether it is new to the job.

    :raises CannotTag: it is empty or too long, or the job has as many as it may.
    """
    tag = tag.strip()
    if not tag:
        raise CannotTag("The tag is empty; expected a word or a few.")
    if len(tag) > LONGEST_TAG:
        raise CannotTag(f"The tag has {len(tag)} characters; at most {LONGEST_TAG} are kept.")
    with transaction.atomic():
        # Two who tag at once each keep what the other wrote.
        tags = Job.objects.select_for_update().values_list("tags", flat=True).get(pk=job.pk)
        if tag in tags:
            return False
        if len(tags) >= MOST_TAGS:
            raise CannotTag(f"It has {len(tags)} tags already, the most that a job may have.")
        change(job, "tagged", {}, {"tag": tag, "by": by}, tags=[*tags, tag])
    return True
