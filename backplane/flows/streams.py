"""What comes bit by bit: events, the log, files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from backplane import errors
from backplane.wire import Ask, Call, Emit, Flow, Pause, Read

from .jobs import FINAL, JOBS, changed, get
from .waiting import LOOK_S, MIN_GAP_S

Json = dict[str, Any]
Names = str | PathLike[str] | Sequence[str | PathLike[str]]
"""One file's name, or several."""
SILENCE_S = 45.0
"""A stream that is alive says so every 15 s."""
LOG_BYTES = 1_000_000
LOG_WAIT_S = 5.0
STALLS = 5
"""So often a download may break without having brought a byte."""


class EventStream:
    """Server-sent events from pieces of bytes, cut anywhere.

    :ivar seq: the last event that was read; a stream that broke is gone on with after it.
    :ivar is_over: the closing event was read: nothing follows.
    """

    def __init__(self, after: int = 0) -> None:
        self.seq = after
        self.retry_s = LOOK_S
        self.is_over = False
        self._rest = b""
        self._fields: dict[str, str] = {}

    def feed(self, piece: bytes) -> Iterator[Json]:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode()
            if not text:
                yield from self._event()
            elif not text.startswith(":"):
                name, _, value = text.partition(":")
                self._fields[name] = value.removeprefix(" ")

    def cut(self) -> None:
        """The connection broke: what was half read is sent again."""
        self._rest, self._fields = b"", {}

    def _event(self) -> Iterator[Json]:
        fields, self._fields = self._fields, {}
        if "retry" in fields:
            self.retry_s = int(fields["retry"]) / 1000
        if fields.get("event") == "end":
            self.is_over = True
        elif "data" in fields and "event" not in fields:
            event: Json = json.loads(fields["data"])
            self.seq = event["seq"]
            yield event


def events(ask: Ask, job_id: str, after: int) -> Flow[None]:
    """Emits every event after that number in order, until the job has ended."""
    stream = EventStream(after)
    while not stream.is_over:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(stream.seq)}
        answer = yield from ask(
            Call(
                method="GET",
                path=f"{JOBS}/{job_id}/events/stream",
                headers=headers,
                takes_s=SILENCE_S,
                is_stream=True,
            )
        )
        if answer.status == 204:
            return
        while not stream.is_over and (piece := (yield Read())):
            for event in stream.feed(piece):
                yield Emit(event)
        if not stream.is_over:
            stream.cut()
            yield Pause(stream.retry_s)


def log(ask: Ask, job_id: str, *, follow: bool) -> Flow[None]:
    """Emits the text of the newest attempt; with `follow` also what comes, later attempts too."""
    attempt: int | None = None
    offset, known = 0, ""
    while True:
        piece = yield from _piece(ask, job_id, attempt, offset)
        attempt, offset = piece["attempt"], piece["next_offset"]
        if piece["text"]:
            yield Emit(piece["text"])
            continue
        if not follow:
            return
        if piece["complete"]:
            job = yield from get(ask, f"{JOBS}/{job_id}", fields="state,attempts")
            later = [each["number"] for each in job["attempts"] if each["number"] > attempt]
            if later:
                attempt, offset = min(later), 0
                continue
            if job["state"] in FINAL:
                return
        known = yield from changed(ask, job_id, known, LOG_WAIT_S)
        yield Pause(MIN_GAP_S)


def _piece(ask: Ask, job_id: str, attempt: int | None, offset: int) -> Flow[Json]:
    query: Json = {"offset": offset, "limit": LOG_BYTES}
    if attempt is not None:
        query["attempt"] = attempt
    headers = {"Accept": "application/json"}
    call = Call(method="GET", path=f"{JOBS}/{job_id}/log", query=query, headers=headers)
    answer = yield from ask(call)
    piece: Json = answer.json()
    return piece


def place_for(name: str, folder: Path) -> Path:
    """Where a file of that name goes: never outside of the folder.

    :raises UnexpectedAnswer: the name leads out of it.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name:
        raise errors.UnexpectedAnswer(f"The site calls a file {name!r}; it was not written.")
    return folder.joinpath(*parts)


def download(ask: Ask, job_id: str, artifact: Mapping[str, Any], target: Path) -> Flow[Path]:
    """The file, whole and as the job recorded it; one that broke off is gone on with.

    :raises ChecksumMismatch: it is another one; nothing is left of it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("w+b") as stream:
            yield from _fetch(ask, f"{JOBS}/{job_id}/artifacts/{artifact['id']}", artifact, stream)
            stream.seek(0)
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != artifact["sha256"]:
            told = f"{artifact['name']}: the SHA-256 is {found}, not {artifact['sha256']}."
            raise errors.ChecksumMismatch(told)
        return part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _fetch(ask: Ask, path: str, artifact: Mapping[str, Any], stream: BinaryIO) -> Flow[None]:
    stalls = 0
    while (done := stream.tell()) < artifact["size_bytes"]:
        if stalls > STALLS:
            raise errors.Unreachable(f"{artifact['name']} breaks off after {done:,} bytes.")
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if done:
            headers["Range"] = f"bytes={done}-"
        call = Call(method="GET", path=path, headers=headers, is_stream=True)
        answer = yield from ask(call)
        if answer.status != 206:
            stream.seek(0)
            stream.truncate()
        while piece := (yield Read()):
            stream.write(piece)
        stalls = 0 if stream.tell() > done else stalls + 1


def text(ask: Ask, job_id: str, artifact: Mapping[str, Any]) -> Flow[str]:
    """A small file's content, checked like every other."""
    path = f"{JOBS}/{job_id}/artifacts/{artifact['id']}"
    answer = yield from ask(Call(method="GET", path=path, headers={"Accept": "*/*"}))
    if hashlib.sha256(answer.body).hexdigest() != artifact["sha256"]:
        raise errors.ChecksumMismatch(f"{artifact['name']} is not the file that the job made.")
    return answer.body.decode(errors="replace")


def wanted(
    job: Mapping[str, Any], names: Names, folder: Path, all_attempts: bool = False
) -> list[tuple[Json, Path]]:
    """Which files of a job to fetch, and where to: the newest of each name.

    :raises NotFound: it has none of a name.
    """
    several = [names] if isinstance(names, str | PathLike) else names
    asked = {fspath(each) for each in several}
    if lacking := sorted(asked - {each["name"] for each in job["artifacts"]}):
        raise errors.missing(f"file {lacking[0]!r} of job {job['id']}")
    chosen = [each for each in job["artifacts"] if not asked or each["name"] in asked]
    there = [each for each in chosen if not each["expired_at"] or asked]
    if all_attempts:
        return [
            (each, place_for(each["name"], folder / f"attempt-{each['attempt']}")) for each in there
        ]
    newest = {each["name"]: each for each in sorted(there, key=lambda each: each["attempt"] or 0)}
    return [(each, place_for(name, folder)) for name, each in newest.items()]
