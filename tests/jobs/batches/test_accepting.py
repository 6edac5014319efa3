"""Many jobs as one: all are accepted or none."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from jobs.batch_models import Batch
from jobs.models import Allowance, Job

from .helpers import SUM, Post, jobs_of, run

pytestmark = pytest.mark.django_db


def test_a_list_becomes_jobs_in_its_order(post: Post, browser: Client) -> None:
    jobs = [SUM | {"params": {"n": n}, "name": f"no. {n}", "tags": ["own"]} for n in (5, 3, 4)]

    answer = post(body={"name": "three", "tags": ["mine"], "jobs": jobs})

    told = answer.json()
    assert (answer.status_code, told["state"], told["counts"]["queued"]) == (202, "running", 3)
    assert answer["Location"] == told["links"]["self"]
    assert (answer["Retry-After"], answer["ETag"][:5]) == ("5", 'W/"1-')
    items = browser.get(told["links"]["items"]).json()["results"]
    assert [(each["index"], each["name"], each["outcome"]) for each in items] == [
        (0, "no. 5", "accepted"),
        (1, "no. 3", "accepted"),
        (2, "no. 4", "accepted"),
    ]
    stored = Job.objects.get(pk=items[1]["job_id"])
    assert (stored.params["n"], stored.tags, str(stored.batch_id)) == (
        3,
        ["mine", "own"],
        told["id"],
    )
    assert list(stored.events.values_list("seq", "kind")) == [(1, "submitted")]


def test_a_template_is_multiplied_by_a_grid_and_zipped_lists(post: Post) -> None:
    body = {
        "template": SUM,
        "grid": {"priority": ["low", "high"]},
        "zip": {"params.n": [1, 2], "name": ["one", "two"]},
        "reuse": False,
    }

    answer = post(body=body)

    batch = Batch.objects.get(pk=answer.json()["id"])
    assert batch.varied == ["params.n", "name", "priority"]
    assert [(job.name, job.params["n"], job.priority_word) for job in jobs_of(batch)] == [
        ("one", 1, "low"),
        ("one", 1, "high"),
        ("two", 2, "low"),
        ("two", 2, "high"),
    ]


def test_a_list_may_leave_a_value_open(post: Post) -> None:
    rows = {"params.structure": ["O", "[O][O]", "N"], "params.multiplicity": [None, 3, "two"]}
    template = {"simulation": "xtb_optimization"}

    answer = post(body={"template": template, "zip": rows, "on_invalid": "skip"})

    assert answer.status_code == 202, answer.content
    batch = Batch.objects.get(pk=answer.json()["id"])
    assert [job.params["multiplicity"] for job in jobs_of(batch)] == [None, 3]
    (refused,) = batch.items.filter(job=None)
    assert refused.refusal
    assert [each["path"] for each in refused.refusal["errors"]] == [["params", "multiplicity"]]


def test_what_a_batch_says_holds_for_each_job_that_does_not_say_otherwise(post: Post) -> None:
    jobs = [SUM, SUM | {"priority": "high", "limits": {"wall_time_s": 7}}]
    body = {"jobs": jobs, "priority": "low", "limits": {"wall_time_s": 9}, "reuse": False}

    batch = Batch.objects.get(pk=post(body=body).json()["id"])

    assert [(job.priority_word, job.wall_time_limit_s) for job in jobs_of(batch)] == [
        ("low", 9),
        ("high", 7),
    ]


def test_nothing_is_stored_where_one_is_wrong_and_each_is_pointed_at(post: Post) -> None:
    jobs = [SUM, SUM | {"params": {"n": -1}}, {"params": {}}, SUM | {"simulation": "alchemy"}]

    answer = post(body={"jobs": jobs})

    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "invalid_batch")
    assert told["detail"] == "3 of 4 jobs cannot be run; nothing was stored."
    pointers = [error["pointer"] for error in told["errors"]]
    assert pointers == ["/jobs/1/params/n", "/jobs/2/simulation", "/jobs/3/simulation"]
    assert (Batch.objects.count(), Job.objects.count()) == (0, 0)


def test_a_refusal_of_a_grid_points_at_the_value_once(post: Post) -> None:
    grid = {"params.n": [1, "many"], "priority": ["low", "normal", "high"]}

    answer = post(body={"template": SUM, "grid": grid})

    assert [error["pointer"] for error in answer.json()["errors"]] == ["/grid/params.n/1"]


def test_what_cannot_be_run_may_be_skipped_and_says_why(post: Post, browser: Client) -> None:
    jobs = [SUM, SUM | {"params": {"n": -1}}, {"simulation": "demo.sum_squares"}]

    told = post(body={"jobs": jobs, "on_invalid": "skip"}).json()

    assert (told["counts"]["queued"], told["counts"]["refused"]) == (1, 2)
    items = browser.get(f"{told['links']['items']}?outcome=refused").json()["results"]
    assert [item["errors"][0]["pointer"] for item in items] == ["/params/n", "/params"]
    assert [item["job_id"] for item in items] == [None, None]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/jobs"),
        ({"jobs": [], "name": "none"}, "/jobs"),
        ({"jobs": [SUM], "template": SUM}, "/jobs"),
        ({"jobs": [SUM], "grid": {"params.n": [1]}}, "/grid"),
        ({"template": SUM, "grid": {"params.n": []}}, "/grid/params.n"),
        ({"template": SUM, "grid": {"parms.n": [1]}}, "/grid"),
        ({"template": SUM, "grid": {"params" + ".a" * 200: [1]}}, "/grid"),
        ({"jobs": [SUM] * 10_001}, "/jobs"),
        ({"template": SUM, "grid": {"params.n": [1] * 10_001}}, "/grid/params.n"),
        ({"template": SUM, "zip": {"params.n": [1], "name": ["a", "b"]}}, "/zip"),
        ({"template": SUM, "grid": {"params.n": [1] * 101, "name": ["a"] * 100}}, "/grid"),
        ({"jobs": [SUM], "fail_fast": 1.5}, "/fail_fast"),
        ({"jobs": [SUM], "fail_fast": True}, "/fail_fast"),
        ({"jobs": [SUM], "fail_quickly": 1}, "/fail_quickly"),
    ],
)
def test_a_body_that_is_no_batch_is_refused(post: Post, body: Any, pointer: str) -> None:
    answer = post(body=body)

    assert answer.status_code == 422, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_an_equal_job_answers_instead_of_a_second_one(
    post: Post, submit: Callable[..., Job]
) -> None:
    known = submit(params={"n": 1})
    run(known)

    told = post(body={"template": SUM, "grid": {"params.n": [1, 2, 2]}}).json()

    batch = Batch.objects.get(pk=told["id"])
    assert (told["n_reused"], told["counts"]["succeeded"], told["counts"]["queued"]) == (2, 1, 2)
    first, second, third = jobs_of(batch)
    assert first == known
    assert second == third


def test_a_batch_of_which_all_is_known_is_over_at_once(
    post: Post, submit: Callable[..., Job]
) -> None:
    run(submit(params={"n": 1}))

    answer = post(body={"jobs": [SUM]})

    assert (answer.status_code, answer.json()["state"]) == (200, "finished")


def test_the_limit_of_waiting_jobs_counts_for_the_whole_batch(post: Post, alice: Any) -> None:
    Allowance.objects.create(user=alice, max_queued=2)

    refused = post(body={"template": SUM, "grid": {"params.n": [1, 2, 3]}})

    assert (refused.status_code, refused.json()["code"]) == (429, "over_quota")
    assert (Batch.objects.count(), Job.objects.count()) == (0, 0)
    assert post(body={"template": SUM, "grid": {"params.n": [1, 2]}}).status_code == 202


def test_sent_again_under_its_key_it_is_the_same_batch(post: Post) -> None:
    body = {"jobs": [SUM]}

    first, again = (post(body=body, **{"Idempotency-Key": "k"}) for _ in range(2))

    assert again["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert Batch.objects.count() == 1


def test_checking_that_takes_too_long_is_given_up(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: 0, thread_time=itertools.count(0, 20).__next__)
    monkeypatch.setattr("jobs.lifecycle.preparing.time", clock)

    answer = post(body={"jobs": [SUM] * 4})

    assert (answer.status_code, answer.json()["code"]) == (422, "too_slow_to_check")
    assert "batches of at most 1." in answer.json()["detail"]
    assert Batch.objects.count() == 0


def test_what_a_busy_machine_takes_is_not_held_against_the_batch(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=itertools.count(0, 20).__next__, thread_time=lambda: 0)
    monkeypatch.setattr("jobs.lifecycle.preparing.time", clock)

    assert post(body={"jobs": [SUM] * 8}).status_code == 202
    assert post(body={"jobs": [SUM] * 10}).status_code == 503


def test_where_nothing_could_be_looked_at_it_is_not_the_batch_that_is_too_long(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.lifecycle.preparing.CHECK_WITHIN_S", -1.0)

    answer = post(body={"jobs": [SUM]})

    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert (answer.json()["retryable"], answer["Retry-After"]) == (True, "5")
    assert Batch.objects.count() == 0


def test_a_batch_may_be_longer_than_one_job(post: Post, settings: Any) -> None:
    body = {"jobs": [SUM | {"name": "x" * 200}] * 5000}

    assert len(json.dumps(body)) > settings.MAX_BODY_BYTES
    assert post(body=body).status_code == 202
    settings.MAX_BATCH_BYTES = 1_200_000
    refused = post(body=body)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert "1,200,000" in refused.json()["detail"]
