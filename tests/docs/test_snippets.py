"""What is copied means what it says, whatever was typed into the form."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

import simulations
from jobs import snippets
from jobs.mcp.tools import all_tools
from jobs.mcp.tools.submitting import JobOptions
from jobs.models import Job
from jobs.snippets import Site
from jobs.states import Priority
from simulations.validation import validate

HERE = Site(url="http://127.0.0.1:8000")
NASTY = 'it\'s "$(id)" `id` \\n\n${x} ä ⟨S²⟩ </pre><script>'
BODY = {
    "simulation": "demo.sum_squares",
    "params": {"n": 3, "odd": [None, True, 1e-9, {"text": NASTY}]},
    "name": NASTY,
    "tags": ["a b", NASTY],
    "limits": {"wall_time_s": 60},
}


def of(body: dict[str, Any], site: Site = HERE) -> dict[str, str]:
    return {each.title: each.text for each in snippets.of_submission(body, site)}


def sent_by_curl(text: str) -> dict[str, Any]:
    """The body, as a shell takes the command apart."""
    argv = shlex.split(text)
    body: dict[str, Any] = json.loads(argv[argv.index("-d") + 1])
    return body


def sent_by_python(text: str) -> dict[str, Any]:
    """The body, as Python reads the call."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    call = next(each for each in calls if ast.unparse(each.func) == "client.submit")
    simulation, params = map(ast.literal_eval, call.args)
    beside = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    return {"simulation": simulation, "params": params, **beside}


def test_what_a_terminal_sends_is_the_body() -> None:
    assert sent_by_curl(of(BODY)["curl"]) == BODY


def test_what_python_sends_is_the_body() -> None:
    assert sent_by_python(of(BODY)["Python"]) == BODY


def test_what_is_too_long_for_an_argument_is_piped() -> None:
    body = {**BODY, "params": {"text": f"{NASTY}\nJSON\n" * 5000}}
    command, _, rest = of(body)["curl"].partition("<<'JSON'\n")

    assert "--data-binary @-" in command
    assert json.loads(rest.removesuffix("\nJSON")) == body


def test_a_tool_call_names_a_tool_that_there_is() -> None:
    for sim in simulations.all_simulations():
        call = json.loads(of({"simulation": sim.name, "params": {}})["MCP"])
        assert call["name"] in all_tools()


def test_a_tool_takes_the_options() -> None:
    call = json.loads(of({**BODY, "priority": "high", "purpose": "x", "retry": {"on": []}})["MCP"])
    options = call["arguments"].pop("job")

    assert call == {"name": "submit_demo_sum_squares", "arguments": BODY["params"]}
    assert validate(JobOptions, options).priority == "high"
    assert options.keys() <= set(snippets.OF_A_TOOL)


def test_the_status_page_says_how_a_program_asks(client: Client, db: None) -> None:
    html = unescape(client.get("/status/").content.decode())
    curl, python, tool = (each.text for each in snippets.of_health(Site(url="http://testserver")))

    assert curl == "curl http://testserver/readyz"
    assert "urlopen" in {ast.unparse(node.func) for node in ast.walk(ast.parse(python))
                         if isinstance(node, ast.Call)}  # fmt: skip
    assert json.loads(tool)["name"] in all_tools()
    assert all(each in html for each in (curl, python, tool))


def test_on_a_server_a_key_is_sent() -> None:
    site = Site(url="https://lab.example", asks_for_key=True)

    argv = shlex.split(of(BODY, site)["curl"])

    assert argv[:3] == ["curl", "-H", "Authorization: Bearer $BACKPLANE_KEY"]


def test_of_a_job_only_what_was_said_is_told(submit: Callable[..., Job]) -> None:
    job = submit(simulation="xtb_optimization", params={"structure": "CCO", "solvent": "water"})

    assert snippets.submission_of(job) == {
        "simulation": "xtb_optimization",
        "params": {"structure": "CCO", "solvent": "water"},
    }


def test_what_was_said_of_a_job_is_told(submit: Callable[..., Job]) -> None:
    job = submit(name="Three", tags=["a"], priority=Priority.HIGH, max_attempts=5)

    assert snippets.submission_of(job) == {
        "simulation": "demo.sum_squares",
        "params": {"n": 3},
        "name": "Three",
        "tags": ["a"],
        "priority": "high",
        "retry": {"max_attempts": 5},
    }


def test_a_simulation_that_is_gone_hides_no_param(submit: Callable[..., Job]) -> None:
    job = submit()
    job.simulation = "no.such"

    assert snippets.submission_of(job)["params"] == {"n": 3}


@pytest.fixture
def page(client: Client, alice: Any) -> Callable[..., dict[str, str]]:
    """The snippets on a page of alice's, by their ids."""
    client.force_login(alice)

    def page(path: str, data: dict[str, str] | None = None) -> dict[str, str]:
        answer = client.post(path, data) if data is not None else client.get(path)
        assert answer.status_code == 200, answer.content
        html = answer.content.decode()
        return {
            name: unescape(text)
            for name, text in re.findall(r'<pre id="([\w-]+)"[^>]*>(.*?)</pre>', html, re.DOTALL)
        }

    return page


def test_a_job_is_copied_from_its_page(
    page: Callable[..., dict[str, str]], submit: Callable[..., Job]
) -> None:
    job = submit(name=NASTY.replace("\n", " "))

    found = page(f"/jobs/{job.pk}/")

    assert f"/api/v1/jobs/{job.pk}" in found["read-sh"]
    assert json.loads(found["read-json"]) == {
        "name": "wait_for_job",
        "arguments": {"job_id": str(job.pk)},
    }
    assert sent_by_curl(found["submit-sh"]) == snippets.submission_of(job)
    assert sent_by_python(found["submit-python"]) == snippets.submission_of(job)


def test_a_form_is_copied_as_it_is_shown(page: Callable[..., dict[str, str]]) -> None:
    found = page("/jobs/new/demo.sum_squares/")

    assert sent_by_curl(found["form-sh"]) == {"simulation": "demo.sum_squares", "params": {}}


@pytest.mark.parametrize(
    "body",
    [
        {"simulation": "demo.sum_squares", "params": {"n": 7}, "name": "Seven", "tags": ["a"]},
        {
            "simulation": "dft_single_point",
            "params": {"structure": "O", "density_fit": False, "grid_level": 4, "cubes": ["homo"]},
        },
        {
            "simulation": "xtb_optimization",
            "params": {"structure": {"format": "xyz", "text": "2\n\nH 0 0 0\nH 0 0 0.74"}},
        },
    ],
)
def test_a_form_that_starts_from_a_job_is_copied_as_that(
    page: Callable[..., dict[str, str]], submit: Callable[..., Job], body: dict[str, Any]
) -> None:
    job = submit(**body)

    found = page(f"/jobs/new/{job.simulation}/?from={job.pk}")

    assert sent_by_curl(found["form-sh"]) == body


def test_a_form_is_copied_as_it_is_filled_in(page: Callable[..., dict[str, str]]) -> None:
    given = {"structure": "C'C\nO", "solvent": "water", "density": "", "job_name": NASTY}
    given |= {"job_tags": "a, b", "job_wall_time_s": "60", "preoptimize": "on", "density_fit": "on"}

    found = page("/jobs/new/dft_single_point/as/", given)

    assert sent_by_curl(found["form-sh"]) == {
        "simulation": "dft_single_point",
        "params": {"structure": "C'C\nO", "solvent": "water"},
        "name": NASTY,
        "tags": ["a", "b"],
        "limits": {"wall_time_s": 60},
    }


def test_a_file_that_was_chosen_is_to_be_uploaded_first(
    page: Callable[..., dict[str, str]],
) -> None:
    found = page("/jobs/new/xtb_optimization/as/", {"structure__file": "a.xyz"})

    assert sent_by_curl(found["form-sh"])["params"] == {"structure": {"file": "ID-OF-THE-UPLOAD"}}


def test_a_form_that_cannot_be_read_says_so(client: Client, alice: Any) -> None:
    client.force_login(alice)

    answer = client.post("/jobs/new/demo.sum_squares/as/", {"job_wall_time_s": "long"})

    assert "cannot be read yet" in answer.content.decode()


def test_a_list_is_copied_with_its_filters(
    page: Callable[..., dict[str, str]], submit: Callable[..., Job], client: Client
) -> None:
    job = submit(name="it's mine", tags=["a b", "c"])
    submit(name="another", params={"n": 5})

    found = page("/jobs/?state=queued,running&tag=a+b&tag=c&text=it%27s&created_after=2026-01-01")

    url = urlsplit(shlex.split(found["copy-sh"])[-1])
    listed = client.get(f"{url.path}?{url.query}").json()["results"]
    assert [each["id"] for each in listed] == [str(job.pk)]
    asked = keywords(found["copy-python"], "client.jobs")
    assert (asked["state"], asked["tag"], asked["text"]) == ("queued,running", ["a b", "c"], "it's")
    call = json.loads(found["copy-json"])
    Draft202012Validator(all_tools()[call["name"]].schema).validate(call["arguments"])
    assert call["arguments"]["state"] == ["queued", "running"]
    assert call["arguments"]["tag"] == ["a b", "c"]


@pytest.mark.parametrize(
    ("path", "method", "tool"),
    [
        ("/", "client.inbox", "read_inbox"),
        ("/jobs/", "client.jobs", "list_jobs"),
        ("/jobs/new/", "client.simulations", "list_simulations"),
        ("/batches/", "client.submit_batch", "submit_batch"),
    ],
)
def test_every_list_says_how_to_ask_for_it(
    page: Callable[..., dict[str, str]], client: Client, path: str, method: str, tool: str
) -> None:
    found = page(path)

    assert "http://testserver/api/v1/" in found["copy-sh"]
    keywords(found["copy-python"], method)
    call = json.loads(found["copy-json"])
    assert call["name"] == tool
    Draft202012Validator(all_tools()[tool].schema).validate(call["arguments"])


def test_the_batch_that_is_offered_can_be_sent(
    page: Callable[..., dict[str, str]], client: Client
) -> None:
    found = page("/batches/")

    body = sent_by_curl(found["copy-sh"])
    assert keywords(found["copy-python"], "client.submit_batch") == body
    assert json.loads(found["copy-json"])["arguments"] == body
    answer = client.post("/api/v1/batches", body, "application/json")
    assert (answer.status_code, answer.json()["n_items"]) == (202, 3)


def keywords(text: str, method: str) -> dict[str, Any]:
    """The named arguments of a call, as Python reads it."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    call = next(each for each in calls if ast.unparse(each.func) == method)
    return {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}


def test_a_key_and_a_webhook_are_made_by_what_their_pages_offer(client: Client, alice: Any) -> None:
    client.force_login(alice)
    for path, found in (("keys", snippets.of_keys(HERE)), ("webhooks", snippets.of_webhooks(HERE))):
        by_title = {each.title: each.text for each in found}
        body = sent_by_curl(by_title["curl"].partition("\n" + HERE.curl)[0])

        made = client.post(f"/api/v1/{path}", body, "application/json")

        assert made.status_code == 201, made.content
        ast.parse(by_title["Python"])
        assert 'id="copy"' in client.get(f"/me/{path}/").content.decode()
    served = json.loads({each.title: each.text for each in snippets.of_keys(HERE)}["MCP"])
    assert served["mcpServers"]["backplane"]["url"] == f"{HERE.url}/mcp"
