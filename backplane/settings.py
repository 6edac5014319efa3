"""Where the site is and with which key: as given, from the environment, or from the user's file.

`~/.config/backplane/config.toml` holds `url = "…"` and `key = "…"`; `BACKPLANE_CONFIG` names
another file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .errors import BackplaneError

LOCAL = "http://127.0.0.1:8000"


class BadSettings(BackplaneError):
    """The address or the configuration file cannot be used as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    url: str
    key: str = field(default="", repr=False)

    def as_environment(self) -> dict[str, str]:
        """For another program: what is in the environment, not every user of the machine reads."""
        return {"BACKPLANE_URL": self.url, "BACKPLANE_KEY": self.key}


def resolve(
    url: str | None = None, key: str | None = None, env: Mapping[str, str] = os.environ
) -> Settings:
    """What is given goes before the environment, and that before the file.

    The file's key belongs to the file's address: it is sent to no other.
    """
    told = _in_file(_path(env))
    here = _checked(url or env.get("BACKPLANE_URL") or told.get("url") or LOCAL)
    is_files_own = here == _checked(told.get("url") or LOCAL)
    found = key or env.get("BACKPLANE_KEY") or (told.get("key") if is_files_own else "")
    return Settings(url=here, key=found or "")


def _path(env: Mapping[str, str]) -> Path:
    if named := env.get("BACKPLANE_CONFIG"):
        return Path(named)
    home = env.get("XDG_CONFIG_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".config")
    return Path(home) / "backplane" / "config.toml"


def _in_file(path: Path) -> dict[str, str]:
    try:
        told = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        # Its text may hold the key: only its name and the place of the fault are told.
        raise BadSettings(f"{path} cannot be read: {exc}") from None
    if wrong := [name for name in ("url", "key") if not isinstance(told.get(name, ""), str)]:
        raise BadSettings(f"{path}: {wrong[0]} must be a text in quotes.")
    return told


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises where it is no number
    except ValueError as exc:
        raise BadSettings(f"{url!r} is no address of a site: {exc}.") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise BadSettings(f"{url!r} is no address of a site; expected one like {LOCAL}.")
    if parts.username or parts.password:
        raise BadSettings("An address holds no password; give a key instead.")
    return url.rstrip("/")
