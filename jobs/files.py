"""Files that users give as input, kept once by what is in them."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from simulations.structures.formats import of_file

from . import contents
from .models import StoredFile

MAX_NAME_CHARS = 200
GIVEN_ANEW = timedelta(days=1)
"""A file that is given again counts as new, but is not written down anew for each job."""


class NoText(Exception):
    """The file is not one that a structure could be read from."""

    def __init__(self) -> None:
        super().__init__(
            "The file is no text (it has null bytes): unpack it first if it is compressed, or "
            "export it as PDB, mmCIF, CIF, SDF or XYZ."
        )


class TooLarge(Exception):
    """The file is larger than this site takes."""

    def __init__(self) -> None:
        limit = settings.MAX_FILE_BYTES
        super().__init__(f"The file is larger than {limit:,} bytes, the most that is taken.")


def keep(*, owner: Any, name: str, content: bytes) -> tuple[StoredFile, bool]:
    """The owner's row for this content, and whether it is new; the content lies on disk once.

    :raises NoText: a null byte in it: a compressed file, or a program's own format.
    :raises TooLarge: beyond `MAX_FILE_BYTES`.
    """
    if b"\0" in content:
        raise NoText
    if len(content) > settings.MAX_FILE_BYTES:
        raise TooLarge
    digest = hashlib.sha256(content).hexdigest()
    contents.put(digest, content)
    called = plain_name(name)
    told = {"name": called, "format": _format(called, content.decode(errors="replace"))}
    with transaction.atomic():
        _hold_content(digest, shared=True)
        stored, is_new = StoredFile.objects.get_or_create(
            owner=owner, sha256=digest, defaults={**told, "size_bytes": len(content)}
        )
        # Whoever removed the last row of it since then took it along.
        contents.put(digest, content)
        if not is_new:
            _note_given_again(stored, **told)
    return stored, is_new


def _note_given_again(stored: StoredFile, **told: str) -> None:
    """The newest name counts, for it tells the format; jobs keep the one that they were given."""
    now = timezone.now()
    changed: dict[str, Any] = told if stored.name != told["name"] else {}
    if stored.created_at < now - GIVEN_ANEW:
        changed = {**changed, "created_at": now}
    if changed:
        StoredFile.objects.filter(pk=stored.pk).update(**changed)
        stored.refresh_from_db()


def share(owner: Any, digest: str) -> None:
    """Whoever has a job with somebody else's content has that content too, from now on."""
    if not StoredFile.objects.filter(owner=owner, sha256=digest).exists():
        first = StoredFile.objects.filter(sha256=digest).order_by("created_at", "pk").first()
        if first is not None:
            StoredFile.objects.get_or_create(
                owner=owner,
                sha256=digest,
                defaults={
                    "name": first.name, "size_bytes": first.size_bytes, "format": first.format
                },
            )  # fmt: skip


def forget(stored: StoredFile) -> None:
    """Remove the owner's row, and the content with the last row of it."""
    StoredFile.objects.filter(pk=stored.pk).delete()
    transaction.on_commit(partial(remove_unowned, stored.sha256))


def remove_unowned(sha256: str) -> bool:
    """Whether there was such content, and nobody's."""
    with transaction.atomic():
        _hold_content(sha256, shared=False)
        if StoredFile.objects.filter(sha256=sha256).exists():
            return False
        was_here = contents.remove_here(sha256)
    contents.remove_from_bucket(sha256)
    return was_here


def _hold_content(sha256: str, *, shared: bool) -> None:
    """Until the transaction ends: who gives content, and who removes it, wait for each other.

    On SQLite they do so anyhow, for only one transaction writes.
    """
    if connection.vendor == "postgresql":
        lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {lock}(%s)", [int(sha256[:15], 16)])


def plain_name(name: str) -> str:
    """What a client calls its file: no folder, nothing unprintable, and never empty."""
    last = PurePath(name.replace("\\", "/")).name
    printable = "".join(character for character in last if character.isprintable())
    return printable.strip()[:MAX_NAME_CHARS] or "unnamed"


def _format(name: str, text: str) -> str:
    """Empty for what may be SMILES or a name: only reading it tells."""
    told = of_file(name, text)
    return "" if told == "auto" else told
