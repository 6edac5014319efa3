"""A request that was computed anew: which earlier job it nearly equalled, and what differed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from jobs import lifecycle
from jobs.models import Job
from jobs.states import FailureKind
from tests.jobs.test_equality import ETHANOL, SQUARES, finish, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def differences(client: Client, job: dict[str, Any]) -> set[str]:
    """In which fields it differs from its nearest; `explain` says the same in a sentence."""
    told = client.get(f"/api/v1/jobs/{job['id']}/nearest").json()
    text = client.get(f"/api/v1/jobs/{job['id']}/explain").json()["computed_anew"]["text"]
    found = {each["field"] for each in told["differences"]}
    assert all(field in text for field in found or {"it was to be computed anew"})
    return found


def test_a_miss_tells_the_nearest_job_and_the_field_that_differs(as_alice: Client) -> None:
    post(as_alice, {**ETHANOL, "params": {"structure": "CO", "charge": 1, "multiplicity": 2}})
    near = post(as_alice, ETHANOL).json()
    job = post(as_alice, {**ETHANOL, "params": {"structure": "CCO", "max_steps": 7}}).json()

    told = as_alice.get(f"/api/v1/jobs/{job['id']}/nearest").json()

    assert told["nearest"]["id"] == near["id"]
    (difference,) = told["differences"]
    assert (difference["field"], difference["here"]) == ("max_steps", 7)


def test_a_molecule_written_in_another_way_is_no_difference(as_alice: Client) -> None:
    post(as_alice, ETHANOL)
    job = post(as_alice, {**ETHANOL, "params": {"structure": "OCC", "max_steps": 7}}).json()

    assert differences(as_alice, job) == {"max_steps"}


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        ("cancelled", {"state"}),
        ("being cancelled", {"state"}),
        ("files", {"files"}),
        ("limits", {"limits.memory_mib"}),
        ("refused", set()),
        # What became of it later did not keep it from answering.
        ("failed afterwards", set()),
    ],
)
def test_an_equal_job_that_did_not_answer_says_what_kept_it(
    as_alice: Client, spoil: str, field: set[str]
) -> None:
    first = Job.objects.get(pk=post(as_alice, SQUARES).json()["id"])
    body = {**SQUARES, "reuse": spoil not in {"refused", "failed afterwards"}}
    match spoil:
        case "cancelled":
            lifecycle.request_cancel(first, by="alice")
        case "being cancelled":
            lifecycle.start(first, 1, worker="w", host="h", pid=1)
            lifecycle.request_cancel(first, by="alice")
        case "files":
            finish(str(first.pk))
            lifecycle.remove_files(Job.objects.get(pk=first.pk), kept_days=1)
        case "limits":
            body["limits"] = {"memory_mib": 512}

    job = post(as_alice, body).json()
    if spoil == "failed afterwards":
        lifecycle.start(first, 1, worker="w", host="h", pid=1)
        lifecycle.fail(first, 1, FailureKind.SCIENCE, {"detail": "no"})

    assert job["id"] != str(first.pk)
    assert differences(as_alice, job) == field


def test_the_first_of_its_kind_has_no_nearest(as_alice: Client) -> None:
    job = post(as_alice, SQUARES).json()

    told = as_alice.get(f"/api/v1/jobs/{job['id']}/nearest").json()

    assert told == {"nearest": None, "differences": []}
