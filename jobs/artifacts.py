"""The files in a job's directory: which ones its user gets, their size and their checksum."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from simulations.record import provenance as records
from simulations.record.provenance import PROVENANCE_NAME
from simulations.workdir import MANIFEST_NAME

logger = logging.getLogger(__name__)

LOG_NAME = "job.log"
ENTRY = ("name", "title", "media_type")
OWN = frozenset({"params", "structure"})
"""What a job's row holds in columns of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOnDisk:
    """:param key: under which the bucket has it, see `jobs.keeping`."""

    name: str
    title: str
    media_type: str
    size_bytes: int
    sha256: str
    key: str = ""


def collect(workdir: Path) -> list[FileOnDisk]:
    """The files that the simulation declared and really wrote, and its log."""
    log = {"name": LOG_NAME, "title": "Log", "media_type": "text/plain"}
    newest = {entry["name"]: entry for entry in [*_declared(workdir), log]}
    return [
        _describe(workdir / name, entry) for name, entry in newest.items() if is_ours(workdir, name)
    ]


def provenance(workdir: Path) -> dict[str, Any] | None:
    """The record of the run in this directory, without what the job has itself."""
    try:
        record = records.read(workdir)
    except (OSError, ValueError):
        logger.warning("the provenance in %s cannot be read", workdir, exc_info=True)
        return None
    return {k: v for k, v in record.items() if k not in OWN} if record else None


def sealed(
    workdir: Path, files: Sequence[FileOnDisk], outcome: str, **known: Any
) -> tuple[dict[str, Any] | None, list[FileOnDisk]]:
    """The record completed with how the job ended, and the files, of which it is one.

    :param known: as `simulations.record.provenance.complete` takes it.
    """
    kept = list(files)
    if provenance(workdir) is None:
        return None, kept
    checksums = {f.name: f.sha256 for f in files if f.name not in (LOG_NAME, PROVENANCE_NAME)}
    try:
        records.complete(workdir, outcome, artifacts_sha256=checksums, **known)
        kept = [_again(workdir, file) for file in files]
    except OSError:
        # A full disk must not keep a job from ending.
        logger.exception("the provenance in %s cannot be completed", workdir)
    return provenance(workdir), kept


def _again(workdir: Path, file: FileOnDisk) -> FileOnDisk:
    if file.name != PROVENANCE_NAME:
        return file
    return _describe(workdir / file.name, {key: getattr(file, key) for key in ENTRY})


def _declared(workdir: Path) -> list[dict[str, str]]:
    try:
        manifest = json.loads((workdir / MANIFEST_NAME).read_text())
        return [{key: str(entry[key]) for key in ENTRY} for entry in manifest]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError):
        logger.warning("the list of files in %s cannot be read", workdir, exc_info=True)
        return []


def is_ours(workdir: Path, name: str) -> bool:
    """A plain file that lies directly in the directory: no link, no way out."""
    path = workdir / name
    return path.name == name and path.is_file() and not path.is_symlink()


def _describe(path: Path, entry: dict[str, str]) -> FileOnDisk:
    with path.open("rb") as stream:
        # A row must not outlive, after a power cut, what it says is there.
        os.fsync(stream.fileno())
        size_bytes, sha256 = measure(stream)
    return FileOnDisk(
        name=entry["name"],
        title=entry["title"],
        media_type=entry["media_type"],
        size_bytes=size_bytes,
        sha256=sha256,
    )


def measure(stream: BinaryIO) -> tuple[int, str]:
    """Size and SHA-256 of the same bytes, whoever may be writing meanwhile."""
    stream.seek(0)
    # The type stubs know no plain binary stream here.
    digest = hashlib.file_digest(stream, "sha256")  # type: ignore[arg-type]
    return stream.tell(), digest.hexdigest()
