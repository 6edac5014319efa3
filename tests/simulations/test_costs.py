"""The fit of a law to runs: does it find a law that is known, and say how sure it is?"""

import math
import random
from pathlib import Path
from typing import Any

import pytest

import simulations
from simulations.calibration.cases import Case, cases
from simulations.calibration.measure import calibrate, measure
from simulations.costs import Calibration, Cost, Finished, Measured, estimate
from simulations.costs.calibration import Unusable, read
from simulations.costs.fit import Run, predict
from simulations.costs.law import Term, law, switch
from simulations.costs.remaining import remaining_s

LAW = law(0.3, Term("n", 2.0, 0.4), switch("hybrid", 0.0, 0.5))
COST = Cost(size=lambda params, structure: None, seconds=LAW, memory=law(0.3, Term("n", 1, 0.4)))


def true_cost(n: float, hybrid: bool) -> float:
    """Cubic, not quadratic as the law guesses; hybrids take twice as long."""
    return float(1e-3 * n**3 * (2 if hybrid else 1))


def runs(count: int, noise: float, seed: int = 1) -> list[Run]:
    dice = random.Random(seed)
    found = []
    for _ in range(count):
        n, hybrid = dice.uniform(5, 50), dice.random() < 0.5
        cost = true_cost(n, hybrid) * math.exp(dice.gauss(0, noise))
        found.append(Run(size={"n": n, "hybrid": hybrid}, cost=cost))
    return found


def calibration(*measured: tuple[float, float], start_s: float = 0.0) -> Calibration:
    return Calibration(
        date="2026-11-23",
        host="bench",
        cpu="a processor",
        versions={},
        starts={"it": {"seconds": start_s, "memory_mib": 0}},
        runs=[
            Measured(
                simulation="it",
                size={"n": n, "hybrid": False},
                seconds=seconds,
                wall_seconds=seconds,
                memory_mib=100 * n,
            )
            for n, seconds in measured
        ],
    )


def job(n: float, seconds: float, **more: Any) -> Finished:
    return Finished(size={"n": n, "hybrid": False, **more}, seconds=seconds, memory_mib=None)


@pytest.mark.parametrize(("n", "hybrid"), [(20, False), (20, True), (100, True)])
def test_the_law_behind_exact_runs_is_found(n: float, hybrid: bool) -> None:
    found = predict(LAW, runs(40, noise=0.0), {"n": n, "hybrid": hybrid})

    assert found
    assert found.p50 == pytest.approx(true_cost(n, hybrid), rel=0.15)


def test_the_range_holds_what_it_claims_to() -> None:
    """80 % between p10 and p90, over runs that differ by 30 % for no reason."""
    held = 0
    for seed in range(300):
        *known, unseen = runs(13, noise=0.3, seed=seed)
        found = predict(LAW, known, unseen.size)
        assert found
        held += found.p10 <= unseen.cost <= found.p90

    assert 0.74 <= held / 300 <= 0.92


def test_far_from_what_was_measured_the_range_is_wider() -> None:
    near, far = (predict(LAW, runs(10, 0.2), {"n": n, "hybrid": False}) for n in (25.0, 2500.0))

    assert near
    assert far
    assert far.p90 / far.p10 > 1.5 * near.p90 / near.p10


def test_a_few_runs_rest_on_the_law_that_is_assumed() -> None:
    two = [Run(size={"n": n, "hybrid": False}, cost=n**2) for n in (10, 11)]

    found = predict(LAW, two, {"n": 40, "hybrid": False})

    assert found
    assert found.p50 == pytest.approx(1600, rel=0.05)
    assert found.p10 < 1600 / 1.5


def test_the_start_of_a_process_does_not_grow_with_the_size() -> None:
    known = [Run(size={"n": n, "hybrid": False}, cost=5 + 0.01 * n**2) for n in (5, 10, 20, 40)]

    small, large = (predict(LAW, known, {"n": n, "hybrid": False}, fixed=5.0) for n in (1.0, 80.0))

    assert small
    assert large
    assert small.p50 == pytest.approx(5.01, rel=0.1)
    assert large.p50 == pytest.approx(69, rel=0.1)


def test_a_start_that_is_longer_than_a_whole_run_is_not_believed() -> None:
    known = [Run(size={"n": n, "hybrid": False}, cost=1.0) for n in (5, 10, 20)]

    found = predict(LAW, known, {"n": 10, "hybrid": False}, fixed=60.0)

    assert found
    assert 0.9 < found.p50 < 1.5


def test_without_a_run_there_is_no_prediction() -> None:
    assert predict(LAW, [], {"n": 10, "hybrid": False}) is None


def test_without_a_figure_of_the_size_there_is_no_prediction() -> None:
    assert predict(LAW, runs(20, 0.1), {"n": None, "hybrid": False}) is None


def test_with_no_basis_the_size_is_still_told() -> None:
    size = {"n": 10, "hybrid": False}

    found = estimate(COST, "it", size, None, [job(10, 3.0)] * 7)

    assert found == {"size": size, "seconds": None, "memory_mib": None, "basis": None}


def test_a_size_that_lacks_a_figure_has_no_basis() -> None:
    found = estimate(COST, "it", {"n": None, "hybrid": False}, calibration((10, 10), (15, 22)), [])

    assert (found["seconds"], found["memory_mib"], found["basis"]) == (None, None, None)


def test_eight_finished_jobs_are_a_basis_without_a_calibration() -> None:
    found = estimate(
        COST, "it", {"n": 10, "hybrid": False}, None, [job(n, 0.1 * n**2) for n in range(5, 13)]
    )

    assert found["basis"] == "8 finished jobs"
    assert found["seconds"]["p50"] == pytest.approx(10, rel=0.1)
    assert found["memory_mib"] is None


def test_a_calibration_is_a_basis_by_itself() -> None:
    found = estimate(COST, "it", {"n": 20, "hybrid": False}, calibration((10, 10), (15, 22)), [])

    assert found["basis"] == "calibration of 2026-11-23 on bench"
    assert found["seconds"]["p10"] < 40 < found["seconds"]["p90"]
    assert found["memory_mib"]["p10"] < 2000 < found["memory_mib"]["p90"]


def test_finished_jobs_correct_a_calibration_and_narrow_the_range() -> None:
    """The machine is slower in its daily work than it was when it was measured."""
    measured = calibration((10, 10), (15, 22), (20, 40))
    size = {"n": 20, "hybrid": False}
    jobs = [job(n, 0.2 * n**2) for n in (8, 10, 12, 14, 16, 18, 20, 22, 24, 26)]

    before = estimate(COST, "it", size, measured, [])["seconds"]
    after = estimate(COST, "it", size, measured, jobs)["seconds"]

    assert before["p50"] == pytest.approx(40, rel=0.1)
    assert after["p50"] == pytest.approx(80, rel=0.15)
    assert after["p90"] / after["p10"] < before["p90"] / before["p10"]


def test_what_threads_save_is_learned_from_the_jobs() -> None:
    jobs = [
        Finished(size={"n": n, "hybrid": False}, seconds=n**2 / m, memory_mib=None, threads=m)
        for n in (10, 14, 20, 28)
        for m in (1, 2, 4)
    ]

    one, four = (
        estimate(COST, "it", {"n": 20, "hybrid": False}, None, jobs, threads)["seconds"]["p50"]
        for threads in (1, 4)
    )

    assert 3 < one / four < 4.2


def test_runs_of_another_kind_are_no_basis() -> None:
    jobs = [job(10, 3.0, kind="vacuum")] * 20

    found = estimate(COST, "it", {"n": 10, "hybrid": False, "kind": "explicit"}, None, jobs)

    assert found["seconds"] is None


def test_jobs_whose_size_an_older_version_told_are_left_out() -> None:
    jobs = [Finished(size={"atoms": 10}, seconds=3.0, memory_mib=None)] * 20

    assert estimate(COST, "it", {"n": 10, "hybrid": False}, None, jobs)["basis"] is None


def test_a_calibration_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "calibration.json"
    written = calibration((10, 10))

    written.write(path)

    assert read(path) == written


def test_a_machine_that_was_never_calibrated_has_none(tmp_path: Path) -> None:
    assert read(tmp_path / "calibration.json") is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"runs": 3}'])
def test_a_damaged_file_is_told_of(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)

    with pytest.raises(Unusable, match=r"calibration\.json is no calibration"):
        read(path)


def test_measuring_one_simulation_anew_keeps_the_others() -> None:
    older = calibration((10, 10))
    newer = calibration((20, 40))
    other = newer.model_copy(
        update={"runs": [run.model_copy(update={"simulation": "other"}) for run in newer.runs]}
    )

    assert [run.size["n"] for run in newer.with_others_of(older).runs] == [20]
    assert [run.simulation for run in other.with_others_of(older).runs] == ["it", "other"]


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("xtb_optimization", {"structure": "Cn1cnc2c1c(=O)n(C)c(=O)n2C"}),
        ("dft_single_point", {"structure": "CC=O"}),
    ],
)
def test_a_calibration_predicts_a_run_that_was_not_in_it(name: str, params: dict[str, Any]) -> None:
    """Within a factor of two and a half, of both the processor's time and the memory."""
    sim = simulations.get(name)
    assert sim.cost
    chosen = [case for case in cases(quick=True) if case.simulation == name]
    measured, failed = calibrate(chosen, tell=lambda line: None)
    unseen = measure(Case(name, params))

    found = estimate(sim.cost, name, unseen.size, measured, [])

    assert failed == []
    assert 1 / 2.5 < found["seconds"]["p50"] / unseen.seconds < 2.5
    assert 1 / 2.5 < found["memory_mib"]["p50"] / unseen.memory_mib < 2.5


# --- what is left of a run that has begun ----------------------------------------------------

LOG_NORMAL = {"p10": math.exp(-1.2815516), "p50": 1.0, "p90": math.exp(1.2815516)}


@pytest.mark.parametrize("ran", [0.2, 1.0, 3.0])
def test_what_is_left_is_that_of_the_runs_that_took_as_long(ran: float) -> None:
    """Against a hundred thousand runs of the same distribution, counted."""
    dice = random.Random(7)
    took = sorted(t for _ in range(100_000) if (t := math.exp(dice.gauss(0, 1))) > ran)
    counted = {f"p{share}": took[len(took) * share // 100] - ran for share in (10, 50, 90)}

    assert remaining_s(LOG_NORMAL, ran) == pytest.approx(counted, rel=0.05)


def test_of_a_run_that_outran_its_estimate_nothing_is_known() -> None:
    assert remaining_s(LOG_NORMAL, 3.7) is None


def test_a_run_that_has_not_begun_has_all_of_it_left() -> None:
    assert remaining_s(LOG_NORMAL, 0) == LOG_NORMAL


def test_a_time_that_is_known_exactly_leaves_the_rest_of_it() -> None:
    left = remaining_s({"p10": 10, "p50": 10, "p90": 10}, 4)

    assert left == pytest.approx({"p10": 6, "p50": 6, "p90": 6}, abs=1e-3)
