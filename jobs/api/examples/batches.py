"""Batches: many jobs at once, told apart by what varies."""

from __future__ import annotations

from typing import Any

JOB_ID = "6f1c2d3e-0a4b-4c5d-8e6f-7a8b9c0d1e2f"
BATCH_ID = "718293a4-b5c6-4d7e-8af1-6c7d8e9fa0b1"
HERE = f"/api/v1/batches/{BATCH_ID}"
COUNTS = {"queued": 1, "running": 0, "succeeded": 3, "failed": 0, "cancelled": 0, "refused": 0}
BATCH = {
    "id": BATCH_ID,
    "name": "Solvents",
    "tags": ["solvents"],
    "simulations": ["xtb_optimization"],
    "varied": ["params.structure", "params.method"],
    "state": "running",
    "n_items": 4,
    "counts": COUNTS,
    "n_awaiting_approval": 0,
    "n_reused": 0,
    "progress": 0.75,
    "over_in_s": None,
    "fail_fast": {"max_failures": 2, "stopped_at": None},
    "first_failures": [],
    "last_seq": 5,
    "created_at": "2026-11-23T10:00:00Z",
    "cancel_requested_at": None,
    "finished_at": None,
    "links": {"self": HERE, "items": f"{HERE}/items", "results": f"{HERE}/results"},
}
ITEM = {
    "index": 0,
    "outcome": "accepted",
    "job_id": JOB_ID,
    "name": "",
    "state": "queued",
    "progress": 0.0,
    "failure_kind": "",
    "summary": None,
    "errors": [],
    "links": {"job": f"/api/v1/jobs/{JOB_ID}"},
}
EVENT = {
    "seq": 5,
    "kind": "progress",
    "at": "2026-11-23T10:00:30Z",
    "state": "running",
    "progress": 0.75,
    "counts": COUNTS,
}

REQUESTS: dict[str, dict[str, Any]] = {
    "submit_batch": {
        "a template times a grid": {
            "name": "Solvents",
            "template": {"simulation": "xtb_optimization"},
            "grid": {
                "params.structure": ["CCO", "CC(C)=O"],
                "params.method": ["GFN1-xTB", "GFN2-xTB"],
            },
            "fail_fast": 2,
        },
        "a list": {
            "jobs": [
                {"simulation": "demo.sum_squares", "params": {"n": 3}},
                {"simulation": "demo.sum_squares", "params": {"n": 4}},
            ],
            "on_invalid": "skip",
        },
    },
    "resume_batch": {"what is missing": {}, "failed science too": {"also": ["science"]}},
}
ANSWERS: dict[str, Any] = {
    "list_batches": {"next": None, "previous": None, "results": [BATCH]},
    "submit_batch": BATCH | {
        "counts": {**COUNTS, "queued": 4, "succeeded": 0}, "progress": 0.0, "last_seq": 1,
    },
    "get_batch": BATCH,
    "cancel_batch": BATCH | {"cancel_requested_at": "2026-11-23T10:00:31Z"},
    "resume_batch": BATCH,
    "list_batch_events": {"events": [EVENT], "last_seq": 5, "state": "running"},
    "list_batch_items": {"results": [ITEM], "next": None, "next_cursor": None},
}  # fmt: skip
