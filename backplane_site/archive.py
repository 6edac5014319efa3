"""A backup as a file: a tar of plain files, and last a manifest with the checksum of each."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

MANIFEST = "manifest.json"
FORMAT = 1
SUFFIXES = (".tar.gz", ".tgz", ".tar")
TRIES = 3
CHUNK_BYTES = 1_000_000


class BadArchive(Exception):
    """It is no backup of ours, or not a whole one."""


class Changing(Exception):
    """A file that was being written all the while it was read."""


class Archive:
    """Being written."""

    def __init__(self, tar: tarfile.TarFile, scratch: Path) -> None:
        self._tar = tar
        self._scratch = scratch
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, path: Path, name: str) -> None:
        """A file that nobody writes to any more."""
        with path.open("rb") as stream:
            self._add(stream, name, path.stat())

    def add_moving(self, path: Path, name: str) -> None:
        """A file that somebody may be writing: copied aside first, and whole or not at all.

        :raises Changing: it did not hold still.
        """
        for _ in range(TRIES):
            with tempfile.TemporaryFile(dir=self._scratch) as copy, path.open("rb") as stream:
                before = os.fstat(stream.fileno())
                shutil.copyfileobj(stream, copy, CHUNK_BYTES)
                after = path.stat()
                if _identity(before) == _identity(after):
                    copy.seek(0)
                    self._add(copy, name, before)
                    return
        raise Changing(name)

    def finish(self, **facts: Any) -> None:
        manifest = {"format": FORMAT, **facts, "files": self.files}
        raw = json.dumps(manifest, indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(raw)
        self._tar.addfile(info, io.BytesIO(raw))

    def _add(self, stream: BinaryIO, name: str, stat: os.stat_result) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = stat.st_size, stat.st_mtime, 0o600
        reading = _Summing(stream)
        self._tar.addfile(info, reading)
        self.files[name] = {"size_bytes": info.size, "sha256": reading.digest.hexdigest()}


class _Summing:
    """Takes the checksum of what is read through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        return data


@contextmanager
def writing(path: Path) -> Iterator[Archive]:
    """Under another name until it is whole, so that half a backup is never taken for one."""
    part = path.with_name(f".{path.name}.part")
    mode = "w:" if path.name.endswith(".tar") else "w:gz"
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as scratch:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                with tarfile.open(fileobj=stream, mode=mode) as tar:  # type: ignore[call-overload]
                    yield Archive(tar, Path(scratch))
                stream.flush()
                os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def unpack(path: Path, into: Path) -> dict[str, Any]:
    """Every file below `into`, each known to be the one that was backed up; the manifest.

    :param into: an empty folder; nothing is ever written outside it, whatever the archive says.
    :raises BadArchive: nothing of it is to be used.
    """
    found: dict[str, dict[str, Any]] = {}
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.isreg() else None
                if stream is None:
                    raise BadArchive(f"{member.name!r} in it is no plain file.")
                found[member.name] = _write(stream, into / _safe(member.name))
    except (tarfile.TarError, EOFError, OSError) as exc:
        raise BadArchive(f"It cannot be read to its end: {exc}.") from exc
    manifest = _manifest(into)
    found.pop(MANIFEST)
    _compare(manifest["files"], found)
    return manifest


def _write(stream: Any, target: Path) -> dict[str, Any]:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    # "x": no file of it is written twice.
    with target.open("xb") as out:
        while data := stream.read(CHUNK_BYTES):
            digest.update(data)
            size += out.write(data)
        out.flush()
        os.fsync(out.fileno())
    return {"size_bytes": size, "sha256": digest.hexdigest()}


def _safe(name: str) -> PurePosixPath:
    """:raises BadArchive: it leads out of the folder that it is unpacked into."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadArchive(f"{name!r} in it leads out of its folder.")
    return path


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        files = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BadArchive(f"It has no {MANIFEST}: it is no backup, or was cut short.") from None
    if manifest.get("format") != FORMAT:
        raise BadArchive(f"Its format is {manifest.get('format')!r}; this version reads {FORMAT}.")
    if not isinstance(files, dict):
        raise BadArchive("Its list of files is none.")
    return manifest


def _compare(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            raise BadArchive(f"{name} is missing from it.")
        if wanted.get(name) != found[name]:
            raise BadArchive(f"{name} in it is not what was backed up: its checksum differs.")


def _identity(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
