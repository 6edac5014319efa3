"""Mends as JSON merge patches on a submission (RFC 7396): what a program can apply and send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simulations import FieldError

from .states import FailureKind

Patch = dict[str, Any]
OF_LIMITS = {FailureKind.TIMEOUT, FailureKind.MEMORY, FailureKind.DISK, FailureKind.THREADS}


def of_errors(errors: Iterable[FieldError]) -> Patch | None:
    """All their mends in one; None where none of them has any. Of two for one param the first."""
    return _joined(error.fix for error in errors)


def of_failure(kind: str, error: Mapping[str, Any]) -> Patch | None:
    """What the error of a failed job says would likely help."""
    if kind in OF_LIMITS:
        return dict(error["fix"]) if error.get("fix") else None
    return _joined([error.get("fix"), *(each.get("fix") for each in error.get("errors", ()))])


def _joined(fixes: Iterable[Mapping[str, Any] | None]) -> Patch | None:
    """A fix has new values for params, or the name of the simulation that is meant."""
    patch: Patch = {}
    for fix in fixes:
        for name, value in (fix or {}).items():
            if name == "simulation":
                patch.setdefault("simulation", value)
            else:
                patch.setdefault("params", {}).setdefault(name, value)
    return patch or None


def patched(document: Any, patch: Any) -> Any:
    """The document with an RFC 7396 merge patch applied; both stay as they are."""
    if not isinstance(patch, dict):
        return patch
    found = dict(document) if isinstance(document, dict) else {}
    for name, change in patch.items():
        if change is None:
            found.pop(name, None)
        else:
            found[name] = patched(found.get(name), change)
    return found
