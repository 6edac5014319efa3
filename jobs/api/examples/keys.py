"""Keys of agents, and what waits for their owner's yes."""

from __future__ import annotations

from typing import Any

KEY_ID = "3d4e5f60-7182-493a-acbd-2e3f4a5b6c7d"
BUDGET = {
    "max_queued": 100,
    "max_running": 4,
    "core_hours": 200.0,
    "core_hours_per_day": 20.0,
    "deadline": None,
    "approval": "above",
    "approval_above_core_hours": 10.0,
}
KEY = {
    "id": KEY_ID,
    "name": "screening agent",
    "purpose": "Solubility of the April set",
    "prefix": "bp_3d4e5f60",
    "scopes": ["read", "submit", "cancel"],
    "created_at": "2026-11-23T10:00:00Z",
    "expires_at": "2027-01-01T00:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
    "budget": BUDGET,
    "used": {"core_hours": 0.0, "core_hours_today": 0.0, "core_hours_reserved": 0.0},
    "links": {"self": f"/api/v1/keys/{KEY_ID}"},
}

REQUESTS: dict[str, dict[str, Any]] = {
    "create_key": {
        "to look": {"name": "notebook", "scopes": ["read"]},
        "with a budget": {
            "name": "screening agent",
            "scopes": ["read", "submit", "cancel"],
            "expires_at": "2027-01-01T00:00:00Z",
            "budget": BUDGET,
        },
    },
    "change_key": {
        "only to look": {"scopes": ["read"]},
        "a larger budget": {
            "budget": {"core_hours": 400.0},
            "expires_at": "2027-02-01T00:00:00Z",
        },
    },
    "reject_job": {"with a reason": {"why": "Too large a basis for a first look."}},
}
ANSWERS: dict[str, Any] = {
    "list_keys": {"next": None, "previous": None, "results": [KEY]},
    "create_key": {
        **KEY,
        "token": "bp_3d4e5f60_shown-once-and-never-again-keep-it-where-it-is-safe",
    },
    "get_key": KEY,
    "change_key": KEY,
    "create_ticket": {"ticket": "WzEsbnVsbF0:1wKx2Y:shown-to-a-websocket-once", "expires_in_s": 60},
    "get_me": {"user": "alice", "key": KEY},
}
