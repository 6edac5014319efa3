"""A line of thousands is looked through once in a while, and not by each who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs import census, turns
from jobs.lifecycle import OverQuota, admission
from jobs.models import Allowance, Job
from jobs.outlook import Outlook
from jobs.states import JobState, Priority, Reason

pytestmark = pytest.mark.django_db
BACKEND = "rq"
EVERY = 4
LONG = 8
AN_HOUR = 3600.0


@pytest.fixture(autouse=True)
def long_is_short(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    census.MARKS.compose()  # as in a process that has asked before
    monkeypatch.setattr(census, "LONG", LONG)
    monkeypatch.setattr(census, "EVERY", EVERY)
    monkeypatch.setattr(census, "KEPT_S_PER_JOB", AN_HOUR)


@pytest.fixture
def line(submit: Callable[..., Job], bob: Any) -> list[Job]:
    """In the order of their turn; one of another user is among them."""
    some = [submit() for _ in range(20)]
    submit(owner=bob)
    first = [submit(priority=Priority.HIGH) for _ in range(3)]
    return [*first, *some]


def test_near_its_start_a_place_is_counted_and_further_back_it_is_about_right(
    line: list[Job],
) -> None:
    told = [turns.standing_of(job).own_ahead for job in line]

    assert told[:LONG] == list(range(LONG))
    assert all(abs(n - ahead) <= EVERY // 2 for n, ahead in enumerate(told))
    assert told == sorted(told)
    assert turns.standing_of(line[0]).place == 2  # and one of the other user's


def test_many_are_told_what_each_would_be(line: list[Job]) -> None:
    together = turns.standings(Job.objects.all())

    assert together == {job.pk: turns.standing_of(job) for job in Job.objects.all()}


def test_a_long_line_is_looked_through_once(line: list[Job]) -> None:
    turns.standing_of(line[-1])
    with CaptureQueriesContext(connection) as asked:
        for job in line[-5:]:
            turns.standing_of(job)

    assert not asked.captured_queries


def test_who_comes_later_is_behind_all_that_were_there(
    line: list[Job], submit: Callable[..., Job]
) -> None:
    turns.standing_of(line[-1])

    assert turns.standing_of(submit()).own_ahead == len(line) - EVERY // 2 + 1


def test_a_short_line_is_counted_each_time(
    line: list[Job], submit: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "KEPT_S_PER_JOB", 0.0)
    assert census.line_of(BACKEND).is_long
    Job.objects.filter(pk__in=[job.pk for job in line[3:]]).delete()

    assert not census.line_of(BACKEND).is_long
    last = submit()
    assert turns.standing_of(last).own_ahead == 3
    line[0].delete()
    assert turns.standing_of(last).own_ahead == 2


def test_when_the_first_of_a_long_line_start_is_told(
    line: list[Job], start: Callable[[Job], Job]
) -> None:
    running = start(line[0])
    estimate = {"seconds": {"p10": 10.0, "p50": 10.0, "p90": 10.0}}
    Job.objects.update(estimate=estimate, started_at=None)
    assert running.state == JobState.RUNNING

    told = Outlook().starts_in_s(Job.objects.get(pk=line[2].pk))

    # It has to end, and so has one of the owner's, and two of the other user's; there is but one.
    assert told == {"p10": 30.0, "p50": 30.0, "p90": 30.0}


def test_who_joins_a_long_line_is_told_of_what_they_have_before_themselves(
    line: list[Job], start: Callable[[Job], Job], submit: Callable[..., Job]
) -> None:
    assert start(line[0]).state == JobState.RUNNING
    turns.standing_of(line[-1])
    carol = get_user_model().objects.create_user("carol")
    first, second = submit(owner=carol), submit(owner=carol)
    estimate = {"seconds": {"p10": 10.0, "p50": 10.0, "p90": 10.0}}
    Job.objects.update(estimate=estimate, started_at=None)
    Job.objects.filter(pk=first.pk).update(estimate=None)

    # Nobody knows how long their first takes.
    assert Outlook().starts_in_s(Job.objects.get(pk=second.pk)) is None


def test_the_many_who_join_a_long_line_are_told_the_same_together_and_one_by_one(
    line: list[Job], submit: Callable[..., Job]
) -> None:
    turns.standing_of(line[-1])
    carol = get_user_model().objects.create_user("carol")
    theirs = [submit(owner=carol) for _ in range(3 * LONG)]

    assert turns.standings(theirs) == {job.pk: turns.standing_of(job) for job in theirs}


def test_a_list_of_many_that_wait_asks_no_more_than_one_of_few(
    line: list[Job], client: Client, alice: Any, submit: Callable[..., Job]
) -> None:
    client.force_login(alice)
    client.get("/jobs/")

    def n_queries() -> int:
        census.forget()
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/jobs/").status_code == 200
        return len(asked)

    before = n_queries()
    for _ in range(20):
        submit()
    assert n_queries() == before


def test_of_thousands_it_is_enough_to_know_that_there_is_room(
    submit: Callable[..., Job], alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "FEW", 3)
    counted = []
    count = turns.n_unfinished
    monkeypatch.setattr(turns, "n_unfinished", lambda owner: counted.append(owner) or count(owner))
    Allowance.objects.create(user=alice, max_queued=8)

    for _ in range(8):
        submit()

    assert counted == [alice.pk] * 4  # the fourth was one too many to be counted again
    with pytest.raises(OverQuota):
        submit()
    assert len(counted) == 5
    # What has ended makes room, which is found out once there seems to be none.
    Job.objects.filter(pk=Job.objects.all()[0].pk).delete()
    submit()
    with pytest.raises(OverQuota):
        submit()


def test_what_runs_and_is_put_back_in_line_is_counted_too(
    submit: Callable[..., Job], start: Callable[[Job], Job], alice: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(admission, "FEW", 0)
    Allowance.objects.create(user=alice, max_queued=3)
    running = start(submit())
    Allowance.objects.filter(user=alice).update(unfinished_at_most=None)
    submit()
    Job.objects.filter(pk=running.pk).update(state=JobState.QUEUED)

    submit()
    with pytest.raises(OverQuota):
        submit()


def test_what_is_put_back_in_line_between_two_counts_is_not_lost(
    submit: Callable[..., Job], start: Callable[[Job], Job], alice: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(admission, "FEW", 0)
    Allowance.objects.create(user=alice, max_queued=2)
    running = start(submit())
    Allowance.objects.filter(user=alice).update(unfinished_at_most=None)

    def put_back_after_a_count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        if sql.startswith("SELECT") and "COUNT(" in sql:
            Job.objects.filter(pk=running.pk).update(state=JobState.QUEUED)
        return found

    with connection.execute_wrapper(put_back_after_a_count):
        submit()
    with pytest.raises(OverQuota):
        submit()


def test_an_allowance_that_a_form_stores_is_counted_anew(
    submit: Callable[..., Job], alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "FEW", 0)
    submit()
    read_before = Allowance.objects.get(user=alice)
    assert read_before.unfinished_at_most == 1
    submit()

    read_before.max_queued = 2
    read_before.save()

    with pytest.raises(OverQuota):
        submit()


def test_what_waits_for_a_yes_is_found_among_thousands_that_do_not(line: list[Job]) -> None:
    awaited = line[5]
    Job.objects.filter(pk=awaited.pk).update(consent="awaited", reason=Reason.AWAITING_APPROVAL)
    mine = Job.objects.filter(owner=awaited.owner)

    assert list(mine.awaiting_approval()) == [awaited]
    if connection.vendor == "sqlite":
        plan = mine.awaiting_approval().newest_first()[:10].explain()
        assert "job_by_reason" in plan
