"""What `manage.py doctor` asks of the installation itself: Python, packages, engines, settings."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.db import connection
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import simulations

from . import assets
from .probes import Finding, ok, warning, wrong

PINS = settings.BASE_DIR / "deploy" / "constraints.txt"
PROJECT = settings.BASE_DIR / "pyproject.toml"
ENGINES_WITHIN_S = 180
NETWORK_FILE_SYSTEMS = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "fuse.sshfs",
    "lustre",
    "gpfs",
    "beegfs",
    "ceph",
)

IMPORT_EACH = """
import importlib, json, sys
for name in sys.argv[1:]:
    try:
        module = importlib.import_module(name)
        told = {"version": str(getattr(module, "__version__", ""))}
    except BaseException as exc:
        told = {"error": f"{type(exc).__name__}: {exc}"}
    print("\\n" + json.dumps({"engine": name, **told}), flush=True)
"""


def python() -> Iterator[Finding]:
    wanted = tomllib.loads(PROJECT.read_text())["project"]["requires-python"]
    here = ".".join(map(str, sys.version_info[:3]))
    if Requirement(f"python{wanted}").specifier.contains(here):
        yield ok("python", here)
    else:
        mend = "Install that, then: make clean up"
        yield wrong("python", f"{here}; {wanted} is needed", mend)


def packages() -> Iterator[Finding]:
    """Each that the project declares is there; each that is pinned has its pinned version."""
    mend = "Run: make up (it installs what is pinned)"
    missing = [name for name in _declared() if _version(name) is None]
    if missing:
        yield wrong("packages", f"not installed: {', '.join(missing)}", mend)
    pinned = _pinned()
    odd = [
        f"{name} {here} (pinned: {pin})"
        for name, pin in pinned.items()
        if (here := _version(name)) and here != pin
    ]
    if odd:
        yield warning("packages", f"another version than tested: {', '.join(odd)}", mend)
    if not missing and not odd:
        yield ok("packages", f"all {len(_declared())} are there, in their pinned versions")


def engines() -> Iterator[Finding]:
    """In a process of its own: an engine that cannot be loaded may take its process along."""
    names = sorted({name for each in simulations.all_simulations() for name in each.requires})
    argv = [sys.executable, "-c", IMPORT_EACH, *names]
    told: dict[str, dict[str, str]] = {}
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=ENGINES_WITHIN_S
        )
        ending, lines = f"its process ended with status {done.returncode}", done.stdout
    except subprocess.TimeoutExpired as exc:
        ending = f"it did not load within {ENGINES_WITHIN_S} s"
        lines = exc.stdout.decode() if isinstance(exc.stdout, bytes) else (exc.stdout or "")
    for line in lines.splitlines():
        if line.startswith('{"engine"'):
            one = json.loads(line)
            told[one["engine"]] = one
    for name in names:
        error = told.get(name, {"error": ending}).get("error")
        if error is None:
            yield ok(f"engine {name}", _version(name) or told[name]["version"] or "loads")
        else:
            needing = [s.name for s in simulations.all_simulations() if name in s.requires]
            mend = f"Run: make up. Without it these do not run: {', '.join(needing)}"
            yield wrong(f"engine {name}", f"cannot be loaded: {error}", mend)


def front_end() -> Iterator[Finding]:
    """Fonts, and what draws molecules: pages work without."""
    found = assets.missing()
    if found:
        mend = "Run: make assets, then start the site again"
        yield warning("front end", f"{len(found)} files not as pinned: {found[0]}", mend)
    else:
        yield ok("front end", f"all {len(assets.hashes())} files are there, as pinned")


def safety() -> Iterator[Finding]:
    """What is harmless on a laptop and is not on a server."""
    found = list(_unsafe())
    yield from found
    if not found:
        yield ok("settings", f"{settings.MODE} mode, nothing unsafe")


def _unsafe() -> Iterator[Finding]:
    mode = settings.VAR_DIR.stat().st_mode & 0o777
    if mode & 0o077:
        detail = f"others on this machine may read {settings.VAR_DIR} (mode {mode:o})"
        yield warning("settings", detail, f"Run: chmod 700 {settings.VAR_DIR}")
    if settings.LOCAL_MODE:
        return
    if settings.DEBUG:
        mend = "Unset BACKPLANE_DEBUG."
        yield wrong("settings", "tracebacks with settings are shown to everybody", mend)
    if "*" in settings.ALLOWED_HOSTS:
        mend = "Name the site's own hosts in ALLOWED_HOSTS."
        yield wrong("settings", "any Host header is taken", mend)
    if 0 < len(settings.METRICS_TOKEN) < 16:
        mend = "Make a longer BACKPLANE_METRICS_TOKEN: openssl rand -hex 24"
        yield warning("settings", "the token for /metrics can be guessed", mend)
    if connection.vendor == "sqlite":
        mend = "For more than a handful of people set DATABASE_URL to a PostgreSQL database."
        yield warning("settings", "all web and worker processes share one SQLite file", mend)
    for each in checks.run_checks(tags=[checks.Tags.security], include_deployment_checks=True):
        yield warning("settings", f"{each.id}: {_line(each.msg)}", _line(each.hint or "See above."))


def file_system() -> Iterator[Finding]:
    """SQLite's write-ahead log and Redis's socket want a disk of this machine's own."""
    kind = _file_system_of(settings.VAR_DIR, Path("/proc/mounts"))
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        mend = "Set BACKPLANE_VAR to a folder on a local disk, or DATABASE_URL to PostgreSQL."
        detail = f"{settings.VAR_DIR} lies on {kind}, a network file system"
        yield warning("file system", detail, mend)
    else:
        yield ok("file system", f"{settings.VAR_DIR} lies on {kind or 'a file system not known'}")


def _file_system_of(path: Path, mounts: Path) -> str:
    """The type of the innermost mount that `path` lies in; empty where there is no such list."""
    if not mounts.exists():
        return ""
    best, kind = -1, ""
    for line in mounts.read_text().splitlines():
        _, point, type_, *_ = line.split(" ")
        folder = Path(point.encode().decode("unicode_escape"))
        if path.is_relative_to(folder) and len(folder.parts) > best:
            best, kind = len(folder.parts), type_
    return kind


def _declared() -> list[str]:
    lines = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    wanted = [Requirement(line) for line in lines]
    return [each.name for each in wanted if each.marker is None or each.marker.evaluate()]


def _pinned() -> dict[str, str]:
    pins = [Requirement(line) for line in PINS.read_text().splitlines() if line.strip()]
    return {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _line(text: str) -> str:
    return " ".join(str(text).split())
