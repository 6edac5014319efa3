"""What the client sends and makes of the answers, against a site of a few written ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

import backplane
from backplane import AsyncClient, Client, errors
from backplane.wire import Patience, asking

from .scripted import JOB, Reply, Site, job, problem

QUICK = asking(Patience(total_s=5, first_s=0.001))
BROKEN = httpx.ReadError("broken pipe")


def client_of(site: Site, key: str = "") -> Client:
    client = Client("http://site", key, http_transport=httpx.MockTransport(site))
    client.ask = QUICK
    return client


def accepted(**changes: object) -> httpx.Response:
    return httpx.Response(202, json=job(**changes))


def test_a_submission_says_only_what_was_given() -> None:
    site = Site(accepted())

    client_of(site).submit("demo.sum_squares", n=3, name="three", limits={"wall_time_s": 60})

    assert site.bodies() == [
        {
            "simulation": "demo.sum_squares",
            "params": {"n": 3},
            "name": "three",
            "limits": {"wall_time_s": 60},
        }
    ]


@pytest.mark.parametrize("lost", [BROKEN, httpx.ConnectError("refused"), problem(503)])
def test_a_submission_that_is_repeated_carries_the_same_key(lost: Reply) -> None:
    site = Site(lost, lost, accepted())

    found = client_of(site).submit("demo.sum_squares", n=3)

    keys = {request.headers["Idempotency-Key"] for request in site.asked}
    assert (found.id, len(site.asked), len(keys)) == (JOB["id"], 3, 1)


def test_two_submissions_have_two_keys_unless_one_is_given() -> None:
    site = Site(accepted(), accepted(), accepted())
    client = client_of(site)

    client.submit("demo.sum_squares", n=3)
    client.submit("demo.sum_squares", n=3)
    client.submit("demo.sum_squares", n=3, idempotency_key="mine")

    keys = [request.headers["Idempotency-Key"] for request in site.asked]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_who_wants_to_know_is_told_of_repetitions() -> None:
    told: list[str] = []
    site = Site(BROKEN, accepted())
    client = Client(
        "http://site",
        http_transport=httpx.MockTransport(site),
        on_retry=lambda why, pause_s: told.append(why),
    )
    client.ask = QUICK

    client.submit("demo.sum_squares", n=3)

    assert told == ["http://site does not answer (broken pipe)"]


def test_a_file_is_uploaded_once_and_named(tmp_path: Path) -> None:
    path = tmp_path / "water.xyz"
    path.write_text("1\n\nHe 0 0 0\n")
    site = Site(httpx.Response(201, json={"id": "f1"}), accepted())

    client_of(site).submit("reaction_energy", reactants=[path, {"structure": path}])

    upload, submission = site.asked
    assert (upload.url.path, upload.url.params["name"]) == ("/api/v1/files", "water.xyz")
    assert upload.content == path.read_bytes()
    assert submission.url.path == "/api/v1/jobs"
    assert b'[{"file":"f1"},{"structure":{"file":"f1"}}]' in submission.content


def test_a_job_is_run_again_with_another_file(tmp_path: Path) -> None:
    path = tmp_path / "water.xyz"
    path.write_text("1\n\nHe 0 0 0\n")
    site = Site(
        httpx.Response(200, json=job()), httpx.Response(201, json={"id": "f1"}), BROKEN, accepted()
    )

    client_of(site).job("1").run_again({"params": {"structure": path}})

    *_, first, second = site.asked
    assert second.url.path == f"/api/v1/jobs/{JOB['id']}/run-again"
    assert json.loads(second.content) == {"patch": {"params": {"structure": {"file": "f1"}}}}
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_a_refusal_names_the_field_and_the_mend() -> None:
    errors_told = [{"pointer": "/params/n", "code": "ge", "detail": "n is 0."}]
    patch = {"params": {"n": 1}}
    site = Site(problem(422, code="invalid_submission", errors=errors_told, patch=patch))

    with pytest.raises(backplane.InvalidSubmission) as refused:
        client_of(site).submit("demo.sum_squares", n=0)

    assert refused.value.errors == errors_told
    assert refused.value.fix == patch
    assert refused.value.code == "invalid_submission"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Gone),
        (418, errors.Refused),
        (422, errors.InvalidSubmission),
        (500, errors.ServerError),
    ],
)
def test_each_status_is_an_error_of_its_own(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        client_of(Site(problem(status))).job("1")


@pytest.mark.parametrize(
    ("state", "kind"), [("failed", errors.JobFailed), ("cancelled", errors.JobCancelled)]
)
def test_a_job_without_a_result_raises_why(state: str, kind: type[errors.JobFailed]) -> None:
    error = {"kind": "science", "detail": "No.", "hints": ["Try."], "fix": {"n": 4}}
    ended = httpx.Response(200, json=job(state=state, error=error, failure_kind="science"))
    explained = httpx.Response(200, json={"text": "It was cancelled by alice."})
    client = client_of(Site(ended, ended, ended, explained))

    with pytest.raises(kind) as failed:
        client.job(JOB["id"]).result()

    assert (failed.value.kind, failed.value.hints) == ("science", ["Try."])
    assert failed.value.fix == {"params": {"n": 4}}


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        ({"fix": {"limits": {"wall_time_s": 9}}}, {"limits": {"wall_time_s": 9}}),
        ({"fix": {"simulation": "dft_crystal"}}, {"simulation": "dft_crystal"}),
        ({"errors": [{"fix": {"n": 4}}, {"fix": {"n": 5, "m": 6}}]}, {"params": {"n": 4, "m": 6}}),
        ({}, None),
    ],
)
def test_a_mend_is_what_running_again_takes(error: Any, fix: Any) -> None:
    ended = httpx.Response(200, json=job(state="failed", error=error, failure_kind="x"))
    site = Site(ended, ended, ended, accepted())
    found = (client := client_of(site)).job(JOB["id"])

    with pytest.raises(errors.JobFailed) as failed:
        found.result()
    found.run_again(failed.value.fix)

    assert client.url == "http://site"
    assert failed.value.fix == fix
    assert json.loads(site.asked[-1].content) == ({"patch": fix} if fix else {})


def test_a_cancelled_job_says_by_whom() -> None:
    ended = httpx.Response(200, json=job(state="cancelled", failure_kind="cancelled", error=None))
    explained = httpx.Response(200, json={"text": "It was cancelled by alice at 12:00:03 UTC."})

    with pytest.raises(errors.JobCancelled, match="by alice at 12:00:03 UTC"):
        client_of(Site(ended, ended, ended, explained)).job(JOB["id"]).result()


def test_the_beginning_of_an_id_will_do() -> None:
    page = httpx.Response(200, json={"results": [{"id": JOB["id"]}, {"id": "called-11111111"}]})
    site = Site(page, accepted())

    assert client_of(site).job("11111111").id == JOB["id"]
    assert site.asked[0].url.params["text"] == "11111111"
    assert site.asked[1].url.path == f"/api/v1/jobs/{JOB['id']}"


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ([], "no job whose id begins with 11111111"),
        (["11111111-1", "11111111-2"], "of several ids: 11111111-1, 11111111-2"),
    ],
)
def test_a_beginning_that_is_none_or_many_is_refused(ids: list[str], told: str) -> None:
    page = httpx.Response(200, json={"results": [{"id": each} for each in ids]})

    with pytest.raises(errors.NotFound, match=told):
        client_of(Site(page)).job("11111111")


def test_an_id_that_is_nobodys_is_named() -> None:
    with pytest.raises(errors.NotFound, match=JOB["id"]):
        client_of(Site(problem(404))).job(JOB["id"])


def test_the_key_goes_with_each_request_and_is_shown_nowhere() -> None:
    site = Site(accepted(), problem(401))
    client = client_of(site, "bp_secret")

    told = repr(client.submit("demo.sum_squares", n=3)) + repr(client) + repr(client._settings)
    with pytest.raises(errors.Unauthorized) as refused:
        client.job("1")

    assert site.asked[0].headers["Authorization"] == "Bearer bp_secret"
    assert "secret" not in told + repr(refused.value) + str(refused.value)


def test_a_redirect_takes_no_key_along() -> None:
    site = Site(httpx.Response(302, headers={"Location": "http://evil/"}))

    with pytest.raises(errors.UnexpectedAnswer):
        client_of(site, "bp_secret").job("1")

    assert len(site.asked) == 1


CONTENT = b"0123456789" * 100
ARTIFACT = {
    "id": "a1", "name": "final.xyz", "size_bytes": len(CONTENT), "attempt": 1, "expired_at": None,
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
}  # fmt: skip


class Breaks(httpx.SyncByteStream):
    """A body that ends in the midst of it."""

    def __iter__(self):  # type: ignore[no-untyped-def]
        yield CONTENT[:600]
        raise httpx.ReadError("broken pipe")


def test_a_download_that_breaks_off_is_gone_on_with(tmp_path: Path) -> None:
    site = Site(
        accepted(),
        httpx.Response(200, json=job(artifacts=[ARTIFACT])),
        httpx.Response(200, stream=Breaks()),
        lambda request: httpx.Response(206, content=CONTENT[600:]),
    )

    (path,) = client_of(site).job("1").download(to=tmp_path)

    assert site.asked[-1].headers["Range"] == "bytes=600-"
    assert path.read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["final.xyz"]


def test_another_file_than_the_jobs_is_thrown_away(tmp_path: Path) -> None:
    other = b"9" * len(CONTENT)
    site = Site(
        accepted(),
        httpx.Response(200, json=job(artifacts=[ARTIFACT])),
        httpx.Response(200, content=other),
    )

    with pytest.raises(errors.ChecksumMismatch, match=r"final\.xyz"):
        client_of(site).job("1").download(to=tmp_path)

    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["../../.bashrc", "/etc/passwd", "..\\evil", ""])
def test_no_file_is_written_outside_of_the_folder(name: str, tmp_path: Path) -> None:
    told = job(artifacts=[ARTIFACT | {"name": name}])
    site = Site(accepted(), httpx.Response(200, json=told))

    with pytest.raises(errors.UnexpectedAnswer, match="was not written"):
        client_of(site).job("1").download(to=tmp_path / "here")

    assert [*tmp_path.iterdir()] == []


async def test_the_asyncio_client_does_the_same() -> None:
    site = Site(BROKEN, accepted(), httpx.Response(200, json=job(state="running")))
    site._replies.append(httpx.Response(200, json=job(state="succeeded", last_seq=2)))
    site._replies.append(httpx.Response(200, json={"total": 14}))
    async with AsyncClient("http://site", http_transport=httpx.MockTransport(site)) as client:
        client.ask = QUICK

        submitted = await client.submit("demo.sum_squares", n=3)
        states = [each.state async for each in submitted.watch()]
        site._replies.append(httpx.Response(200, json=job(state="succeeded")))
        site._replies.reverse()
        result = await submitted.result()

    assert len({request.headers["Idempotency-Key"] for request in site.asked[:2]}) == 1
    assert states == ["running", "succeeded"]
    assert result == {"total": 14}


async def test_both_clients_and_their_jobs_can_do_the_same() -> None:
    pairs = [
        (Client, AsyncClient),
        (backplane.Job, backplane.AsyncJob),
        (backplane.Batch, backplane.AsyncBatch),
    ]

    differ = [
        {name for name in dir(one) if not name.startswith("_")}
        ^ {name for name in dir(other) if not name.startswith("_")}
        for one, other in pairs
    ]

    assert differ == [set(), set(), set()]
