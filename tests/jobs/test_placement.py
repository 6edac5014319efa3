"""Where a job runs and why: as its submission says, or by rules that are data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from jobs import fleet, lifecycle
from jobs.lifecycle import Wanted, submit_batch
from jobs.models import Job
from jobs.placement import NOTHING_SAID, Asked, place

pytestmark = pytest.mark.django_db

HOUR = {"seconds": {"p10": 1800.0, "p50": 3600.0, "p90": 7200.0}, "threads": 2}
BODY = {"simulation": "demo.sum_squares", "params": {"n": 3}}


@pytest.fixture
def door(client: Any, alice: Any) -> Any:
    client.force_login(alice)
    return client


def send(door: Any, **said: Any) -> Any:
    return door.post("/api/v1/jobs", {**BODY, **said}, content_type="application/json")


def test_left_open_it_runs_at_the_first_backend_of_the_site(settings: Any) -> None:
    settings.BACKENDS = ("elsewhere", "rq")
    settings.PLACEMENT = []

    placed = place("demo.sum_squares", None, Asked())

    assert (placed.backend, placed.queue, placed.why) == ("elsewhere", "cpu", NOTHING_SAID)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({}, True),
        ({"simulations": ["demo.sum_squares"]}, True),
        ({"simulations": ["docking"]}, False),
        ({"min_core_s": 7200}, True),
        ({"min_core_s": 7201}, False),
        ({"max_core_s": 7199}, False),
        ({"min_waiting": 2}, True),
        ({"min_waiting": 3}, False),
        ({"if_served": True}, False),
        ({"if_served": False}, True),
    ],
)
def test_a_rule_fits_by_simulation_size_line_and_workers(
    redis: Any, submit: Callable[..., Job], settings: Any, rule: dict[str, Any], fits: bool
) -> None:
    submit(), submit(params={"n": 4})
    settings.PLACEMENT = [{**rule, "queue": "long"}]

    placed = place("demo.sum_squares", HOUR, Asked())

    assert (placed.queue == "long") == fits
    assert ("A rule of this site names the queue long" in placed.why) == fits


def test_the_first_rule_that_says_something_counts_and_a_backend_that_is_gone_does_not(
    settings: Any,
) -> None:
    settings.BACKENDS = ("rq", "other")
    settings.PLACEMENT = [
        {"min_core_s": 60, "backend": "gone"},
        {"min_core_s": 60, "backend": "other"},
        {"backend": "rq", "queue": "gpu"},
    ]

    assert place("demo.sum_squares", HOUR, Asked()).backend == "other"
    # Of what nobody can estimate it is not known that it is large, nor that it is small.
    assert place("demo.sum_squares", None, Asked()).backend == "rq"
    placed = place("demo.sum_squares", HOUR, Asked(backend="rq", queue="long"))
    assert (placed.backend, placed.queue) == ("rq", "long")
    assert placed.why == (
        "Its submission asked for the backend rq. Its submission asked for the queue long."
    )


def test_a_worker_that_serves_the_queue_makes_a_rule_fit(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "is_served", lambda queue: queue == "gpu")
    settings.PLACEMENT = [{"if_served": True, "queue": "gpu"}]

    assert place("demo.sum_squares", None, Asked()).queue == "gpu"


def test_a_request_may_name_the_place_and_the_answer_says_where_and_why(door: Any) -> None:
    asked = send(door, queue="long", backend="auto").json()

    assert asked["placement"]["queue"] == "long"
    assert asked["placement"]["backend"] == "rq"
    assert asked["placement"]["why"] == "Its submission asked for the queue long."
    assert asked["placement"]["needs"]["engines"] == []
    url = f"/api/v1/jobs/{asked['id']}/run-again"
    again = door.post(url, {}, content_type="application/json").json()
    assert again["placement"]["queue"] == "long"


def test_a_place_that_the_site_has_not_is_refused_with_those_that_it_has(door: Any) -> None:
    answer = send(door, backend="slurmm", queue="fast")

    assert answer.status_code == 422
    told = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert '"slurmm" is not a valid choice; expected one of auto, rq.' in told["/backend"]
    assert "expected one of auto, cpu, gpu, long" in told["/queue"]


def test_the_place_is_no_part_of_what_makes_two_jobs_equal(door: Any) -> None:
    first = send(door).json()

    second = send(door, queue="long").json()

    assert second["id"] == first["id"]
    assert second["reuse"]["not_applied"] == ["queue"]


def test_the_seed_s_endpoint_says_nothing_of_it(door: Any, submit: Callable[..., Job]) -> None:
    job = submit(place=Asked(queue="long"))

    assert {"placement", "queue", "backend"}.isdisjoint(door.get(f"/job_status/{job.pk}").json())


def test_each_of_a_batch_is_placed(alice: Any) -> None:
    params = [{"n": n} for n in (1, 2)]
    queues = ("", "long")
    wanted = [
        Wanted(simulation="demo.sum_squares", params=each, place=Asked(queue=queue))
        for each, queue in zip(params, queues, strict=True)
    ]

    submit_batch(owner=alice, wanted=wanted)

    found = {job.params["n"]: (job.queue, job.placement["why"]) for job in Job.objects.all()}
    assert found == {
        1: ("cpu", NOTHING_SAID),
        2: ("long", "Its submission asked for the queue long."),
    }


def test_run_again_where_the_site_lost_that_backend_leaves_it_open(
    submit: Callable[..., Job], alice: Any, settings: Any
) -> None:
    settings.BACKENDS = ("rq", "other")
    job = submit(place=Asked(backend="other"))
    assert job.backend == "other"

    settings.BACKENDS = ("rq",)

    assert lifecycle.run_again(job, owner=alice).backend == "rq"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{", "Expecting property name"),
        ('{"queue": "long"}', "it is no list"),
        ('[{"min_core_s": 3}]', "says neither backend nor queue"),
        ('[{"min_cores": 3, "queue": "long"}]', "no rule has 'min_cores'"),
        ('[{"min_core_s": "3", "queue": "long"}]', "'min_core_s' is '3'"),
    ],
)
def test_rules_that_cannot_be_read_are_refused_at_the_start(given: str, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import backplane_site.settings"],
        env={**os.environ, "BACKPLANE_PLACEMENT": given},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "BACKPLANE_PLACEMENT is" in done.stderr
    assert told in done.stderr


def test_what_a_gpu_is_of_no_use_to_is_told_so_before_it_runs(door: Any) -> None:
    useless = send(door, queue="gpu", reuse=False).json()
    useful = send(
        door,
        simulation="dft_single_point",
        params={"structure": "O"},
        queue="gpu",
    ).json()
    elsewhere = send(door, queue="long", reuse=False).json()

    codes = [
        {note["code"] for note in job["notes"]} & {"gpu_of_no_use"}
        for job in (useless, useful, elsewhere)
    ]
    assert codes == [{"gpu_of_no_use"}, set(), set()]
    (note,) = [each for each in useless["notes"] if each["code"] == "gpu_of_no_use"]
    assert "computes on the processor alone" in note["message"]


def test_each_of_a_batch_is_told_of_its_place(alice: Any) -> None:
    wanted = [
        Wanted(simulation="demo.sum_squares", params={"n": n}, place=Asked(queue=queue))
        for n, queue in enumerate(("gpu", "cpu"), start=1)
    ]

    submit_batch(owner=alice, wanted=wanted)

    told = {job.params["n"]: [note["code"] for note in job.notes] for job in Job.objects.all()}
    assert told == {1: ["gpu_of_no_use"], 2: []}
