"""Logs, probes and metrics: what an operator sees, and what a stranger does not."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from backplane_site import logs, probes
from backplane_site.socket_count import SocketCount
from jobs import fleet, lifecycle, log_context
from jobs.metrics import JobsCollector
from jobs.models import Attempt, Job
from jobs.processes import machine, started
from tests.stack import ROOT, Stack, until

STRANGER = {"REMOTE_ADDR": "203.0.113.7"}


# --- logs -----------------------------------------------------------------------------------


def json_line(text: str, *args: Any, **extra: Any) -> dict[str, Any]:
    record = logging.LogRecord("jobs.x", logging.WARNING, "x.py", 1, text, args, None)
    for name, value in extra.items():
        setattr(record, name, value)
    logs.ContextFilter().filter(record)
    line: dict[str, Any] = json.loads(logs.JsonLines().format(record))
    return line


def test_a_line_bears_the_request_and_the_job_that_it_is_about() -> None:
    with log_context.bound(request_id="r-1"), log_context.bound(job_id="j-1", attempt=2):
        line = json_line("said %d", 3)

    assert line["message"] == "said 3"
    assert (line["request_id"], line["job_id"], line["attempt"]) == ("r-1", "j-1", 2)
    assert (line["level"], line["logger"], line["service"]) == ("WARNING", "jobs.x", "manage")
    assert line["time"].endswith("Z")
    assert "job_id" not in json_line("outside")


def test_a_thread_of_ours_knows_what_its_parent_knew() -> None:
    told: list[Any] = []
    with log_context.bound(job_id="j-1"):
        work = log_context.carried(lambda: told.append(log_context.current().get("job_id")))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert told == ["j-1"]


@pytest.mark.parametrize(
    "secret",
    [
        "Authorization: Bearer hunter2hunter2",
        "Authorization: Basic aHVudGVyMjpodW50ZXIy",
        "{'Authorization': 'Token hunter2'}",
        "postgres://site:hunter2@db/site",
        "redis://:hunter2@cache:6379/0",
        'password="hunter2"',
        "BACKPLANE_METRICS_TOKEN=hunter2",
        "api_key: hunter2",
        "Cookie: sessionid=hunter2",
        f"no such key: bp_0123abcd_{'hunter2'.ljust(43, 'x')}",
        f"signed with whsec_{'hunter2'.ljust(44, 'A')}",
        "GET /files/1?until=9&signature=hunter2-hunter2",
    ],
)
def test_no_secret_gets_into_a_line(secret: str) -> None:
    record = logging.LogRecord("jobs.x", logging.INFO, "x.py", 1, secret, (), None)

    for line in (json.dumps(json_line(secret)), logs.PlainFormatter().format(record)):
        assert "hunter2" not in line
        assert "aHVudGVyMj" not in line
        assert logs.HIDDEN in line


def test_our_own_secrets_are_hidden_in_whatever_disguise(settings: Any) -> None:
    settings.SECRET_KEY = "the-very-key-of-this-site"

    assert "the-very-key" not in json_line("signed with %s!", settings.SECRET_KEY)["message"]


def test_a_secret_inside_a_figure_is_hidden_too() -> None:
    line = json_line("asked", headers={"sent": ["Authorization: Bearer hunter2hunter2"]})

    assert line["headers"] == {"sent": [f"Authorization: {logs.HIDDEN}"]}


def test_a_text_without_secrets_stays_as_it_is() -> None:
    text = "job 12: https://example.org/a?b=c, basic set def2-svp, 3 tokens, author: Kim"

    assert logs.redacted(text) == text


def test_the_id_of_the_request_stays_with_the_job_and_comes_back(
    client: Client, alice: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(alice)
    body = {"simulation": "demo.sum_squares", "params": {"n": 3}}
    seen: list[dict[str, Any]] = []
    caplog.handler.addFilter(lambda record: bool(seen.append({**log_context.current()})) or True)
    caplog.set_level(logging.INFO)

    answer = client.post(
        "/api/v1/jobs", body, content_type="application/json", headers={"X-Request-ID": "mine-7"}
    )

    job = Job.objects.get()
    assert (answer["X-Request-ID"], job.request_id) == ("mine-7", "mine-7")
    about = [line for line in seen if line.get("job_id") == str(job.pk)]
    assert about
    assert all(line["request_id"] == "mine-7" for line in about)
    assert log_context.current() == {}


def test_settings_refuse_a_format_that_there_is_not() -> None:
    probe = "import os; os.environ['BACKPLANE_LOG_FORMAT'] = 'xml'; import tests.settings"

    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert "expected plain or json" in done.stderr


# --- probes ---------------------------------------------------------------------------------


@pytest.fixture
def as_admin(client: Client, admin_user: Any) -> Client:
    client.force_login(admin_user)
    return client


def test_readiness_names_each_thing_and_tells_strangers_no_more(db: None) -> None:
    answer = Client().get("/readyz", **STRANGER)

    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert list(checks) == ["database", "migrations", "redis", "workers", "disk"]
    assert all(check.keys() == {"ok"} for check in checks.values())
    assert (checks["database"]["ok"], checks["migrations"]["ok"]) == (True, True)


def test_readiness_tells_operators_what_is_wrong(as_admin: Client, redis: Any) -> None:
    checks = as_admin.get("/readyz").json()["checks"]

    assert checks["redis"]["ok"] is True
    assert checks["workers"] == {"ok": False, "detail": "none is listening"}
    assert "GB free" in checks["disk"]["detail"]


def test_redis_that_is_away_is_named(as_admin: Client, settings: Any) -> None:
    settings.RQ_QUEUES = {"default": {"URL": "redis://127.0.0.1:1/0"}}

    answer = as_admin.get("/readyz")

    assert answer.status_code == 503
    assert "does not answer" in answer.json()["checks"]["redis"]["detail"]
    assert "Redis does not answer" in answer.json()["checks"]["workers"]["detail"]


def test_a_database_that_is_away_is_an_answer_and_no_crash(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **kwargs: Any) -> Any:
        raise DatabaseError("it went away")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", away)
        ready, alive = client.get("/readyz"), client.get("/healthz")

    assert (ready.status_code, alive.status_code) == (503, 503)
    assert ready.json()["checks"]["database"]["ok"] is False
    assert ready.json()["checks"]["migrations"]["ok"] is False


def test_a_full_disk_is_not_ready(as_admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes.shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))

    assert as_admin.get("/readyz").json()["checks"]["disk"]["ok"] is False


def known_to(redis: Any, pid: int, *, machine: str, began: int) -> None:
    """As a worker tells of itself, and Redis keeps it for minutes."""
    told = {
        "hostname": socket.gethostname(),
        "pid": pid,
        "queues": "default",
        "birth": "2026-11-30T10:00:00Z",
    }
    told |= {fleet.MACHINE: machine, fleet.STARTED: began}
    redis.hset(f"rq:worker:{pid}", mapping=told)
    redis.sadd("rq:workers", f"rq:worker:{pid}")


def test_a_worker_that_was_killed_is_not_counted(redis: Any) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    born = started(dead.pid) or 1
    dead.wait()
    us = os.getpid()
    known_to(redis, dead.pid, machine=machine(), began=born)
    known_to(redis, us, machine=machine(), began=started(us) or 0)

    assert [worker.pid for worker in fleet.living()] == [us]


def test_a_worker_on_a_host_of_the_same_name_is_not_looked_for_on_this_one(redis: Any) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    known_to(redis, dead.pid, machine="another boot/pid:[1]", began=1)

    assert [worker.pid for worker in fleet.living()] == [dead.pid]


# --- metrics --------------------------------------------------------------------------------


def scraped() -> dict[tuple[str, str], float]:
    """Each sample by its name and its labels, as Prometheus would read them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(JobsCollector())
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name, ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_line_and_its_oldest_are_counted(submit: Callable[..., Job]) -> None:
    old, later = submit(), submit()
    now = timezone.now()
    Job.objects.filter(pk=old.pk).update(queued_at=now - timedelta(minutes=5))
    Job.objects.filter(pk=later.pk).update(
        queued_at=now - timedelta(hours=2), not_before=now + timedelta(minutes=9)
    )

    found = scraped()

    assert found["backplane_jobs_waiting", "reason=no_free_worker"] == 2
    assert found["backplane_oldest_waiting_seconds", ""] == pytest.approx(300, abs=10)
    assert found["backplane_jobs_running", ""] == 0


def test_ends_are_counted_by_kind_and_durations_fall_into_buckets(
    submit: Callable[..., Job], start: Callable[[Job], Job], alice: Any
) -> None:
    now = timezone.now()
    for took_s in (2, 20, 20, 5000):
        job = start(submit())
        lifecycle.succeed(job, 1, {"total": 14})
        Job.objects.filter(pk=job.pk).update(
            started_at=now - timedelta(seconds=took_s), finished_at=now
        )
    lifecycle.fail(start(submit()), 1, "science", {"detail": "no"})  # type: ignore[arg-type]
    lifecycle.request_cancel(submit(), by=alice)

    found = scraped()

    of = "simulation=demo.sum_squares,state=succeeded"
    ended, bucket = "backplane_jobs_ended_total", "backplane_job_duration_seconds_bucket"
    assert found[ended, f"failure_kind=,{of}"] == 4
    assert found[ended, "failure_kind=science,simulation=demo.sum_squares,state=failed"] == 1
    cancelled = "simulation=demo.sum_squares,state=cancelled"
    assert found[ended, f"failure_kind=cancelled_by,{cancelled}"] == 1
    cumulative = [found[bucket, f"le={le},{of}"] for le in ("1.0", "3.0", "30.0", "+Inf")]
    assert cumulative == [0, 1, 3, 4]
    total = found["backplane_job_duration_seconds_sum", of]
    assert total == pytest.approx(5042, abs=0.1)
    # It never ran, so it took no time.
    assert (bucket, f"le=+Inf,{cancelled}") not in found


def test_leases_that_ran_out_are_counted_apart(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    for evidence in ("No word from its worker; the lease ended 3 s ago.", "Killed by signal 9."):
        lifecycle.lose(start(submit()), 1, evidence)

    found = scraped()

    assert found["backplane_attempts_ended_total", "failure_kind=lost,outcome=requeued"] == 2
    assert found["backplane_leases_expired_total", ""] == 1


def test_a_scrape_takes_four_queries_however_many_jobs_there_are(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    for _ in range(5):
        lifecycle.succeed(start(submit()), 1, {"total": 14})

    with CaptureQueriesContext(connection) as queries:
        scraped()

    assert len(queries) == 4


@pytest.mark.skipif(connection.vendor != "sqlite", reason="asks SQLite how it finds the rows")
def test_a_scrape_reads_no_row_of_the_past(submit: Callable[..., Job]) -> None:
    submit()
    with CaptureQueriesContext(connection) as queries:
        scraped()

    with connection.cursor() as cursor:
        plans = []
        for query in queries:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plans.append(cursor.fetchall()[0][-1])
    assert [plan.split(" INDEX ")[1].split()[0] for plan in plans] == [
        "job_not_ended",
        "job_ended",
        "attempt_ended",
        "webhook_due",
    ]
    assert "COVERING" in plans[1]
    assert Attempt.objects.count() == 0


def test_metrics_are_for_the_staff_or_for_who_has_the_token(
    client: Client, alice: Any, admin_user: Any, settings: Any
) -> None:
    settings.METRICS_TOKEN = "a-long-enough-token"

    def status(**headers: str) -> int:
        return client.get("/metrics", headers=headers, **STRANGER).status_code

    assert status() == 401
    assert status(Authorization="Bearer wrong") == 401
    assert status(Authorization="Bearer a-long-enough-token") == 200
    client.force_login(alice)
    assert status() == 403
    client.force_login(admin_user)
    assert status() == 200


def test_no_token_is_no_key(client: Client, db: None, settings: Any) -> None:
    settings.METRICS_TOKEN = ""

    answer = client.get("/metrics", headers={"Authorization": "Bearer "}, **STRANGER)

    assert answer.status_code == 401


def test_metrics_make_up_no_number_when_redis_is_away(as_admin: Client, settings: Any) -> None:
    settings.RQ_QUEUES = {"default": {"URL": "redis://127.0.0.1:1/0"}}

    told = as_admin.get("/metrics").content.decode()

    assert "backplane_redis_up 0.0" in told
    assert "backplane_workers" not in told
    assert "backplane_disk_free_bytes" in told


def test_metrics_tell_of_the_open_sockets(
    as_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SocketCount, "open", 3)

    assert "backplane_sockets 3.0" in as_admin.get("/metrics").content.decode()


# --- the real thing -------------------------------------------------------------------------


@pytest.mark.stack
@pytest.mark.slow
def test_one_request_can_be_followed_through_web_queue_and_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BACKPLANE_LOG_FORMAT", "json")
    with Stack(workers=1) as stack:
        stack.client.headers["X-Request-ID"] = "follow-me"
        job_id = stack.submit("demo.sum_squares", n=3)
        del stack.client.headers["X-Request-ID"]
        stack.wait(job_id)
        ready = stack.client.get("/readyz")
        told = stack.client.get("/metrics").text
        # A worker says it a moment after it has written it down.
        until(lambda: "it is succeeded" in stack.output(), "the end is in the log")
        whole = stack.output().rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines()]

    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert "backplane_workers 1.0" in told
    about = [line for line in lines if line.get("request_id") == "follow-me"]
    assert {"web", "worker-1"} <= {line["service"] for line in about}
    of_the_worker = [line for line in about if line["service"] == "worker-1"]
    assert {(line["job_id"], line["attempt"]) for line in of_the_worker} == {(job_id, 1)}
    assert any(line["message"] == "it is succeeded" for line in of_the_worker)
