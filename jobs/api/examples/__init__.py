"""An example of every operation, for the OpenAPI document. Tests hold each against its schema.

The figures are those of the demo, which anybody can add up: 1² + 2² + 3² = 14.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from jobs.api.problems import problem as problem_of

from . import basics, batches, keys, of_jobs, webhooks

FIXED = (basics, batches, keys, webhooks)
REQUESTS = {name: bodies for part in FIXED for name, bodies in part.REQUESTS.items()}
ANSWERS = {name: body for part in FIXED for name, body in part.ANSWERS.items()}


def add(operation: dict[str, Any]) -> None:
    """Give the operation's body and its JSON answers their examples."""
    name = operation["operationId"]
    if name in REQUESTS:
        content = operation["requestBody"]["content"]["application/json"]
        bodies = REQUESTS[name].items()
        content["examples"] = {title: {"value": body} for title, body in bodies}
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json")
        if content is None or not status.startswith("2"):
            continue
        found = ANSWERS.get(name, of_jobs.answer(name, int(status)))
        if found is not None:
            content["example"] = found


def problem(status: int, code: str, detail: str) -> dict[str, Any]:
    request = HttpRequest()
    request.path = "/api/v1/jobs"
    request.request_id = "0f8e7d6c5b4a"  # type: ignore[attr-defined]
    errors = []
    if status == 422:
        detail = "n is 0; it must be at least 1."
        errors = [{"pointer": "/params/n", "code": "greater_than_equal", "detail": detail}]
    return problem_of(status, code, detail, request, errors=errors)
