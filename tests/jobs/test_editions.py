"""A worker of one release, and a job that another one took."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import django_rq
import pytest

import simulations
from backplane_site import service_checks
from backplane_site.probes import Level
from jobs import editions, equality, fleet, lifecycle, turns
from jobs.abilities import Ability, of_this_host
from jobs.editions import Edition
from jobs.files import keep
from jobs.models import Job
from jobs.pages.record import provenance_rows
from jobs.references import texts
from jobs.worker.process import is_of_a_newer
from jobs.worker.run import run_job
from simulations.workdir import write_json

from .test_abilities import draw, worker

Submit = Callable[..., Job]
WATER = "3\n\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n"
HERE = editions.here("demo.sum_squares")


def made_for(job: Job, **other: str) -> Job:
    """As the web of another release would have taken it."""
    edition = str(replace(HERE, **other))
    Job.objects.filter(pk=job.pk).update(placement=job.placement | {"edition": edition})
    job.refresh_from_db()
    return job


def take() -> Job | None:
    return lifecycle.take_next(
        "rq", able=of_this_host(), is_of_a_newer=is_of_a_newer, worker="w:1", host="w", pid=1
    )


@pytest.mark.parametrize(
    ("params", "other"),
    [
        ({}, {"version": "2"}),
        ({}, {"version": "1.1"}),
        ({"n": 4, "of_a_newer_release": True}, {"params": "another"}),
    ],
)
@pytest.mark.django_db
def test_what_only_a_newer_release_can_compute_is_left_where_it_is(
    submit: Submit, params: dict[str, Any], other: dict[str, str]
) -> None:
    job = made_for(submit(), **other)
    Job.objects.filter(pk=job.pk).update(params={**job.params, **params})

    with pytest.raises(lifecycle.MadeForNewer, match="made for a newer release"):
        take()

    assert (job.attempts.count(), Job.objects.get().state) == (0, "queued")


@pytest.mark.parametrize(
    "other", [{"version": "0"}, {"version": "0.9"}, {"params": "another"}, {"software": "another"}]
)
@pytest.mark.django_db
def test_what_an_older_one_took_or_this_one_understands_is_run(
    submit: Submit, other: dict[str, str]
) -> None:
    assert take() is None
    assert take_of(made_for(submit(), **other))


@pytest.mark.django_db
def test_a_job_of_before_this_was_written_down_is_run(submit: Submit) -> None:
    job = submit()
    Job.objects.update(placement={"why": "", "asked": {}})

    assert take_of(job)


def take_of(job: Job) -> bool:
    return take() == job


@pytest.mark.django_db
def test_its_worker_leaves_the_rest_of_that_simulation_too_and_says_so(
    redis: Any, submit: Submit, caplog: pytest.LogCaptureFixture
) -> None:
    job = made_for(submit(), version="2")
    lifecycle.hand_to_backend(job)
    there = worker("cpu")

    with caplog.at_level(logging.ERROR):
        draw(there, "cpu")

    assert "start this worker anew" in caplog.text
    assert django_rq.get_queue("default").get_job_ids() == [job.run_id]
    waits = turns.explain(job)
    assert waits
    assert waits.told() == {
        "reason": "no_able_worker",
        "text": "No worker that is there is of the release that took it "
        "(its demo.sum_squares is older)",
        "place": None,
    }
    (told,) = fleet.abilities() or []
    assert told.outdated == ("demo.sum_squares",)
    assert "md_simulation" in told.simulations
    assert len(fleet.told_by([there.key])) == 1


@pytest.mark.django_db
def test_what_another_edition_computed_answers_for_that_one(
    submit: Submit, start: Callable[[Job], Job], tmp_path: Any, settings: Any
) -> None:
    settings.JOBS_ROOT = tmp_path
    ours, other = submit(params={"n": 3}), submit(params={"n": 4})
    wanted = ours.fingerprint
    Job.objects.filter(pk=other.pk).update(fingerprint="of an older release")
    made_for(other, version="0")

    for job in (ours, other):
        run_job(str(start(job).pk), job.attempt)
        job.refresh_from_db()

    assert (ours.state, ours.fingerprint) == ("succeeded", wanted)
    found = equality.equal(other.owner, "of an older release", {})
    assert (other.state, found) == ("succeeded", None)
    assert equality.equal(other.owner, submit(params={"n": 4}).fingerprint, {}) == other


@pytest.mark.django_db
def test_what_another_version_began_answers_nobody(
    submit: Submit, start: Callable[[Job], Job], tmp_path: Any, settings: Any
) -> None:
    settings.JOBS_ROOT = tmp_path
    job = start(submit())
    wanted = job.fingerprint
    job.workdir(1).mkdir(parents=True)
    write_json(job.workdir(1) / "provenance.json", {"simulation_version": "0"})
    lifecycle.hand_over(job, 1, "A deploy.")

    run_job(str(start(job).pk), 2)

    job.refresh_from_db()
    assert (job.state, job.provenance["earlier_versions"]) == ("succeeded", ["0"])
    assert equality.equal(job.owner, wanted, {}) is None
    assert ("Begun by its version", "0") in provenance_rows(job.provenance)


@pytest.mark.django_db
def test_the_same_fingerprint_comes_of_what_was_stored(submit: Submit, alice: Any) -> None:
    kept, _ = keep(owner=alice, name="water.xyz", content=WATER.encode())
    long = WATER.replace("\n\n", f"\n{'of water ' * 500}\n", 1)
    files = [{"file": str(kept.pk)}, {"format": "xyz", "text": long}]
    for structure in ("OCC", {"format": "smiles", "text": "CCO"}, *files):
        job = submit(simulation="xtb_optimization", params={"structure": structure})
        job.refresh_from_db()
        checked = simulations.Checked(params=texts(job.params), structure=job.structure)
        again = equality.fingerprint(simulations.get(job.simulation), checked)
        assert again == job.fingerprint, structure


def test_a_worker_of_a_newer_release_may_tell_more_than_is_known_here() -> None:
    told = of_this_host().told()

    assert Ability.of(told | {"of_a_newer_release": [1]}) == of_this_host()
    assert "outdated" not in told


def test_an_edition_is_read_as_it_is_written() -> None:
    assert Edition.read(str(HERE)) == HERE
    assert Edition.read("3 beta a b").version == "3 beta"


@pytest.mark.django_db
def test_the_doctor_names_workers_of_another_release(redis: Any) -> None:
    assert [*service_checks.releases()] == []
    one = worker("cpu")
    assert [each.level for each in service_checks.releases()] == [Level.OK]

    redis.hset(one.key, "version", "0.0.9+abcdef01")

    (finding,) = service_checks.releases()
    assert finding.level is Level.WARNING
    assert "run 0.0.9+abcdef01, this is 0." in finding.detail
    one.ability = one.ability.without("demo.sum_squares")
    one.register_death()
    redis.delete(one.key)
    one.register_birth()
    (finding, *_) = service_checks.releases()
    assert "They leave demo.sum_squares to others" in finding.detail
