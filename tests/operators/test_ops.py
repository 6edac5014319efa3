"""The operators' screen: what there is on it, what it costs, and what it does without a Redis."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisIsAway

from backplane_site import ops, ops_queues
from backplane_site.socket_count import SocketCount
from jobs import fleet, lifecycle, maintenance, throughput
from jobs.abilities import Ability
from jobs.build import build
from jobs.models import Attempt, Job
from jobs.placement import Asked
from jobs.states import FailureKind, JobState, Reason

OPS = "/admin/ops/"
NOW = "/admin/ops/now/"
REST = "/admin/ops/maintenance/"


@pytest.fixture
def busy(submit, start):
    """Two that wait, one that runs, one that succeeded and two that failed."""
    for n in (1, 2):
        submit(params={"n": n})
    start(submit(params={"n": 3}, name="Runs"))
    lifecycle.succeed(start(submit(params={"n": 4})), 1, {"total": 14})
    for n in (5, 6):
        job = start(submit(params={"n": n}, name=f"Broke {n}"))
        lifecycle.fail(job, 1, FailureKind.SCIENCE, {"detail": f"No convergence {n}."})


@pytest.fixture
def no_redis(monkeypatch):
    def away():
        raise RedisIsAway("refused")

    monkeypatch.setattr(fleet, "living", away)


def test_the_screen_has_it_all_at_once(admin_client, busy, redis):
    html = admin_client.get(OPS).content.decode()

    for told in (
        "host:1", "Sum of squares</a> of alice", "Waiting for a worker", "No convergence 6.",
        "Redis memory", "Database", "GB free", "Sockets", "?failure=science",
        'href="/admin/django_rq/dashboard/"',
    ):  # fmt: skip
        assert told in html, told


@pytest.mark.parametrize("address", ["/admin/", "/admin/django_rq/", "/admin/django_rq/dashboard/"])
def test_rq_s_dashboard_is_called_like_the_rest(admin_client, redis, address):
    html = admin_client.get(address).content.decode()

    assert ">Queues</a>" in html
    assert not re.search(r">\s*(Django[ _-]RQ|rq)\s*<", html, re.IGNORECASE)


class Known:
    """A worker as RQ has it."""

    hostname, version, birth_date, last_heartbeat = "far", "", None, None

    def __init__(self, pid: int) -> None:
        self.pid, self.key = pid, f"rq:worker:test-{pid}"

    def get_state(self) -> str:
        return "idle"


@pytest.fixture
def workers(monkeypatch, redis):
    """Two alike, one with a GPU, and one that has told nothing."""
    found = [Known(pid) for pid in (1, 2, 3, 4)]
    monkeypatch.setattr(fleet, "living", lambda: found)
    alike = Ability(
        queues=("cpu", "long"), simulations=("demo.sum_squares",), engines=(), cores=4,
        memory_mib=8000,
    )  # fmt: skip
    cuda = replace(alike, queues=("cpu", "gpu"), gpus=("NVIDIA H200",))
    for worker, ability in zip(found, (alike, alike, cuda), strict=False):
        redis.hset(worker.key, fleet.TOLD_AS, json.dumps(ability.told()))
    yield found
    redis.delete(*(each.key for each in found))


def test_a_worker_whose_clock_is_wrong_stands_apart_and_says_so(admin_client, workers, redis):
    told = ops_queues.kinds(workers)[0].ability
    redis.hset(workers[0].key, fleet.TOLD_AS, json.dumps(replace(told, clock_off_s=-3600).told()))

    html = admin_client.get(OPS).content.decode()

    assert "Their clock is 3,600 s behind the site&#x27;s: they take no job." in html
    assert len(ops_queues.kinds(workers)) == 4


def test_workers_that_can_do_the_same_stand_in_one_row(workers):
    alike, cuda, silent = ops_queues.kinds(workers)

    assert alike.workers == ["far:1", "far:2"]
    assert alike.n_simulations.startswith("1 of ")
    assert "docking" in alike.lacks
    assert cuda.ability.gpus == ("NVIDIA H200",)
    assert (silent.workers, silent.ability) == (["far:4"], None)


def test_each_queue_tells_what_waits_and_who_serves_it(admin_client, submit, start, workers):
    start(submit(params={"n": 1}))
    submit(params={"n": 2}, place=Asked(queue="long"))

    lines = {each.queue: each for each in ops_queues.lines(ops_queues.kinds(workers))}

    assert [each.n_workers for each in lines.values()] == [3, 1, 2]
    assert (lines["cpu"].n_running, lines["cpu"].n_waiting, lines["cpu"].oldest) == (1, 0, None)
    assert (lines["long"].n_waiting, lines["gpu"].n_waiting) == (1, 0)
    html = admin_client.get(OPS).content.decode()
    assert "far:1, far:2" in html
    assert "They have not told it." in html
    assert "nobody serves it" not in html


def test_a_queue_that_nobody_serves_is_told(admin_client, submit, no_redis):
    submit(place=Asked(queue="gpu"))

    assert "<b>nobody serves it</b>" in admin_client.get(OPS).content.decode()


def test_each_quarter_of_an_hour_counts_what_began_and_ended_in_it(busy):
    hour_ago = timezone.now() - timedelta(hours=1)
    old = Job.objects.filter(state=JobState.SUCCEEDED).get()
    Job.objects.filter(pk=old.pk).update(finished_at=hour_ago)
    Attempt.objects.filter(job=old).update(started_at=hour_ago)

    found = throughput.lately()

    assert len(found) == throughput.N_QUARTERS
    now, then = found[-1], found[-5]
    assert (now.started, now.succeeded, now.failed) == (3, 0, 2)
    assert (then.started, then.succeeded, then.failed) == (1, 1, 0)
    assert now.at <= timezone.now() < now.at + timedelta(minutes=15)


def test_failures_are_told_by_kind_with_the_newest_of_each(busy):
    (found,) = throughput.failures()

    assert (found.kind, found.n, str(found.example)) == ("science", 2, "Broke 6")
    assert found.detail == "No convergence 6."


def test_what_waits_is_told_by_reason_and_who_may_not_start_is_not_slow(submit):
    first = submit()
    Job.objects.filter(pk=first.pk).update(queued_at=timezone.now() - timedelta(hours=2))
    Job.objects.filter(pk=submit(params={"n": 4}).pk).update(reason=Reason.AWAITING_APPROVAL)

    found = {each.reason: each for each in throughput.waiting()}

    assert found["no_free_worker"].oldest < timezone.now() - timedelta(hours=1)
    assert found["awaiting_approval"].is_held_back
    assert not found["no_free_worker"].is_held_back


def test_it_says_since_when_nothing_ended(busy):
    assert throughput.last_end().at <= timezone.now()
    Job.objects.update(finished_at=None)
    assert throughput.last_end() is None


def test_it_takes_few_queries_however_many_jobs(
    admin_client, submit, busy, no_redis, django_assert_max_num_queries
):
    with django_assert_max_num_queries(14) as few:
        admin_client.get(NOW)
    for n in range(10, 40):
        submit(params={"n": n})
    with django_assert_max_num_queries(14) as many:
        admin_client.get(NOW)

    assert len(many) <= len(few)


def test_without_its_redis_it_says_so_and_shows_who_works(admin_client, busy, no_redis):
    html = admin_client.get(NOW).content.decode()

    assert "Redis does not answer (refused)" in html
    assert "host:1" in html


def test_a_worker_of_another_build_is_told(admin_client, redis):
    old, new = (
        ops.Worker(name="w", state="idle", heard_at=None, build=of, since=None, running=None)
        for of in ("0.0.1+abc", build())
    )

    assert old.is_of_another_build
    assert not new.is_of_another_build


def test_a_silent_worker_is_told(admin_client, busy, no_redis):
    Job.objects.filter(state="running").update(
        lease_expires_at=timezone.now() - timedelta(minutes=3)
    )

    assert "1 job with a silent worker" in admin_client.get(NOW).content.decode()


async def test_sockets_are_counted_while_they_are_open():
    seen = []

    async def app(scope, receive, send):
        seen.append(SocketCount.open)

    before = SocketCount.open
    await SocketCount(app)({}, None, None)

    assert seen == [before + 1]
    assert SocketCount.open == before


@pytest.mark.parametrize("address", [OPS, NOW, REST])
def test_it_is_for_the_staff_that_may(client, alice, address):
    client.force_login(alice)
    assert client.get(address).status_code == 302

    clerk = get_user_model().objects.create_user("clerk", is_staff=True)
    client.force_login(clerk)
    assert client.get(address).status_code == 403
    for codename in ("view_job", "change_maintenance"):
        clerk.user_permissions.add(Permission.objects.get(codename=codename))
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", [OPS, REST, "/admin/"])
def test_nothing_on_it_is_forbidden_by_the_content_policy(admin_client, busy, no_redis, address):
    html = admin_client.get(address).content.decode()

    assert not re.search(r"\sstyle=|<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)", html)


def test_the_switch_is_thrown_and_ended_from_its_page(admin_client, admin_user):
    begin = {"begin": "1", "accepts": "no", "message": "New disks", "until_0": "", "until_1": ""}

    assert "This field is required" in admin_client.post(REST, begin).content.decode()
    assert not maintenance.is_on()
    admin_client.post(REST, begin | {"reason": "Ticket 7"})

    now = maintenance.current()
    assert now
    assert (now.accepts, now.message, now.by) == (False, "New disks", admin_user)
    assert "none is accepted" in admin_client.get(REST).content.decode()
    admin_client.post(REST, {"end": "1", "end-reason": "Done"})
    assert not maintenance.is_on()


def test_a_mere_link_throws_no_switch(admin_client):
    admin_client.get(REST, {"begin": "1", "accepts": "no", "reason": "x"})

    assert not maintenance.is_on()
