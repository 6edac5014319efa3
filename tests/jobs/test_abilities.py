"""What a host can do decides which jobs its worker takes, and what is told of the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobs import abilities, explaining, fleet, lifecycle, turns
from jobs.abilities import Ability, Unable, of_this_host
from jobs.budget import Budget
from jobs.models import Job
from jobs.placement import Asked
from jobs.reconciler import SETTLING, reconcile
from jobs.worker.process import JobWorker

SMALL = Ability(
    queues=("cpu", "long"),
    simulations=("demo.sum_squares",),
    engines=(),
    cores=2,
    memory_mib=4096,
)
LONG = Asked(queue="long")


def take(able: Ability | None = None) -> Job | None:
    return lifecycle.take_next("rq", able=able, worker="w:1", host="w", pid=1)


def worker(*queues: str, ability: Ability | None = None) -> JobWorker:
    """One that is there, and does not run."""
    names = [fleet.in_redis(each) for each in queues]
    made = JobWorker([django_rq.get_queue(name) for name in names])
    made.ability = ability or made.ability
    made.register_birth()
    return made


def tickets(queue: str) -> list[str]:
    found: list[str] = django_rq.get_queue(fleet.in_redis(queue)).get_job_ids()
    return found


def draw(by: JobWorker, queue: str) -> None:
    """As RQ does it, whoever would compute."""
    drawn = django_rq.get_queue(fleet.in_redis(queue))
    found = type(drawn).dequeue_any(
        [drawn], None, connection=by.connection, serializer=by.serializer
    )
    assert found
    by.execute_job(*found)


@pytest.mark.parametrize(
    ("wanted", "lacking"),
    [
        ({}, set()),
        ({"place": LONG}, {"queue"}),
        ({"limits": Budget(threads=3, memory_mib=1000)}, {"cores"}),
        ({"limits": Budget(threads=1, memory_mib=5000)}, {"memory"}),
        ({"simulation": "md_simulation", "params": {"structure": "CCO"}}, {"engines"}),
    ],
)
@pytest.mark.django_db
def test_a_worker_takes_what_it_can_serve_and_tells_what_it_lacks_for_the_rest(
    submit: Callable[..., Job], settings: Any, wanted: dict[str, Any], lacking: set[str]
) -> None:
    settings.JOB_MOST = settings.JOB_MOST | {"threads": 8, "memory_mib": 8000}
    able = replace(SMALL, queues=("cpu",))
    job = submit(**{"limits": Budget(memory_mib=1000, threads=1), **wanted})

    assert set(able.lacks(job)) == lacking
    assert (take(able) == job) == (not lacking)
    assert (take() == job) == bool(lacking)


@pytest.mark.django_db
def test_turns_are_fair_among_the_jobs_that_the_worker_can_serve(
    submit: Callable[..., Job], alice: Any, bob: Any
) -> None:
    for number in range(3):
        submit(owner=alice, name=f"a{number}")
    submit(owner=bob, name="b long", place=LONG)
    submit(owner=bob, name="b")

    order = [take(replace(SMALL, queues=("cpu",), memory_mib=10**6)) for _ in range(5)]

    assert [job.name for job in order if job] == ["a0", "b", "a1", "a2"]


@pytest.mark.django_db
def test_what_no_worker_that_is_there_can_serve_says_what_they_lack(
    redis: Any, submit: Callable[..., Job], settings: Any
) -> None:
    settings.JOB_MOST = settings.JOB_MOST | {"memory_mib": 64_000}
    large = submit(limits=Budget(memory_mib=50_000))
    assert turns.explain(large).reason == "no_free_worker"  # type: ignore[union-attr]

    worker("cpu", ability=SMALL)

    waits = turns.explain(large)
    assert waits
    assert waits.told() == {
        "reason": "no_able_worker",
        "text": "No worker that is there has 50,000 MiB of memory",
        "place": None,
    }
    told = explaining.explain(large)
    assert (told.cause, told.text) == ("no_able_worker", f"{waits.text}.")
    assert told.evidence["starts_in_s"] is None
    worker("cpu", ability=replace(SMALL, memory_mib=50_000))
    assert turns.explain(large).reason == "no_free_worker"  # type: ignore[union-attr]


@pytest.mark.django_db
def test_what_waits_for_a_queue_that_a_host_serves_no_more_is_told_where_it_would_run(
    redis: Any, submit: Callable[..., Job], client: Any
) -> None:
    job = submit(place=LONG, limits=Budget(memory_mib=1000, threads=1))
    served = worker("long", ability=replace(SMALL, queues=("long",)))
    assert explaining.explain(job).cause == "no_free_worker"

    # Its host is started anew, for another queue.
    served.register_death()
    worker("cpu", ability=replace(SMALL, queues=("cpu",)))

    told = explaining.explain(job)
    assert (told.cause, told.patch) == ("no_able_worker", {"queue": "cpu"})
    assert told.hints[0].startswith("In the queue cpu a worker that is there would take it.")
    assert [each.operation for each in told.actions] == ["run_job_again", "cancel_job"]
    client.force_login(job.owner)
    again = client.post(
        f"/api/v1/jobs/{job.pk}/run-again", told.actions[0].body, "application/json"
    )
    assert (again.status_code, again.json()["placement"]["queue"]) == (202, "cpu")
    assert take(replace(SMALL, queues=("cpu",))) == Job.objects.get(pk=again.json()["id"])


@pytest.mark.django_db
def test_what_no_queue_helps_is_told_to_wait(redis: Any, submit: Callable[..., Job]) -> None:
    job = submit(place=LONG, limits=Budget(memory_mib=5000, threads=1))
    worker("cpu", ability=replace(SMALL, queues=("cpu",)))

    told = explaining.explain(job)

    assert (told.cause, told.patch, len(told.hints)) == ("no_able_worker", None, 1)


@pytest.mark.django_db
def test_the_pages_say_it_too(redis: Any, submit: Callable[..., Job], client: Any) -> None:
    job = submit(place=LONG)
    worker("cpu", ability=replace(SMALL, queues=("cpu",), memory_mib=10**6))
    client.force_login(job.owner)

    pages = {
        url: client.get(url).content.decode()
        for url in (job.get_absolute_url(), "/queue/", "/jobs/?state=queued")
    }

    told = "No worker that is there serves the queue long"
    assert [url for url, html in pages.items() if told not in html] == []
    assert "rq, queue long" in pages[job.get_absolute_url()]
    assert "Its submission asked for the queue long." in pages[job.get_absolute_url()]


@pytest.mark.django_db
def test_a_worker_that_was_killed_is_not_counted_on(redis: Any) -> None:
    gone = worker("long")
    assert fleet.is_served("long")

    redis.hset(gone.key, "pid", 2**22 + 1)

    assert not fleet.is_served("long")
    assert fleet.abilities() == []


@pytest.mark.django_db
def test_one_that_ended_where_nobody_can_look_is_forgotten_soon(redis: Any) -> None:
    elsewhere = worker("long")
    redis.hset(elsewhere.key, "machine", "another one")
    assert fleet.is_served("long")

    elsewhere.heartbeat()

    # It is heard from twice in that time, so that one that is only busy is still there.
    assert 2 * elsewhere.dequeue_timeout < redis.ttl(elsewhere.key) <= 105


@pytest.mark.django_db
def test_of_workers_that_lack_different_things_all_of_it_is_told(
    submit: Callable[..., Job],
) -> None:
    job = submit(limits=Budget(memory_mib=2000, threads=1), place=LONG)

    told = abilities.why_nobody(
        job, [replace(SMALL, queues=("cpu",)), replace(SMALL, memory_mib=1000)]
    )

    assert told == ("No one worker that is there has 2,000 MiB of memory and serves the queue long")
    assert abilities.why_nobody(job, []) == ""


@pytest.mark.django_db
def test_a_ticket_drawn_by_who_has_nothing_to_do_for_it_stays_for_who_has(
    redis: Any, submit: Callable[..., Job]
) -> None:
    job = submit()
    lifecycle.hand_to_backend(job)

    draw(worker("cpu", ability=replace(SMALL, simulations=())), "cpu")

    assert tickets("cpu") == [job.run_id]
    assert job.attempts.count() == 0
    Job.objects.filter(pk=job.pk).update(queued_at=timezone.now() - 2 * SETTLING)
    reconcile()
    assert tickets("cpu") == [job.run_id]


@pytest.mark.django_db
def test_a_ticket_that_nobody_has_a_job_for_is_thrown_away(
    redis: Any, submit: Callable[..., Job]
) -> None:
    job = submit()
    lifecycle.hand_to_backend(job)
    assert take() == job

    draw(worker("cpu"), "cpu")

    assert tickets("cpu") == []
    assert redis.keys("rq:job:*") == []


@pytest.mark.django_db
def test_each_queue_keeps_as_many_tickets_as_it_has_turns(
    redis: Any, submit: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn from one queue for a job of another: a worker of the first alone still finds it."""
    ran = []
    monkeypatch.setattr(
        JobWorker, "_run_watched", lambda self, mine, ticket, queue: ran.append(queue.name)
    )
    first, second = submit(place=LONG), submit()
    for job in (first, second):
        lifecycle.hand_to_backend(job)

    draw(worker("cpu", "long"), "cpu")

    assert Job.objects.get(state="running") == first
    assert ran == ["long"]
    assert (tickets("cpu"), tickets("long")) == ([second.run_id], [])


@pytest.mark.django_db
def test_the_reconciler_counts_the_tickets_of_each_queue(
    redis: Any, submit: Callable[..., Job]
) -> None:
    jobs = [submit(), submit(params={"n": 4}, place=LONG)]
    lifecycle.hand_to_backend(jobs[0])
    Job.objects.update(queued_at=timezone.now() - 2 * SETTLING)

    reconcile()

    assert tickets("cpu") == [jobs[0].run_id]
    assert [each[:36] for each in tickets("long")] == [str(jobs[1].pk)]


def test_a_host_serves_what_it_can_and_refuses_to_serve_what_it_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(abilities, "found_gpus", lambda: ())

    assert of_this_host().queues == ("cpu", "long")
    assert of_this_host(["long"]).queues == ("long",)
    with pytest.raises(Unable, match="has no GPU"):
        of_this_host(["gpu"])
    with pytest.raises(Unable, match="'fast' is no queue; expected some of cpu, gpu, long"):
        of_this_host(["fast"])
    with pytest.raises(CommandError, match="is no queue"):
        call_command("work", "--queues", "cpu,fast")


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo NVIDIA H200\necho NVIDIA H200", ("NVIDIA H200", "NVIDIA H200")),
        ("echo no devices were found >&2\nexit 9", ()),
    ],
)
def test_gpus_are_those_that_their_driver_names(
    script: str, found: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    host = of_this_host()

    assert host.gpus == found
    assert ("gpu" in host.queues) == bool(found)
    assert Ability.of(json.loads(json.dumps(host.told()))) == host


def test_one_that_redis_forgot_is_there_again_with_what_it_can(redis: Any) -> None:
    made = worker("cpu", ability=SMALL)
    assert fleet.abilities() == [SMALL]
    redis.flushall()
    assert fleet.abilities() == []

    made.heartbeat()

    assert fleet.abilities() == [SMALL]
    assert made.last_heartbeat
