"""Artifacts in a bucket that speaks S3. Loaded only where one is named: boto3 takes its time."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from .storage import Silent, Stored, Unreachable

READ_BYTES = 256 * 1024
MOST_AT_ONCE = 1000
"""Keys that one request may remove."""
TRIES = 3
"""A connection that broke off is made anew so often before anything more has come of it."""
OF_ALL = frozenset(
    {
        *("NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
        *("ExpiredToken", "InvalidToken"),
    }
)
"""Refusals that have nothing to do with what was asked for: any other object is refused too."""


class ObjectStore(S3Storage):
    """django-storages' own, with objects read from anywhere in them and its faults as OSErrors."""

    def __init__(self, **options: Any) -> None:
        # A bucket that hangs must not hold up the end of a job for minutes.
        patience = Config(
            connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 3}
        )
        super().__init__(**{"client_config": patience, **options})

    @property
    def connection(self) -> Any:
        """Of this thread, and of this process: sockets are not shared across a fork."""
        if getattr(self._connections, "pid", None) != os.getpid():
            self._connections.connection, self._connections.pid = None, os.getpid()
        return super().connection

    @property
    def bucket(self) -> Any:
        return self.connection.Bucket(self.bucket_name)

    def objects(self, prefix: str) -> Iterator[Stored]:
        root = f"{self.location.strip('/')}/" if self.location else ""
        with faults_told(prefix):
            for each in self.bucket.objects.filter(Prefix=f"{root}{prefix}"):
                yield Stored(
                    key=each.key.removeprefix(root), size_bytes=each.size,
                    stored_at=each.last_modified,
                )  # fmt: skip

    def remove(self, keys: Sequence[str]) -> None:
        for at in range(0, len(keys), MOST_AT_ONCE):
            some = [{"Key": self._normalize_name(each)} for each in keys[at : at + MOST_AT_ONCE]]
            with faults_told(keys[at]):
                told = self.bucket.delete_objects(Delete={"Objects": some, "Quiet": True})
            if refused := told.get("Errors"):
                raise Unreachable(f"{refused[0]['Key']} could not be removed: {refused[0]}")

    def abandon_uploads(self, before: datetime) -> int:
        """Give up those in parts that were begun before then and never ended: nobody sees them, and
        they are paid for."""
        n = 0
        with faults_told("unfinished uploads"):
            for upload in self.bucket.multipart_uploads.filter(Prefix=self.location):
                if upload.initiated < before:
                    upload.Object().MultipartUpload(upload.id).abort()
                    n += 1
        return n

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with faults_told(name):
            found: tuple[list[str], list[str]] = super().listdir(name)
        return found

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        raw = ObjectReader(
            self.connection.meta.client, self.bucket_name, self._normalize_name(name)
        )
        return File(io.BufferedReader(raw, READ_BYTES), name=name)

    def _save(self, name: str, content: Any) -> str:
        with faults_told(name):
            return str(super()._save(name, content))


class ObjectReader(io.RawIOBase):
    """An object as a file that can be read from anywhere: each jump is a request, and nothing of it
    is kept on a disk."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        super().__init__()
        self._client, self._where = client, {"Bucket": bucket, "Key": key}
        self._at, self._body = 0, None
        with faults_told(key):
            self._size = int(self._head()["ContentLength"])

    def _head(self) -> Any:
        try:
            return self._client.head_object(**self._where)
        except ClientError as exc:
            if _status(exc) == 404:
                # Without a body it does not say what there is none of.
                self._client.head_bucket(Bucket=self._where["Bucket"])
            raise

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if at != self._at:
            self._drop()
        self._at = at
        return at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._size:
            return 0
        with faults_told(self._where["Key"]):
            data = self._read(len(buffer))
        if not data:
            raise Unreachable(f"{self._where['Key']} ended before the {self._size} bytes it has")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _read(self, n: int) -> bytes:
        """A bucket ends what takes long, or is not read for a while: who downloads a large file
        over a slow line is not to begin again for that."""
        for _ in range(TRIES - 1):
            try:
                return bytes(self._opened().read(n))
            except BotoCoreError:
                self._drop()
        return bytes(self._opened().read(n))

    def _opened(self) -> Any:
        if self._body is None:
            answer = self._client.get_object(**self._where, Range=f"bytes={self._at}-")
            self._body = answer["Body"]
        return self._body

    def _drop(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()


@contextmanager
def faults_told(what: str) -> Iterator[None]:
    """As those of a disk, which everybody who reads files is prepared for."""
    try:
        yield
    except ClientError as exc:
        raise _as_of_a_disk(what, exc) from exc
    except BotoCoreError as exc:
        raise Silent(f"{what}: {exc}") from exc
    except Boto3Error as exc:
        raise Unreachable(f"{what}: {exc}") from exc


def _as_of_a_disk(what: str, exc: ClientError) -> OSError:
    status, code = _status(exc), exc.response.get("Error", {}).get("Code")
    if code in OF_ALL or status >= 500:
        return Silent(f"{what}: {exc}")
    if status != 404:
        return Unreachable(f"{what}: {exc}")
    if exc.operation_name == "HeadBucket":
        return Silent(f"{what}: there is no such bucket")
    return FileNotFoundError(f"{what} is not in the bucket")


def _status(exc: ClientError) -> int:
    return int(exc.response["ResponseMetadata"]["HTTPStatusCode"])
