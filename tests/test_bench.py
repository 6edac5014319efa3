"""What the benchmarks ask is what a site takes: their figures stand for something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from bench import campaigns


@pytest.mark.parametrize("kind", campaigns.KINDS)
def test_each_campaign_that_is_timed_is_accepted(
    kind: Callable[[int], campaigns.Body], client: Client, alice: Any
) -> None:
    client.force_login(alice)

    answer = client.post("/api/v1/batches", kind(100), "application/json")

    assert answer.status_code == 202, answer.content[:2000]
    assert answer.json()["counts"]["queued"] == 100
