"""The list of jobs over REST: which, in what order, how many, and how much of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from jobs import lifecycle
from jobs.api import shape
from jobs.batch_models import Batch
from jobs.models import Job

JOBS = "/api/v1/jobs"


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def names(client: Client, **query: Any) -> list[str]:
    answer = client.get(JOBS, query)
    assert answer.status_code == 200, answer.content
    return [job["name"] for job in answer.json()["results"]]


@pytest.fixture
def four(submit: Callable[..., Job], start: Callable[[Job], Job]) -> dict[str, Job]:
    """One of each state but `failed`, of the last four days, oldest first."""
    jobs = {
        "done": submit(name="done", tags=["water", "a,b"]),
        "gone": submit(name="gone", tags=["water"]),
        "runs": submit(name="Water runs"),
        "waits": submit(name="waits", simulation="xtb_optimization", params={"structure": "O"}),
    }
    lifecycle.succeed(start(jobs["done"]), 1, {"total": 14})
    lifecycle.request_cancel(jobs["gone"], by="alice")
    start(jobs["runs"])
    for days, job in zip((4, 3, 2, 1), jobs.values(), strict=True):
        Job.objects.filter(pk=job.pk).update(
            created_at=datetime(2026, 11, 20, 12, tzinfo=UTC) - timedelta(days=days)
        )
    Job.objects.filter(pk=jobs["done"].pk).update(finished_at=datetime(2026, 11, 17, tzinfo=UTC))
    return jobs


# --- which -----------------------------------------------------------------------------------

FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["waits", "Water runs", "gone", "done"]),
    ({"state": "queued,running"}, ["waits", "Water runs"]),
    ({"state": ["queued", "succeeded"]}, ["waits", "done"]),
    ({"simulation": "xtb_optimization"}, ["waits"]),
    ({"simulation": "XTB-Optimization"}, ["waits"]),
    ({"tag": "water"}, ["gone", "done"]),
    ({"tag": ["water", "a,b"]}, ["done"]),
    ({"tag": "wat"}, []),
    ({"tag": "%"}, []),
    ({"text": "water"}, ["Water runs"]),
    ({"text": "%"}, []),
    ({"created_after": "2026-11-18T12:00:00Z"}, ["waits", "Water runs"]),
    ({"created_before": "2026-11-18T12:00:00Z"}, ["gone", "done"]),
    ({"created_before": "2026-11-18T14:00:00+02:00"}, ["gone", "done"]),
    ({"finished_after": "2026-11-18T00:00:00Z"}, ["gone"]),
    ({"finished_before": "2026-11-18T00:00:00Z"}, ["done"]),
    ({"state": "queued", "text": "water"}, []),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS, ids=lambda each: json.dumps(each))
def test_each_filter_leaves_what_it_says(
    as_alice: Client, four: dict[str, Job], query: dict[str, Any], expected: list[str]
) -> None:
    assert names(as_alice, **query) == expected


def test_a_job_is_found_by_the_beginning_of_its_id(as_alice: Client, four: dict[str, Job]) -> None:
    key = str(four["gone"].pk)

    for text in (key, key[:8], key[:13].upper(), key.replace("-", "")):
        assert "gone" in names(as_alice, text=text)
    assert names(as_alice, text=key[:-1] + ("0" if key[-1] != "0" else "1")) == []


def test_the_jobs_of_a_batch(as_alice: Client, alice: Any, four: dict[str, Job]) -> None:
    batch = Batch.objects.create(owner=alice, n_items=2)
    Job.objects.filter(pk=four["waits"].pk).update(batch=batch)
    batch.items.create(index=0, outcome="accepted", job=four["waits"])
    batch.items.create(index=1, outcome="reused", job=four["done"])

    assert names(as_alice, batch=batch.pk) == ["waits", "done"]


REFUSED: dict[str, tuple[str, str]] = {
    "state=jogging": ("state", "expected one of queued"),
    "stat=queued": ("stat", "Did you mean state?"),
    "limit=0": ("limit", "at least 1"),
    "limit=many": ("limit", "a whole number"),
    "limit=501": ("limit", "at most 500"),
    "limit=101&view=full": ("limit", "at most 100"),
    "simulation=xtb_optimizat": ("simulation", "Did you mean xtb_optimization?"),
    "created_after=yesterday": ("created_after", "yesterday"),
    "created_after=2026-11-18T00:00:00": ("created_after", "end it in Z"),
    "created_after=9999-12-31T23:59:59-23:00": ("created_after", "calendar"),
    "view=tiny": ("view", "summary, full"),
    "fields=stat": ("fields", "Did you mean state?"),
    "max_bytes=10": ("max_bytes", "at least 1000"),
    "batch=7": ("batch", "7"),
    "cursor=nonsense": ("cursor", "Leave it out"),
}


@pytest.mark.parametrize("plus", ["+", "%2B"])
def test_the_plus_of_a_timezone_may_have_become_a_space(
    as_alice: Client, submit: Callable[..., Job], plus: str
) -> None:
    job = submit()
    east = timezone.get_fixed_timezone(60)

    def since(at: datetime) -> int:
        text = at.astimezone(east).isoformat().replace("+", plus)
        return len(as_alice.get(f"{JOBS}?created_after={text}").json()["results"])

    second = timedelta(seconds=1)
    assert (since(job.created_at - second), since(job.created_at + second)) == (1, 0)


@pytest.mark.parametrize("query", REFUSED)
def test_what_is_no_filter_is_refused_by_its_name(as_alice: Client, query: str) -> None:
    parameter, words = REFUSED[query]

    answer = as_alice.get(f"{JOBS}?{query}")

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_query"
    (error,) = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["detail"]


def test_of_many_ids_the_unknown_are_told(
    as_alice: Client, bob: Any, submit: Callable[..., Job]
) -> None:
    mine, other, theirs = submit(), submit(params={"n": 4}), submit(owner=bob)
    asked = [str(other.pk), "nonsense", str(mine.pk), str(theirs.pk)]

    answer = as_alice.get(JOBS, {"ids": ",".join(asked)}).json()

    assert [job["id"] for job in answer["results"]] == [str(other.pk), str(mine.pk)]
    assert answer["unknown_ids"] == ["nonsense", str(theirs.pk)]
    assert as_alice.get(JOBS, {"ids": ",".join(["x"] * 201)}).status_code == 422


@pytest.mark.parametrize("ids", ["", ",", " , "])
def test_of_no_ids_there_are_no_jobs(
    as_alice: Client, submit: Callable[..., Job], ids: str
) -> None:
    """What a program asks for whose list is empty."""
    submit()

    answer = as_alice.get(JOBS, {"ids": ids}).json()

    assert (answer["results"], answer["unknown_ids"], answer["next"]) == ([], [], None)


# --- how many, in what order -----------------------------------------------------------------


def test_every_job_is_listed_once_however_many_come_meanwhile(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    jobs = {submit(params={"n": n}).pk for n in range(1, 8)}
    # Those of a batch are of one moment.
    Job.objects.update(created_at=timezone.now())

    seen: list[str] = []
    url = f"{JOBS}?limit=2"
    while url:
        page = as_alice.get(url).json()
        seen += [job["id"] for job in page["results"]]
        submit(params={"n": 100 + len(seen)})
        url = page["next"]

    assert {*map(UUID, seen)} == jobs
    assert len(seen) == len(jobs)


def test_the_next_page_keeps_the_filters(as_alice: Client, submit: Callable[..., Job]) -> None:
    for n in range(1, 5):
        submit(params={"n": n}, tags=["odd"] if n % 2 else [])

    page = as_alice.get(f"{JOBS}?limit=1&tag=odd&fields=tags").json()
    following = as_alice.get(page["next"]).json()

    assert following["results"][0]["tags"] == ["odd"]
    assert following["next"] is None
    cursor = {"limit": 1, "tag": "odd", "cursor": page["next_cursor"]}
    assert as_alice.get(JOBS, cursor).json()["results"][0]["tags"] == ["odd"]


@pytest.mark.parametrize("query", ["limit=10", "limit=10&view=full", "limit=10&fields=attempts"])
def test_a_longer_list_costs_no_more_queries(
    as_alice: Client,
    submit: Callable[..., Job],
    start: Callable[[Job], Job],
    django_assert_max_num_queries: Any,
    query: str,
) -> None:
    for n in range(1, 12):
        lifecycle.succeed(start(submit(params={"n": n})), 1, {"total": 14})

    with django_assert_max_num_queries(6):
        assert len(as_alice.get(f"{JOBS}?{query}").json()["results"]) == 10


# --- how much of each ------------------------------------------------------------------------


@pytest.fixture
def large(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Job:
    job = start(submit())
    result = {
        "total": 14,
        "history": list(range(2000)),
        "poses": [{"score": -7.1, "pdb": "ATOM" * 500}, {"score": -6.9, "pdb": "ATOM" * 500}],
        "charges": {"mulliken": [0.1] * 300, "note": "small"},
    }
    lifecycle.succeed(job, 1, result, summary={"total": 14})
    return job


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("state", {"state": "succeeded"}),
        ("state,summary.total", {"state": "succeeded", "summary": {"total": 14}}),
        ("result.total", {"result": {"total": 14}}),
        ("result.poses.score", {"result": {"poses": [{"score": -7.1}, {"score": -6.9}]}}),
        (
            "result.charges.note,result.total",
            {"result": {"charges": {"note": "small"}, "total": 14}},
        ),
        ("result.nothing", {"result": {}}),
        ("error.detail", {"error": None}),
    ],
)
def test_fields_tell_only_what_they_name(
    as_alice: Client, large: Job, fields: str, expected: dict[str, Any]
) -> None:
    answer = as_alice.get(f"{JOBS}/{large.pk}", {"fields": fields}).json()

    assert answer == {"id": str(large.pk), **expected}
    assert as_alice.get(JOBS, {"fields": fields}).json()["results"] == [answer]


def test_a_name_wanted_whole_is_told_whole() -> None:
    value = {"a": {"b": 1, "c": {"d": 2, "e": 3}}}

    assert shape.picked(value, shape.tree_of(["a.b", "a"])) == value
    assert shape.picked(value, shape.tree_of(["a", "a.b"])) == value
    assert shape.picked(value, shape.tree_of(["a.c.d", "a.b"])) == {"a": {"c": {"d": 2}, "b": 1}}
    assert shape.picked(value, shape.tree_of(["a.c.d", "a.c"])) == {"a": {"c": {"d": 2, "e": 3}}}


def test_a_summary_has_no_bulk(as_alice: Client, large: Job) -> None:
    answer = as_alice.get(f"{JOBS}/{large.pk}?view=summary").json()

    assert answer["summary"] == {"total": 14}
    assert "result" not in answer


@pytest.mark.parametrize("max_bytes", [1000, 1500, 3000, 8000, 15_000])
def test_an_answer_fits_and_tells_what_it_left_out(
    as_alice: Client, large: Job, max_bytes: int
) -> None:
    whole = as_alice.get(f"{JOBS}/{large.pk}").json()

    answer = as_alice.get(f"{JOBS}/{large.pk}?max_bytes={max_bytes}")

    assert len(answer.content) <= max_bytes
    told = answer.json()
    assert (told["id"], told["state"]) == (str(large.pk), "succeeded")
    left_out = told.pop("left_out")
    assert left_out["values"][0]["bytes"] > 100
    rest = as_alice.get(left_out["get"]).json()
    # Both parts together are the whole, and neither has changed a value.
    assert merged(rest, told) == whole


def merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        names = one.keys() | other.keys()
        return {
            name: merged(one.get(name, other.get(name)), other.get(name, one.get(name)))
            for name in names
        }
    assert one == other
    return one


def test_the_tightest_answer_still_tells_what_is_small(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    answer = as_alice.get(f"{JOBS}/{submit().pk}?max_bytes=1000")

    assert 700 < len(answer.content) <= 1000
    assert answer.json()["progress"] == 0
    assert answer.json()["left_out"]["values"][0]["path"] == "*"


def test_whole_objects_are_left_out_by_their_names_where_their_parts_are_many() -> None:
    data = {"id": 1, "energy_hartree": -1.5, "charges": {f"atom_{n}": 0.1 for n in range(200)}}

    answer = shape.fitted(data, 1000, "/api/v1/jobs/1")

    left_out = answer.pop("left_out")
    assert answer == {"id": 1, "energy_hartree": -1.5}
    assert [each["path"] for each in left_out["values"]] == ["charges"]
    assert left_out["get"] == "/api/v1/jobs/1?fields=charges"


def test_what_fits_is_told_whole(as_alice: Client, large: Job) -> None:
    answer = as_alice.get(f"{JOBS}/{large.pk}?max_bytes=1000000").json()

    assert "left_out" not in answer
    assert len(answer["result"]["history"]) == 2000


def test_a_list_that_is_too_long_ends_earlier_and_goes_on(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    jobs = {str(submit(params={"n": n}).pk) for n in range(1, 11)}

    seen: list[str] = []
    url = f"{JOBS}?max_bytes=5000"
    while url:
        answer = as_alice.get(url)
        assert len(answer.content) <= 5000
        seen += [job["id"] for job in answer.json()["results"]]
        url = answer.json()["next"]

    assert (len(seen), {*seen}) == (10, jobs)
    by_id = as_alice.get(f"{JOBS}?max_bytes=5000&ids={','.join(seen)}").json()
    rest = as_alice.get(by_id["next"]).json()
    told = [job["id"] for job in by_id["results"] + rest["results"]]
    assert told == seen[: len(told)]


def test_an_answer_to_a_submission_is_shaped_too(as_alice: Client, large: Job) -> None:
    body = {"simulation": "demo.sum_squares", "params": {"n": 3}}

    answer = as_alice.post(f"{JOBS}?fields=state", body, content_type="application/json")

    assert (answer.status_code, answer.json()["reuse"]["outcome"]) == (200, "hit")
    assert answer.json().keys() == {"id", "state", "reuse"}
    refused = as_alice.post(f"{JOBS}?fields=stat", body, content_type="application/json")
    assert refused.status_code == 422


def test_every_moment_is_in_utc_and_says_so(as_alice: Client, large: Job) -> None:
    texts = [
        as_alice.get(f"{JOBS}/{large.pk}{path}").content.decode()
        for path in ("", "/events", "/explain", "/nearest")
    ]

    for text in texts:
        assert "+00:00" not in text
    assert json.loads(texts[1])["events"][0]["at"].endswith("Z")


def test_a_cursor_of_another_list_is_no_secret(as_alice: Client) -> None:
    """It holds a moment and an id: whoever makes one up sees their own jobs all the same."""
    assert as_alice.get(JOBS, {"cursor": str(uuid4())}).status_code == 422
