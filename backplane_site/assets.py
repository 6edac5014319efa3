"""The front-end packages that pages are made with: which files they are, and whether they are here.

`deploy/assets.toml` names packages and versions, `deploy/assets.sha256` says what each file has to
be, and `make assets` brings them to `static/vendor/`. Pages work without them, plainly.

Nothing here knows Django: `deploy/assets.py` asks it before there is a site.
"""

from __future__ import annotations

import gzip
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from zlib import error as ZlibError

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "deploy" / "assets.toml"
HASHES = ROOT / "deploy" / "assets.sha256"
VENDOR = ROOT / "static" / "vendor"
LICENCE = "LICENSE"
"""What every package of ours calls it."""
SQUEEZED = {".css", ".js", ".json"}
"""Kept as `.gz` beside themselves too, which is what a browser is sent; fonts are dense already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """:param files: what is wanted of it, by their names in the package."""

    name: str
    npm: str
    version: str
    licence: str
    files: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Its version is in the name, so that a browser may keep for ever what lies in it."""
        return f"{self.name}-{self.version}"

    @property
    def places(self) -> dict[str, str]:
        """Where under `static/vendor/` each of its files goes."""
        wanted = (*self.files, LICENCE)
        return {source: f"{self.folder}/{PurePosixPath(source).name}" for source in wanted}


@cache
def packages() -> dict[str, Package]:
    told = tomllib.loads(PINS.read_text())["packages"]
    return {
        name: Package(name=name, **{**each, "files": tuple(each["files"])})
        for name, each in told.items()
    }


@cache
def hashes() -> dict[str, str]:
    """The SHA-256 of each file, by its place under `static/vendor/`."""
    lines = (line.split("  ", 1) for line in HASHES.read_text().splitlines())
    return {place: digest for digest, place in lines}


def complaints(vendor: Path, wanted: Mapping[str, str]) -> list[str]:
    """What is missing, or is another file than was pinned."""
    found = ((place, _complaint(vendor / place, digest)) for place, digest in wanted.items())
    return [f"{place} {complaint}" for place, complaint in found if complaint]


@cache
def missing() -> list[str]:
    """The same for this site, asked once: the web server does not see what comes later either."""
    return complaints(VENDOR, hashes())


def place_of(name: str) -> str:
    """Where under `static/` a file lies that pages call `uplot/uPlot.min.css`.

    :raises LookupError: no package of ours has such a file.
    """
    package, _, file = name.partition("/")
    place = f"{packages()[package].folder}/{file}"
    if place not in hashes():
        raise LookupError(f"{PINS.name} names no {name!r}.")
    return f"vendor/{place}"


def squeezed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def squeezed_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _complaint(path: Path, digest: str) -> str:
    try:
        data = path.read_bytes()
        dense = squeezed_path(path).read_bytes() if path.suffix in SQUEEZED else None
        if sha256(data).hexdigest() != digest:
            return "is not the file that was pinned"
        if dense is not None and gzip.decompress(dense) != data:
            return "is another file when compressed"
    except FileNotFoundError:
        return "is missing"
    except (OSError, EOFError, ZlibError) as exc:
        return f"cannot be read: {exc}"
    return ""
