"""Keys: what one opens and what not, who is told, and who may make which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.urls.resolvers import URLResolver
from django.utils import timezone

from jobs import keys, lifecycle
from jobs.api.keyring import scope_for
from jobs.key_models import ApiKey, Follower
from jobs.models import IdempotencyKey, Job
from jobs.states import JobState, Scope

pytestmark = pytest.mark.django_db

JOBS = "/api/v1/jobs"
KEYS = "/api/v1/keys"
BODY = {"simulation": "demo.sum_squares", "params": {"n": 3}, "reuse": False}
USUAL = (Scope.READ, Scope.SUBMIT, Scope.CANCEL)

Agent = Callable[..., tuple[Client, ApiKey]]


@pytest.fixture
def agent(alice: Any) -> Agent:
    """A client that sends a new key of alice's, and that key."""

    def agent(*scopes: Scope, owner: Any = alice, **options: Any) -> tuple[Client, ApiKey]:
        key, text = keys.issue(owner=owner, scopes=scopes or USUAL, **{"name": "crawler"} | options)
        return bearer(text), key

    return agent


def bearer(text: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {text}"})


def post(client: Client, path: str, body: Any = None, **kwargs: Any) -> Any:
    return client.post(path, body or {}, "application/json", **kwargs)


def test_a_key_acts_for_its_owner(agent: Agent, alice: Any) -> None:
    client, key = agent()

    answer = post(client, JOBS, BODY | {"purpose": "screening"})

    assert answer.status_code == 202
    job = Job.objects.get()
    assert (job.owner, job.key, job.agent, job.purpose) == (alice, key, "crawler", "screening")
    assert answer.json()["key"] == key.prefix


@pytest.mark.parametrize(("said", "kept"), [("", "the April set"), ("a test", "a test")])
def test_a_job_is_for_what_its_key_is_for_unless_it_says_so_itself(
    agent: Agent, said: str, kept: str
) -> None:
    client, _ = agent(purpose="the April set")

    post(client, JOBS, BODY | {"purpose": said})

    job = Job.objects.get()
    assert job.purpose == kept
    assert job.events.get(kind="submitted").data["purpose"] == kept


def test_every_event_says_who_sent_the_job_and_what_for(
    agent: Agent, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    client, key = agent()
    job = start(submit(origin=keys.Origin(key=key, agent="crawler", purpose="screening")))
    lifecycle.succeed(job, 1, {"total": 14})

    told = client.get(f"{JOBS}/{job.pk}/events").json()["events"]
    unread = client.get("/api/v1/events").json()["events"]
    stream = client.get(f"{JOBS}/{job.pk}/events/stream").getvalue().decode()

    assert [each["kind"] for each in told] == ["submitted", "started", "succeeded"]
    assert [each["kind"] for each in unread] == ["succeeded"]
    assert {(each["agent"], each["purpose"]) for each in [*told, *unread]} == {
        ("crawler", "screening")
    }
    assert stream.count('"agent": "crawler", "purpose": "screening"') == 3


def test_what_is_kept_of_a_key_opens_nothing(alice: Any) -> None:
    key, text = keys.issue(owner=alice, name="a", scopes=USUAL)
    row = ApiKey.objects.filter(pk=key.pk).values().get()

    assert text.startswith(f"{key.prefix}_")
    assert text not in str(row)
    assert text.removeprefix(f"{key.prefix}_") not in str(row)
    assert bearer(f"{key.prefix}_{key.secret_sha256[:43]}").get(JOBS).status_code == 401


@pytest.mark.parametrize(
    "text", ["", "x", "bp_00000000_" + "a" * 43, "bp_\x00", "é" * 50, "bp_00000000_" + "a" * 900]
)
def test_what_is_no_key_is_told_so(text: str) -> None:
    answer = bearer(text).get(JOBS)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith('Bearer realm="backplane"')
    assert answer.json()["code"] == "authentication_failed"


def test_a_right_prefix_with_a_wrong_secret_is_no_key(alice: Any) -> None:
    _, text = keys.issue(owner=alice, name="a", scopes=USUAL)

    assert bearer(text[:-1] + ("a" if text[-1] != "a" else "b")).get(JOBS).status_code == 401


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "expired"),
        ({"revoked_at": timezone.now()}, "revoked"),
    ],
)
def test_a_key_that_ended_opens_nothing_and_says_why(
    agent: Agent, change: dict[str, Any], told: str
) -> None:
    client, key = agent()
    ApiKey.objects.filter(pk=key.pk).update(**change)

    answer = client.get(JOBS)

    assert answer.status_code == 401
    assert told in answer.json()["detail"]


def test_a_key_of_somebody_who_left_opens_nothing(agent: Agent, alice: Any) -> None:
    client, _ = agent()
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)

    assert client.get(JOBS).status_code == 401


def test_a_wrong_key_is_not_saved_by_being_local(settings: Any, db: None) -> None:
    settings.LOCAL_MODE = True

    assert bearer("nonsense").get(JOBS).status_code == 401


def test_a_key_wins_over_the_session_beside_it(agent: Agent, bob: Any, submit: Any) -> None:
    client, _ = agent(owner=bob)
    submit()
    client.force_login(bob)

    assert client.get(JOBS).json()["results"] == []


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", JOBS, Scope.READ),
        ("get", JOBS + "/{job}", Scope.READ),
        ("get", "/api/v1/events", Scope.READ),
        ("post", "/api/v1/events/ack", Scope.READ),
        ("post", JOBS, Scope.SUBMIT),
        ("post", "/submit_job", Scope.SUBMIT),
        ("post", "/api/v1/files", Scope.SUBMIT),
        ("post", JOBS + "/{job}/run-again", Scope.SUBMIT),
        ("post", JOBS + "/{job}/restart", Scope.SUBMIT),
        ("post", JOBS + "/{job}/cancel", Scope.CANCEL),
        ("patch", JOBS + "/{job}", Scope.CANCEL),
        ("post", JOBS + "/{job}/approve", Scope.APPROVE),
        ("post", JOBS + "/{job}/reject", Scope.APPROVE),
        ("get", KEYS, Scope.KEYS),
        ("post", KEYS, Scope.KEYS),
        ("patch", KEYS + "/{key}", Scope.KEYS),
        ("delete", KEYS + "/{key}", Scope.KEYS),
    ],
)
def test_each_door_takes_its_scope_and_names_it(
    agent: Agent, submit: Any, method: str, path: str, scope: Scope
) -> None:
    job = submit()
    others = [each for each in Scope if each not in {scope, Scope.ADMIN}]
    without, key = agent(*others)
    path = path.format(job=job.pk, key=key.pk)

    refused = getattr(without, method)(path, content_type="application/json")

    assert refused.status_code == 403
    assert refused.json()["code"] == "insufficient_scope"
    assert f'scope="{scope}"' in refused["WWW-Authenticate"]
    allowed = getattr(agent(scope)[0], method)(path, content_type="application/json")
    assert (allowed.status_code, allowed.headers.get("WWW-Authenticate")) != (403, None)
    assert "insufficient_scope" not in allowed.content.decode()


def views_of_rest(resolver: URLResolver) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            found |= views_of_rest(pattern)
        elif view := getattr(pattern.callback, "cls", None):
            found[str(pattern.pattern)] = view
    return found


@pytest.mark.parametrize("method", ["delete", "put", "trace"])
def test_what_nobody_can_do_is_not_said_to_be_for_a_person(agent: Agent, method: str) -> None:
    client, _ = agent()

    answer = client.generic(method.upper(), JOBS)

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_every_view_says_what_a_key_needs_to_write() -> None:
    """One that says nothing takes no key, which is safe, and of no use to an agent."""
    views = views_of_rest(get_resolver())
    undeclared = [
        f"{method.upper()} {route}"
        for route, view in views.items()
        for method in ("post", "put", "patch", "delete")
        if hasattr(view, method) and scope_for(view, method.upper()) is None
    ]

    assert len(views) > 10
    assert undeclared == []


def test_the_key_of_an_administrator_is_an_ordinary_one_without_that_scope(
    agent: Agent, submit: Any, bob: Any
) -> None:
    root = get_user_model().objects.create_superuser("root")
    job = submit(owner=bob)

    ordinary, _ = agent(owner=root)
    powerful, _ = agent(Scope.READ, Scope.ADMIN, owner=root)

    assert ordinary.get(f"{JOBS}/{job.pk}").status_code == 404
    assert powerful.get(f"{JOBS}/{job.pk}").status_code == 200
    root.refresh_from_db()
    assert root.is_superuser


def test_the_use_of_a_key_is_noted_and_costs_no_write_each_time(agent: Agent) -> None:
    client, key = agent()
    client.get(JOBS)
    key.refresh_from_db()
    first = key.last_used_at

    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(JOBS)

    assert first is not None
    assert not any(query["sql"].startswith("UPDATE") for query in asked.captured_queries)
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    client.get(JOBS)
    key.refresh_from_db()
    assert key.last_used_at > first


def test_an_agent_may_name_itself(agent: Agent) -> None:
    client, key = agent()

    post(client, JOBS, BODY, headers={"X-Agent-Name": "planner\x00 7"})

    job = Job.objects.get()
    assert (job.agent, job.key) == ("planner 7", key)
    data = job.events.get(kind="submitted").data
    assert (data["agent"], data["key"]) == ("planner 7", key.prefix)


def test_an_event_says_by_which_key_somebody_acted(agent: Agent, submit: Any) -> None:
    client, key = agent()
    job = submit()

    post(client, f"{JOBS}/{job.pk}/cancel")

    data = job.events.get(kind="cancel_requested").data
    assert data["by"] == f"alice by key crawler ({key.prefix})"


def test_what_runs_again_is_the_job_of_who_asked_for_it(agent: Agent, submit: Any) -> None:
    client, key = agent()
    job = submit(origin=keys.Origin(purpose="first look"))

    answer = post(client, f"{JOBS}/{job.pk}/run-again")

    again = Job.objects.get(pk=answer.json()["id"])
    assert (again.key, again.purpose) == (key, "first look")


def test_two_agents_of_one_person_may_number_their_requests_alike(agent: Agent) -> None:
    for client, _ in (agent(), agent()):
        answer = post(client, JOBS, BODY, headers={"Idempotency-Key": "1"})
        assert "Idempotency-Replayed" not in answer

    assert (Job.objects.count(), IdempotencyKey.objects.count()) == (2, 2)


def test_a_key_that_is_answered_with_another_s_job_follows_it(agent: Agent, submit: Any) -> None:
    client, key = agent()
    running = submit()

    answer = post(client, JOBS, BODY | {"reuse": True})

    assert answer.json()["id"] == str(running.pk)
    assert Follower.objects.get().key == key


# --- What one that may not look is told ---

RECEIPT = {
    "id", "simulation", "state", "reason", "reason_text", "approval", "cancelling", "created_at",
    "links", "reuse",
}  # fmt: skip


@pytest.fixture
def finished(submit: Any, start: Any) -> Job:
    origin = keys.Origin(purpose="secret", agent="secret")
    job = start(submit(name="secret plan", tags=["secret"], origin=origin))
    lifecycle.succeed(job, 1, {"total": "secret"}, summary={"total": "secret"})
    return job


@pytest.mark.parametrize("outcome", ["new", "coalesced", "hit"])
def test_a_key_that_may_only_submit_is_told_as_much_of_any_job(
    agent: Agent, request: pytest.FixtureRequest, submit: Any, outcome: str
) -> None:
    client, _ = agent(Scope.SUBMIT)
    if outcome == "hit":
        request.getfixturevalue("finished")
    elif outcome == "coalesced":
        submit(name="secret plan")

    answer = post(client, JOBS, BODY | {"reuse": True})

    told = answer.json()
    assert (told["reuse"]["outcome"], set(told)) == (outcome, RECEIPT)
    assert b"secret" not in answer.content
    assert client.get(told["links"]["self"]).status_code == 403


@pytest.mark.parametrize("query", ["?fields=result,params,state", "?view=full", "?max_bytes=5000"])
def test_it_is_told_no_more_because_it_asks_for_it(agent: Agent, finished: Job, query: str) -> None:
    client, _ = agent(Scope.SUBMIT)

    answer = post(client, JOBS + query, BODY | {"reuse": True})

    assert answer.status_code == 200
    assert set(answer.json()) <= RECEIPT
    assert b"secret" not in answer.content


@pytest.mark.parametrize(("verb", "scope"), [("run-again", Scope.SUBMIT), ("cancel", Scope.CANCEL)])
def test_nor_of_a_job_that_it_acts_on(agent: Agent, submit: Any, verb: str, scope: Scope) -> None:
    job = submit(name="secret plan")
    client, _ = agent(scope)

    answer = post(client, f"{JOBS}/{job.pk}/{verb}")

    assert answer.status_code == 202
    assert set(answer.json()) <= RECEIPT
    assert b"secret" not in answer.content


def test_nor_of_what_it_says_yes_to(agent: Agent, submit: Any) -> None:
    _, asking = agent(approval="always")
    job = submit(name="secret plan", origin=keys.Origin(key=asking))
    client, _ = agent(Scope.APPROVE)

    answer = post(client, f"{JOBS}/{job.pk}/approve")

    assert (answer.status_code, answer.json()["approval"]) == (200, "given")
    assert b"secret" not in answer.content


def test_nor_of_the_jobs_that_its_batch_is_answered_with(agent: Agent, finished: Job) -> None:
    client, _ = agent(Scope.SUBMIT)

    answer = post(client, "/api/v1/batches", {"name": "b", "jobs": [BODY | {"reuse": True}]})

    told = answer.json()
    assert (answer.status_code, told["n_reused"], told["counts"]["succeeded"]) == (200, 1, 1)
    assert not {"first_failures", "varied", "tags"} & told.keys()


# --- Making and ending them ---


def test_a_person_makes_a_key_and_sees_its_text_once(client: Client, alice: Any) -> None:
    client.force_login(alice)

    made = post(client, KEYS, {"name": "crawler", "scopes": ["submit", "read"]})

    assert made.status_code == 201
    told = made.json()
    assert told["scopes"] == ["read", "submit"]
    assert bearer(told["token"]).get(JOBS).status_code == 200
    again = client.get(told["links"]["self"]).json()
    assert "token" not in again
    assert again["last_used_at"] is not None
    assert [each["id"] for each in client.get(KEYS).json()["results"]] == [told["id"]]


def test_a_revoked_key_takes_those_it_made_with_it(
    agent: Agent, client: Client, alice: Any
) -> None:
    maker, key = agent(Scope.KEYS, Scope.READ)
    child = post(maker, KEYS, {"name": "child", "scopes": ["read", "keys"]}).json()
    grandchild = post(bearer(child["token"]), KEYS, {"name": "x", "scopes": ["read"]}).json()
    client.force_login(alice)

    answer = client.delete(f"{KEYS}/{key.pk}")

    assert answer.status_code == 204
    assert bearer(grandchild["token"]).get(JOBS).status_code == 401
    assert not ApiKey.objects.filter(revoked_at=None).exists()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"scopes": ["submit"]}, "too_powerful"),
        ({"scopes": ["read"], "expires_at": None}, "too_powerful"),
        ({"scopes": ["read", "admin"]}, "too_powerful"),
    ],
)
def test_a_key_makes_none_more_powerful_than_itself(
    agent: Agent, asked: dict[str, Any], code: str
) -> None:
    maker, _ = agent(Scope.KEYS, Scope.READ, expires_at=timezone.now() + timedelta(days=1))

    answer = post(maker, KEYS, {"name": "child", **asked})

    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert ApiKey.objects.count() == 1


def test_a_key_with_a_budget_makes_none_that_has_one_of_its_own(agent: Agent) -> None:
    maker, _ = agent(Scope.KEYS, Scope.READ, max_running=1)

    answer = post(maker, KEYS, {"name": "child", "scopes": ["read"]})

    assert answer.status_code == 403
    assert "budget" in answer.json()["detail"]


def test_a_key_sees_itself_and_what_it_made_and_no_other(agent: Agent) -> None:
    maker, key = agent(Scope.KEYS)
    _, other = agent()
    child = post(maker, KEYS, {"name": "child", "scopes": ["keys"]}).json()

    seen = {each["id"] for each in maker.get(KEYS).json()["results"]}

    assert seen == {str(key.pk), child["id"]}
    assert maker.delete(f"{KEYS}/{other.pk}").status_code == 404


def test_nobody_ends_the_key_of_somebody_else(agent: Agent, client: Client, bob: Any) -> None:
    _, key = agent()
    client.force_login(bob)

    assert client.delete(f"{KEYS}/{key.pk}").status_code == 404
    key.refresh_from_db()
    assert key.is_usable


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "", "scopes": ["read"]}, "/name"),
        ({"name": "a", "scopes": []}, "/scopes"),
        ({"name": "a", "scopes": ["fly"]}, "/scopes/0"),
        ({"name": "a", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"name": "a", "scopes": ["read"], "budget": {"core_hours": -1}}, "/budget/core_hours"),
        ({"name": "a", "scopes": ["read"], "budget": {"cores": 1}}, "/budget/cores"),
        (
            {"name": "a", "scopes": ["read"], "budget": {"approval": "above"}},
            "/budget/approval_above_core_hours",
        ),
    ],
)
def test_a_key_that_cannot_be_is_refused_by_field(
    client: Client, alice: Any, body: dict[str, Any], pointer: str
) -> None:
    client.force_login(alice)

    answer = post(client, KEYS, body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_an_agent_asks_what_is_left_of_its_budget(agent: Agent) -> None:
    client, key = agent(max_queued=3, core_hours=2.5)
    post(client, JOBS, BODY)

    told = client.get("/api/v1/me").json()["key"]

    assert told["prefix"] == key.prefix
    assert (told["budget"]["max_queued"], told["budget"]["core_hours"]) == (3, 2.5)
    assert told["used"]["queued"] == 1


def test_a_job_of_a_revoked_key_goes_on(agent: Agent) -> None:
    client, key = agent()
    post(client, JOBS, BODY)

    keys.revoke(key)

    job = lifecycle.take_next("rq", worker="w:1", host="w", pid=1)
    assert job is not None
    assert job.state == JobState.RUNNING


def test_a_request_that_a_revoked_key_had_begun_stores_nothing(agent: Agent, alice: Any) -> None:
    _, key = agent()
    keys.revoke(ApiKey.objects.get(pk=key.pk))

    with pytest.raises(lifecycle.BudgetSpent, match="revoked"):
        lifecycle.submit(
            owner=alice, simulation="demo.sum_squares", params={"n": 3}, origin=keys.Origin(key=key)
        )

    assert not Job.objects.exists()


def test_a_ticket_stands_for_its_key_for_a_minute(
    agent: Agent, alice: Any, monkeypatch: Any
) -> None:
    _, key = agent()
    ticket = keys.ticket(alice, key)

    assert keys.redeem(ticket) == (alice.pk, key)
    keys.revoke(key)
    with pytest.raises(keys.Unrecognised, match="revoked"):
        keys.redeem(ticket)
    monkeypatch.setattr(keys, "TICKET_LASTS_S", -1)
    with pytest.raises(keys.Unrecognised, match="ticket"):
        keys.redeem(ticket)
