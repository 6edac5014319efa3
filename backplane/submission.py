"""What a client sends: the body of a submission, its files uploaded on the way."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import BackplaneError
from .wire import Ask, Call, Flow

Json = dict[str, Any]


def body_of(
    simulation: str,
    params: Mapping[str, Any] | None = None,
    /,
    *,
    name: str = "",
    tags: Sequence[str] = (),
    purpose: str = "",
    priority: str | None = None,
    backend: str | None = None,
    queue: str | None = None,
    limits: Mapping[str, int] | None = None,
    retry: Mapping[str, Any] | None = None,
    reuse: bool | None = None,
    webhook: Mapping[str, Any] | None = None,
    **more: Any,
) -> Json:
    """A submission; `more` are params too. What is not given is left to the site."""
    said = {
        "name": name,
        "tags": list(tags),
        "purpose": purpose,
        "priority": priority,
        "backend": backend,
        "queue": queue,
        "limits": limits,
        "retry": retry,
        "webhook": webhook,
    }
    body: Json = {"simulation": simulation, "params": {**(params or {}), **more}}
    body |= {key: value for key, value in said.items() if value}
    return body if reuse is None else {**body, "reuse": reuse}


def new_key() -> str:
    """Under which a request may be repeated without being done twice."""
    return uuid.uuid4().hex


def uploaded(ask: Ask, value: Any, known: dict[Path, Json] | None = None) -> Flow[Any]:
    """The same with each `Path` in it uploaded, once, and named by the id it got."""
    known = {} if known is None else known
    if isinstance(value, Path):
        if value not in known:
            stored = yield from upload(ask, value)
            known[value] = {"file": stored["id"]}
        return known[value]
    if isinstance(value, Mapping):
        found = {}
        for key, each in value.items():
            found[key] = yield from uploaded(ask, each, known)
        return found
    if isinstance(value, list | tuple):
        items = []
        for each in value:
            items.append((yield from uploaded(ask, each, known)))
        return items
    return value


def upload(ask: Ask, path: Path) -> Flow[Json]:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise BackplaneError(f"{path} cannot be read: {exc.strerror}.") from exc
    answer = yield from ask(
        Call(
            method="POST",
            path="/api/v1/files",
            query={"name": path.name},
            headers={"Content-Type": "application/octet-stream"},
            content=content,
        )
    )
    stored: Json = answer.json()
    return stored
