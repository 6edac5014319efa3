"""Writes down what operators did. Nothing here, and nothing anywhere, changes it afterwards."""

from __future__ import annotations

from typing import Any

from .operator_models import AuditEntry


def note(
    by: Any,
    action: str,
    *,
    target: str = "",
    n: int | None = None,
    reason: str = "",
    outcome_of: AuditEntry | None = None,
    **details: Any,
) -> AuditEntry:
    """:param by: the user.
    :param target: the search, or the thing, that it was done to.
    :param n: to how many.
    """
    return AuditEntry.objects.create(
        by_id=getattr(by, "pk", None),
        action=action[:100],
        target=target,
        n=n,
        reason=reason[:500],
        details=details,
        outcome_of=outcome_of,
    )
