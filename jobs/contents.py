"""What users upload, by its digest: on this disk, and in the bucket where the site has one.

Who writes a content here brings it to the bucket too, and who does not find it here reads it there:
a worker on another machine, or this one once its own copy was removed. What could not be brought,
for the bucket was away, stays here and is brought by the storekeeper: nothing is refused for that.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import uuid
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone

from . import storage
from .models import HEX_DIGEST, StoredFile

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 500
YOUNG = timedelta(days=1)
"""What was brought so lately may be of a row that is not committed yet."""


def put(sha256: str, content: bytes) -> None:
    """Nothing is done where it lies here: whoever wrote it has brought it, or it will be."""
    if not _write_once(StoredFile.path_of(sha256), content):
        return
    try:
        _bring(sha256, content)
    except OSError as exc:
        logger.error("the upload %s stays in place for now: %s", sha256, exc)


def read(sha256: str) -> bytes:
    """:raises FileNotFoundError: it is nowhere, or not what its key says.
    :raises storage.Unreachable: it is not here, and the bucket does not answer.
    """
    with opened(sha256) as stream:
        return stream.read()


def opened(sha256: str) -> BinaryIO:
    """:raises OSError: see `read`."""
    try:
        return StoredFile.path_of(sha256).open("rb")
    except FileNotFoundError:
        there = storage.bucket()
        if there is None:
            raise
    content = cast(bytes, there.open(_key(sha256)).read())
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FileNotFoundError(f"the upload {sha256} in the bucket is not what its key says")
    return io.BytesIO(content)


def remove_here(sha256: str) -> bool:
    """Whether it lay here."""
    path = StoredFile.path_of(sha256)
    was_here = path.exists()
    path.unlink(missing_ok=True)
    return was_here


def remove_from_bucket(sha256: str) -> None:
    """Never within a transaction: a bucket that hangs would hold up everybody who writes.

    What a bucket that is away keeps of it, `sweep` removes; and what came to belong to somebody
    meanwhile, `bring_all` brings again.
    """
    there = storage.bucket()
    if there is None or StoredFile.objects.filter(sha256=sha256).exists():
        return
    try:
        there.remove([_key(sha256)])
    except OSError as exc:
        logger.error("the upload %s stays in the bucket for now: %s", sha256, exc)


# --- the storekeeper's ----------------------------------------------------------------------------


def bring_all() -> int:
    """Bring what rows name, lies here and is not in the bucket; returns how many.

    :raises OSError: the bucket is away.
    """
    if storage.bucket() is None:
        return 0
    n, there = 0, in_bucket()
    for path in here():
        if path.name not in there and StoredFile.objects.filter(sha256=path.name).exists():
            _bring(path.name, path.read_bytes())
            n += 1
    return n


def sweep() -> int:
    """Remove from the bucket what no row names; returns how many.

    :raises OSError: the bucket is away.
    """
    bucket, before = storage.bucket(), timezone.now() - YOUNG
    if bucket is None:
        return 0
    found = [each.sha256 for each in storage.uploads() if each.stored_at < before]
    named = _named(found)
    unnamed = [sha256 for sha256 in found if sha256 not in named]
    bucket.remove([_key(sha256) for sha256 in unnamed])
    return len(unnamed)


def here() -> Iterator[Path]:
    for path in settings.FILES_ROOT.glob("??/*"):
        if HEX_DIGEST.fullmatch(path.name):
            yield path


def in_bucket() -> set[str]:
    """:raises OSError: it is away."""
    return {each.sha256 for each in storage.uploads()}


def _named(digests: Collection[str]) -> set[str]:
    found, some = set(), list(digests)
    for at in range(0, len(some), ROWS_AT_ONCE):
        rows = StoredFile.objects.filter(sha256__in=some[at : at + ROWS_AT_ONCE])
        found |= set(rows.values_list("sha256", flat=True))
    return found


# --------------------------------------------------------------------------------------------------


def _key(sha256: str) -> str:
    return f"{storage.UPLOADS}/{sha256}"


def _bring(sha256: str, content: bytes) -> None:
    if there := storage.bucket():
        there.save(_key(sha256), ContentFile(content))


def _write_once(path: Path, content: bytes) -> bool:
    """Renamed into place, so that whoever finds it finds all of it."""
    if _has(path, len(content)):
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with scratch.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(path)
    except OSError:
        # Of a full disk the half of it would keep what room there is.
        scratch.unlink(missing_ok=True)
        raise
    return True


def _has(path: Path, n_bytes: int) -> bool:
    """By one look: who else had the same content may remove it between two."""
    try:
        return path.stat().st_size == n_bytes
    except FileNotFoundError:
        return False
