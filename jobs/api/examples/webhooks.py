"""Webhooks and what was sent to them."""

from __future__ import annotations

from typing import Any

JOB_ID = "6f1c2d3e-0a4b-4c5d-8e6f-7a8b9c0d1e2f"
WEBHOOK_ID = "5f607182-93a4-4b5c-8edf-4a5b6c7d8e9f"
DELIVERY_ID = "60718293-a4b5-4c6d-8fe0-5b6c7d8e9fa0"
HERE = f"/api/v1/webhooks/{WEBHOOK_ID}"
WEBHOOK = {
    "id": WEBHOOK_ID,
    "url": "https://lab.example.org/hooks/backplane",
    "events": ["job.succeeded", "job.failed"],
    "active": True,
    "created_at": "2026-11-23T10:00:00Z",
    "disabled_at": None,
    "disabled_because": "",
    "old_secret_until": None,
    "links": {"self": HERE, "deliveries": f"{HERE}/deliveries"},
}
SECRET = {"secret": "whsec_c2hvd24gb25jZSBhbmQgbmV2ZXIgYWdhaW4uLi4="}
DELIVERY = {
    "id": DELIVERY_ID,
    "message_id": "msg_6f1c2d3e0a4b4c5d8e6f7a8b9c0d1e2f_41",
    "type": "job.succeeded",
    "at": "2026-11-23T10:00:02Z",
    "job": JOB_ID,
    "url": "https://lab.example.org/hooks/backplane",
    "data": {"job_id": JOB_ID, "seq": 41, "state": "succeeded"},
    "state": "delivered",
    "next_at": None,
    "tries": [{"at": "2026-11-23T10:00:02Z", "status": 204, "ms": 31, "error": ""}],
    "ended_at": "2026-11-23T10:00:02Z",
    "links": {"replay": f"{HERE}/deliveries/{DELIVERY_ID}/replay"},
}
TO_COME: dict[str, Any] = {
    "state": "pending",
    "next_at": "2026-11-23T10:05:00Z",
    "tries": [],
    "ended_at": None,
}

REQUESTS: dict[str, dict[str, Any]] = {
    "create_webhook": {
        "how jobs end": {
            "url": "https://lab.example.org/hooks/backplane",
            "events": ["job.succeeded", "job.failed"],
        }
    },
    "change_webhook": {"switched off": {"active": False}},
    "rotate_webhook_secret": {"both valid for a day": {"overlap_s": 86400}},
}
ANSWERS: dict[str, Any] = {
    "list_webhooks": [WEBHOOK],
    "create_webhook": WEBHOOK | SECRET,
    "get_webhook": WEBHOOK,
    "change_webhook": WEBHOOK | {"active": False},
    "rotate_webhook_secret": WEBHOOK | SECRET | {"old_secret_until": "2026-11-24T10:00:00Z"},
    "list_deliveries": {"results": [DELIVERY], "next": None, "previous": None},
    "replay_delivery": DELIVERY | TO_COME,
    "replay_missed_deliveries": {"replayed": 3},
    "test_webhook": DELIVERY | TO_COME | {"type": "webhook.test", "job": None, "data": {}},
}
