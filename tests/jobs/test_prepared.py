"""SQL that is composed once asks what Django would ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import census, keys, lifecycle, maintenance, outlook, rows, turns
from jobs.key_models import ApiKey
from jobs.models import Allowance, Job
from jobs.prepared import Example, Prepared, PreparedModel
from jobs.profile_models import Profile
from jobs.states import JobState, Priority

pytestmark = pytest.mark.django_db

BACKEND = "rq"


@pytest.fixture
def line(submit: Callable[..., Job], start: Callable[[Job], Job], alice: Any, bob: Any) -> Job:
    """Of two users, with one that runs, one that pauses, and two of a key that is used up."""
    held, _ = keys.issue(owner=bob, name="a", scopes=["submit"], max_running=0)
    ended, _ = keys.issue(owner=bob, name="b", scopes=["submit"])
    start(submit())
    for owner in (alice, alice, bob, bob):
        submit(owner=owner)
    submit(priority=Priority.HIGH)
    for key in (held, ended):
        submit(owner=bob, origin=keys.Origin(key=key))
    ApiKey.objects.filter(pk=ended.pk).update(deadline=timezone.now() - timedelta(seconds=1))
    paused = submit()
    Job.objects.filter(pk=paused.pk).update(not_before=timezone.now() + timedelta(seconds=60))
    return submit()


def test_who_waits_is_counted_as_the_line_has_it(line: Job, alice: Any, bob: Any) -> None:
    counted = {
        owner.pk: turns.waiting(BACKEND).filter(owner=owner).count() for owner in (alice, bob)
    }

    assert census.line_of(BACKEND).n_waiting == counted == {alice.pk: 4, bob.pk: 2}
    assert census.line_of("elsewhere").n_waiting == {}


def test_what_goes_before_a_job_is_counted_as_the_line_has_it(line: Job) -> None:
    for job in Job.objects.all():
        numbers = census.numbered(turns.waiting(BACKEND).filter(owner=job.owner_id))
        number = dict(numbers.values_list("pk", "number")).get(job.pk)
        assert number is None or turns.n_ahead_of(job) == number - 1
    assert turns.n_ahead_of(line) == 3


def test_what_a_user_has_and_may_have(line: Job, alice: Any, bob: Any) -> None:
    Allowance.objects.filter(user=bob).update(max_running=7)

    assert (turns.n_queued(alice.pk), turns.n_running(alice.pk)) == (5, 1)
    assert turns._n_running_each({alice.pk}) == {alice.pk: 1}
    assert turns._max_running_each({alice.pk}) == {alice.pk: turns.UNLIMITED}
    assert turns._max_running_each({bob.pk}) == {bob.pk: 7}
    assert turns._max_running_each({alice.pk, bob.pk}) == {alice.pk: turns.UNLIMITED, bob.pk: 7}


def test_what_runs_is_told_as_the_model_has_it(line: Job) -> None:
    estimate = {"seconds": {"p10": 1.0, "p50": 2.0, "p90": 4.0}}
    Job.objects.filter(state=JobState.RUNNING).update(estimate=estimate)
    running = Job.objects.get(state=JobState.RUNNING)

    assert outlook._running(BACKEND) == [(estimate, running.started_at)]


def test_whether_the_site_rests(alice: Any) -> None:
    assert maintenance.current() is None
    lifecycle.begin_maintenance(by=alice, reason="new disks", accepts=True)

    assert maintenance.is_on()
    assert maintenance.current() is not None


def test_an_example_that_is_not_asked_for_is_noticed(db: None) -> None:
    lost = Prepared(lambda word: Job.objects.values_list("pk"), word=Example.WORD)

    with pytest.raises(ValueError, match="does not ask for word"):
        lost.rows(word="queued")


def test_the_row_of_a_job_is_read_as_the_model_has_it(line: Job) -> None:
    Job.objects.filter(pk=line.pk).update(
        tags=["a"], estimate={"seconds": {"p50": 2.5}}, started_at=timezone.now(), progress=0.25
    )
    for job in Job.objects.all():
        assert _columns(rows.of_job(job.pk)) == _columns(job)
    with pytest.raises(Job.DoesNotExist):
        rows.of_job(Example.ID)


def test_a_job_is_read_again_with_all_that_hangs_on_it(line: Job, bob: Any) -> None:
    partly = Job.objects.only("state").get(pk=line.pk)
    assert line.owner != bob
    Job.objects.filter(pk=line.pk).update(owner=bob, message="new")

    rows.read_again(line)
    rows.read_again(partly)

    assert (line.owner, line.message) == (bob, "new")
    assert "message" in partly.get_deferred_fields()
    line.save()  # it is the stored row, and no new one


def _columns(job: Job) -> list[Any]:
    return [(f.attname, getattr(job, f.attname)) for f in Job._meta.concrete_fields]


def test_a_job_is_seen_by_whom_the_model_shows_it(
    submit: Callable[..., Job], alice: Any, bob: Any, admin_user: Any
) -> None:
    job = submit(owner=alice)

    for user in (alice, bob, admin_user):
        if Job.objects.visible_to(user).filter(pk=job.pk).exists():
            assert rows.of_job_seen_by(user, job.pk) == job
        else:
            assert user == bob
            with pytest.raises(Job.DoesNotExist):
                rows.of_job_seen_by(user, job.pk)


def test_a_row_and_what_is_read_with_it(alice: Any, bob: Any) -> None:
    Profile.objects.create(user=bob, theme="dark")
    _, text = keys.issue(owner=bob, name="a", scopes=["submit"])
    users = PreparedModel(
        lambda name: get_user_model().objects.select_related("profile").filter(username=name),
        name=Example.WORD,
    )

    with CaptureQueriesContext(connection) as asked:
        found = users.get(name="bob")
        assert (found, found.profile.theme, found.date_joined) == (bob, "dark", bob.date_joined)
        assert keys.recognise(text).owner == bob
        with pytest.raises(Profile.DoesNotExist):
            users.get(name="alice").profile  # noqa: B018
        with pytest.raises(get_user_model().DoesNotExist):
            users.get(name="nobody")

    assert [each["sql"].split()[0] for each in asked.captured_queries].count("SELECT") == 4


def test_what_is_told_nobody_is_stored_as_the_model_has_it(submit: Callable[..., Job]) -> None:
    job = submit()
    (event,) = job.events.all()

    assert (event.seq, event.kind, event.data["state"]) == (1, "submitted", "queued")
    assert job.created_at <= event.at <= timezone.now()


def test_what_is_composed_ahead_is_asked_as_it_is(submit: Callable[..., Job]) -> None:
    job = submit()
    known = PreparedModel(lambda id: Job.objects.filter(pk=id), id=Example.ID)

    Prepared.compose_all()

    assert {"_sql", "_columns"} <= known.__dict__.keys()
    assert all("_sql" in each.__dict__ for each in Prepared._known)
    assert known.get(id=job.pk) == job
