"""Every file that went into a job, and every one that came out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs import downloads, references
from jobs.models import Artifact, Job, StoredFile

from . import copying, zipped
from .readers import job_of, part_of

SHOWN_BYTES = 200_000
"""Of a file that is looked at in the page; the whole of it is downloaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A file of the input. :param stored: None once its owner has removed it."""

    param: str
    name: str
    sha256: str
    stored: StoredFile | None

    @property
    def address(self) -> str:
        return reverse("api:file-content", args=[self.stored.pk]) if self.stored else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The beginning of a file. :param why_not: why nothing of it is shown."""

    text: str = ""
    is_whole: bool = True
    why_not: str = ""


@require_safe
@login_required
def job_files(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = job_of(request, job_id)
    made = list(job.artifacts.select_related("job").order_by("-attempt", "name"))
    return part_of(
        request,
        job,
        "files",
        made=made,
        given=given_to(job),
        total_bytes=sum(each.size_bytes for each in made),
        copies=copying.of_files(request, job),
    )


@require_safe
@login_required
def job_zip(request: HttpRequest, job_id: UUID) -> HttpResponseBase:
    job = job_of(request, job_id)
    made = job.artifacts.select_related("job").order_by("attempt", "name")
    return zipped.answer(job, made, [each.stored for each in given_to(job) if each.stored])


@require_safe
@login_required
def job_file_view(request: HttpRequest, job_id: UUID, artifact_id: UUID) -> HttpResponse:
    job = job_of(request, job_id)
    artifact = get_object_or_404(Artifact.objects.select_related("job"), job=job, pk=artifact_id)
    try:
        shown = beginning(artifact)
    except downloads.Unservable as exc:
        told = {"why": exc, "job": job, "status": exc.status}
        return render(request, "410.html", told, status=exc.status)
    return part_of(request, job, "file", artifact=artifact, shown=shown)


def given_to(job: Job) -> list[Given]:
    """By the name of the param that holds each, in the order of the params."""
    references = list(_references(job.params))
    digests = {digest for _, _, digest in references}
    stored = {
        each.sha256: each for each in StoredFile.objects.filter(owner=job.owner, sha256__in=digests)
    }
    return [
        Given(param=param, name=name, sha256=digest, stored=stored.get(digest))
        for param, name, digest in references
    ]


def beginning(artifact: Artifact) -> Text:
    """:raises Unservable: see `downloads.answer`."""
    with downloads.opened(artifact) as stream:
        raw = stream.read(SHOWN_BYTES)
    if b"\0" in raw:
        return Text(why_not="It is not text: download it, and open it with what reads its format.")
    is_whole = len(raw) == artifact.size_bytes
    try:
        # What is cut may end within a character.
        text = raw.decode("utf-8", "strict" if is_whole else "ignore")
    except UnicodeDecodeError:
        return Text(why_not="It is not text in UTF-8: download it to open it.")
    return Text(text=text, is_whole=is_whole)


def _references(params: Any, param: str = "") -> Iterator[tuple[str, str, str]]:
    if references.is_reference(params):
        digest = str(params["file"]).removeprefix(references.PREFIX)
        yield param, str(params.get("name") or "file"), digest
    elif isinstance(params, dict):
        for name, value in params.items():
            yield from _references(value, param or name)
    elif isinstance(params, list):
        for value in params:
            yield from _references(value, param)
