"""What the benchmarks ask is what a site takes: their figures stand for something."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.test import Client

from bench import (
    campaigns,
    contests,
    copies,
    curves,
    floor,
    lists,
    others,
    side_by_side,
    timeline,
)
from bench.peers import installed, timing
from bench.peers.floor import site as floor_site
from jobs.key_models import InboxItem
from jobs.models import Attempt, Job, JobEvent


@pytest.mark.parametrize("kind", campaigns.KINDS)
def test_each_campaign_that_is_timed_is_accepted(
    kind: Callable[[int], campaigns.Body], client: Client, alice: Any
) -> None:
    client.force_login(alice)

    answer = client.post("/api/v1/batches", kind(100), "application/json")

    assert answer.status_code == 202, answer.content[:2000]
    assert answer.json()["counts"]["queued"] == 100


def test_a_table_grows_by_copies_of_the_jobs_it_has(db: None) -> None:
    owner = lists.few()
    before = Job.objects.filter(owner=owner).count()

    lists.grow(2 * before)

    after = Job.objects.filter(owner=owner)
    assert after.count() == 3 * before
    assert after.filter(state="failed").count() == 3 * before // 5
    assert after.values("id").distinct().count() == 3 * before
    newest = after.newest_first()[0]
    assert after.exclude(pk=newest.pk).filter(created_at__gt=newest.created_at).count() == 0


def test_copies_of_a_job_have_all_that_is_its(db: None) -> None:
    lists.few()
    first, second = Job.objects.newest_first()[:2]

    shown = copies.Copies([first.pk, second.pk]).grow(10, first.pk)

    copy = Job.objects.get(pk=shown[0])
    assert (copy.params, copy.result, copy.last_seq) == (first.params, first.result, first.last_seq)
    assert copy.fingerprint not in {"", first.fingerprint}
    assert copy.finished_at is not None
    assert copy.finished_at < first.created_at
    told = [(event.seq, event.kind, event.data) for event in copy.events.order_by("seq")]
    assert told == [(e.seq, e.kind, e.data) for e in first.events.order_by("seq")]
    assert copy.attempts.get().outcome == first.attempts.get().outcome
    item = InboxItem.objects.get(job=copy)
    assert (item.kind, item.event.job_id) == (str(copy.state), copy.pk)
    assert Attempt.objects.count() == Job.objects.count() == lists.FEW + 10
    assert not JobEvent.objects.exclude(job__in=Job.objects.all()).exists()


def test_jobs_of_many_events_are_copied_as_often_as_brings_the_average() -> None:
    events = {"short": 4, "shorter": 2, "long": 60}

    found = copies.places(events, 20)

    assert len(found) == copies.PLACES
    assert {*found} == {*events}
    average = sum(events[job] for job in found) / len(found)
    assert average == pytest.approx(20, rel=0.02)


@pytest.mark.parametrize("curve", curves.CURVES, ids=lambda curve: curve.name)
def test_the_curves_in_the_docs_are_what_was_measured(curve: curves.Curve) -> None:
    text = (curves.FOLDER / f"{curve.name}.svg").read_text()

    assert text == curves.drawn(curve)
    assert len(text) < curves.MOST_BYTES
    assert "currentColor" in text


def test_a_peer_that_is_not_installed_is_named_as_such(tmp_path: Path) -> None:
    wanted = {each.name: each.python(tmp_path) for each in (contests.HERE, *contests.PEERS)}

    told = list(others.circumstances(1, 2, [0.5], wanted))

    assert wanted == {
        "here": sys.executable, "rq": sys.executable, "prefect": None, "snowflake": None,
        "aiida": None,
    }  # fmt: skip
    missing = [line for line in told if "is not installed here" in line]
    assert [line.split()[0] for line in missing] == ["Prefect", "QCFractal", "AiiDA"]


def test_a_peer_of_other_versions_is_not_the_one_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / installed.MARK).write_text('["prefect==3.0.0"]')

    assert installed.python_of(tmp_path, ["prefect==3.9.1"]) is None
    assert installed.python_of(tmp_path, ["prefect==3.0.0"]) == str(tmp_path / "bin" / "python")


def test_beside_a_peer_above_one_means_better_here() -> None:
    slow = dict.fromkeys(others.QUESTIONS, 2.0)
    fast = {name: 1.0 if name in others.LESS_IS_BETTER else 4.0 for name in others.QUESTIONS}

    assert {others.ratio(name, fast, slow) for name in others.QUESTIONS} == {2.0}
    (row,) = [
        row
        for row in others.table([{"here": fast, "rq": slow}, {"here": slow, "rq": slow}])
        if row.startswith(f"| {others.RESULT} ")
    ]
    assert row == f"| {others.RESULT} | RQ | 1.5 | 2 | 1.5 | 1 to 2 |"


def test_whoever_computes_something_else_is_not_compared() -> None:
    same = [contests.Turn({}, -39.631859), contests.Turn({}, -39.631860)]

    contests.insist_on_the_same(same)
    with pytest.raises(AssertionError, match="not the same calculation"):
        contests.insist_on_the_same([*same, contests.Turn({}, -39.6320)])


class _Shelf:
    """A queue whose jobs are done once they are asked for."""

    def send(self, job: str) -> str:
        return job

    def send_many(self, job: str, n: int) -> list[str]:
        return [job] * n

    def results(self, sent: list[str]) -> list[float]:
        return [float(len(job)) for job in sent]


class _OneByOne(_Shelf):
    send_many = NotImplemented


@pytest.mark.parametrize(("client", "has_a_call"), [(_Shelf(), True), (_OneByOne(), False)])
def test_a_queue_without_a_call_for_many_gets_them_one_by_one(
    client: Any, has_a_call: bool
) -> None:
    told = timing.at_once(client, timing.NOTHING, 3)

    assert told.at_once is has_a_call
    assert told.found == [7.0]
    assert 0 <= told.sent_s <= told.seconds


@pytest.mark.slow
@pytest.mark.stack
def test_plain_rq_is_asked_the_same_and_finds_the_same() -> None:
    ((figures, load),) = others.measured(1, 2, dict.fromkeys(("here", "rq"), sys.executable))

    assert load >= 0
    assert {*figures} == {"here", "rq"}
    for found in figures.values():
        assert {*found} == {*others.QUESTIONS}
        assert all(figure > 0 for figure in found.values())
    assert len(list(others.table([figures]))) == 2 + len(others.QUESTIONS)


@pytest.mark.slow
@pytest.mark.stack
@pytest.mark.timed
def test_beside_its_peer_it_is_not_half_as_fast_as_it_was() -> None:
    """By ratios of processor time for one answer, taken one after the other."""
    before = side_by_side.recorded()
    short = [each for each in side_by_side.QUESTIONS if each.title in side_by_side.GUARDED]

    measured = side_by_side.measured(1, 1.5, 1, short)

    found = {title: side_by_side.of_processor(rounds) for title, rounds in measured.items()}
    assert found.keys() == before.keys() == {*side_by_side.GUARDED}
    assert all(found[title] > before[title] / 2 for title in found), (found, before)


@pytest.mark.slow
@pytest.mark.stack
def test_the_parts_of_this_site_are_asked_what_its_peer_is() -> None:
    submitted, run = floor.measured(1, 0.5, 4)

    assert {*submitted[0]} == {
        floor.PEER,
        *(f"{server} | {title}" for server in floor.SERVERS for title in floor.VIEWS.values()),
    }
    assert {*run[0]} == {floor.PEER, *floor.DRAINS}
    assert all(figure.value > 0 for told in (*submitted, *run) for figure in told.values())
    assert len([*floor.submit_table(submitted)]) == 2 + len(floor.SERVERS) * len(floor.VIEWS)
    assert len([*floor.drain_table(run)]) == 2 + len(floor.DRAINS)


@pytest.mark.stack
def test_workers_end_with_the_first_job_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floor_site, "create_table", lambda path: None)  # nothing can be kept
    before = {*psutil.Process().children()}

    with (
        pytest.raises(AssertionError, match="no such table"),
        floor_site.working(tmp_path / "parts", "SimpleWorker", "kept", 2),
    ):
        raise RuntimeError("they are at work")

    assert {*psutil.Process().children()} <= before


def test_where_the_seconds_of_a_job_went_adds_up_to_all_of_them() -> None:
    job = {"started_at": "2026-11-29T15:00:00Z", "finished_at": "2026-11-29T15:00:50Z"}
    record = {"started_at": "2026-11-29T15:00:01Z", "ended_at": "2026-11-29T15:00:49.5Z"}
    events = [
        {"stage": "", "at": "2026-11-29T15:00:00Z"},
        {"stage": "prepare", "at": "2026-11-29T15:00:01.4Z"},
        {"stage": "scf", "at": "2026-11-29T15:00:03Z"},
        {"stage": "scf", "at": "2026-11-29T15:00:30Z"},
        {"stage": "properties", "at": "2026-11-29T15:00:47Z"},
    ]

    parts = list(timeline.timeline(job, events, record))

    assert parts == [
        ("begin", 1.0), ("prepare", 2.0), ("scf", 44.0), ("properties", 2.5), ("end", 0.5),
    ]  # fmt: skip
