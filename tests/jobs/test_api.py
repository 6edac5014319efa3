"""REST v1: works, refuses bad input, refuses a stranger, refuses the wrong state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client

from jobs import artifacts, lifecycle
from jobs.models import Job

GOOD = {"simulation": "demo.sum_squares", "params": {"n": 3}}


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def as_bob(bob: Any) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def post(client: Client, body: Any, **headers: str) -> Any:
    return client.post("/api/v1/jobs", body, content_type="application/json", headers=headers)


def test_a_submission_is_accepted_with_its_id_and_where_to_look(as_alice: Client) -> None:
    answer = post(as_alice, {**GOOD, "name": "Squares", "tags": ["a"]})

    assert answer.status_code == 202
    job = Job.objects.get()
    assert answer.json()["id"] == str(job.pk)
    assert answer["Location"].endswith(f"/api/v1/jobs/{job.pk}")
    assert int(answer["Retry-After"]) > 0
    assert set(answer.json()["links"]) == {
        "self", "events", "stream", "log", "result", "explain", "cancel", "page",
    }  # fmt: skip
    assert (job.name, job.tags, job.params) == ("Squares", ["a"], {"n": 3})


BAD: dict[str, tuple[Any, int, str, str]] = {
    "unknown simulation": ({**GOOD, "simulation": "nope"}, 422, "/simulation", "expected one of"),
    "param out of bounds": (
        {**GOOD, "params": {"n": 0}},
        422,
        "/params/n",
        "at least 1",
    ),
    "tag too long": ({**GOOD, "tags": ["a", "b" * 101]}, 422, "/tags/1", "tags[1]: Ensure"),
    "unknown param": ({**GOOD, "params": {"m": 1}}, 422, "/params/m", "It takes n"),
    "params no object": ({**GOOD, "params": 3}, 422, "/params", "dictionary"),
    "unknown field": ({**GOOD, "parms": {}}, 422, "/parms", "expected simulation"),
    "no simulation": ({"params": {}}, 422, "/simulation", "required"),
    "limit out of bounds": (
        {**GOOD, "limits": {"wall_time_s": 0}},
        422,
        "/limits/wall_time_s",
        "1",
    ),
    "not an object": ([1], 422, "", "dictionary"),
    "misspelt limit": (
        {**GOOD, "limits": {"wall_time": 1}},
        422,
        "/limits/wall_time",
        "wall_time_s",
    ),
    "too many tags": ({**GOOD, "tags": [{}] * 60}, 422, "/tags", "At most 50"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_the_field_and_the_mend(as_alice: Client, case: str) -> None:
    body, status, pointer, words = BAD[case]

    answer = post(as_alice, body)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer["X-Request-Id"]
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert words in problem["errors"][0]["detail"]
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{not json", "application/json", 400),
        ("n=3", "application/x-www-form-urlencoded", 415),
        ("<job/>", "text/xml", 415),
        ("[" * 100_000, "application/json", 400),
        (json.dumps({**GOOD, "\ud800": 1}), "application/json", 400),
        (json.dumps({**GOOD, "name": "a\u0000b"}), "application/json", 400),
        (json.dumps({**GOOD, "name": "x" * 1_000_001}), "application/json", 413),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/jobs", "/submit_job"])
def test_a_body_that_cannot_be_read_is_a_problem_too(
    as_alice: Client, path: str, body: str, content_type: str, status: int
) -> None:
    answer = as_alice.post(path, body, content_type=content_type)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert "Traceback" not in answer.content.decode()
    assert not Job.objects.exists()


def test_nobody_gets_in_without_signing_in(client: Client, db: None, settings: Any) -> None:
    settings.LOCAL_MODE = False

    answer = post(client, GOOD)

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Basic")
    assert not Job.objects.exists()


def test_on_a_laptop_an_anonymous_loopback_request_acts_as_local(client: Client, db: None) -> None:
    assert post(client, GOOD).status_code == 202
    assert Job.objects.get().owner.username == "local"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Origin": "http://[bad"},
        {"Authorization": "Basic bG9jYWw6d3Jvbmc="},
    ],
)
def test_what_comes_from_elsewhere_does_not_act_as_local(
    client: Client, db: None, headers: dict[str, str]
) -> None:
    assert post(client, GOOD, **headers).status_code in {401, 403}
    assert not Job.objects.exists()


def test_a_stranger_sees_nothing(submit: Callable[..., Job], as_bob: Client) -> None:
    job = submit()

    for path in ("", "/events"):
        assert as_bob.get(f"/api/v1/jobs/{job.pk}{path}").status_code == 404
    assert as_bob.post(f"/api/v1/jobs/{job.pk}/cancel").status_code == 404
    assert as_bob.get("/api/v1/jobs").json()["results"] == []
    assert as_bob.get(f"/job_status/{job.pk}").status_code == 404


def test_a_list_costs_the_same_number_of_queries_however_long(
    as_alice: Client, submit: Callable[..., Job], django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        submit()

    with django_assert_max_num_queries(4):
        answer = as_alice.get("/api/v1/jobs?limit=10")

    assert len(answer.json()["results"]) == 10
    following = as_alice.get(answer.json()["next"]).json()
    assert len(following["results"]) == 10
    ids = {job["id"] for job in answer.json()["results"] + following["results"]}
    assert len(ids) == 20


def test_the_list_can_be_filtered(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    submit()
    running = start(submit())

    found = as_alice.get("/api/v1/jobs?state=running").json()["results"]

    assert [job["id"] for job in found] == [str(running.pk)]
    refused = as_alice.get("/api/v1/jobs?state=jogging")
    assert refused.status_code == 422
    assert "running" in refused.json()["errors"][0]["detail"]


@pytest.mark.parametrize("cursor", ["cD1hYmM=", "cD0lMDA=", "nonsense", "r=1"])
def test_a_cursor_that_is_none_of_ours_is_told(
    as_alice: Client, submit: Callable[..., Job], cursor: str
) -> None:
    submit()

    answer = as_alice.get("/api/v1/jobs", {"cursor": cursor})

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["parameter"], error["code"]) == ("cursor", "invalid_cursor")


def test_a_busy_database_says_when_to_come_back(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(**kwargs: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(lifecycle, "submit", locked)

    answer = post(as_alice, GOOD)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["retryable"] is True


def test_cancel_of_a_finished_job_is_a_conflict(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    lifecycle.succeed(job, 1, {"total": 14})

    answer = as_alice.post(f"/api/v1/jobs/{job.pk}/cancel")

    assert answer.status_code == 409
    assert answer.json()["code"] == "illegal_transition"
    assert answer.json()["retryable"] is False
    assert "it can no longer be cancelled" in answer.json()["detail"]


def test_cancel_of_a_running_job_shows_as_cancelling(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())

    answer = as_alice.post(f"/api/v1/jobs/{job.pk}/cancel")

    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["cancelling"]) == ("running", True)


def test_events_follow_the_seq_that_one_has(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())

    page = as_alice.get(f"/api/v1/jobs/{job.pk}/events?after=1").json()

    assert [event["kind"] for event in page["events"]] == ["started"]
    assert page["last_seq"] == 2
    for nonsense in ("x", "-1", "9" * 5000, "²"):
        assert as_alice.get(f"/api/v1/jobs/{job.pk}/events?after={nonsense}").status_code == 422


def test_an_artifact_is_served_by_id_as_a_file(
    as_alice: Client, as_bob: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    workdir = job.workdir(1)
    workdir.mkdir(parents=True)
    (workdir / "job.log").write_text("SCF converged\n")
    lifecycle.succeed(job, 1, {"total": 14}, artifacts.collect(workdir))

    described = as_alice.get(f"/api/v1/jobs/{job.pk}").json()["artifacts"][0]
    answer = as_alice.get(described["url"])

    body = b"".join(answer.streaming_content)
    assert body == b"SCF converged\n"
    assert described["size_bytes"] == len(body)
    assert described["sha256"] == hashlib.sha256(body).hexdigest()
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert as_bob.get(described["url"]).status_code == 404
    assert as_alice.get(f"/api/v1/jobs/{job.pk}/artifacts/{uuid4()}").status_code == 404


def test_the_simulations_are_listed_with_both_schemas(as_alice: Client) -> None:
    found = {sim["name"]: sim for sim in as_alice.get("/api/v1/simulations").json()}

    assert found["demo.sum_squares"]["params_schema"]["properties"]["n"]["maximum"] == 10_000
    assert "total" in found["demo.sum_squares"]["result_schema"]["properties"]


def test_the_openapi_document_has_one_body_per_simulation(as_alice: Client) -> None:
    document = as_alice.get("/api/schema", headers={"Accept": "application/json"}).json()

    assert document["openapi"].startswith("3.1")
    body = document["components"]["schemas"]["Submission"]
    assert body["discriminator"]["mapping"]["demo.sum_squares"].endswith("SumSquaresSubmission")
    operations = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    assert {"submit_job", "get_job", "cancel_job", "list_jobs"} <= set(operations)


def test_an_unknown_path_is_a_problem_for_programs(as_alice: Client) -> None:
    answer = as_alice.get("/api/v1/nothing")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_a_cancel_asked_twice_is_what_was_asked_for(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    job = submit()

    answers = [as_alice.post(f"/api/v1/jobs/{job.pk}/cancel") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[1].json()["state"] == "cancelled"


def test_what_is_wrong_around_the_params_and_in_them_is_told_at_once(as_alice: Client) -> None:
    body = {
        "simulation": "demo.sum_squares",
        "params": {"n": 0, "m": 1},
        "priority": "soon",
        "limits": {"threads": 0},
    }

    refused = as_alice.post("/api/v1/jobs", body, content_type="application/json")
    checked = as_alice.post("/api/v1/jobs/check", body, content_type="application/json")

    assert refused.status_code == 422
    pointers = {each["pointer"] for each in refused.json()["errors"]}
    assert pointers == {"/priority", "/limits/threads", "/params/n", "/params/m"}
    assert checked.json()["errors"] == refused.json()["errors"]


def test_so_is_a_simulation_that_there_is_not(as_alice: Client) -> None:
    body = {"simulation": "no_such", "params": {}, "priority": "soon"}

    errors = as_alice.post("/api/v1/jobs", body, content_type="application/json").json()["errors"]

    assert [each["pointer"] for each in errors] == ["/priority", "/simulation"]


def test_the_mends_of_params_come_with_what_is_wrong_around_them(as_alice: Client) -> None:
    params = {"structure": "O", "multiplicity": 2}
    body = {"simulation": "xtb_optimization", "params": params, "priority": "soon"}

    refused = as_alice.post("/api/v1/jobs", body, content_type="application/json").json()
    checked = as_alice.post("/api/v1/jobs/check", body, content_type="application/json").json()

    assert refused["patch"] == {"params": {"multiplicity": 1}}
    assert (checked["patch"], checked["patch_suffices"]) == (refused["patch"], False)


def test_and_of_each_job_of_a_batch(as_alice: Client) -> None:
    good = {"simulation": "demo.sum_squares", "params": {"n": 1}}
    body = {"jobs": [good, {**good, "params": {"n": 0}, "priority": "soon"}, {"params": {"n": 0}}]}

    errors = as_alice.post("/api/v1/batches", body, content_type="application/json").json()[
        "errors"
    ]

    pointers = [each["pointer"] for each in errors]
    assert pointers == ["/jobs/1/priority", "/jobs/1/params/n", "/jobs/2/simulation"]
