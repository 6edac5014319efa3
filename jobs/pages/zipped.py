"""All files of a job as one archive, packed while it is sent: nothing of it lies on a disk."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from jobs import contents, downloads, snippets
from jobs.models import Artifact, Job, StoredFile

READ_BYTES = 256 * 1024
QUICKLY = 1
"""It is packed by the web server, which has other things to do."""


class Heap:
    """What `zipfile` has written and nobody has sent yet. It cannot go back in what is sent."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing beneath it to write to."""

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """:param made_at: what every file in it is dated."""

    made_at: datetime
    heap: Heap
    archive: zipfile.ZipFile

    def entry(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self.made_at.astimezone(UTC).timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return info

    def text(self, name: str, text: str) -> bytes:
        self.archive.writestr(self.entry(name), text, compresslevel=QUICKLY)
        return self.heap.taken()

    def file(self, name: str, stream: BinaryIO) -> Iterator[bytes]:
        info = self.entry(name)
        with stream, self.archive.open(info, "w", force_zip64=True) as out:
            while piece := stream.read(READ_BYTES):
                out.write(piece)
                yield self.heap.taken()
        yield self.heap.taken()


class Zip(StreamingHttpResponse):
    """Piece by piece: Django would make all of it before it sends the first byte."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: Any = self.streaming_content
        step = sync_to_async(partial(next, pieces, None))
        while (piece := await step()) is not None:
            yield piece


def answer(job: Job, made: Iterable[Artifact], given: Iterable[StoredFile]) -> Zip:
    name = f"{job.simulation}-{job.short_id}.zip"
    return Zip(
        packed(job, list(made), list(given)),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def packed(job: Job, made: list[Artifact], given: list[StoredFile]) -> Iterator[bytes]:
    """What cannot be had is told by name in the archive, which is not cut short for it."""
    heap = Heap()
    missing: list[str] = []
    sums: list[str] = []
    # The archive is written front to back; `zipfile` needs no more than to write.
    with zipfile.ZipFile(heap, "w", compresslevel=QUICKLY) as archive:  # type: ignore[call-overload]
        parcel = Parcel(made_at=job.finished_at or job.created_at, heap=heap, archive=archive)
        yield parcel.text("request.json", written(snippets.submission_of(job)))
        for name, sha256, opened in _files(job, made, given):
            try:
                stream = opened()
            except (downloads.Unservable, OSError) as exc:
                missing.append(f"{name}: {exc}")
                continue
            sums.append(f"{sha256}  {name}")
            yield from parcel.file(name, stream)
        yield parcel.text("SHA256SUMS", "\n".join(sums) + "\n")
        if missing:
            yield parcel.text("MISSING.txt", "\n".join(missing) + "\n")
    yield heap.taken()


def written(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _files(
    job: Job, made: list[Artifact], given: list[StoredFile]
) -> Iterator[tuple[str, str, Any]]:
    """Name in the archive, checksum, and how to open it."""
    for stored in given:
        # Two inputs may bear one name; what they hold tells them apart.
        name = f"inputs/{stored.sha256[:8]}-{stored.name}"
        yield name, stored.sha256, partial(contents.opened, stored.sha256)
    for artifact in made:
        folder = f"attempt-{artifact.attempt}/" if job.attempt > 1 else ""
        yield (
            f"{folder}{artifact.name}",
            artifact.sha256,
            lambda each=artifact: downloads.opened(each),
        )
