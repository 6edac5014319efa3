"""How templates say what the models and pages know."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.models import Attempt, Job
from jobs.pages.formats import duration
from jobs.pages.rail import stage_label
from jobs.pages.status import look
from jobs.pages.strips import title_of

register = template.Library()
register.filter("duration", duration)
register.filter("stage_label", stage_label)
register.filter("title_of", title_of)


@register.simple_tag
def glyph(name: str) -> SafeString:
    """A symbol of our sprite; the word beside it says the same."""
    return format_html(
        '<svg class="glyph" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("img/sprite.svg"),
        name,
    )


@register.simple_tag
def status_chip(job: Job) -> SafeString:
    shown = look(job)
    return format_html(
        '<span class="status" data-status="{}">{} {}</span>',
        shown.slug,
        glyph(shown.slug),
        shown.word,
    )


@register.filter
def since(at: datetime | None) -> str:
    """How long ago that was."""
    if at is None:
        return "–"
    return duration((timezone.now() - at).total_seconds()) or "0 s"


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A point in time, exact for machines and in the title."""
    if at is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(),
        f"{at:%Y-%m-%d %H:%M:%S}",
        f"{at:%d %b %Y, %H:%M}",
    )


@register.filter
def formula(text: Any) -> SafeString:
    """`C6H6` with its counts below the line."""
    parts = [
        format_html("<sub>{}</sub>", char) if char.isdigit() else format_html("{}", char)
        for char in str(text)
    ]
    return SafeString("".join(parts).replace("</sub><sub>", ""))


@register.filter
def called(job: Job) -> SafeString | str:
    """As the job is called, its formula as one is written."""
    if job.name or not job.formula:
        return job.called
    return format_html("{}, {}", job.title, formula(job.formula))


@register.filter
def lasted(attempt: Attempt) -> str:
    if attempt.ended_at is None:
        return ""
    return duration((attempt.ended_at - attempt.started_at).total_seconds())
