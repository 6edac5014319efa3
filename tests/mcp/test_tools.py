"""What the tools answer to an agent, by the protocol's own client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from channels.db import database_sync_to_async
from mcp.types import CallToolResult

import simulations
from jobs import lifecycle
from jobs.mcp.tools import waiting
from jobs.models import Job
from jobs.states import JobState, Scope

from .conftest import Connect, run_to_its_end

pytestmark = pytest.mark.django_db(transaction=True)

SUBMIT = "submit_demo_sum_squares"
UNKNOWN = "6f1cbb3e-4d4f-4bfb-8a0b-000000000000"


def said(answer: CallToolResult) -> dict[str, Any]:
    """The structured answer of a call that went well."""
    assert not answer.is_error, answer.content
    found: dict[str, Any] = answer.structured_content
    return found


async def test_each_simulation_has_a_tool_that_takes_its_examples(connect: Connect) -> None:
    async with connect() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}

    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.annotations
        assert tool.annotations.open_world_hint is False
        assert tool.description
    for sim in simulations.all_simulations():
        schema = tools[f"submit_{sim.name.replace('.', '_')}"].input_schema
        known = sim.Params.model_json_schema()["properties"].keys()
        assert schema["properties"].keys() - {"job"} <= known
        assert "title" not in json.dumps(schema["properties"].get("structure", {}))
    assert tools["cancel_job"].annotations.destructive_hint
    assert tools["get_job"].annotations.read_only_hint


async def test_all_the_tools_together_leave_room_for_a_conversation(connect: Connect) -> None:
    async with connect() as client:
        all_of_them = await client.list_tools()
    async with connect(url="http://127.0.0.1:8000/mcp?tools=few") as client:
        few = await client.list_tools()

    assert len(all_of_them.model_dump_json(by_alias=True, exclude_none=True)) < 60_000
    assert len(few.model_dump_json(by_alias=True, exclude_none=True)) < 16_000
    assert {"submit", "submit_batch"} <= {tool.name for tool in few.tools}


async def test_a_submission_answers_at_once_with_what_to_do_next(
    alices: Connect, alice: Any
) -> None:
    options = {"name": "Squares", "purpose": "a test", "wait_seconds": 0}
    async with alices() as client:
        answer = await client.call_tool(SUBMIT, {"n": 3, "job": options})

    told = said(answer)
    job = await Job.objects.aget()
    assert told["job"]["id"] == str(job.pk)
    assert told["summary"].startswith(f"Job {job.pk} (demo.sum_squares 'Squares') is queued")
    assert f'wait_for_job(job_id="{job.pk}")' in told["next"]
    assert answer.content[0].text.startswith(told["summary"])
    assert (job.owner_id, job.purpose) == (alice.pk, "a test")


@pytest.mark.parametrize("wait_seconds", [0, 5])
async def test_a_key_that_may_only_submit_is_told_that_it_is_done(
    connect: Connect,
    key_of: Callable[..., str],
    submit: Callable[..., Job],
    start: Callable[[Job], Job],
    alice: Any,
    wait_seconds: int,
) -> None:
    running = await database_sync_to_async(lambda: start(submit(name="secret plan")))()
    key = await database_sync_to_async(key_of)(alice, Scope.SUBMIT)
    async with connect(key) as client:
        answer = await client.call_tool(SUBMIT, {"n": 3, "job": {"wait_seconds": wait_seconds}})

    told = said(answer)
    assert told["job"]["id"] == str(running.pk)
    assert told["summary"] == f"Job {running.pk} (demo.sum_squares) is running"
    assert "secret" not in answer.content[0].text


async def test_what_is_wrong_names_the_field_and_nothing_is_stored(connect: Connect) -> None:
    async with connect() as client:
        answer = await client.call_tool(SUBMIT, {"n": 0})
        unknown = await client.call_tool("submit", {"simulation": "no_such", "params": {}})
        misspelt = await client.call_tool("get_job", {"jobid": "x"})

    assert all(each.is_error for each in (answer, unknown, misspelt))
    assert "E_INVALID_SUBMISSION: n is 0; it must be at least 1." in answer.content[0].text
    assert answer.structured_content["error"]["errors"][0]["pointer"] == "/n"
    assert "expected one of conformer_search" in unknown.content[0].text
    assert "E_INVALID_ARGUMENTS" in misspelt.content[0].text
    assert not await Job.objects.aexists()


async def test_a_name_that_is_misspelt_or_misplaced_is_mended(connect: Connect) -> None:
    misspelt = {"structure": "O", "multiplicty": 1}
    async with connect() as client:
        flat = await client.call_tool("submit_dft_single_point", misspelt)
        of_any = {"simulation": "dft_single_point", "params": misspelt}
        by_submit = await client.call_tool("submit", of_any)
        misplaced = await client.call_tool(SUBMIT, {"n": 3, "name": "three"})
        short = await client.call_tool("get_job", {"job_id": "0198b1c2"})

    patch = {"multiplicty": None, "multiplicity": 1}
    assert flat.structured_content["error"]["patch"] == patch
    assert flat.structured_content["next"] == (
        "call again without multiplicty, with multiplicity = 1"
    )
    assert by_submit.structured_content["error"]["patch"] == {"params": patch}
    assert misplaced.is_error
    (error,) = misplaced.structured_content["error"]["errors"]
    assert 'it goes into job: {"job": {"name": "three"}}' in error["detail"]
    assert error["fix"] == {"name": None, "job": {"name": "three"}}
    assert 'list_jobs(text="0198b1c2")' in short.structured_content["summary"]


async def test_a_mend_is_one_that_a_program_can_apply(connect: Connect) -> None:
    params = {"structure": "O", "multiplicity": 2}
    async with connect() as client:
        answer = await client.call_tool("submit_dft_single_point", params)
        of_any = {"simulation": "dft_single_point", "params": params}
        by_submit = await client.call_tool("submit", of_any)

    assert "call again with multiplicity = 1" in answer.content[0].text
    assert answer.structured_content["error"]["patch"] == {"multiplicity": 1}
    assert by_submit.structured_content["error"]["patch"] == {"params": {"multiplicity": 1}}


async def test_all_that_is_wrong_is_told_at_once(connect: Connect) -> None:
    options = {"priority": "soon", "limits": {"threads": "many"}}
    params = {"structure": "O", "multiplicity": 2}
    async with connect() as client:
        flat = await client.call_tool("submit_dft_single_point", {**params, "job": options})
        of_any = await client.call_tool(
            "submit", {"simulation": "dft_single_point", "params": params, **options}
        )
        by_rest = await client.call_tool(
            "submit_dft_single_point", {**params, "job": {"name": "a" * 201}}
        )

    def pointers(answer: Any) -> list[str]:
        assert answer.is_error
        return [each["pointer"] for each in answer.structured_content["error"]["errors"]]

    assert pointers(flat) == ["/job/priority", "/job/limits/threads", "/multiplicity"]
    assert pointers(of_any) == ["/priority", "/limits/threads", "/params/multiplicity"]
    assert pointers(by_rest) == ["/job/name", "/multiplicity"]
    assert "odd multiplicity" in flat.content[0].text
    assert not await Job.objects.aexists()


async def test_a_call_without_params_is_refused_for_what_it_lacks(connect: Connect) -> None:
    async with connect() as client:
        answer = await client.call_tool("submit", {"simulation": "xtb", "priority": "soon"})

    told = answer.structured_content["error"]
    assert (answer.is_error, told["code"]) == (True, "E_INVALID_ARGUMENTS")
    assert {each["pointer"] for each in told["errors"]} == {"/priority", "/params"}


async def test_what_is_run_again_is_mended_by_its_own_arguments(alices: Connect) -> None:
    patch = {"params": {"n": 0}, "name": "again"}
    async with alices() as client:
        job_id = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]["id"]
        await run_to_its_end(job_id)
        wrong = await client.call_tool("run_job_again", {"job_id": job_id, "patch": patch})
        xtb = {"simulation": "xtb_optimization", "params": {"structure": "O"}}
        other_id = said(await client.call_tool("submit", xtb))["job"]["id"]
        to_mend = {"params": {"multiplicity": 2}, "name": "again"}
        answer = await client.call_tool("run_job_again", {"job_id": other_id, "patch": to_mend})
        mended = answer.structured_content["error"]["patch"]
        again = await client.call_tool(
            "run_job_again", {"job_id": other_id, "wait_seconds": 0, **mended}
        )
        restart = await client.call_tool("restart_job", {"job_id": job_id})

    assert wrong.structured_content["error"]["errors"][0]["pointer"] == "/patch/params/n"
    assert mended == {"patch": {"params": {"multiplicity": 1}, "name": "again"}}
    fix = 'call again with patch = {"params": {"multiplicity": 1}, "name": "again"}'
    assert fix in answer.content[0].text
    assert said(again)["job"]["name"] == "again"
    assert restart.structured_content["next"].startswith("run_job_again starts it")


async def test_a_wait_ends_when_the_job_does(alices: Connect) -> None:
    async with alices() as client:
        job_id = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]["id"]
        waiting = asyncio.create_task(client.call_tool("wait_for_job", {"job_id": job_id}))
        await asyncio.sleep(0.3)
        await run_to_its_end(job_id)
        told = said(await asyncio.wait_for(waiting, 20))
        values = said(await client.call_tool("get_result", {"job_id": job_id}))

    assert told["job"]["state"] == "succeeded"
    assert "total = 14" in told["summary"]
    assert values["result"] == {"total": 14}


async def test_a_wait_that_is_over_says_how_it_stands(alices: Connect) -> None:
    async with alices() as client:
        call = {"n": 3, "job": {"wait_seconds": 1}}
        told = said(await client.call_tool(SUBMIT, call))

    assert told["job"]["state"] == "queued"


async def test_who_asked_for_progress_is_told_of_it(alices: Connect) -> None:
    lines: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        lines.append(message)

    async with alices() as client:
        job_id = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]["id"]
        given = {"job_id": job_id, "wait_seconds": 1}
        await client.call_tool("wait_for_job", given, progress_callback=hear)

    assert str(lines[0]).startswith("queued")


async def test_progress_increases_with_each_word_of_it(
    alices: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the protocol has it, also where only the words are new or the job begins anew."""
    heard: list[tuple[float, str | None]] = []
    points = iter([(0.6, "cycle 1"), (0.6, "cycle 2"), (0.1, "anew"), (0.7, "cycle 3")])

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    @database_sync_to_async
    def go_on(told: dict[str, Any], within_s: float) -> None:
        job = Job.objects.get(pk=told["id"])
        if job.state == JobState.QUEUED:
            lifecycle.start(job, 1, worker="host:1", host="host", pid=1)
        if point := next(points, None):
            said = {"step": 1, "stage": "", "fraction": point[0], "message": point[1]}
            lifecycle.progress(job, 1, [said])
        else:
            lifecycle.succeed(job, 1, {"total": 14}, summary={"total": 14})

    monkeypatch.setattr(waiting, "_next_to_tell", go_on)
    async with alices() as client:
        job_id = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]["id"]
        given = {"job_id": job_id, "wait_seconds": 50}
        await client.call_tool("wait_for_job", given, progress_callback=hear)

    told = [progress for progress, _ in heard]
    assert told == sorted(set(told))
    assert told == pytest.approx([0.0, 0.6, 0.6, 0.6, 0.7])
    assert "cycle 2" in str(heard[2][1])


async def test_a_failed_job_is_an_error_with_its_mend(alices: Connect) -> None:
    error = {"detail": "The SCF did not converge.", "hints": ["Try more cycles."], "fix": {"n": 5}}
    async with alices() as client:
        job_id = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]["id"]
        await run_to_its_end(job_id, error)
        answer = await client.call_tool("get_job", {"job_id": job_id})
        why = said(await client.call_tool("explain_job", {"job_id": job_id}))
        again = {"job_id": job_id, "patch": why["patch"], "wait_seconds": 0}
        mended = said(await client.call_tool("run_job_again", again))

    assert answer.is_error
    assert "failed (science): The SCF did not converge." in answer.content[0].text
    assert answer.structured_content["next"].endswith('patch={"params": {"n": 5}})')
    assert why["cause"] == "science"
    assert why["next"].startswith('run_job_again with {"patch"')
    assert (await Job.objects.aget(pk=mended["job"]["id"])).params == {"n": 5}


async def test_an_equal_job_is_answered_with_the_one_that_there_is(alices: Connect) -> None:
    async with alices() as client:
        first = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]
        await run_to_its_end(first["id"])
        second = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]
        anew = said(await client.call_tool(SUBMIT, {"n": 3, "job": {"reuse": False}}))["job"]

    assert (second["id"], second["reuse"]["outcome"]) == (first["id"], "hit")
    assert anew["id"] != first["id"]


async def test_a_key_of_the_caller_s_own_makes_a_call_that_is_sent_twice_one(
    alices: Connect,
) -> None:
    call = {"n": 3, "job": {"reuse": False, "idempotency_key": "once"}}
    async with alices() as client:
        first = said(await client.call_tool(SUBMIT, call))["job"]["id"]
        second = said(await client.call_tool(SUBMIT, call))["job"]["id"]

    assert first == second


async def test_jobs_are_listed_page_by_page_and_cancelled(alices: Connect) -> None:
    async with alices() as client:
        for n in (3, 4, 5):
            await client.call_tool(SUBMIT, {"n": n})
        page = said(await client.call_tool("list_jobs", {"limit": 2}))
        rest = said(await client.call_tool("list_jobs", {"cursor": page["next_cursor"]}))
        oldest = rest["jobs"][0]["id"]
        told = said(await client.call_tool("cancel_job", {"job_id": oldest}))
        left = said(await client.call_tool("list_jobs", {"state": ["queued", "running"]}))

    assert (len(page["jobs"]), len(rest["jobs"])) == (2, 1)
    assert told["job"]["state"] == "cancelled"
    assert oldest not in {job["id"] for job in left["jobs"]}


async def test_a_result_never_floods_a_context(alices: Connect, job_with_much: str) -> None:
    async with alices() as client:
        answer = await client.call_tool("get_result", {"job_id": job_with_much, "max_bytes": 2000})
        some = await client.call_tool("get_result", {"job_id": job_with_much, "fields": ["energy"]})
        none = await client.call_tool(
            "get_result", {"job_id": job_with_much, "fields": ["energie"]}
        )

    assert len(answer.content[0].text) < 4000
    assert said(answer)["left_out"]["values"][0]["path"] == "result.series"
    assert said(some)["result"] == {"energy": -76.4}
    assert said(some)["summary"] == f"energy = -76.4 (job {job_with_much})."
    assert none.is_error
    assert "Did you mean energy?" in none.structured_content["summary"]


async def test_checking_submits_nothing(alices: Connect) -> None:
    wrong = {"simulation": "dft_single_point", "params": {"structure": "O", "multiplicity": 2}}
    async with alices() as client:
        bad = said(await client.call_tool("check", wrong))
        good = said(
            await client.call_tool("check", {"simulation": "demo.sum_squares", "params": {"n": 3}})
        )

    assert bad["ok"] is False
    assert "odd multiplicity" in bad["summary"]
    assert bad["patch"] == {"params": {"multiplicity": 1}}
    assert good["summary"].startswith("This would be accepted.")
    assert not await Job.objects.aexists()


async def test_a_large_structure_does_not_come_back(alices: Connect) -> None:
    atoms = "\n".join(f"H {n} 0 0" for n in range(60))
    params = {"structure": f"60\n\n{atoms}", "multiplicity": 2}
    async with alices() as client:
        answer = await client.call_tool(
            "check", {"simulation": "dft_single_point", "params": params}
        )

    assert len(answer.content[0].text) < 8000


async def test_the_simulations_are_told_with_their_tools(connect: Connect) -> None:
    async with connect() as client:
        all_of_them = said(await client.call_tool("list_simulations", {}))
        one = said(await client.call_tool("list_simulations", {"name": "xtb"}))

    tools = {row["name"]: row["tool"] for row in all_of_them["simulations"]}
    assert tools["demo.sum_squares"] == SUBMIT
    assert one["name"] == "xtb_optimization"
    assert "energy_hartree" in one["result_fields"]


@pytest.mark.parametrize(
    "tool", ["get_job", "wait_for_job", "get_result", "explain_job", "cancel_job", "run_job_again"]
)
async def test_a_stranger_s_job_does_not_exist(alices: Connect, bobs: Connect, tool: str) -> None:
    async with alices() as client:
        job_id = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]["id"]
    async with bobs() as client:
        theirs = await client.call_tool(tool, {"job_id": job_id})
        nobodys = await client.call_tool(tool, {"job_id": UNKNOWN})

    assert all(each.is_error for each in (theirs, nobodys))
    assert theirs.structured_content["error"]["code"] == "E_NOT_FOUND"
    told = theirs.structured_content["summary"]
    assert job_id in told
    assert told.replace(job_id, UNKNOWN) == nobodys.structured_content["summary"]


@pytest.mark.parametrize("job_id", ["../jobs", "?fields=id", "%2e%2e", "", "x" * 5000])
async def test_an_id_is_no_path(connect: Connect, job_id: str) -> None:
    async with connect() as client:
        answer = await client.call_tool("get_job", {"job_id": job_id})

    assert answer.is_error
    assert "E_NOT_FOUND" in answer.content[0].text
