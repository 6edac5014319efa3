"""Checking a submission without making a job, and explaining a job that was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from jobs import files, keys, lifecycle, mending
from jobs.models import Job, StoredFile
from jobs.states import Approval, Scope

SQUARES = {"simulation": "demo.sum_squares", "params": {"n": 3}}
OPTIMIZATION = "dft_optimization"


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def check(client: Client, body: Any) -> Any:
    answer = client.post("/api/v1/jobs/check", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert not Job.objects.filter(name="checked").exists()
    return answer.json()


def explain(client: Client, job: Job) -> Any:
    return client.get(f"/api/v1/jobs/{job.pk}/explain").json()


# --- check -----------------------------------------------------------------------------------


def test_a_check_tells_what_a_submission_is_understood_as_and_stores_nothing(
    as_alice: Client,
) -> None:
    body = {"simulation": "xtb_optimization", "params": {"structure": "OCC"}, "name": "checked"}

    verdict = check(as_alice, body)

    assert (verdict["ok"], verdict["errors"]) == (True, [])
    assert verdict["job"]["structure"]["smiles"] == "CCO"
    assert verdict["job"]["params"]["method"] == "GFN2-xTB"
    assert verdict["job"]["limits"]["wall_time_s"] > 0
    assert verdict["same"]["outcome"] == "new"
    assert verdict["outlook"]["place"] == 1
    assert (verdict["outlook"]["queued"], verdict["outlook"]["max_running"]) == (0, None)
    assert not Job.objects.exists()


MENDABLE: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "multiplicity": (
        {"simulation": OPTIMIZATION, "params": {"structure": "O", "multiplicity": 2}},
        "/params/multiplicity",
        {"params": {"multiplicity": 1}},
    ),
    "a slip in a choice": (
        {"simulation": OPTIMIZATION, "params": {"structure": "O", "basis": "def2-SPV"}},
        "/params/basis",
        {"params": {"basis": "def2-svp"}},
    ),
    "another simulation": (
        {"simulation": OPTIMIZATION, "params": {"structure": "Li[C6]"}},
        "/params/structure",
        {"simulation": "dft_crystal"},
    ),
}


@pytest.mark.parametrize("case", MENDABLE)
def test_the_patch_of_a_check_can_be_applied_by_a_program(as_alice: Client, case: str) -> None:
    body, pointer, patch = MENDABLE[case]

    verdict = check(as_alice, body)

    assert verdict["ok"] is False
    assert [error["pointer"] for error in verdict["errors"]] == [pointer]
    assert (verdict["patch"], verdict["patch_suffices"]) == (patch, True)
    assert check(as_alice, mending.patched(body, verdict["patch"]))["ok"] is True


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([1], ""),
        ({**SQUARES, "parms": {}}, "/parms"),
        ({**SQUARES, "simulation": "nope"}, "/simulation"),
        ({**SQUARES, "params": {"n": 0}}, "/params/n"),
        ({**SQUARES, "priority": "urgent"}, ""),
    ],
)
def test_what_would_be_refused_is_an_answer_not_an_error(
    as_alice: Client, body: Any, pointer: str
) -> None:
    verdict = check(as_alice, body)

    assert verdict["ok"] is False
    assert [error["pointer"] for error in verdict["errors"]] == [pointer]
    assert (verdict["job"], verdict["patch_suffices"]) == (None, None)


def test_the_refusal_of_a_submission_has_the_same_patch(as_alice: Client) -> None:
    body, _, patch = MENDABLE["multiplicity"]

    answer = as_alice.post("/api/v1/jobs", body, content_type="application/json")

    assert (answer.status_code, answer.json()["patch"]) == (422, patch)


def test_a_check_knows_the_job_that_would_answer(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = submit()
    assert check(as_alice, SQUARES)["same"]["outcome"] == "coalesced"

    lifecycle.succeed(start(job), 1, {"total": 14})
    verdict = check(as_alice, SQUARES)

    assert verdict["same"]["outcome"] == "hit"
    assert verdict["same"]["job"]["id"] == str(job.pk)
    assert check(as_alice, {**SQUARES, "reuse": False})["same"]["outcome"] == "new"


def test_a_check_knows_the_quota(
    as_alice: Client, submit: Callable[..., Job], settings: Any
) -> None:
    settings.JOB_MAX_QUEUED_PER_USER = 1
    submit()

    verdict = check(as_alice, {**SQUARES, "params": {"n": 4}})

    assert (verdict["ok"], verdict["outlook"]["queued"]) == (False, 1)
    assert verdict["errors"][0]["code"] == "over_quota"
    assert verdict["job"]["params"] == {"n": 4}


def test_a_check_knows_what_the_key_of_an_agent_may(client: Client, alice: Any) -> None:
    def verdict_by(**budget: Any) -> Any:
        _, text = keys.issue(owner=alice, name="agent", scopes=[Scope.READ], **budget)
        headers = {"Authorization": f"Bearer {text}"}
        answer = client.post(
            "/api/v1/jobs/check", SQUARES, content_type="application/json", headers=headers
        )
        return answer.json()

    spent = verdict_by(core_hours=0)
    assert (spent["ok"], spent["errors"][0]["code"]) == (False, "budget_spent")
    asks = verdict_by(approval=Approval.ALWAYS)
    assert (asks["ok"], asks["outlook"]["awaits_approval"]) == (True, True)
    assert not Job.objects.exists()


def test_a_check_keeps_no_file(as_alice: Client, alice: Any) -> None:
    text = "20000\n\n" + "H 0 0 0\n" * 20_000
    stored, _ = files.keep(owner=alice, name="big.xyz", content=b"3\n\nO 0 0 0\nH 0 0 1\nH 0 1 0\n")
    by_reference = {"simulation": OPTIMIZATION, "params": {"structure": {"file": str(stored.pk)}}}

    assert check(as_alice, by_reference)["job"]["params"]["structure"]["name"] == "big.xyz"
    check(as_alice, {"simulation": OPTIMIZATION, "params": {"structure": text}})

    assert StoredFile.objects.get() == stored


# --- explain ---------------------------------------------------------------------------------


def test_why_a_job_waits(as_alice: Client, submit: Callable[..., Job]) -> None:
    submit()
    job = submit(params={"n": 4})

    found = explain(as_alice, job)

    assert (found["state"], found["cause"]) == ("queued", "no_free_worker")
    assert found["evidence"]["place"] == 2
    first = found["actions"][0]
    assert (first["operation"], first["body"]) == ("change_job", {"priority": "high"})
    moved = as_alice.patch(first["url"], first["body"], content_type="application/json")
    assert moved.status_code == 200
    assert explain(as_alice, job)["evidence"]["place"] == 1


def test_why_it_was_computed_anew(as_alice: Client, submit: Callable[..., Job]) -> None:
    before = submit()
    job = submit(params={"n": 4})

    anew = explain(as_alice, job)["computed_anew"]

    assert anew["nearest"]["nearest"]["id"] == str(before.pk)
    assert anew["nearest"]["differences"] == [{"field": "n", "here": 4, "there": 3}]
    assert "differs in n" in anew["text"]
    assert "no earlier job" in explain(as_alice, before)["computed_anew"]["text"]


def fail(job: Job, kind: str, **error: Any) -> Job:
    lifecycle.start(job, 1, worker="w", host="node7", pid=1)
    lifecycle.fail(job, 1, kind, {"detail": "The SCF did not converge.", **error})
    return job


def test_a_failure_names_its_evidence_and_a_patch_that_runs(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    job = fail(submit(), "science", hints=["Try more terms."], fix={"n": 5})

    found = explain(as_alice, job)

    assert (found["cause"], found["text"]) == ("science", "The SCF did not converge.")
    assert found["hints"] == ["Try more terms."]
    assert found["evidence"]["failed_attempts"][0]["host"] == "node7"
    assert found["patch"] == {"params": {"n": 5}}
    (action,) = found["actions"]
    again = as_alice.post(action["url"], action["body"], content_type="application/json")
    assert again.status_code == 202
    assert again.json()["params"] == {"n": 5}
    assert (again.json()["limits"], again.json()["id"]) != (None, str(job.pk))


def test_a_limit_that_was_reached_is_patched_as_a_limit(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    job = fail(
        submit(), "memory", reached={"memory_mib": 900}, fix={"limits": {"memory_mib": 2000}}
    )

    found = explain(as_alice, job)

    assert found["patch"] == {"limits": {"memory_mib": 2000}}
    action = found["actions"][-1]
    again = as_alice.post(action["url"], action["body"], content_type="application/json").json()
    assert again["limits"]["memory_mib"] == 2000
    assert again["params"] == job.params


def test_who_cancelled_it(as_alice: Client, submit: Callable[..., Job]) -> None:
    job = submit()
    as_alice.post(f"/api/v1/jobs/{job.pk}/cancel")

    found = explain(as_alice, job)

    assert found["cause"] == "cancelled_by"
    assert "cancelled by alice" in found["text"]
    assert [each["operation"] for each in found["actions"]] == ["run_job_again"]


@pytest.fixture
def awaited(alice: Any, submit: Callable[..., Job]) -> Job:
    scopes, approval = [Scope.READ, Scope.SUBMIT], Approval.ALWAYS
    key, _ = keys.issue(owner=alice, name="agent", scopes=scopes, approval=approval)
    return submit(origin=keys.Origin(key=key, agent="agent"))


def test_a_job_that_waits_for_a_yes_can_be_given_it(as_alice: Client, awaited: Job) -> None:
    found = explain(as_alice, awaited)

    assert found["cause"] == "awaiting_approval"
    assert "not the key that sent it" in found["hints"][0]
    operations = [each["operation"] for each in found["actions"]]
    assert operations == ["approve_job", "reject_job", "cancel_job"]
    approve = found["actions"][0]
    answer = as_alice.post(approve["url"], approve["body"] or {}, content_type="application/json")
    assert (answer.status_code, answer.json()["approval"]) == (200, "given")
    assert explain(as_alice, awaited)["cause"] == "no_free_worker"


def test_a_job_that_was_refused_says_by_whom_and_why(
    as_alice: Client, alice: Any, awaited: Job
) -> None:
    lifecycle.reject(awaited, by=alice, why="Too dear.")

    found = explain(as_alice, awaited)

    assert (found["state"], found["cause"]) == ("cancelled", "rejected")
    assert found["text"] == "Rejected by alice: Too dear."


def test_a_running_job_is_explained_too(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    assert explain(as_alice, job)["cause"] == "running"
    assert explain(as_alice, job)["evidence"]["attempt"]["host"] == "host"

    lifecycle.request_cancel(job, by="alice")
    assert explain(as_alice, job)["cause"] == "cancelling"


@pytest.mark.parametrize("patch", [{"params": {"n": 0}}, {"params": None}, {"nonsense": 1}])
def test_a_patch_that_makes_no_submission_is_refused(
    as_alice: Client, submit: Callable[..., Job], patch: dict[str, Any]
) -> None:
    url = f"/api/v1/jobs/{submit().pk}/run-again"

    answer = as_alice.post(url, {"patch": patch}, content_type="application/json")

    assert answer.status_code == 422
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [  # the examples of RFC 7396
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_is_what_the_standard_says(document: Any, patch: Any, expected: Any) -> None:
    assert mending.patched(document, patch) == expected


# --- the result alone ------------------------------------------------------------------------


def test_the_result_alone(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = submit()
    url = f"/api/v1/jobs/{job.pk}/result"

    waiting = as_alice.get(url)
    assert (waiting.status_code, waiting.json()["state"]) == (202, "queued")
    assert int(waiting["Retry-After"]) > 0

    lifecycle.succeed(start(job), 1, {"total": 14, "history": list(range(1000))})
    assert as_alice.get(f"{url}?fields=total").json() == {"total": 14}
    unknown = as_alice.get(f"{url}?fields=totl")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid_query")
    assert "Did you mean total?" in unknown.json()["detail"]
    short = as_alice.get(f"{url}?max_bytes=1000").json()
    assert short["total"] == 14
    (left_out,) = short["left_out"]["values"]
    assert (left_out["path"], left_out["entries"]) == ("history", 1000)
    assert as_alice.get(short["left_out"]["get"]).json() == {"history": list(range(1000))}


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_where_there_is_no_result_a_problem_says_why(
    as_alice: Client, submit: Callable[..., Job], state: str
) -> None:
    job = submit()
    if state == "failed":
        fail(job, "science")
    else:
        lifecycle.request_cancel(job, by="alice")

    answer = as_alice.get(f"/api/v1/jobs/{job.pk}/result")

    assert (answer.status_code, answer.json()["code"]) == (409, f"job_{state}")
    assert "explain" in answer.json()["detail"]
