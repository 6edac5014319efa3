"""What a stranger writes can hurt the process that reads it, and that process alone."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import simulations
from simulations import bounded
from simulations.reader import Crashed, Defect, Reader, Starved, TimedOut
from tests.stack import Stack, quickest, until

from .hostile import DEADLY, HOSTILE, UNENDING

DFT = "dft_single_point"


@pytest.fixture
def reader() -> Iterator[Reader]:
    running = Reader()
    yield running
    running.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader computes is judged, however long a busy machine takes to let it."""
    monkeypatch.setattr("simulations.reader.ON_A_BUSY_MACHINE", 60)


@pytest.mark.parametrize("case", [each for each in HOSTILE if each != "unending"])
def test_a_hostile_structure_is_refused_in_time_and_by_its_field(case: str) -> None:
    refusal: Exception = simulations.Busy()

    while isinstance(refusal, simulations.Busy):  # is to be asked again, and says so
        began = time.monotonic()
        with pytest.raises((simulations.InvalidParams, simulations.Busy)) as told:
            bounded.check(simulations.find(DFT), {"structure": HOSTILE[case]})
        refusal = told.value
        # Another reader may have to be started first.
        assert time.monotonic() - began < 4 * bounded.TIMEOUT_S + 20

    assert isinstance(refusal, simulations.InvalidParams)
    assert {error.path[:1] for error in refusal.errors} <= {("structure",), ("basis",)}


def test_one_alone_that_takes_too_much_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    n_read = 0

    def takes_too_long(*args: Any, **kwargs: Any) -> Any:
        nonlocal n_read
        n_read += 1
        raise TimedOut("it took longer than 5 s to read")

    monkeypatch.setattr(Reader, "check_each", takes_too_long)
    monkeypatch.setattr(Reader, "check", takes_too_long)
    effort = bounded.Effort()

    (refusal,) = bounded.check_each(simulations.find(DFT), [{"structure": "C"}], effort)

    assert isinstance(refusal, simulations.InvalidParams)
    assert [(error.path, error.code) for error in refusal.errors] == [
        (("structure",), "too_hard_to_read")
    ]
    assert n_read == 1
    assert effort.computed_s == bounded.TIMEOUT_S


def test_a_parser_that_takes_too_long_is_ended_and_the_field_told(
    patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "TIMEOUT_S", 1.0)

    with pytest.raises(simulations.InvalidParams) as refusal:
        bounded.check(simulations.find(DFT), {"structure": UNENDING, "charge": 0})

    (error,) = refusal.value.errors
    assert (error.path, error.code) == (("structure",), "too_hard_to_read")
    assert "longer than the 1 s" in error.detail


def test_what_hurts_a_reader_counts_for_more_than_it_computed(patient: None) -> None:
    effort = bounded.Effort()
    params = [{"structure": "O"}, {"structure": DEADLY}]

    water, deadly = bounded.check_each(simulations.find(DFT), params, effort)

    assert isinstance(water, simulations.Checked)
    assert isinstance(deadly, simulations.InvalidParams)
    assert effort.computed_s > bounded.TIMEOUT_S


def test_a_parser_that_dies_is_replaced(patient: None) -> None:
    dft = simulations.find(DFT)

    with pytest.raises(simulations.InvalidParams, match="brings the parser down"):
        bounded.check(dft, {"structure": DEADLY})

    for _ in range(2 * bounded.READERS):
        assert bounded.check(dft, {"structure": "O"}).structure["formula"] == "H2O"  # type: ignore[index]


def test_what_is_checked_elsewhere_is_what_is_checked_here() -> None:
    dft = simulations.find(DFT)
    params = {"structure": "C[C@H](O)C(F)(Cl)Br", "basis": "def2-svp"}

    assert bounded.check(dft, params) == dft.check(params)


def test_errors_come_across_whole() -> None:
    dft = simulations.find(DFT)
    wrong: dict[str, Any] = {"structure": "C", "multiplicity": 2, "charge": 0}
    with pytest.raises(simulations.InvalidParams) as here:
        dft.check(wrong)

    with pytest.raises(simulations.InvalidParams) as there:
        bounded.check(dft, wrong)

    assert there.value.errors == here.value.errors


def test_a_defect_of_ours_is_no_fault_of_the_user(reader: Reader) -> None:
    with pytest.raises(Defect, match="no_such_simulation"):
        reader.check("no_such_simulation", {}, 5)

    assert reader.check(DFT, {"structure": "O"}, 5).structure


def test_the_memory_of_a_reader_is_limited(reader: Reader) -> None:
    reader.check(DFT, {"structure": "O"}, 5)
    limits = _limits_of(reader)

    assert limits["Max address space"] == str(2 << 30)
    assert limits["Max core file size"] == "0"
    assert int(limits["Max cpu time"]) < 30


def test_a_reader_that_its_parent_leaves_behind_ends(reader: Reader) -> None:
    reader.check(DFT, {"structure": "O"}, 5)
    assert reader._process.stdin

    reader._process.stdin.close()

    assert reader._process.wait(10) == 0
    reader._process.stdin = open(os.devnull, "wb")  # noqa: PTH123, SIM115


def test_a_question_to_a_reader_that_died_meanwhile_is_a_crash(reader: Reader) -> None:
    reader.check(DFT, {"structure": "O"}, 5)
    reader._process.kill()
    reader._process.wait()

    assert not reader.is_well
    with pytest.raises(Crashed):
        reader.check(DFT, {"structure": "O" * 100_000}, 5)


def test_when_every_reader_is_busy_one_is_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded, "PATIENCE_S", 0.05)
    pool = bounded.Pool(0)

    with pytest.raises(simulations.Busy, match="Try again"):
        pool.take()


def test_a_timeout_kills_at_once(reader: Reader) -> None:
    reader.check(DFT, {"structure": "O"}, 5)

    # By the clock, should the machine have had no time for it.
    with pytest.raises((TimedOut, Starved)):
        reader.check(DFT, {"structure": UNENDING}, 0.2)

    assert not reader.is_well


def test_a_machine_without_time_is_not_the_fault_of_the_input(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that gets no processor, as on one that a hundred others share."""
    reader.check(DFT, {"structure": "O"}, 5)
    reader._process.send_signal(signal.SIGSTOP)
    pool = bounded.Pool(0)
    pool.give_back(reader)
    monkeypatch.setattr(bounded, "_pool", pool)
    monkeypatch.setattr(bounded, "TIMEOUT_S", 0.1)

    with pytest.raises(simulations.Busy, match="too busy"):
        bounded.check(simulations.find(DFT), {"structure": "O"})

    monkeypatch.setattr(bounded, "TIMEOUT_S", 60.0)
    assert bounded.check(simulations.find(DFT), {"structure": "O"}).structure
    pool.close()


def test_a_fork_has_readers_of_its_own() -> None:
    bounded.start()
    parents = bounded._pool
    theirs, ours = os.pipe()

    if (child := os.fork()) == 0:
        os.write(ours, b"none" if bounded._pool is None else b"the parent's")
        os._exit(0)

    os.waitpid(child, 0)
    assert os.read(theirs, 20) == b"none"
    assert bounded._pool is parents
    os.close(theirs)
    os.close(ours)


def longest_wait_s(stack: Stack) -> float:
    """For an answer of any other kind while four of these are read."""
    done = threading.Event()
    waits: list[float] = []

    def watch() -> None:
        while not done.is_set():
            began = time.monotonic()
            assert stack.client.get("/healthz").status_code == 200
            waits.append(time.monotonic() - began)

    def post(text: str) -> Any:
        body = {"simulation": DFT, "params": {"structure": text}}
        answer = stack.client.post("/api/v1/jobs", json=body, timeout=60)
        return post(text) if answer.status_code == 503 else answer

    with ThreadPoolExecutor(5) as threads:
        watching = threads.submit(watch)
        answers = list(threads.map(post, [UNENDING, DEADLY, UNENDING, "C" * 900_000]))
        done.set()
        watching.result()

    assert [answer.status_code for answer in answers] == [422, 422, 422, 422]
    assert all("structure" in answer.json()["errors"][0]["pointer"] for answer in answers)
    assert len(waits) > 10
    return max(waits)


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.timed
def test_the_site_answers_while_hostile_structures_are_read(stack: Stack) -> None:
    """Four at once hold every reader; nobody else notices, and each is told its fault."""
    stack.submit(DFT, structure="O", basis="sto-3g")

    assert quickest(lambda: longest_wait_s(stack), 1) < 1
    until(lambda: stack.submit(DFT, structure="O", basis="sto-3g"), "an honest job is accepted")


def _limits_of(reader: Reader) -> dict[str, str]:
    found = {}
    for line in Path(f"/proc/{reader._process.pid}/limits").read_text().splitlines()[1:]:
        found[line[:25].strip()] = line[25:].split()[0]
    return found
