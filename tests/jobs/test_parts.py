"""Files in parts, links to files that expire, and logs a piece at a time."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client

from jobs import artifacts, joblog, lifecycle, ranges, sending
from jobs.api import signed
from jobs.models import Artifact, Job

WRITTEN = b"0123456789abcdef"


@pytest.fixture
def running(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Job:
    job = start(submit())
    job.workdir(1).mkdir(parents=True)
    (job.workdir(1) / artifacts.LOG_NAME).write_bytes(WRITTEN)
    return job


@pytest.fixture
def artifact(running: Job) -> Artifact:
    lifecycle.succeed(running, 1, {"total": 14}, artifacts.collect(running.workdir(1)))
    return running.artifacts.get()


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def path_of(artifact: Artifact) -> str:
    return f"/api/v1/jobs/{artifact.job_id}/artifacts/{artifact.pk}"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-3", [range(4)]),
        ("bytes=4-", [range(4, 16)]),
        ("bytes=-4", [range(12, 16)]),
        ("bytes=-99", [range(16)]),
        ("bytes=10-99", [range(10, 16)]),
        ("Bytes=0-0, 2-3", [range(1), range(2, 4)]),
        ("bytes=0-0, 99-", [range(1)]),
        ("", []),
        ("lines=1-2", []),
        ("bytes=3-1", []),
        ("bytes=-", []),
        ("bytes=a-b", []),
        ("bytes=0-1,x", []),
        ("bytes=0-15,0-15", []),
        ("bytes=" + ",".join(["0-0"] * 21), []),
    ],
)
def test_which_parts_are_asked_for(header: str, expected: list[range]) -> None:
    assert ranges.wanted(header, 16) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=16-", 16), ("bytes=-0", 16), ("bytes=0-", 0)])
def test_parts_that_there_are_not(header: str, size: int) -> None:
    with pytest.raises(ranges.Unsatisfiable):
        ranges.wanted(header, size)


def test_a_part_is_sent_alone(as_alice: Client, artifact: Artifact) -> None:
    answer = as_alice.get(path_of(artifact), headers={"Range": "bytes=4-7"})

    assert (answer.status_code, answer.getvalue()) == (206, b"4567")
    assert answer["Content-Range"] == "bytes 4-7/16"
    assert answer["Content-Length"] == "4"


def test_several_parts_come_in_one_body(as_alice: Client, artifact: Artifact) -> None:
    answer = as_alice.get(path_of(artifact), headers={"Range": "bytes=0-1, -2"})

    body = answer.getvalue()
    kind, _, boundary = answer["Content-Type"].partition("; boundary=")
    parts = [each.partition(b"\r\n\r\n") for each in body.split(f"--{boundary}".encode())[1:-1]]
    assert (answer.status_code, kind) == (206, "multipart/byteranges")
    assert [content for _, _, content in parts] == [b"01\r\n", b"ef\r\n"]
    assert b"Content-Range: bytes 14-15/16" in parts[1][0]
    assert int(answer["Content-Length"]) == len(body)


def test_a_part_that_there_is_not_is_told_with_the_size(
    as_alice: Client, artifact: Artifact
) -> None:
    answer = as_alice.get(path_of(artifact), headers={"Range": "bytes=99-"})

    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */16")


def test_parts_of_another_file_are_not_added_to(as_alice: Client, artifact: Artifact) -> None:
    same = f'"{artifact.sha256}"'
    codes = {
        tag: as_alice.get(path_of(artifact), headers={"Range": "bytes=0-1", "If-Range": tag})
        for tag in (same, '"other"', f"W/{same}")
    }

    sizes = [len(answer.getvalue()) for answer in codes.values()]
    assert [answer.status_code for answer in codes.values()] == [206, 200, 200]
    assert sizes == [2, 16, 16]


@pytest.mark.parametrize("door", ["api", "page"])
def test_a_file_tells_its_checksum_and_is_not_sent_twice(
    as_alice: Client, artifact: Artifact, door: str
) -> None:
    page = f"/jobs/{artifact.job_id}/files/{artifact.pk}/"
    path = path_of(artifact) if door == "api" else page

    whole = as_alice.get(path)
    again = as_alice.get(path, headers={"If-None-Match": whole["ETag"]})
    head = as_alice.head(path)

    digest = b64encode(sha256(WRITTEN).digest()).decode()
    assert whole.getvalue() == WRITTEN
    assert whole["Repr-Digest"] == f"sha-256=:{digest}:"
    assert whole["Accept-Ranges"] == "bytes"
    assert (again.status_code, again.getvalue()) == (304, b"")
    assert (head.status_code, head.getvalue(), head["Content-Length"]) == (200, b"", "16")


async def test_a_file_is_read_as_it_is_sent(tmp_path: Path) -> None:
    """Otherwise Django warns, and takes in all of it first."""
    content = bytes(range(256)) * 4096
    (tmp_path / "large").write_bytes(content)
    asked = HttpRequest()
    asked.method = "GET"
    known = {"name": "large", "media_type": "x/y", "sha256": "0" * 64, "size": len(content)}

    answer = sending.send((tmp_path / "large").open("rb"), asked, **known)
    pieces = [piece async for piece in answer]
    answer.close()

    assert b"".join(pieces) == content
    assert {len(piece) for piece in pieces} == {sending.READ_BYTES}


def link(client: Client, artifact: Artifact, **body: Any) -> Any:
    return client.post(f"{path_of(artifact)}/url", body, "application/json")


def test_a_signed_link_needs_nobody_to_sign_in(
    as_alice: Client, artifact: Artifact, settings: Any
) -> None:
    settings.LOCAL_MODE = False
    made = link(as_alice, artifact, expires_in_s=60)
    url = made.json()["url"]

    assert made.status_code == 201
    assert Client().get(url).getvalue() == WRITTEN
    assert Client().get(url, headers={"Range": "bytes=0-0"}).getvalue() == b"0"
    assert Client().get(path_of(artifact)).status_code == 401


def test_a_signed_link_opens_one_file_for_its_time(
    as_alice: Client, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Artifact.objects.create(
        job=artifact.job, attempt=1, name="other", size_bytes=1, sha256="0" * 64
    )
    url = link(as_alice, artifact, expires_in_s=60).json()["url"]
    spoilt = [
        url.replace(str(artifact.pk), str(other.pk)),
        url.replace("until=", "until=9"),
        url.partition("&")[0],
        url.partition("?")[0],
        url[:-1],
    ]

    assert [Client().get(each).status_code for each in spoilt] == [404] * 5
    later = time.time() + 61
    monkeypatch.setattr(signed.time, "time", lambda: later)
    expired = Client().get(url)
    assert (expired.status_code, expired.json()["code"]) == (410, "link_expired")


@pytest.mark.parametrize("body", [{"expires_in_s": 0}, {"expires_in_s": 10**9}, {"for": 3}])
def test_a_link_for_ever_is_refused(
    as_alice: Client, artifact: Artifact, body: dict[str, Any]
) -> None:
    assert link(as_alice, artifact, **body).status_code == 422


def test_a_stranger_gets_no_link(client: Client, bob: Any, artifact: Artifact) -> None:
    client.force_login(bob)

    assert link(client, artifact).status_code == 404


def log(client: Client, job: Job, query: str = "", accept: str = "*/*") -> Any:
    return client.get(f"/api/v1/jobs/{job.pk}/log{query}", headers={"Accept": accept})


def test_a_log_is_read_on_while_it_grows(as_alice: Client, running: Job) -> None:
    first = log(as_alice, running)
    with (running.workdir(1) / artifacts.LOG_NAME).open("ab") as stream:
        stream.write(b" and more")
    second = log(as_alice, running, f"?offset={first['X-Next-Offset']}")

    assert first["Content-Type"] == "text/plain; charset=utf-8"
    assert first.content == WRITTEN
    assert second.content == b" and more"
    assert (first["X-Log-Complete"], first["X-Log-Size"]) == ("false", "16")
    assert "Retry-After" in first


def test_a_log_as_json_and_from_its_end(as_alice: Client, artifact: Artifact) -> None:
    answer = log(as_alice, artifact.job, "?offset=-4", "application/json")

    assert answer.json() == {
        "attempt": 1, "offset": 12, "next_offset": 16, "size_bytes": 16, "complete": True,
        "text": "cdef",
    }  # fmt: skip
    assert "Retry-After" not in answer


def test_a_log_that_nobody_has_begun_is_empty(as_alice: Client, submit: Callable[..., Job]) -> None:
    answer = log(as_alice, submit())

    assert (answer.status_code, answer.content, answer["X-Log-Complete"]) == (200, b"", "false")


@pytest.mark.parametrize(
    "query", ["?offset=x", "?limit=0", "?limit=99999999", "?attempt=2", "?attempt=0", "?offset=٣"]
)
def test_what_there_is_not_of_a_log_is_refused(as_alice: Client, running: Job, query: str) -> None:
    for accept in ("text/plain", "application/json"):
        answer = log(as_alice, running, query, accept)

        assert answer.status_code == 422
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["errors"]


def test_a_removed_log_is_told(as_alice: Client, artifact: Artifact) -> None:
    lifecycle.remove_files(artifact.job, kept_days=30)

    assert log(as_alice, artifact.job).json()["code"] == "file_expired"


def test_no_character_is_cut_in_two(tmp_path: Path) -> None:
    text = "Ångström — 10⁻³ 🧪" * 9
    (tmp_path / "log").write_text(text)
    pieces, offset = [], 0
    while (piece := joblog.read(tmp_path / "log", offset, 17, is_whole=False)).text:
        pieces.append(piece.text)
        offset = piece.next_offset

    assert "".join(pieces) == text
    assert len(pieces) > 10


def test_what_is_half_a_character_is_sent_once_nothing_follows(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes("Å".encode()[:1])

    grows = joblog.read(tmp_path / "log", 0, 100, is_whole=False)
    ended = joblog.read(tmp_path / "log", 0, 100, is_whole=True)

    assert (grows.text, grows.next_offset) == ("", 0)
    assert (ended.text, ended.next_offset) == ("\N{REPLACEMENT CHARACTER}", 1)


def test_a_log_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("treasure")
    (tmp_path / "log").symlink_to(tmp_path / "secret")

    with pytest.raises(OSError, match="symbolic"):
        joblog.read(tmp_path / "log", 0, 100, is_whole=True)
