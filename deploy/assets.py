"""Brings the front-end packages that pages are made with into `static/vendor/`: `make assets`.

npm fetches them, because it knows what this machine says of registries, mirrors, proxies and
certificates; where there is no npm it comes from PyPI. Nothing of a package is run, and none of its
dependencies is fetched. Each file is held against `deploy/assets.sha256` before the first one is
written, so that it does not matter who brought it: npm, or a bundle made on another machine.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from zlib import error as ZlibError

from backplane_site.assets import (
    HASHES,
    LICENCE,
    PINS,
    SQUEEZED,
    VENDOR,
    Package,
    complaints,
    hashes,
    packages,
    squeezed,
    squeezed_path,
)

LICENCES = "LICENCES.txt"
LARGEST_BYTES = 20_000_000
FETCHED_WITHIN_S = 300
PACK_OPTIONS = (
    "--ignore-scripts",
    "--loglevel=error",
    "--prefer-offline",
    # npm would wait for more than a minute for a network that there is not.
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=4000",
)
WITHOUT_A_NETWORK = (
    "Without a network: `make assets-bundle` where there is one, and here "
    "`make assets BUNDLE=assets.tar.gz`. Until then pages are plain, and work."
)

Files = Mapping[str, bytes]
"""What is in each, by its place under `static/vendor/`."""


class Refused(Exception):
    """Nothing was written, and the reader can do something about it."""


# --- Where they come from --------------------------------------------------------------------


def from_npm(wanted: Iterable[Package]) -> Files:
    """The packages themselves, without what they depend on."""
    wanted = list(wanted)
    with tempfile.TemporaryDirectory(prefix="assets-") as scratch:
        _run(npm(), [f"{each.npm}@{each.version}" for each in wanted], Path(scratch))
        return {
            place: data
            for each in wanted
            for place, data in unpacked(Path(scratch) / archive_name(each), each).items()
        }


def npm() -> list[str]:
    """This machine's own, or else that of the pinned package of PyPI."""
    found = shutil.which("npm")
    if found and not subprocess.run([found, "-v"], capture_output=True, check=False).returncode:
        return [found]
    node = tomllib.loads(PINS.read_text())["node"]
    print(f"There is no npm here: it comes from PyPI ({node}, 60 MB) ...", file=sys.stderr)
    uv = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--python", sys.executable]
    return [*uv, "--from", node, "npm"]


def _run(command: list[str], specs: list[str], folder: Path) -> None:
    argv = [*command, "pack", *PACK_OPTIONS, *specs]
    print(f"Fetching {len(specs)} front-end packages ...", file=sys.stderr)
    try:
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, text=True, check=False, timeout=FETCHED_WITHIN_S
        )
    except subprocess.TimeoutExpired as exc:
        raise Refused(f"npm took more than {FETCHED_WITHIN_S} s.\n{WITHOUT_A_NETWORK}") from exc
    if done.returncode:
        told = "\n".join(done.stderr.strip().splitlines()[:5])
        raise Refused(f"npm could not fetch them.\n{told}\n{WITHOUT_A_NETWORK}")


def archive_name(package: Package) -> str:
    """What `npm pack` calls it."""
    return f"{package.npm.removeprefix('@').replace('/', '-')}-{package.version}.tgz"


def unpacked(archive: Path, package: Package) -> Files:
    """:raises Refused: it is no archive, or has not the files or the licence that we say."""
    inside = {f"package/{source}": place for source, place in package.places.items()}
    found = _members(archive, [*inside, "package/package.json"])
    told = json.loads(found.pop("package/package.json")).get("license")
    if told != package.licence:
        raise Refused(f"{package.npm} {package.version} is under {told}, not {package.licence}.")
    return {inside[name]: data for name, data in found.items()}


def from_bundle(bundle: Path, wanted: Iterable[str]) -> Files:
    return _members(bundle, wanted)


def _members(archive: Path, names: Iterable[str]) -> dict[str, bytes]:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            return {name: _member(tar, name) for name in names}
    except (OSError, tarfile.TarError, EOFError, ZlibError) as exc:
        raise Refused(f"{archive} cannot be read: {exc}") from exc
    except KeyError as exc:
        raise Refused(f"{archive.name} is not of the pinned versions: {exc.args[0]}.") from exc


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.getmember(name)
    stream = tar.extractfile(member) if member.isfile() else None
    if stream is None or member.size > LARGEST_BYTES:
        raise Refused(f"{name} is not a file of at most {LARGEST_BYTES} bytes.")
    return stream.read()


# --- Where they go ---------------------------------------------------------------------------


def bring(
    source: Callable[[], Files],
    vendor: Path,
    wanted: Mapping[str, str],
    known: Sequence[Package],
) -> bool:
    """Whether anything had to be brought.

    :raises Refused: what the source gave is not what was pinned; nothing was written.
    """
    with _alone_in(vendor):
        changed = bool(complaints(vendor, wanted))
        if changed:
            files = source()
            refuse_others(files, wanted)
            for place, data in files.items():
                _put(vendor / place, data)
        _tidy(vendor, {each.folder for each in known})
        _put(vendor / LICENCES, licences(vendor, known).encode())
    return changed


def refuse_others(files: Files, wanted: Mapping[str, str]) -> None:
    wrong = [
        f"{place}: {sha256(files[place]).hexdigest() if place in files else 'missing'}"
        for place, digest in wanted.items()
        if place not in files or sha256(files[place]).hexdigest() != digest
    ]
    wrong += [f"{place}: not in {HASHES.name}" for place in files.keys() - wanted.keys()]
    if wrong:
        told = "\n  ".join(wrong)
        raise Refused(f"Not what {HASHES.name} says, so nothing was changed:\n  {told}")


def licences(vendor: Path, known: Sequence[Package]) -> str:
    """The licence of each package, with its name and in its own words."""
    line = "=" * 80
    texts = [
        f"{line}\n{each.npm} {each.version}, licence: {each.licence}\n{line}\n\n"
        f"{(vendor / each.folder / LICENCE).read_text().strip()}\n"
        for each in sorted(known, key=lambda each: each.npm)
    ]
    return "\n\n".join(
        ["What is in this folder was made by others, under these licences.\n", *texts]
    )


@contextmanager
def _alone_in(vendor: Path) -> Iterator[None]:
    vendor.mkdir(parents=True, exist_ok=True)
    folder = os.open(vendor, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    if path.suffix in SQUEEZED:
        _write(squeezed_path(path), squeezed(data))
    _write(path, data)


def _write(path: Path, data: bytes) -> None:
    """At once or not at all: whoever reads it never sees a part of it."""
    if path.is_file() and path.read_bytes() == data:
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".coming-", delete=False) as coming:
        coming.write(data)
    try:
        Path(coming.name).chmod(0o644)
        Path(coming.name).replace(path)
    except OSError:
        Path(coming.name).unlink(missing_ok=True)
        raise


def _tidy(vendor: Path, folders: set[str]) -> None:
    """What was pinned before, and what a run left that was killed."""
    for each in vendor.iterdir():
        if each.is_dir() and each.name not in folders:
            shutil.rmtree(each)
    for left in vendor.rglob(".coming-*"):
        left.unlink()


# --- A bundle, and new pins ------------------------------------------------------------------


def write_bundle(bundle: Path, vendor: Path, wanted: Mapping[str, str]) -> None:
    """The same bytes each time: nothing of this machine or of this moment is in it."""
    if found := complaints(vendor, wanted):
        raise Refused(f"Run `make assets` first: {found[0]}.")
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for place in [*sorted(wanted), LICENCES]:
            data = (vendor / place).read_bytes()
            entry = tarfile.TarInfo(place)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    bundle.parent.mkdir(parents=True, exist_ok=True)
    _write(bundle, gzip.compress(held.getvalue(), mtime=0))


def pin(files: Files, path: Path) -> None:
    """Take what npm brought as what is wanted from now on."""
    lines = (f"{sha256(files[place]).hexdigest()}  {place}\n" for place in sorted(files))
    path.write_text("".join(lines))


# --- The command -----------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> str | None:
    """What went wrong, or nothing."""
    parser = argparse.ArgumentParser(prog="python -m deploy.assets", description=__doc__)
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--from", dest="bundle", type=Path, help="take them from this bundle")
    modes.add_argument("--bundle", dest="out", type=Path, help="write a bundle of them")
    modes.add_argument("--pin", action="store_true", help=f"write {HASHES.name} anew")
    try:
        _do(parser.parse_args(argv))
    except Refused as exc:
        return f"make assets: {exc}"
    except OSError as exc:
        return f"make assets: {exc.strerror}: {exc.filename}"
    return None


def _do(asked: argparse.Namespace) -> None:
    known = list(packages().values())
    if asked.pin:
        pin(from_npm(known), HASHES)
    elif asked.out:
        write_bundle(asked.out, VENDOR, hashes())
        print(
            f"{asked.out} has all {len(hashes())} files, {asked.out.stat().st_size / 1e6:.1f} MB."
        )
    else:
        wanted = hashes()
        bundle: Path | None = asked.bundle
        source = (lambda: from_bundle(bundle, wanted)) if bundle else (lambda: from_npm(known))
        changed = bring(source, VENDOR, wanted, known)
        print(f"{len(wanted)} files are in static/vendor/{', brought now' if changed else ''}.")


if __name__ == "__main__":
    sys.exit(main())
