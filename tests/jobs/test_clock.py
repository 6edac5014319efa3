"""A host whose clock is wrong takes nothing, and says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from backplane_site import service_checks
from backplane_site.probes import Level
from jobs import clock, fleet, turns
from jobs.abilities import Ability
from jobs.management.commands import recover_jobs
from jobs.models import Job

from .test_abilities import SMALL, draw, tickets, worker


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """From here on this host's clock is so far from the database's."""
    return lambda off_s: monkeypatch.setattr(clock, "off_s", lambda: off_s)


@pytest.mark.parametrize(("off_s", "told"), [(-3600.4, -3600), (31, 31), (29, 0), (-29, 0), (0, 0)])
def test_only_a_clock_that_is_far_off_counts(
    off: Callable[[float], None], off_s: float, told: int
) -> None:
    off(off_s)

    assert clock.Watch(lambda: 0).too_far_off_s() == told


def test_it_is_looked_at_now_and_then(off: Callable[[float], None]) -> None:
    now = [0.0]
    watch = clock.Watch(lambda: 0, lambda: now[0])
    off(3600)
    assert watch.too_far_off_s() == 3600

    off(0)
    assert watch.too_far_off_s() == 3600
    now[0] += clock.LOOK_EVERY_S
    assert watch.too_far_off_s() == 0


@pytest.mark.parametrize(("site_s", "told"), [(3600, 0), (3570, 0), (0, 3600), (-30, 3630)])
def test_what_counts_is_how_it_differs_from_who_judges_what_is_late(
    off: Callable[[float], None], redis: Any, site_s: float, told: int
) -> None:
    """The database's own may be wrong, and all hosts' right."""
    off(3600)
    fleet.tell_clock(site_s)

    assert clock.Watch(fleet.clock_off_s).too_far_off_s() == told


def test_whoever_judges_what_is_late_tells_of_its_clock(
    off: Callable[[float], None], redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    off(-12.5)
    assert fleet.clock_off_s() == 0

    recover_jobs.tell_clock()

    assert fleet.clock_off_s() == -12.5
    # Without a word of it for so long it is not known any more.
    assert 0 < redis.ttl(fleet.CLOCK) <= fleet.CLOCK_KEPT_S

    def away(off_s: float) -> None:
        raise RedisAway("gone")

    monkeypatch.setattr(fleet, "tell_clock", away)
    recover_jobs.tell_clock()


def test_while_the_database_is_away_what_was_known_counts(
    off: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> float:
        raise OperationalError("gone")

    now = [0.0]
    watch = clock.Watch(lambda: 0, lambda: now[0])
    off(-60)
    assert watch.too_far_off_s() == -60

    monkeypatch.setattr(clock, "off_s", away)
    now[0] += clock.LOOK_EVERY_S
    assert watch.too_far_off_s() == -60


@pytest.mark.django_db
def test_a_worker_whose_clock_is_wrong_takes_nothing_and_its_job_says_why(
    redis: Any, submit: Callable[..., Job], off: Callable[[float], None],
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("jobs.worker.process.ASIDE_S", 0.01)
    with django_capture_on_commit_callbacks(execute=True):
        job = submit()
    made = worker("cpu", ability=replace(SMALL, memory_mib=10**6))
    off(-3600)

    draw(made, "cpu")

    job.refresh_from_db()
    assert (job.state, len(tickets("cpu"))) == ("queued", 1)
    waits = turns.explain(job)
    assert waits
    assert (waits.reason, waits.text) == (
        "no_able_worker",
        "No worker that is there has a clock that is right (one is 3,600 s behind the site's)",
    )
    (told,) = [each for each in service_checks.clocks() if each.name == "clock of worker"]
    assert (told.level, "3,600 s behind" in told.detail) == (Level.WRONG, True)


def test_a_release_that_knows_nothing_of_clocks_reads_of_those_that_are_right() -> None:
    assert "clock_off_s" not in SMALL.told()
    assert Ability.of(replace(SMALL, clock_off_s=60).told()).clock_off_s == 60


@pytest.mark.django_db
@pytest.mark.parametrize(("differ_s", "attempt"), [(0.0, 2), (30.0, 1)])
def test_whoever_judges_by_the_time_of_day_allows_for_a_clock_that_is_behind(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any,
    monkeypatch: pytest.MonkeyPatch, differ_s: float, attempt: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(clock, "may_differ_s", lambda: differ_s)
    job = start(submit())
    behind = timezone.now() - timedelta(seconds=settings.JOB_UNCONFIRMED_S + 5)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=behind)

    call_command("recover_jobs")

    job.refresh_from_db()
    assert job.attempt == attempt
