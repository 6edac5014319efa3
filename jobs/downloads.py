"""How a job's file is handed to a browser or an agent: by id, as a file, never as a page.

What is served is what the job recorded, or nothing: a file that was changed, cut or lost since is
told, and never sent in place of the real one.
"""

from __future__ import annotations

import logging
from typing import BinaryIO

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from . import contents, sending, storage
from .artifacts import measure
from .models import Artifact, StoredFile

logger = logging.getLogger(__name__)

SUMMED_UP_TO_BYTES = 16_000_000
"""Up to here the checksum is taken before each answer; of larger files the size has to do."""


class Unservable(Exception):
    """There is a row for the file, and nothing to send."""

    code = "file_gone"
    status = 410


class Expired(Unservable):
    code = "file_expired"


class Away(Unservable):
    """What keeps it does not answer now."""

    code = "storage_away"
    status = 503


class Damaged(Unservable):
    code = "file_damaged"


def answer(artifact: Artifact, asked: HttpRequest) -> HttpResponseBase:
    """:raises Unservable: the file was removed, is missing, or is not what the job made."""
    return sending.send(
        opened(artifact),
        asked,
        name=artifact.name,
        media_type=artifact.media_type,
        sha256=artifact.sha256,
        size=artifact.size_bytes,
    )


def answer_upload(stored: StoredFile, asked: HttpRequest) -> HttpResponseBase:
    """:raises Unservable: the file is missing, or cannot be had now."""
    storage.let_go_of_the_database()
    try:
        stream = contents.opened(stored.sha256)
    except storage.Unreachable as exc:
        logger.error("the uploaded file %s cannot be had: %s", stored.pk, exc)
        raise Away(f"{stored.name} cannot be had now: what keeps it does not answer.") from None
    except OSError as exc:
        logger.error("the uploaded file %s cannot be read: %s", stored.pk, exc)
        raise Unservable(f"{stored.name} is no longer there: upload it again.") from None
    return sending.send(
        stream,
        asked,
        name=stored.name,
        media_type="application/octet-stream",
        sha256=stored.sha256,
        size=stored.size_bytes,
    )


def opened(artifact: Artifact, *, sum_up_to: float = SUMMED_UP_TO_BYTES) -> BinaryIO:
    """The file, at its start, known to be the one that was recorded.

    :param sum_up_to: take the checksum of a file that is not larger.
    :raises Unservable: see `answer`.
    """
    if removed_at := artifact.removed_at:
        raise Expired(
            f"{artifact.name} was removed on {removed_at:%Y-%m-%d}, as this site does with the "
            "files of jobs that ended long ago. Its job's results are kept; run it again to have "
            "the file again."
        )
    storage.let_go_of_the_database()
    try:
        stream = storage.opened(artifact)
    except storage.Unreachable as exc:
        raise _away(artifact, exc) from None
    except OSError as exc:
        logger.error("%s of job %s cannot be read: %s", artifact.name, artifact.job_id, exc)
        raise Unservable(
            f"{artifact.name} is no longer on disk. Ask an administrator for it, or run the job "
            "again."
        ) from None
    try:
        _check(artifact, stream, sum_up_to)
    except storage.Unreachable as exc:
        stream.close()
        raise _away(artifact, exc) from None
    except BaseException:
        stream.close()
        raise
    return stream


def _away(artifact: Artifact, exc: storage.Unreachable) -> Away:
    logger.error("%s of job %s cannot be had: %s", artifact.name, artifact.job_id, exc)
    if isinstance(exc, storage.Silent):
        return Away(f"{artifact.name} cannot be had now: what keeps it does not answer. Ask again.")
    return Away(
        f"{artifact.name} cannot be had now: what keeps it refuses to give it. Tell whoever runs "
        "this site."
    )


def _check(artifact: Artifact, stream: BinaryIO, sum_up_to: float) -> None:
    size_bytes, sha256 = stream.seek(0, 2), artifact.sha256
    if size_bytes == artifact.size_bytes <= sum_up_to:
        size_bytes, sha256 = measure(stream)
    stream.seek(0)
    if (size_bytes, sha256) != (artifact.size_bytes, artifact.sha256):
        logger.error("%s of job %s is not what was recorded", artifact.name, artifact.job_id)
        differs = "checksum" if size_bytes == artifact.size_bytes else "size"
        raise Damaged(
            f"{artifact.name} is not served: it was changed after its job had ended, its {differs} "
            "is no longer the one that was recorded. Ask an administrator to restore it from a "
            "backup, or run the job again."
        )
