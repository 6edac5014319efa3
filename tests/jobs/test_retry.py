"""What is tried again, how often and how soon; and what goes on from where another stopped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs import lifecycle
from jobs.budget import Budget, exceeded, mended
from jobs.models import Job
from jobs.states import FailureKind, in_a_row
from jobs.worker.inheritance import left_behind

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("reached", "tried"),
    [
        ([0.0], 1),
        ([0.0, 0.0, 0.0], 3),
        ([0.2], 1),
        ([0.2, 0.2, 0.2], 3),  # dies at the same place each time
        ([0.2, 0.4, 0.6, 0.8], 1),  # power cuts in a long run
        ([0.2, 0.4, 0.1, 0.4], 3),  # the newest two brought it no further than 0.4
        ([0.2, 0.201, 0.202], 3),  # hardly further is no further
        ([0.0, 0.0, 0.5], 1),
    ],
)
def test_the_count_starts_anew_with_each_attempt_that_got_further(
    reached: list[float], tried: int
) -> None:
    assert in_a_row(reached) == tried


def advance(job: Job, fraction: float) -> None:
    point = {"fraction": fraction, "message": "", "stage": ""}
    lifecycle.progress(job, job.attempt, [point])


def test_power_cuts_do_not_end_a_run_that_gets_on(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = submit()
    for number in range(1, 8):
        start(job)
        advance(job, number / 10)
        lifecycle.lose(job, number, "power cut")
        assert job.state == "queued"

    assert [each.progress for each in job.attempts.order_by("number")] == [
        pytest.approx(n / 10) for n in range(1, 8)
    ]
    assert (job.not_before - timezone.now()).total_seconds() < 6  # and none waits longer


def test_the_pause_grows_up_to_a_cap(
    submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any
) -> None:
    settings.JOB_RETRY_MAX_DELAY_S = 15
    job = submit(max_attempts=5)

    for number, pause_s in enumerate([5, 10, 15, 15], start=1):
        pause = timedelta(seconds=pause_s)
        began = timezone.now()
        lifecycle.lose(start(job), number, "gone")
        assert job.not_before
        assert began + pause <= job.not_before <= timezone.now() + pause


@pytest.mark.parametrize("kind", FailureKind)
def test_only_what_may_go_better_is_tried_again(
    submit: Callable[..., Job], start: Callable[[Job], Job], kind: FailureKind
) -> None:
    plain, asked = start(submit()), start(submit(retry_on=[FailureKind.TIMEOUT]))

    for job in (plain, asked):
        lifecycle.lose(job, 1, "It ended.", kind=kind)

    again = {FailureKind.LOST, FailureKind.INFRASTRUCTURE}
    assert (plain.state == "queued") == (kind in again)
    assert (asked.state == "queued") == (kind in again | {FailureKind.TIMEOUT})


def test_a_failure_at_a_limit_keeps_figures_and_mend(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit(limits=Budget(memory_mib=1000)))
    error = exceeded(FailureKind.MEMORY, 1234.4, 1000)
    figures = {"reached": error["reached"], "limit": error["limit"]}

    lifecycle.lose(job, 1, error["detail"], kind=FailureKind.MEMORY, error=error, details=figures)

    assert (job.state, job.failure_kind) == ("failed", "memory")
    assert job.error["detail"] == "It used 1,234 MiB of memory; its limit is 1,000 MiB."
    assert job.error["fix"] == {"limits": {"memory_mib": 2000}}
    told = job.events.get(kind="failed").data
    assert told["details"]["reached"] == {"memory_mib": 1234}
    assert told["details"]["worker"] == "host:1"
    assert mended(job.budget, job.error).memory_mib == 2000


def test_no_mend_is_offered_beyond_what_the_site_allows(settings: Any) -> None:
    settings.JOB_MOST = settings.JOB_MOST | {"memory_mib": 1000}

    assert "fix" not in exceeded(FailureKind.MEMORY, 1200, 1000)
    assert exceeded(FailureKind.MEMORY, 800, 700)["fix"] == {"limits": {"memory_mib": 1000}}


# --- restart ---------------------------------------------------------------------------------


@pytest.fixture
def stopped(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Job:
    """A job that ran into its time limit and left a checkpoint."""
    job = start(submit(name="long", limits=Budget(wall_time_s=60, memory_mib=900)))
    job.workdir(1).mkdir(parents=True)
    (job.workdir(1) / "state.chk").write_text("step 40")
    error = exceeded(FailureKind.TIMEOUT, 60.4, 60)
    lifecycle.lose(job, 1, error["detail"], kind=FailureKind.TIMEOUT, error=error)
    assert job.state == "failed"
    return job


def test_a_restart_is_a_new_job_that_inherits_the_files(stopped: Job, alice: Any) -> None:
    again = lifecycle.restart(stopped, owner=alice, limits=Budget(wall_time_s=600))

    assert (again.restarted_from, again.params, again.name) == (stopped, stopped.params, "long")
    assert (again.budget.wall_time_s, again.budget.memory_mib) == (600, 900)
    view = left_behind(again, 1)
    assert view
    assert (view / "state.chk").read_text() == "step 40"
    stopped.refresh_from_db()
    assert stopped.state == "failed"


def test_a_restart_of_a_restart_inherits_from_both(
    stopped: Job, alice: Any, start: Callable[[Job], Job]
) -> None:
    second = start(lifecycle.restart(stopped, owner=alice))
    second.workdir(1).mkdir(parents=True)
    (second.workdir(1) / "more.chk").write_text("step 80")
    lifecycle.cancel(second, 1)

    third = lifecycle.restart(second, owner=alice)

    view = left_behind(third, 1)
    assert view
    assert {path.name for path in view.iterdir()} == {"state.chk", "more.chk"}


def test_what_has_left_nothing_cannot_be_restarted(
    submit: Callable[..., Job], start: Callable[[Job], Job], alice: Any
) -> None:
    queued, done, bare, wrong = submit(), start(submit()), start(submit()), start(submit())
    lifecycle.succeed(done, 1, {"total": 1})
    bare.workdir(1).mkdir(parents=True)
    (bare.workdir(1) / "job.log").write_text("it began")
    lifecycle.cancel(bare, 1)
    lifecycle.fail(wrong, 1, FailureKind.INPUT, {"detail": "no such element"})

    for job, why in (
        (queued, "It is queued"),
        (done, "It is succeeded"),
        (bare, "nothing to go on from"),
        (wrong, "change it"),
    ):
        with pytest.raises(lifecycle.CannotRestart, match=why):
            lifecycle.restart(job, owner=alice)


def test_files_that_were_removed_cannot_be_gone_on_from(stopped: Job, alice: Any) -> None:
    lifecycle.remove_files(stopped, kept_days=1)

    with pytest.raises(lifecycle.CannotRestart, match="were removed on"):
        lifecycle.restart(stopped, owner=alice)


def test_run_again_keeps_limits_and_policy(submit: Callable[..., Job], alice: Any) -> None:
    job = submit(
        limits=Budget(memory_mib=700, threads=1), max_attempts=7, retry_on=[FailureKind.TIMEOUT]
    )

    again = lifecycle.run_again(job, owner=alice)

    assert (again.budget, again.max_attempts, again.retry_on) == (job.budget, 7, ["timeout"])


# --- at the doors ----------------------------------------------------------------------------


@pytest.fixture
def api(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def post(api: Client, path: str, body: Any = None, **headers: str) -> Any:
    return api.post(path, body or {}, "application/json", headers=headers)


SUBMISSION = {"simulation": "demo.sum_squares", "params": {"n": 3}}


def test_limits_and_retry_are_told_on_the_job(api: Client, settings: Any) -> None:
    limits = {"wall_time_s": 60, "memory_mib": 500, "disk_mib": 10, "threads": 1}
    retry = {"max_attempts": 5, "on": ["timeout"]}

    full = post(api, "/api/v1/jobs", SUBMISSION | {"limits": limits, "retry": retry}).json()
    plain = post(api, "/api/v1/jobs", SUBMISSION | {"params": {"n": 4}}).json()

    assert full["limits"] == limits
    assert full["retry"] == {"max_attempts": 5, "on": ["infrastructure", "lost", "timeout"]}
    assert plain["limits"] == settings.JOB_LIMITS
    assert plain["retry"] == {"max_attempts": 3, "on": ["infrastructure", "lost"]}


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"limits": {"memory_mib": 10**9}}, "/limits/memory_mib"),
        ({"limits": {"memory_mib": 1}}, "/limits/memory_mib"),
        ({"limits": {"threads": 0}}, "/limits/threads"),
        ({"limits": {"memory_mb": 500}}, "/limits/memory_mb"),
        ({"retry": {"max_attempts": 1000}}, "/retry/max_attempts"),
        ({"retry": {"on": ["science"]}}, "/retry/on/0"),
        ({"retry": {"tries": 3}}, "/retry/tries"),
    ],
)
def test_limits_are_read_strictly(api: Client, more: dict[str, Any], pointer: str) -> None:
    answer = post(api, "/api/v1/jobs", SUBMISSION | more)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Job.objects.exists()


def test_restart_over_rest(api: Client, stopped: Job) -> None:
    shown = api.get(f"/api/v1/jobs/{stopped.pk}").json()

    answer = post(api, shown["links"]["restart"], {"limits": {"wall_time_s": 300}})

    assert answer.status_code == 202
    assert answer.json()["restarted_from"] == str(stopped.pk)
    assert answer.json()["limits"]["wall_time_s"] == 300
    assert answer["Location"].endswith(answer.json()["id"])


def test_a_restart_asked_for_twice_under_one_key_is_one(api: Client, stopped: Job) -> None:
    path = f"/api/v1/jobs/{stopped.pk}/restart"

    first, second = (post(api, path, **{"Idempotency-Key": "k"}) for _ in range(2))

    assert first.json()["id"] == second.json()["id"]
    assert Job.objects.count() == 2


def test_a_restart_that_cannot_be_says_why_and_what_to_do(
    api: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    lifecycle.cancel(job, 1)

    shown = api.get(f"/api/v1/jobs/{job.pk}").json()
    answer = post(api, f"/api/v1/jobs/{job.pk}/restart")

    assert "restart" not in shown["links"]
    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_restart")
    assert "run it again instead" in answer.json()["detail"]
    assert post(api, shown["links"]["run_again"]).status_code == 202


@pytest.mark.parametrize("verb", ["restart", "run-again"])
def test_the_jobs_of_others_are_not_to_be_had(
    api: Client, stopped: Job, bob: Any, verb: str
) -> None:
    api.force_login(bob)

    assert post(api, f"/api/v1/jobs/{stopped.pk}/{verb}").status_code == 404
    assert Job.objects.count() == 1


def test_attempts_are_told_without_their_traceback(
    api: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    lifecycle.lose(job, 1, "Its process was killed by signal 9.", details={"signal": 9})
    start(job)
    lifecycle.record_usage(job, 2, peak_memory_mib=120.5, cpu_seconds=3.2)
    lifecycle.fail(job, 2, FailureKind.INTERNAL, {"detail": "a defect"}, traceback="secret")

    answer = api.get(f"/api/v1/jobs/{job.pk}")

    first, second = answer.json()["attempts"]
    assert (first["outcome"], first["failure_kind"], first["details"]["signal"]) == (
        "requeued",
        "lost",
        9,
    )
    assert first["details"]["last_heartbeat_at"]
    assert (second["outcome"], second["peak_memory_mib"], second["cpu_seconds"]) == (
        "failed",
        120.5,
        3.2,
    )
    assert b"secret" not in answer.content


def test_restart_on_the_page_offers_the_mend(api: Client, stopped: Job) -> None:
    page = api.get(f"/jobs/{stopped.pk}/").content.decode()
    assert 'name="wall_time_s" min="1" value="120"' in page

    answer = api.post(f"/jobs/{stopped.pk}/restart/", {"wall_time_s": "120", "memory_mib": ""})

    again = Job.objects.get(restarted_from=stopped)
    assert answer["Location"] == again.get_absolute_url()
    assert (again.wall_time_limit_s, again.memory_limit_mib) == (120, 900)
    assert stopped.short_id in api.get(again.get_absolute_url()).content.decode()


def test_restart_on_the_page_asks_for_the_limit_that_was_reached(
    api: Client, stopped: Job, alice: Any
) -> None:
    Job.objects.filter(pk=stopped.pk).update(
        failure_kind="disk", disk_limit_mib=50, error=exceeded(FailureKind.DISK, 51, 50)
    )

    page = api.get(f"/jobs/{stopped.pk}/").content.decode()
    assert 'name="disk_mib" min="1" value="100"' in page
    assert 'name="threads"' not in page
    api.post(f"/jobs/{stopped.pk}/restart/", {"disk_mib": "100"})

    assert Job.objects.get(restarted_from=stopped).budget.disk_mib == 100


def test_a_page_restart_with_a_wrong_limit_makes_nothing(api: Client, stopped: Job) -> None:
    answer = api.post(f"/jobs/{stopped.pk}/restart/", {"wall_time_s": "-1"}, follow=True)

    assert "Longest time: Ensure this value" in answer.content.decode()
    assert Job.objects.count() == 1


def test_the_form_takes_limits(api: Client) -> None:
    path = "/jobs/new/demo.sum_squares/"
    wrong = api.post(path, {"n": "3", "job_memory_mib": "1"})
    right = api.post(path, {"n": "3", "job_memory_mib": "512", "job_wall_time_s": "90"})

    assert (wrong.status_code, right.status_code) == (422, 302)
    assert "Most memory" in wrong.content.decode()
    job = Job.objects.get()
    assert (job.memory_limit_mib, job.wall_time_limit_s) == (512, 90)
