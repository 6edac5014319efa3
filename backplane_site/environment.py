"""What the environment says, read and refused where it says something else than a setting takes.

Each of these raises ImproperlyConfigured, naming the variable and what was expected.
"""

import hashlib
import json
import os
import re
import secrets
import tempfile
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

PLACEMENT_RULE: dict[str, Any] = {
    "simulations": list, "min_core_s": int | float, "max_core_s": int | float,
    "min_waiting": int, "if_served": bool, "backend": str, "queue": str,
}  # fmt: skip
"""What a rule of placement may say: first when it fits, then where to."""


def required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ImproperlyConfigured(f"{name} must be set when BACKPLANE_MODE is server")


def words(name: str, default: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in os.environ.get(name, default).split(",") if word.strip())


def days(name: str) -> int | None:
    given = os.environ.get(name, "")
    if given and not (given.isascii() and given.isdecimal() and int(given)):
        raise ImproperlyConfigured(f"{name} is {given!r}; expected a number of days, 1 or more")
    return int(given) if given else None


def seconds(name: str, default: str) -> list[float]:
    given = os.environ.get(name, default)
    if not re.fullmatch(r"[0-9]{1,8}(\.[0-9]+)?(,[0-9]{1,8}(\.[0-9]+)?)*", given):
        raise ImproperlyConfigured(
            f"{name} is {given!r}; expected numbers of seconds with commas between"
        )
    return [float(each) for each in given.split(",")]


def placement(name: str, default: str) -> list[dict[str, Any]]:
    """A JSON list of rules."""
    given = os.environ.get(name, default)
    try:
        rules = json.loads(given)
        if not isinstance(rules, list):
            raise ValueError("it is no list")
        for rule in rules:
            _refuse_odd_rule(rule)
    except ValueError as exc:
        raise ImproperlyConfigured(f"{name} is {given!r}: {exc}; see docs/hosts.md") from None
    return rules


def _refuse_odd_rule(rule: Any) -> None:
    if not isinstance(rule, dict) or not rule.keys() & {"backend", "queue"}:
        raise ValueError(f"{rule!r} says neither backend nor queue")
    for name, value in rule.items():
        if name not in PLACEMENT_RULE:
            raise ValueError(f"no rule has {name!r}; expected {', '.join(PLACEMENT_RULE)}")
        if not isinstance(value, PLACEMENT_RULE[name]):
            raise ValueError(f"{name!r} is {value!r}")


def hosts(name: str) -> list[str]:
    """Names, addresses and networks."""
    found = [each for word in os.environ.get(name, "").split(",") if (each := word.strip())]
    for each in found:
        if "/" in each:
            try:
                ip_network(each, strict=False)
            except ValueError as exc:
                raise ImproperlyConfigured(f"{name}: {exc}") from None
    return found


def memory_mib() -> int:
    """Of this machine, or of the container that it is for us."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = Path("/sys/fs/cgroup", name)
        if limit.is_file() and (text := limit.read_text().strip()).isdecimal():
            found.append(int(text))
    return min(found) // 1024**2


def local_secret(var: Path) -> str:
    """A secret of this installation's own, made once."""
    path = var / "secret_key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(50))
    return path.read_text()


def redis_socket(var: Path) -> Path:
    """Beside the data, or in a private folder where that path will not do for a socket.

    The system takes 107 bytes, and redis-py cannot read a list of clients with a space in it.
    """
    path = var / "redis.sock"
    if len(os.fsencode(path)) <= 100 and re.fullmatch(r"[\w./-]+", str(path), re.ASCII):
        return path
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"backplane-{os.getuid()}-{digest}" / "redis.sock"
