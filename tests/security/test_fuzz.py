"""Whatever is sent, the answer is a result or a sentence: no 500, and each refusal a problem.

Longer, by hand: `BACKPLANE_FUZZ_EXAMPLES=2000 python -m pytest tests/security/test_fuzz.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode

import simulations
from jobs import files, keys, lifecycle
from jobs.models import Artifact
from jobs.states import Scope
from jobs.webhooks import endpoints
from simulations import bounded

EXAMPLES = int(os.environ.get("BACKPLANE_FUZZ_EXAMPLES", 12))

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
bounded_run = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

SMILES = st.text(alphabet="CNOFPSclnos[]()=#@+-/\\%.123456789HU*:$~ ", max_size=60)
TEXTS = st.text(max_size=80) | SMILES | st.text(alphabet="0123456789.-+eE \n\tCHOX", max_size=300)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
    | st.sampled_from([10**400, -(10**30), 1e308, "NaN", "٣", "\x00", "\ud800", "../../etc/passwd"])
)  # fmt: skip
JSONS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)
JSON_KINDS = {"application/json", "application/problem+json"}
NAMES = st.sampled_from([sim.name for sim in simulations.all_simulations()]) | TEXTS


def wire(value: Any) -> str:
    """Python's JSON, which also writes what JSON has no word for: NaN, half a surrogate pair."""
    return json.dumps(value)


def judge(answer: Any, sent: Any) -> None:
    words = answer.getvalue()
    assert answer.status_code < 500, (sent, words[:500])
    if answer.status_code >= 400 and answer.request["PATH_INFO"].startswith(("/api", "/submit")):
        assert answer["Content-Type"] == "application/problem+json", sent
        assert json.loads(words or b'{"detail": "HEAD"}')["detail"], sent


@pytest.fixture
def client(browser_of: Callable[[str], Client], hidden: Artifact) -> Client:
    return browser_of("owner")


@st.composite
def params(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """The params of some simulation by name, each with something that may not be one."""
    sim = draw(st.sampled_from(simulations.all_simulations()))
    chosen = draw(st.lists(st.sampled_from(sorted(sim.Params.model_fields)), max_size=6))
    given = {name: draw(JSONS) for name in chosen}
    if "structure" in sim.Params.model_fields and draw(st.booleans()):
        given["structure"] = draw(TEXTS | st.fixed_dictionaries({"format": TEXTS, "text": TEXTS}))
    return sim.name, given


def test_no_params_break_a_check() -> None:
    @bounded_run
    @given(params())
    def check(given: tuple[str, dict[str, Any]]) -> None:
        with suppress(simulations.InvalidParams):
            bounded.check(simulations.find(given[0]), given[1])

    check()


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/jobs/check", "/submit_job"])
def test_no_json_breaks_a_submission(path: str, client: Client) -> None:
    @bounded_run
    @given(params(), JSONS, JSONS, JSONS)
    def post(given: tuple[str, dict[str, Any]], name: Any, tags: Any, limits: Any) -> None:
        bodies: list[Any] = [
            {"simulation": given[0], "params": given[1]},
            {"simulation": given[0], "params": given[1], "name": name, "tags": tags},
            {"simulation": "demo.sum_squares", "params": {"n": 3}, "limits": limits},
            {"molecule_smiles": given[1].get("structure", "O"), "simulation_type": given[0],
             "parameters": given[1]},
            name,
        ]  # fmt: skip
        for body in bodies:
            judge(client.post(path, wire(body), "application/json"), body)

    post()


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/submit_job"])
def test_no_bytes_break_a_submission(path: str, client: Client) -> None:
    @bounded_run
    @given(st.binary(max_size=200), st.sampled_from(["application/json", "text/plain", "x", ""]))
    def post(body: bytes, kind: str) -> None:
        judge(client.generic("POST", path, body, kind), body)

    post()


def test_no_query_breaks_a_list(client: Client, hidden: Artifact) -> None:
    asked = ["state", "simulation", "cursor", "limit", "after", "below", "from", "page", "format",
             "tag", "text", "ids", "fields", "view", "max_bytes", "created_after",
             "batch", "within", "owner", "finished_after"]  # fmt: skip

    @bounded_run
    @given(st.dictionaries(st.sampled_from(asked) | TEXTS, TEXTS, max_size=4))
    def get(query: dict[str, str]) -> None:
        query = {name: text.encode(errors="replace").decode() for name, text in query.items()}
        for path in ("/api/v1/jobs", f"/api/v1/jobs/{hidden.job_id}/events", "/jobs/",
                     f"/api/v1/jobs/{hidden.job_id}", f"/api/v1/jobs/{hidden.job_id}/result",
                     "/jobs/rows/", "/jobs/new/demo.sum_squares/", "/login/"):  # fmt: skip
            judge(client.get(path, query), (path, query))

    get()


def test_no_form_breaks_its_page(client: Client) -> None:
    @bounded_run
    @given(params(), TEXTS, TEXTS)
    def post(given: tuple[str, dict[str, Any]], name: str, tags: str) -> None:
        fields = {key: str(value) for key, value in given[1].items()}
        fields |= {"job_name": name, "job_tags": tags}
        fields = {key: text.encode(errors="replace").decode() for key, text in fields.items()}
        judge(client.post(f"/jobs/new/{given[0]}/", fields), fields)

    post()


def test_no_path_breaks_the_site(client: Client) -> None:
    starts = [
        "/api/v1/jobs/",
        "/job_status/",
        "/jobs/",
        "/jobs/new/",
        "/",
        "/api/v1/files/",
        "/static/",
    ]

    @bounded_run
    @given(st.sampled_from(starts), TEXTS)
    def get(start: str, rest: str) -> None:
        path = start + quote(rest.encode(errors="replace"))
        judge(client.get(path), path)

    get()


@pytest.fixture
def known(hidden: Artifact) -> dict[str, str]:
    """Something of the owner's for each parameter that a path may have."""
    owner = hidden.job.owner
    wanted = lifecycle.Wanted(simulation="demo.sum_squares", params={"n": 3}, reuse=False)
    batch = lifecycle.submit_batch(owner=owner, wanted=[wanted])
    stored, _ = files.keep(owner=owner, name="a.xyz", content=b"1\n\nHe 0 0 0\n")
    key, _ = keys.issue(owner=owner, name="agent", scopes=[Scope.READ, Scope.SUBMIT])
    webhook = endpoints.create(owner=owner, url="https://example.org/hook")
    delivery = endpoints.test(webhook)
    return {
        "artifact_id": str(hidden.pk),
        "batch_id": str(batch.pk),
        "delivery_id": str(delivery.pk),
        "file_id": str(stored.pk),
        "job_id": str(hidden.job_id),
        "key_id": str(key.pk),
        "name": "demo.sum_squares",
        "webhook_id": str(webhook.pk),
    }


def test_every_operation_of_the_openapi_document_holds(
    client: Client, known: dict[str, str]
) -> None:
    document = client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == sum(map(len, document["paths"].values()))

    for operation in operations:

        @bounded_run
        @given(_cases(operation), st.booleans())
        def call(case: Any, is_there: bool) -> None:
            path = case.formatted_path
            if is_there and case.path_parameters:
                path = case.path.format(**known)
            body = case.body if isinstance(case.body, dict | list | str | int) else {}
            sent = case.method, path, case.query or {}, body
            # Whatever it does is undone, so that what is there stays there.
            with transaction.atomic():
                answer = client.generic(
                    case.method, path, wire(body), "application/json", QUERY_STRING=_query(sent[2])
                )
                transaction.set_rollback(True)
            judge(answer, sent)
            told = case.operation.definition.raw["responses"]
            assert str(answer.status_code) in told, sent
            assert _faults(document, told[str(answer.status_code)], answer) == [], sent

        call()


def _faults(document: dict[str, Any], told: dict[str, Any], answer: Any) -> list[str]:
    """Where the body is not as the document says of an answer with this status."""
    if (name := told.get("$ref", "").rpartition("/")[2]) != "":
        told = document["components"]["responses"][name]
    kind = answer.get("Content-Type", "").partition(";")[0]
    content = told.get("content", {})
    if answer.streaming or not answer.content:
        return []
    if kind not in JSON_KINDS or kind not in content:
        return [] if {kind, "*/*"} & content.keys() else [f"{kind} is not said to be answered"]
    whole = {"components": document["components"], **content[kind]["schema"]}
    return [
        f"{error.json_path}: {error.message[:200]}"
        for error in Draft202012Validator(whole).iter_errors(answer.json())
    ]


def _cases(operation: Any) -> st.SearchStrategy[Any]:
    """What fits the document, and what does not."""
    fits = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    return fits | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def _query(query: dict[str, Any]) -> str:
    return urlencode(query, doseq=True, errors="replace")
