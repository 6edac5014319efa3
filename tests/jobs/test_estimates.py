"""What a job is said to take, and on what that rests."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

import simulations
from jobs import estimates, lifecycle
from jobs.models import Attempt, Job
from jobs.pages.forecast import LONGER, NOTHING_COMPARABLE, about, between, forecast, left
from simulations.calibration import measure
from simulations.calibration.cases import Case, cases
from simulations.calibration.measure import CaseFailed
from simulations.costs import Calibration, Measured

XTB = simulations.get("xtb_optimization")
DEFAULT = {"structure": "CCO"}


@pytest.fixture
def calibration_file(settings: Any, tmp_path: Path) -> Path:
    settings.CALIBRATION_FILE = tmp_path / "calibration.json"
    return tmp_path / "calibration.json"


@pytest.fixture
def calibrated(calibration_file: Path) -> Path:
    """xTB takes 0.01 s an atom squared here."""
    runs = [
        Measured(
            simulation="xtb_optimization",
            size={"n_atoms": n, "n_conformers": 1, "in_solvent": False},
            seconds=0.01 * n**2,
            wall_seconds=0.02 * n**2,
            memory_mib=200,
        )
        for n in (10, 20, 30)
    ]
    calibration = Calibration(
        date="2026-11-23", host="bench", cpu="", versions={}, starts={}, runs=runs
    )
    calibration.write(calibration_file)
    return calibration_file


@pytest.fixture
def xtb(submit: Callable[..., Job]) -> Callable[..., Job]:
    def xtb(smiles: str = "CCO") -> Job:
        return submit(simulation="xtb_optimization", params={"structure": smiles})

    return xtb


@pytest.fixture
def succeeded(xtb: Callable[..., Job], start: Callable[[Job], Job]) -> Callable[..., Job]:
    """A job that ended well after so many seconds."""

    def succeeded(smiles: str, seconds: float) -> Job:
        job = start(xtb(smiles))
        lifecycle.succeed(job, 1, {})
        lifecycle.record_usage(job, 1, peak_memory_mib=300.0, cpu_seconds=seconds)
        Job.objects.filter(pk=job.pk).update(
            started_at=job.finished_at - timedelta(seconds=seconds)
        )
        return job

    return succeeded


def test_a_job_keeps_the_size_that_its_input_has(xtb, calibration_file) -> None:
    job = xtb("CCO")

    assert job.estimate["size"]["n_atoms"] == 9
    assert job.estimate["seconds"] is job.estimate["memory_mib"] is job.estimate["basis"] is None


def test_a_simulation_without_a_cost_has_no_estimate(submit) -> None:
    assert submit().estimate is None


def test_a_calibration_gives_time_and_memory(xtb, calibrated) -> None:
    estimate = xtb("CCCCO").estimate

    assert estimate["seconds"]["p10"] < 0.01 * 15**2 < estimate["seconds"]["p90"]
    assert estimate["memory_mib"]["p50"] == pytest.approx(200, rel=0.1)
    assert estimate["basis"] == "calibration of 2026-11-23 on bench"
    assert estimate["threads"] >= 1


def test_jobs_that_succeeded_are_a_basis(succeeded, xtb, calibration_file) -> None:
    for _ in range(4):
        succeeded("CCO", 5.0)
        succeeded("CCCCO", 12.0)

    estimate = xtb("CCCO").estimate

    assert estimate["basis"] == "8 finished jobs"
    assert 5 < estimate["seconds"]["p50"] < 12
    assert estimate["memory_mib"]["p50"] == pytest.approx(300, rel=0.05)


def test_jobs_correct_what_the_calibration_says(succeeded, xtb, calibrated) -> None:
    before = xtb("CCO").estimate["seconds"]["p50"]
    for _ in range(10):
        succeeded("CCO", 4 * before)

    after = xtb("CCO").estimate

    assert after["seconds"]["p50"] == pytest.approx(4 * before, rel=0.2)
    assert after["basis"] == "calibration of 2026-11-23 on bench, 10 finished jobs"


def test_a_job_that_went_on_from_a_checkpoint_is_no_measure(succeeded, calibration_file) -> None:
    job = succeeded("CCO", 5.0)
    Job.objects.filter(pk=job.pk).update(attempt=2)

    assert estimates.finished("xtb_optimization") == []


def test_neither_is_one_that_went_on_from_the_files_of_another(
    succeeded, xtb, calibration_file
) -> None:
    job = succeeded("CCO", 5.0)
    Job.objects.filter(pk=job.pk).update(restarted_from=xtb())

    assert estimates.finished("xtb_optimization") == []


def test_a_job_from_before_there_were_estimates_is_passed_over(succeeded, calibration_file) -> None:
    job = succeeded("CCO", 5.0)
    Job.objects.filter(pk=job.pk).update(estimate=None)

    assert estimates.finished("xtb_optimization") == []


def test_neither_is_one_that_failed(xtb, start, calibration_file) -> None:
    lifecycle.fail(start(xtb()), 1, "science", {"detail": "It did not converge."})

    assert estimates.finished("xtb_optimization") == []


def test_an_estimate_is_one_query(succeeded, calibrated, django_assert_num_queries) -> None:
    succeeded("CCO", 5.0)
    checked = XTB.check(DEFAULT)

    with django_assert_num_queries(1):
        estimates.of(XTB, checked)


def test_a_damaged_calibration_takes_the_estimate_away_and_not_the_job(
    xtb, calibrated, caplog
) -> None:
    calibrated.write_text("{")

    with caplog.at_level(logging.ERROR, "jobs.estimates"):
        job = xtb()

    assert job.estimate["seconds"] is None
    assert caplog.records[0].exc_info


def test_a_new_calibration_counts_at_once(xtb, calibrated) -> None:
    first = xtb().estimate["seconds"]["p50"]
    slower = json.loads(calibrated.read_text())
    for run in slower["runs"]:
        run["seconds"] *= 10
    calibrated.write_text(json.dumps(slower))

    assert xtb().estimate["seconds"]["p50"] == pytest.approx(10 * first, rel=0.1)


def test_the_api_tells_it(alice, xtb, calibrated, client: Client) -> None:
    client.force_login(alice)

    told = client.get(f"/api/v1/jobs/{xtb().pk}").json()["estimate"]

    assert told["seconds"].keys() == {"p10", "p50", "p90"}
    assert told["size"]["n_atoms"] == 9


def test_the_page_tells_it_until_the_job_has_ended(alice, xtb, calibrated, client) -> None:
    client.force_login(alice)
    job = xtb()

    before = client.get(f"/jobs/{job.pk}/").content.decode()
    lifecycle.request_cancel(job, by=alice)
    after = client.get(f"/jobs/{job.pk}/").content.decode()

    assert "<dt>Expected</dt>" in before
    assert "calibration of 2026-11-23 on bench" in before
    assert "<dt>Expected</dt>" not in after


def test_the_page_says_that_there_is_nothing_to_go_by(alice, xtb, calibration_file, client) -> None:
    client.force_login(alice)

    assert NOTHING_COMPARABLE in client.get(f"/jobs/{xtb().pk}/").content.decode()


def test_the_page_of_a_job_that_runs_tells_what_is_left(
    alice, xtb, start, calibrated, client
) -> None:
    client.force_login(alice)
    job = start(xtb())

    page = client.get(f"/jobs/{job.pk}/").content.decode()

    assert "<dt>Left</dt>" in page
    assert "<dt>Expected</dt>" not in page


LEFT = [
    (0, "about 2 min", "1 to 4 min"),
    (65, "about 1 min", "15 s to 3 min"),
    (140, "about 50 s", "10 s to 3 min"),
    (251, "–", LONGER),
]


@pytest.mark.parametrize(("ran_for_s", "value", "words"), LEFT)
def test_what_is_left_is_told_by_those_that_ran_as_long(
    ran_for_s: float, value: str, words: str
) -> None:
    estimate = {"seconds": {"p10": 60, "p50": 130, "p90": 250}, "basis": "9 finished jobs"}

    told = left(estimate, ran_for_s)

    assert told
    assert (told.value, told.range) == (value, words)


def test_where_nobody_knows_nothing_is_left_to_tell() -> None:
    assert left(None, 3) is None
    assert left({"seconds": None, "basis": None}, 3) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "under 5 s"),
        (12.4, "about 10 s"),
        (58, "about 1 min"),
        (140, "about 2 min"),
        (598, "about 10 min"),
        (1000, "about 15 min"),
        (3500, "about 1 h"),
        (20_000, "about 6 h"),
        (300_000, "about 3 d"),
    ],
)
def test_a_time_is_as_exact_as_it_is_known(seconds: float, words: str) -> None:
    assert about(seconds) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (60, 250, "1 to 4 min"),
        (31, 130, "30 s to 2 min"),
        (1, 3, "up to 5 s"),
        (0.5, 2, "at most 5 s"),
        (1, 21, "up to 20 s"),
        (119, 122, "2 min"),
    ],
)
def test_a_range_is_told_in_few_words(low: float, high: float, words: str) -> None:
    assert between(low, high) == words


def test_memory_is_told_where_it_is_known() -> None:
    told = forecast(
        {
            "seconds": {"p10": 60, "p50": 130, "p90": 250},
            "memory_mib": {"p10": 900, "p50": 1900, "p90": 4000},
            "basis": "9 finished jobs",
        }
    )

    assert told
    assert (told.value, told.range) == ("about 2 min", "1 to 4 min; memory about 1.9 GiB")


@pytest.mark.engine
@pytest.mark.slow
def test_calibrate_measures_and_keeps(calibration_file, monkeypatch, capsys) -> None:
    monkeypatch.setattr(measure, "LIMIT_S", 60.0)
    quick = [case for case in cases(quick=True) if case.simulation == "xtb_optimization"]

    call_command("calibrate", quick=True, only="xtb_optimization")

    kept = estimates.calibration()
    assert kept
    assert [run.simulation for run in kept.runs] == ["xtb_optimization"] * len(quick)
    # Which of the two took longer is not asked: on a busy machine either may.
    assert kept.starts["xtb_optimization"].seconds > 0
    assert all(run.seconds > 0 for run in kept.runs)
    assert all(run.memory_mib > 20 for run in kept.runs)
    assert str(calibration_file) in capsys.readouterr().out


def test_calibrate_names_what_there_is(calibration_file) -> None:
    with pytest.raises(CommandError, match=r"no case of 'dft'; expected one of .*docking"):
        call_command("calibrate", only="dft")


def test_a_case_that_takes_too_long_is_ended_and_named(monkeypatch) -> None:
    monkeypatch.setattr(measure, "LIMIT_S", 0.05)

    with pytest.raises(CaseFailed, match=r"could not be measured: it took longer than 0\.05 s"):
        measure.measure(Case("xtb_optimization", {"structure": "CCO"}))


def test_every_case_has_the_size_that_its_law_wants() -> None:
    for case in cases():
        simulation = simulations.get(case.simulation)
        assert simulation.cost
        size = simulation.check(case.params).size
        assert size
        assert simulation.cost.seconds.values(size) is not None, case
        assert simulation.cost.memory.values(size) is not None, case


def test_every_simulation_of_an_engine_has_a_case() -> None:
    with_cost = {sim.name for sim in simulations.all_simulations() if sim.cost}

    assert {case.simulation for case in cases()} == with_cost
    assert {case.simulation for case in cases(quick=True)} == with_cost


def test_an_attempt_is_what_memory_comes_from(succeeded, calibration_file) -> None:
    job = succeeded("CCO", 5.0)

    (known,) = estimates.finished("xtb_optimization")

    assert known.memory_mib == Attempt.objects.get(job=job).peak_memory_mib
    assert known.seconds == pytest.approx(5)


def test_a_case_ends_with_whoever_measures_it() -> None:
    """However that ends: here it is killed."""
    nap = "import time; print('asleep', flush=True); time.sleep(600)"
    code = f"from simulations.calibration import measure; measure._usage('a nap', ['-c', {nap!r}])"
    measuring = psutil.Popen([sys.executable, "-c", code], cwd=measure.ROOT)
    deadline = time.monotonic() + 60
    while len(family := measuring.children(recursive=True)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    measuring.kill()
    measuring.wait()

    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
