"""The list as a page: its filters in words, its strip charts, and what is done to many at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from jobs import artifacts, keys, lifecycle, turns
from jobs.batch_models import Batch
from jobs.keys import Origin
from jobs.models import Allowance, Job
from jobs.pages import filters, strips
from jobs.states import FailureKind, JobState, Reason, Scope

XTB = {"simulation": "xtb_optimization", "params": {"structure": "O"}}
POSITION = {"fraction": 0.5, "message": "", "stage": ""}


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def listing(client: Client, **query: Any) -> Any:
    answer = client.get("/jobs/", query)
    assert answer.status_code == 200
    return answer.context["listing"]


def names(client: Client, **query: Any) -> list[str]:
    return [row.job.name for row in listing(client, **query).rows]


@pytest.fixture
def three(submit: Callable[..., Job], start: Callable[[Job], Job]) -> dict[str, Job]:
    """Oldest first."""
    jobs = {
        "done": submit(name="done", tags=["water", "paper"]),
        "Water runs": submit(name="Water runs", tags=["water"], **XTB),
        "waits": submit(name="waits"),
    }
    lifecycle.succeed(start(jobs["done"]), 1, {"total": 14})
    start(jobs["Water runs"])
    for days, job in zip((40, 3, 0), jobs.values(), strict=True):
        Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(days=days))
    return jobs


# --- which -----------------------------------------------------------------------------------

FILTERS: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({}, ["waits", "Water runs", "done"], []),
    ({"state": "queued"}, ["waits"], ["queued"]),
    ({"state": "queued,running"}, ["waits", "Water runs"], ["queued or running"]),
    ({"simulation": "xtb_optimization"}, ["Water runs"], ["xTB geometry optimisation"]),
    ({"tag": "water"}, ["Water runs", "done"], ["tagged “water”"]),
    ({"tag": ["water", "paper"]}, ["done"], ["tagged “water” and “paper”"]),
    ({"text": "water"}, ["Water runs"], ["“water” in the name or id"]),
    ({"within": "24h"}, ["waits"], ["submitted in the last 24 hours"]),
    ({"within": "7d"}, ["waits", "Water runs"], ["submitted in the last 7 days"]),
    ({"text": "", "state": " "}, ["waits", "Water runs", "done"], []),
    (
        {"state": "running", "tag": "water"},
        ["Water runs"],
        ["running", "tagged “water”"],
    ),
]


@pytest.mark.parametrize(("query", "found", "words"), FILTERS, ids=lambda each: str(each))
def test_each_filter_is_told_in_words_and_leaves_what_it_says(
    as_alice: Client,
    three: dict[str, Job],
    query: dict[str, Any],
    found: list[str],
    words: list[str],
) -> None:
    page = listing(as_alice, **query)

    assert [row.job.name for row in page.rows] == found
    assert [each.words for each in page.asked.conditions] == words


def test_a_batch_and_the_beginning_of_an_id_are_filters_too(
    as_alice: Client, alice: Any, three: dict[str, Job]
) -> None:
    batch = Batch.objects.create(owner=alice, n_items=1)
    batch.items.create(index=0, outcome="reused", job=three["done"])

    assert names(as_alice, batch=batch.pk) == ["done"]
    assert names(as_alice, text=str(three["waits"].pk)[:8]) == ["waits"]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "jogging"},
        {"within": "an eternity"},
        {"batch": "7"},
        {"finished_after": "yesterday"},
    ],
)
def test_what_is_no_filter_is_said_to_be_none(
    as_alice: Client, three: dict[str, Job], query: dict[str, str]
) -> None:
    answer = as_alice.get("/jobs/", query)

    assert len(answer.context["listing"].rows) == 3
    assert "Not a filter" in answer.content.decode()


def test_each_condition_can_be_left_out_and_the_page_begins_anew(
    as_alice: Client, three: dict[str, Job]
) -> None:
    page = listing(as_alice, state="running", tag="water", cursor="x")

    ways = {each.name: each.without for each in page.asked.conditions}

    assert ways == {"state": "?tag=water", "tag": "?state=running"}


def test_where_nothing_fits_it_says_how_many_would_without_each_condition(
    as_alice: Client, three: dict[str, Job]
) -> None:
    page = listing(as_alice, state="queued", tag="water")

    assert page.rows == []
    assert [(each.name, n) for each, n in page.hidden] == [("state", "2 jobs"), ("tag", "1 job")]


def test_of_what_a_filter_hides_no_more_is_counted_than_is_told(
    as_alice: Client, three: dict[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "MOST_COUNTED", 1)
    monkeypatch.setattr("jobs.pages.listing.MOST_COUNTED", 1)

    page = listing(as_alice, tag="nowhere")

    assert [n for _, n in page.hidden] == ["more than 1 jobs"]


def test_only_an_administrator_may_ask_for_an_owner(
    as_alice: Client, three: dict[str, Job], submit: Callable[..., Job], bob: Any
) -> None:
    submit(owner=bob, name="bobs")
    assert "bobs" not in names(as_alice, owner="bob")
    assert len(names(as_alice, owner="bob")) == 3

    as_alice.force_login(get_user_model().objects.create_superuser("root"))

    assert names(as_alice, owner="bob") == ["bobs"]
    assert len(names(as_alice)) == 4


def test_the_pages_follow_each_other_by_a_cursor_that_keeps_the_filters(
    as_alice: Client, submit: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.pages.listing.PAGE_SIZE", 2)
    for n in range(1, 6):
        submit(params={"n": n}, name=str(n), tags=["odd"] if n % 2 else [])

    first = listing(as_alice, tag="odd")
    submit(params={"n": 7}, name="7", tags=["odd"])
    answer = as_alice.get(f"/jobs/{first.older}")

    assert [row.job.name for row in first.rows] == ["5", "3"]
    assert [row.job.name for row in answer.context["listing"].rows] == ["1"]
    assert names(as_alice, tag="odd", cursor="nobody gave it out") == ["7", "5"]


def test_an_empty_list_shows_the_way_forward(as_alice: Client) -> None:
    html = as_alice.get("/jobs/").content.decode()

    assert "No jobs yet" in html
    assert "Filter the jobs" in html


# --- how it is drawn -------------------------------------------------------------------------


def report(job: Job, key: str, *values: float) -> None:
    for value in values:
        lifecycle.progress(job, 1, [{**POSITION, key: value}])


def test_a_row_draws_what_its_job_reported(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit(**XTB))
    report(job, "energy_hartree", -5.0, -5.07, -5.0703)

    (row,) = listing(as_alice).rows

    assert row.strip.line == "3.0,3.0 84.0,24.9 165.0,25.0"
    assert (row.strip.x, row.strip.y) == ("165.0", "25.0")
    assert row.strip.label == "Energy, from −5.00000000 to −5.07030000 hartree"
    assert (row.value, row.unit) == ("−5.07030000", "hartree")
    html = as_alice.get("/jobs/").content.decode()
    assert f'<polyline points="{row.strip.line}"' in html


def test_a_simulation_without_a_live_quantity_draws_how_much_is_done(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    for fraction in (0.0, 0.5, 1.0):
        lifecycle.progress(job, 1, [{**POSITION, "fraction": fraction, "total": 1}])

    (row,) = listing(as_alice).rows

    assert row.strip.label == "Fraction done, from 0.00 to 1.00"


def test_what_has_reported_once_or_nothing_draws_nothing(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    submit()
    report(start(submit(params={"n": 4})), "total", 1.0)

    assert [row.strip for row in listing(as_alice).rows] == [None, None]


def test_of_many_points_every_peak_is_drawn() -> None:
    series = [(float(n), 300.0) for n in range(5000)]
    series[2718] = (2718.0, 431.0)

    thinned = strips._thinned(series)

    assert (2718.0, 431.0) in thinned
    assert (thinned[0], thinned[-1]) == (series[0], series[-1])
    assert len(thinned) < 200


@pytest.mark.parametrize("last_seq", [0, 1, 7, strips.MOST_EVENTS, 12_345])
def test_events_are_read_from_the_whole_life_of_a_job(last_seq: int) -> None:
    found = strips._sampled(last_seq)

    assert found[-1:] == ([last_seq] if last_seq else [])
    assert len(set(found)) == len(found) == min(last_seq, strips.MOST_EVENTS)


def test_the_text_of_nan_breaks_no_chart() -> None:
    points: Any = [(1.0, {"e": float("nan")}), (2.0, {"e": None}), (3.0, {"e": True}), (4.0, {})]

    assert strips._series(points, "e") == []


def test_fifty_jobs_take_ten_queries(
    as_alice: Client,
    submit: Callable[..., Job],
    start: Callable[[Job], Job],
    django_assert_max_num_queries: Any,
) -> None:
    for n in range(1, 61):
        job = submit(params={"n": n})
        if n % 2:
            lifecycle.progress(start(job), 1, [POSITION, {**POSITION, "fraction": 0.7}])

    for is_superuser in (False, True):
        get_user_model().objects.update(is_superuser=is_superuser)
        with django_assert_max_num_queries(10):
            page = listing(as_alice)

        assert len(page.rows) == 50
        assert sum(row.strip is not None for row in page.rows) == 25


def test_who_waits_for_a_worker_is_told_their_place(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    for n in range(1, 4):
        submit(params={"n": n})

    rows = listing(as_alice).rows

    assert [row.where for row in rows] == [
        "Waiting for a worker, about 3rd in line",
        "Waiting for a worker, about 2nd in line",
        "Waiting for a worker, next in line",
    ]


def test_who_has_as_many_running_as_they_may_is_told_so_and_not_that_they_are_next(
    as_alice: Client, alice: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    Allowance.objects.create(user=alice, max_running=1)
    start(submit())
    waits = submit()

    (where,) = [row.where for row in listing(as_alice).rows if row.job == waits]

    assert where == "1 of the owner's jobs run, the most that may at once"
    assert where == turns.explain(waits).text  # type: ignore[union-attr]


def test_who_is_held_by_their_key_is_told_so_however_many_there_are(
    as_alice: Client, alice: Any, submit: Callable[..., Job], django_assert_max_num_queries: Any
) -> None:
    for name in "ab":
        key, _ = keys.issue(owner=alice, name=name, scopes=[Scope.SUBMIT], max_running=0)
        submit(origin=Origin(key=key))
        submit(origin=Origin(key=key))

    with django_assert_max_num_queries(12):
        told = {row.where for row in listing(as_alice).rows}

    assert told == {"0 jobs of its key run, the most that may at once"}


def test_what_operators_say_of_a_maintenance_is_not_said_in_each_row(
    as_alice: Client, alice: Any, submit: Callable[..., Job]
) -> None:
    submit()
    submit()
    lifecycle.begin_maintenance(by=alice, reason="disks", message="New disks are put in.")

    html = as_alice.get("/jobs/").content.decode()

    assert html.count("New disks are put in.") == 1
    assert html.count(str(Reason.MAINTENANCE.label)) == 2


# --- the rows alone --------------------------------------------------------------------------


def test_rows_are_told_of_ones_own_jobs_only(
    as_alice: Client, submit: Callable[..., Job], bob: Any
) -> None:
    mine, theirs = submit(name="mine"), submit(owner=bob, name="theirs")

    html = as_alice.get(f"/jobs/rows/?ids={mine.pk},{theirs.pk},nonsense&select=1").content.decode()

    assert f'data-job="{mine.pk}"' in html
    assert 'type="checkbox"' in html
    assert "theirs" not in html
    assert str(theirs.pk) not in html


def test_with_the_rows_the_list_is_told_how_many_run_and_wait(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job], bob: Any
) -> None:
    job, _ = start(submit()), submit(params={"n": 4})
    submit(owner=bob)

    told = as_alice.get(f"/jobs/rows/?ids={job.pk}&select=1").content.decode()
    of_today = as_alice.get(f"/jobs/rows/?ids={job.pk}").content.decode()

    assert "<span>1 running</span>" in told
    assert "<span>1 queued</span>" in told
    assert "queued</span>" not in of_today


# --- many at once ----------------------------------------------------------------------------


def bulk(client: Client, act: str, *jobs: Any, **data: Any) -> list[str]:
    sent = {"act": act, "jobs": [getattr(job, "pk", job) for job in jobs], **data}
    answer = client.post("/jobs/bulk/", sent, follow=True)
    assert answer.redirect_chain[0][1] == 302
    return [str(message) for message in answer.context["messages"]]


def test_many_are_cancelled_and_each_is_told(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    waits, runs, done = (submit(params={"n": n}, name=f"job {n}") for n in (1, 2, 3))
    start(runs)
    lifecycle.succeed(start(done), 1, {"total": 14})

    told = bulk(as_alice, "cancel", waits, runs, done)

    waits.refresh_from_db()
    runs.refresh_from_db()
    assert waits.state == JobState.CANCELLED
    assert runs.is_cancelling
    assert told == [
        "Asked to stop: job 2.",
        "Cancelled: job 1.",
        "job 3: It had already ended, so there was nothing left to cancel.",
    ]


def test_many_run_again_as_new_jobs(as_alice: Client, submit: Callable[..., Job]) -> None:
    jobs = [submit(params={"n": n}, name=f"job {n}") for n in (1, 2)]

    told = bulk(as_alice, "again", *jobs)

    assert told == ["Submitted again: job 2, job 1."]
    assert Job.objects.count() == 4


def test_many_go_on_from_where_they_stopped_and_who_cannot_is_told_why(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    stopped, waits = (submit(params={"n": n}, name=f"job {n}") for n in (1, 2))
    start(stopped)
    stopped.workdir(1).mkdir(parents=True)
    (stopped.workdir(1) / "checkpoint.chk").write_text("so far")
    error = {"detail": "Too long.", "fix": {"limits": {"wall_time_s": 7200}}}
    files = artifacts.collect(stopped.workdir(1))
    lifecycle.fail(stopped, 1, FailureKind.TIMEOUT, error, files)

    told = bulk(as_alice, "restart", stopped, waits)

    new = Job.objects.get(restarted_from=stopped)
    assert new.budget.wall_time_s == 7200
    assert told[0] == "Going on from where it stopped, as a new job: job 1."
    assert told[1].startswith("job 2: It cannot be restarted: ")


def test_many_are_tagged_once_whatever_their_state(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    new, old = submit(name="new"), submit(params={"n": 4}, name="old", tags=["paper"])
    lifecycle.succeed(start(new), 1, {"total": 14})

    told = bulk(as_alice, "tag", new, old, tag=" paper ")

    assert sorted(told) == ["Had the tag “paper” already: old.", "Tagged “paper”: new."]
    new.refresh_from_db()
    assert new.tags == ["paper"]
    event = new.events.get(kind="tagged")
    assert (event.seq, event.data["tag"], event.data["by"]) == (new.last_seq, "paper", "alice")


@pytest.mark.parametrize(
    ("tag", "words"), [("", "The tag is empty"), ("x" * 101, "101 characters"), ("new", "50 tags")]
)
def test_a_tag_that_is_none_is_refused(
    as_alice: Client, submit: Callable[..., Job], tag: str, words: str
) -> None:
    job = submit(tags=[f"tag {n}" for n in range(50)])

    (told,) = bulk(as_alice, "tag", job, tag=tag)

    assert words in told
    job.refresh_from_db()
    assert len(job.tags) == 50


@pytest.mark.parametrize("act", ["cancel", "again", "tag"])
def test_nothing_is_done_to_the_jobs_of_others(
    as_alice: Client, submit: Callable[..., Job], bob: Any, act: str
) -> None:
    theirs = submit(owner=bob, name="secret")

    told = bulk(as_alice, act, theirs, tag="mine")

    theirs.refresh_from_db()
    assert (theirs.state, theirs.tags, theirs.cancel_requested_at) == (JobState.QUEUED, [], None)
    assert Job.objects.count() == 1
    assert told == ["1 job left alone: you have no such job."]


@pytest.mark.parametrize(
    ("act", "words"), [("explode", "expected one of the buttons"), ("cancel", "No job was marked")]
)
def test_a_form_that_asks_for_nothing_does_nothing(
    as_alice: Client, submit: Callable[..., Job], act: str, words: str
) -> None:
    submit()

    (told,) = bulk(as_alice, act)

    assert words in told
    assert Job.objects.get().state == JobState.QUEUED


def test_the_list_is_there_again_as_it_was(as_alice: Client, submit: Callable[..., Job]) -> None:
    sent = {"act": "cancel", "jobs": [submit().pk]}

    back = as_alice.post("/jobs/bulk/", {**sent, "next": "/jobs/?state=queued"})
    elsewhere = as_alice.post("/jobs/bulk/", {**sent, "next": "https://evil.example/jobs/"})

    assert back.url == "/jobs/?state=queued"
    assert elsewhere.url == "/jobs/"


def test_unknown_ids_are_counted(as_alice: Client, submit: Callable[..., Job]) -> None:
    told = bulk(as_alice, "cancel", submit(name="mine"), uuid4(), "nonsense")

    assert told == ["2 jobs left alone: you have no such job.", "Cancelled: mine."]


def test_the_key_value_is_the_results_own_once_there_is_one(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit(simulation="xtb_frequencies", params={"structure": "O"}))
    point = {"fraction": 0.5, "message": "", "stage": "hessian", "displacement": 9}
    lifecycle.progress(job, 1, [point])
    before = as_alice.get("/jobs/").content.decode()

    summary = {"energy_hartree": -5.070544}
    lifecycle.succeed(job, 1, {"energy_hartree": -5.070544}, summary=summary)

    after = as_alice.get("/jobs/").content.decode()
    assert "−5.070544" not in before
    assert "−5.070544" in after
