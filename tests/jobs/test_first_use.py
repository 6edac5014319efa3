"""What somebody who is new here stumbled over: it is told now, or refused in words that help."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLResolver

from jobs import keys, lifecycle, sse
from jobs.models import Allowance, Job
from jobs.states import Scope

JOBS = "/api/v1/jobs"
JOB = {"simulation": "demo.sum_squares", "params": {"n": 3}}


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def test_notes_are_those_of_the_submission_and_then_of_the_run(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    job = submit()
    read, found = ({"code": code, "message": f"It is {code}."} for code in ("read", "found"))
    Job.objects.filter(pk=job.pk).update(notes=[read], result={"notes": [read, found]})

    one = as_alice.get(f"{JOBS}/{job.pk}").json()
    of_list = as_alice.get(JOBS, {"fields": "notes"}).json()["results"][0]

    assert one["notes"] == of_list["notes"] == [read, found]


def test_a_reused_job_says_what_of_yours_it_has_not(as_alice: Client) -> None:
    first = post(as_alice, JOBS, JOB | {"name": "first", "tags": ["a"]}).json()
    wanted = JOB | {"name": "mine", "tags": ["a"], "purpose": "thesis", "priority": "high"}
    second = post(as_alice, JOBS, wanted).json()

    assert first["reuse"]["not_applied"] == []
    assert second["id"] == first["id"]
    assert second["reuse"]["not_applied"] == ["name", "purpose", "priority"]
    assert '"reuse": false' in second["reuse"]["not_applied_text"]


def test_the_reason_agrees_with_why_it_waits(
    as_alice: Client, alice: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    start(submit())
    Allowance.objects.filter(user=alice).update(max_running=1)
    waits = as_alice.get(f"{JOBS}/{submit(params={'n': 4}).pk}").json()

    assert waits["reason"] == waits["waiting"]["reason"] == "quota"
    assert waits["reason_text"] == waits["waiting"]["text"]


def test_the_catalogue_is_as_small_as_you_like(as_alice: Client) -> None:
    some = as_alice.get("/api/v1/simulations", {"fields": "name,title"}).json()
    one = as_alice.get("/api/v1/simulations", {"name": "demo.sum_squares"}).json()
    same = as_alice.get("/api/v1/simulations/demo.sum_squares").json()
    wrong = as_alice.get("/api/v1/simulations/demo.sum_squres")
    none = as_alice.get("/api/v1/simulations", {"fields": "colour"}).json()

    assert {*some[0]} == {"name", "title"}
    assert len(some) > 1
    assert one == [same]
    assert same["params_schema"]
    assert wrong.status_code == 404
    assert "Did you mean demo.sum_squares" in wrong.json()["detail"]
    assert none["errors"][0]["parameter"] == "fields"


def routes(resolver: URLResolver, prefix: str = "") -> list[str]:
    found = []
    for each in resolver.url_patterns:
        route = prefix + str(each.pattern)
        found += routes(each, route) if isinstance(each, URLResolver) else [route]
    return found


DOORS = sorted(each for each in set(routes(get_resolver())) if each.startswith("api/v1/"))


@pytest.mark.parametrize("route", DOORS)
def test_no_door_ignores_a_query_parameter(route: str, as_alice: Client) -> None:
    path = re.sub(r"<uuid:\w+>", "6f1c2d3e-0a4b-4c5d-8e6f-7a8b9c0d1e2f", route)
    answer = as_alice.get(f"/{path.replace('<str:name>', 'demo.sum_squares')}?zzz=1")

    if answer.status_code != 405:
        assert answer.status_code == 422, answer.content
        assert answer.json()["code"] == "invalid_query"
        assert answer.json()["errors"][0]["parameter"] == "zzz"
        assert "It takes" in answer.json()["detail"]


def test_a_choice_is_refused_with_what_there_is(as_alice: Client) -> None:
    wrong = post(as_alice, "/api/v1/keys", {"name": "a", "scopes": ["write"]}).json()
    left_out = post(as_alice, "/api/v1/keys", {"name": "a"}).json()
    hook = {"url": "https://example.org/", "events": ["job.ended"]}
    event = post(as_alice, "/api/v1/webhooks", hook).json()

    for answer in (wrong, left_out):
        assert all(scope in answer["detail"] for scope in Scope.values)
    assert "job.failed" in event["detail"]


def test_a_day_is_its_midnight(as_alice: Client, submit: Callable[..., Job]) -> None:
    submit()

    assert as_alice.get(JOBS, {"created_after": "2020-01-31"}).json()["results"]
    assert not as_alice.get(JOBS, {"created_before": "2020-01-31Z"}).json()["results"]
    assert as_alice.get(JOBS, {"created_after": "2020-02-31"}).status_code == 422


@pytest.mark.parametrize("below", ["events/stream?after=x", "log?offset=x"])
def test_a_wrong_number_is_of_the_query(
    below: str, as_alice: Client, submit: Callable[..., Job]
) -> None:
    refused = as_alice.get(f"{JOBS}/{submit().pk}/{below}").json()

    assert refused["code"] == "invalid_query"
    assert refused["errors"][0]["parameter"] in {"after", "offset"}


def test_a_stream_ends_with_the_last_event_there_is(submit: Callable[..., Job], alice: Any) -> None:
    job = submit()
    lifecycle.request_cancel(job, by=alice)
    job.refresh_from_db()

    assert job.is_final
    assert f'"seq": {job.last_seq}' in sse.text(job, [], 99).decode()


def test_only_who_may_say_yes_is_offered_it(
    client: Client, alice: Any, submit: Callable[..., Job]
) -> None:
    job = submit()
    Job.objects.filter(pk=job.pk).update(consent="awaited", reason="awaiting_approval")

    def offered(*scopes: Scope) -> set[str]:
        _, text = keys.issue(owner=alice, name="agent", scopes=[*scopes])
        headers = {"Authorization": f"Bearer {text}"}
        told = client.get(f"{JOBS}/{job.pk}/explain", headers=headers).json()
        return {each["operation"] for each in told["actions"]}

    assert offered(Scope.READ) == {"cancel_job"}
    assert offered(Scope.READ, Scope.APPROVE) > {"approve_job", "reject_job"}
