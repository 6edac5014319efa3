"""Where artifacts lie: `STORAGES["artifacts"]`, which is here unless a bucket is named.

Here they stay in the directory of their attempt, and nothing is copied. A bucket gets a copy of
each under a key of its own: job, attempt, digest and name, so that no two contents share one and
none is ever written over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast
from uuid import UUID

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.db import connection

if TYPE_CHECKING:
    from .models import Artifact

ARTIFACTS = "artifacts"
UPLOADS = "uploads"
"""The folder of the bucket that is no job's: what users gave, by its digest."""


class Unreachable(OSError):
    """Whatever keeps the objects did not do what it was asked."""


class Silent(Unreachable):
    """It does not answer at all, or asks not to be asked: nor would it if asked for another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object that is there, and whole: an upload that was cut short never becomes one."""

    key: str
    size_bytes: int
    stored_at: datetime

    @property
    def attempt(self) -> int:
        return int(self.key.split("/")[1])

    @property
    def sha256(self) -> str:
        return self.key.split("/")[2]

    @property
    def name(self) -> str:
        """Where it lay in the directory of its attempt."""
        return _unquoted(self.key.split("/", 3)[3])


class Bucket(Protocol):
    """What a storage that is elsewhere can do beside what Django asks of one."""

    def open(self, name: str) -> Any: ...
    def save(self, name: str, content: Any) -> str: ...
    def listdir(self, path: str) -> tuple[list[str], list[str]]: ...
    def objects(self, prefix: str) -> Iterator[Stored]: ...
    def remove(self, keys: Sequence[str]) -> None: ...
    def abandon_uploads(self, before: datetime) -> int: ...


class InPlace(FileSystemStorage):
    """Files stay where the worker wrote them."""

    @property
    def base_location(self) -> str:
        return str(settings.JOBS_ROOT)

    @property
    def location(self) -> str:
        return os.path.abspath(self.base_location)  # noqa: PTH100


def bucket() -> Bucket | None:
    """None where artifacts stay in place."""
    found = storages[ARTIFACTS]
    return None if isinstance(found, InPlace) else cast(Bucket, found)


def key(job_id: UUID, attempt: int, sha256: str, name: str) -> str:
    return f"{job_id}/{attempt}/{sha256}/{_quoted(name)}"


def _quoted(name: str) -> str:
    """What writes to a bucket takes a backslash for a slash, and what reads there does not."""
    return name.replace("%", "%25").replace("\\", "%5C")


def _unquoted(name: str) -> str:
    return name.replace("%5C", "\\").replace("%25", "%")


def let_go_of_the_database() -> None:
    """For who sends a file, or waits for a bucket that hangs: a few of those would hold all the
    connections that a web process has. Whoever asks the database after that is given another."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def opened(artifact: Artifact) -> BinaryIO:
    """:raises OSError: it is not there, or cannot be asked for."""
    if not artifact.key:
        return cast(BinaryIO, InPlace().open(_place(artifact)).file)
    return cast(BinaryIO, storages[ARTIFACTS].open(artifact.key).file)


def _place(artifact: Artifact) -> str:
    return f"{artifact.job_id}/{artifact.attempt}/{artifact.name}"


def objects_of(job_id: UUID, attempt: int | None = None) -> list[Stored]:
    """What the bucket has of a job, or of one attempt, the oldest first.

    :raises Unreachable: nobody can tell.
    """
    there = bucket()
    prefix = f"{job_id}/" if attempt is None else f"{job_id}/{attempt}/"
    found = there.objects(prefix) if there else ()
    return sorted(found, key=lambda each: (each.stored_at, each.key))


def newest(objects: Iterable[Stored]) -> dict[tuple[int, str], Stored]:
    """The last version of each file, by attempt and name."""
    return {(each.attempt, each.name): each for each in objects}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    sha256: str
    stored_at: datetime


def uploads() -> Iterator[Upload]:
    """:raises Unreachable: nobody can tell."""
    there = bucket()
    for each in there.objects(f"{UPLOADS}/") if there else ():
        yield Upload(sha256=each.key.rpartition("/")[2], stored_at=each.stored_at)


def remove_all_of(job_id: UUID) -> None:
    """:raises Unreachable: some may be left."""
    if there := bucket():
        there.remove([each.key for each in there.objects(f"{job_id}/")])
