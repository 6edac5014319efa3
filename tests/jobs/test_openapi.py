"""The OpenAPI document says what the API does: each example fits, each answer is as described."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from jobs import lifecycle
from jobs.api.examples.basics import SUBMISSIONS
from jobs.models import Job


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def document(client: Client, db: None) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def faults(document: dict[str, Any], schema: Any, value: Any) -> list[str]:
    """Where the value, told whole, is not as the schema of this document says."""
    part = {"$ref": "#/components/schemas/Part"}
    if part in schema.get("anyOf", []):
        (schema,) = (each for each in schema["anyOf"] if each != part)
    whole = {"components": document["components"], **schema}
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in Draft202012Validator(whole).iter_errors(value)
    ]


def successes(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json")
        if status.startswith("2") and content:
            yield status, content


def test_the_document_is_of_openapi_3_1_and_refers_to_nothing_that_it_lacks(
    client: Client, document: dict[str, Any]
) -> None:
    answer = client.get("/openapi.json")

    assert answer["Content-Type"].startswith("application/json")
    assert document["openapi"].startswith("3.1")
    assert client.get("/openapi.json", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    for kind, name in set(re.findall(r"#/components/(\w+)/([\w.]+)", answer.content.decode())):
        assert name in document["components"][kind]


def test_operation_ids_are_words_of_their_own(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", each) for each in ids)
    assert {"submit_job", "check_job", "explain_job", "get_job_result", "list_jobs"} <= set(ids)


def test_every_operation_is_under_a_heading_that_is_explained(document: dict[str, Any]) -> None:
    headings = {tag["name"] for tag in document["tags"] if tag["description"]}

    for path, _, operation in operations(document):
        assert set(operation["tags"]) <= headings, path


def test_every_operation_and_each_of_its_parameters_is_described(
    document: dict[str, Any],
) -> None:
    silent = [
        operation["operationId"]
        for _, _, operation in operations(document)
        if not operation.get("description")
    ]
    silent += [
        f"{operation['operationId']}: {parameter['name']}"
        for _, _, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]

    assert silent == []


def test_every_operation_tells_its_refusals(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        statuses = {int(status) for status in operation["responses"]}
        assert {400, 401, 403, 404, 429, 503} <= statuses, path
        assert method == "get" or {409, 422} <= statuses, path
    example = document["components"]["responses"]["Problem422"]["content"]
    problem = example["application/problem+json"]
    assert faults(document, problem["schema"], problem["example"]) == []


def test_every_operation_has_an_example(document: dict[str, Any]) -> None:
    missing = [
        f"{operation['operationId']} {status}"
        for _, _, operation in operations(document)
        for status, content in successes(operation)
        if "example" not in content
    ]
    missing += [
        operation["operationId"]
        for _, _, operation in operations(document)
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json" and "examples" not in content
    ]

    assert missing == []


def test_every_example_is_as_its_schema_says(document: dict[str, Any]) -> None:
    found = {}
    for _, _, operation in operations(document):
        name = operation["operationId"]
        for status, content in successes(operation):
            if "example" in content:
                found[name, status] = faults(document, content["schema"], content["example"])
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for title, example in content.get("examples", {}).items():
                found[name, title] = faults(document, content["schema"], example["value"])

    assert {place: wrong for place, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("title", SUBMISSIONS)
def test_every_example_of_a_submission_would_be_accepted(as_alice: Client, title: str) -> None:
    body = SUBMISSIONS[title]

    verdict = as_alice.post("/api/v1/jobs/check", body, content_type="application/json").json()

    assert (verdict["ok"], verdict["errors"]) == (True, [])


def test_a_structure_may_be_a_file(document: dict[str, Any]) -> None:
    body = {"simulation": "xtb_optimization", "params": {"structure": {"file": "sha256:ab"}}}

    assert faults(document, {"$ref": "#/components/schemas/Submission"}, body) == []
    assert faults(document, {"$ref": "#/components/schemas/Submission"}, {"params": {}})


@pytest.fixture
def of_each_state(submit: Callable[..., Job], start: Callable[[Job], Job]) -> dict[str, Job]:
    jobs = {name: submit(params={"n": n}) for n, name in enumerate(
        ("queued", "running", "succeeded", "failed", "cancelled"), start=2)}  # fmt: skip
    for name in ("running", "succeeded", "failed"):
        start(jobs[name])
    lifecycle.succeed(jobs["succeeded"], 1, {"total": 14}, summary={"total": 14})
    error = {"detail": "It did not converge.", "hints": ["Try more."], "fix": {"n": 9}}
    lifecycle.fail(jobs["failed"], 1, "science", error)
    lifecycle.request_cancel(jobs["cancelled"], by="alice")
    return jobs


READ = ("", "/events", "/explain", "/nearest", "/result")


@pytest.mark.parametrize("rest", READ, ids=lambda rest: rest or "job")
def test_what_is_answered_is_as_the_document_says(
    as_alice: Client, document: dict[str, Any], of_each_state: dict[str, Job], rest: str
) -> None:
    described = document["paths"][f"/api/v1/jobs/{{job_id}}{rest}"]["get"]["responses"]

    for state, job in of_each_state.items():
        answer = as_alice.get(f"/api/v1/jobs/{job.pk}{rest}")
        response = described[str(answer.status_code)]
        name = response.get("$ref", "").rpartition("/")[2]
        (content,) = (document["components"]["responses"][name] if name else response)[
            "content"
        ].values()
        assert faults(document, content["schema"], answer.json()) == [], state


@pytest.mark.parametrize("path", ["jobs", "simulations", "files"])
def test_a_list_is_as_the_document_says(
    as_alice: Client, document: dict[str, Any], of_each_state: dict[str, Job], path: str
) -> None:
    described = document["paths"][f"/api/v1/{path.partition('?')[0]}"]["get"]["responses"]["200"]

    answer = as_alice.get(f"/api/v1/{path}")

    assert faults(document, described["content"]["application/json"]["schema"], answer.json()) == []


def test_the_explorer_is_served_from_our_own_files_and_has_no_script_in_it(client: Client) -> None:
    answer = client.get("/api/docs")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert not re.search(r"<style|\son\w+=|\bstyle=", page)
    assets = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert len(assets) >= 4
    assert [each for each in assets if finders.find(each) is None] == []
    assert not re.search(r"https?://", page)


def test_the_document_is_made_once(as_alice: Any, monkeypatch: Any) -> None:
    first = as_alice.get("/api/schema", headers={"Accept": "application/json"}).json()

    def made_again(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("it takes a second of the processor, whoever asks")

    monkeypatch.setattr(SchemaGenerator, "get_schema", made_again)
    assert as_alice.get("/api/schema", headers={"Accept": "application/json"}).json() == first
    assert as_alice.get("/openapi.json").json() == first
