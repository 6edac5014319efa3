"""When a request is repeated, for how long, and when not: without a network and without a clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from backplane import errors
from backplane.flows import batches, jobs
from backplane.wire import (
    Answer,
    Call,
    Deadline,
    Emit,
    NoAnswer,
    Patience,
    Pause,
    asking,
    exchange,
)

from .scripted import Clock, job, patience, played

CALL = Call(method="GET", path="/")
GOOD = Answer(status=200, headers={}, body=b"{}")
LOST = NoAnswer("the connection broke")


def busy(status: int = 503, **headers: str) -> Answer:
    return Answer(status=status, headers=headers, body=b'{"detail": "Busy."}')


@pytest.mark.parametrize("passing", [LOST, *map(busy, (429, 502, 503, 504))])
def test_what_may_pass_is_asked_again(passing: Answer | NoAnswer) -> None:
    clock = Clock()

    steps, answer = played(exchange(CALL, patience(clock)), [passing, passing, GOOD], clock)

    assert answer is GOOD
    assert [type(step) for step in steps] == [Call, Pause, Call, Pause, Call]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 500])
def test_a_no_is_taken_for_an_answer(status: int) -> None:
    with pytest.raises(errors.Refused) as refused:
        played(exchange(CALL, Patience()), [busy(status)])

    assert (refused.value.status, refused.value.detail) == (status, "Busy.")


def test_a_request_that_is_still_worked_on_is_asked_for_again() -> None:
    in_flight = Answer(status=409, headers={}, body=b'{"code": "request_in_flight"}')

    _, answer = played(exchange(CALL, Patience()), [in_flight, GOOD])

    assert answer is GOOD


def test_it_waits_as_long_as_the_site_says() -> None:
    steps, _ = played(exchange(CALL, Patience()), [busy(**{"retry-after": "7"}), GOOD])

    assert steps[1].seconds == 7
    assert steps[1].why == "Busy."


def test_a_date_says_it_too() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)

    steps, _ = played(exchange(CALL, Patience()), [busy(**{"retry-after": at}), GOOD])

    assert 20 < steps[1].seconds <= 30


def test_pauses_grow_up_to_a_limit() -> None:
    clock = Clock()
    asked = exchange(CALL, Patience(total_s=1e9, clock=clock))

    steps, _ = played(asked, [*[LOST] * 12, GOOD], clock)

    pauses = [step.seconds for step in steps if isinstance(step, Pause)]
    assert pauses[0] <= 0.5
    assert all(5 <= pause <= 10 for pause in pauses[-5:])


def test_patience_ends() -> None:
    clock = Clock()

    with pytest.raises(errors.Unreachable, match="the connection broke"):
        played(exchange(CALL, patience(clock)), [LOST] * 100, clock)

    assert 45 < clock.now <= 60


def test_a_quota_that_lasts_longer_than_patience_is_told_at_once() -> None:
    clock = Clock()
    full = busy(429, **{"retry-after": "3600"})

    with pytest.raises(errors.OverQuota) as refused:
        played(exchange(CALL, patience(clock)), [full], clock)

    assert refused.value.retry_after_s == 3600
    assert clock.now == 0


def test_a_page_of_a_proxy_is_no_problem_document() -> None:
    page = Answer(status=404, headers={"content-type": "text/html"}, body=b"<h1>nginx</h1>")

    with pytest.raises(errors.NotFound, match="HTTP 404"):
        played(exchange(CALL, Patience()), [page])


def test_an_answer_that_is_no_json_says_what_it_is() -> None:
    page = Answer(status=200, headers={"content-type": "text/html"}, body=b"<h1>hotel</h1>")

    with pytest.raises(errors.UnexpectedAnswer, match="is it a backplane"):
        page.json()


def told(state: str, *, waited: bool, **headers: str) -> Answer:
    if waited:
        headers["preference-applied"] = "wait=50"
    return Answer(status=200, headers=headers, body=json.dumps(job(state=state)).encode())


def test_a_wait_is_one_long_request_after_another() -> None:
    clock = Clock()
    flow = jobs.wait(asking(patience(clock)), "1", Deadline.after(None, clock))

    steps, found = played(flow, [told("running", waited=True), told("succeeded", waited=True)])

    assert [step.headers["Prefer"] for step in steps] == ["wait=50", "wait=50"]
    assert found["state"] == "succeeded"


def test_a_site_that_does_not_hold_back_is_asked_as_often_as_it_says() -> None:
    clock = Clock()
    flow = jobs.wait(asking(patience(clock)), "1", Deadline.after(None, clock))
    running = told("running", waited=False, **{"retry-after": "11"})

    steps, _ = played(flow, [running, told("succeeded", waited=False)])

    assert [step.seconds for step in steps if isinstance(step, Pause)] == [11]


def test_a_wait_asks_for_no_more_than_is_left() -> None:
    clock = Clock()
    flow = jobs.wait(asking(patience(clock)), "1", Deadline.after(3, clock))
    running = told("running", waited=False, **{"retry-after": "11"})

    with pytest.raises(errors.WaitTimeout, match="goes on; 3 s"):
        played(flow, [running] * 5, clock)

    assert clock.now == 3


def test_many_are_watched_by_a_few_requests() -> None:
    ids = [f"job-{n}" for n in range(250)]
    clock = Clock()
    flow = jobs.watch_all(asking(patience(clock)), ids, Deadline.after(None, clock))
    pages = [
        Answer(
            status=200,
            headers={},
            body=json.dumps(
                {"results": [job(id=each, state="succeeded") for each in some]}
            ).encode(),
        )
        for some in (ids[:100], ids[100:200], ids[200:])
    ]

    steps, _ = played(flow, [*pages, *[GOOD] * 250])

    assert sum(isinstance(step, Call) for step in steps) == 3


def page(*states: str, **headers: str) -> Answer:
    seqs = {"running": 1, "succeeded": 2}
    told = [job(id=f"job-{n}", state=each, last_seq=seqs[each]) for n, each in enumerate(states)]
    return Answer(status=200, headers=headers, body=json.dumps({"results": told}).encode())


def test_the_first_end_among_many_is_waited_for() -> None:
    clock = Clock()
    flow = jobs.as_completed(asking(patience(clock)), ["job-0", "job-1"], Deadline.after(70, clock))
    waited = {"preference-applied": "wait=50"}
    replies = [
        page("running", "running"),
        page("running", "succeeded", **waited),
        page("running", "succeeded"),
        page("succeeded", **waited),
        page("succeeded"),
    ]

    steps, _ = played(flow, [*replies[:3], GOOD, *replies[3:], GOOD])

    calls = [step for step in steps if isinstance(step, Call)]
    assert [each.headers.get("Prefer") for each in calls] == [
        None, "wait=50", None, "wait=50", None,
    ]  # fmt: skip
    assert calls[1].query["ids"] == "job-0,job-1"
    assert calls[3].query["ids"] == "job-0"
    assert [step.value["id"] for step in steps if isinstance(step, Emit)] == ["job-1", "job-0"]


def test_a_batch_is_watched_by_one_long_request_after_another() -> None:
    clock = Clock()
    flow = batches.watch(asking(patience(clock)), "b1", Deadline.after(None, clock))

    def told(state: str, tag: str, status: int = 200) -> Answer:
        headers = {"etag": tag, "preference-applied": "wait=50"}
        return Answer(status=status, headers=headers, body=json.dumps({"state": state}).encode())

    replies = [told("running", "1"), told("running", "1", 304), told("finished", "2")]
    steps, _ = played(flow, [replies[0], GOOD, *replies[1:], GOOD])

    calls = [step for step in steps if isinstance(step, Call)]
    assert [each.headers.get("If-None-Match") for each in calls] == [None, "1", "1"]
    assert [each.headers.get("Prefer") for each in calls] == [None, "wait=50", "wait=50"]
    assert [step.value["state"] for step in steps if isinstance(step, Emit)] == [
        "running", "finished",
    ]  # fmt: skip
