"""The holes that attackers look for first, each found shut."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from jobs import artifacts
from jobs.models import Artifact, Job
from simulations.workdir import MANIFEST_NAME
from tests.stack import ROOT

pytestmark = pytest.mark.django_db

JOB = {"simulation": "demo.sum_squares", "params": {"n": 3}}
FILE_DOORS = ["/api/v1/jobs/{}/artifacts/{}", "/jobs/{}/files/{}/"]


@pytest.fixture
def owner(browser_of: Callable[..., Client]) -> Client:
    return browser_of("owner")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_signing_in_leads_to_no_other_site(
    door: str, target: str, db: None, client: Client, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    get_user_model().objects.create_superuser("dora", password="x")

    answer = client.post(f"{door}?next={target}", {"username": "dora", "password": "x"})

    assert answer.status_code == 302
    assert answer["Location"].startswith("/")
    assert "evil" not in answer["Location"]


@pytest.mark.parametrize(
    "name", ['a"\r\nSet-Cookie: x=1', "a\nb.txt", '"; filename=evil.exe', "ü\u202egpj.exe"]
)
@pytest.mark.parametrize("door", FILE_DOORS)
def test_the_name_of_a_file_adds_no_header(
    door: str, name: str, hidden: Artifact, owner: Client
) -> None:
    hidden.path.rename(hidden.path.with_name(name))
    Artifact.objects.filter(pk=hidden.pk).update(name=name)

    answer = owner.get(door.format(hidden.job_id, hidden.pk))

    assert answer.status_code == 200
    assert answer.getvalue()
    assert not {"\r", "\n"} & set(answer["Content-Disposition"])
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/passwd", "sub/file", "link", ".", "", "a/../b"]
)
def test_a_job_hands_out_nothing_but_plain_files_of_its_own(name: str, tmp_path: Path) -> None:
    workdir = tmp_path / "jobs" / "1"
    (workdir / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_text("s")
    (workdir / "sub" / "file").write_text("s")
    (workdir / "b").write_text("s")
    (workdir / "link").symlink_to(tmp_path / "secret")
    entry = {"name": name, "title": "t", "media_type": "text/plain"}
    (workdir / MANIFEST_NAME).write_text(json.dumps([entry]))

    assert [file.name for file in artifacts.collect(workdir)] == []


@pytest.mark.parametrize(
    "path",
    [
        "/static/../backplane_site/settings.py", "/static/%2e%2e/manage.py", "/static//etc/passwd",
        "/static/..%2f..%2fmanage.py", "/jobs/new/../../manage.py", "/static/css/../../manage.py",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_static_files(path: str, owner: Client) -> None:
    answer = owner.get(path)

    assert answer.status_code == 404
    assert b"django" not in answer.getvalue().lower()


@pytest.mark.parametrize(
    "given", [",".join(["0-0"] * 5000), "-1", "5-1", "0-18446744073709551616", "x", "0-,0-,0-"]
)
@pytest.mark.parametrize("door", FILE_DOORS)
def test_a_strange_range_costs_no_more_than_the_file(
    door: str, given: str, hidden: Artifact, owner: Client
) -> None:
    answer = owner.get(door.format(hidden.job_id, hidden.pk), headers={"range": f"bytes={given}"})

    assert answer.status_code in {200, 206, 416}
    assert len(answer.getvalue()) <= max(hidden.size_bytes, 1000)


def test_a_checksum_that_a_stranger_knows_opens_nothing(
    hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    path = f"/api/v1/jobs/{hidden.job_id}/artifacts/{hidden.pk}"

    answer = browser_of("stranger").get(path, headers={"if-none-match": f'"{hidden.sha256}"'})

    assert answer.status_code == 404


def test_a_form_does_not_start_from_the_job_of_another(
    hidden: Artifact, browser_of: Callable[[str], Client], submit: Callable[..., Job]
) -> None:
    secret = submit(params={"n": 7919}, name="the secret name")

    page = browser_of("stranger").get(f"/jobs/new/demo.sum_squares/?from={secret.pk}")

    assert page.status_code == 200
    assert "7919" not in page.content.decode()
    assert "the secret name" not in page.content.decode()


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_no_header_overrides_the_method(header: str, hidden: Artifact, owner: Client) -> None:
    answer = owner.get(f"/api/v1/jobs/{hidden.job_id}/cancel", headers={header: "POST"})

    assert answer.status_code == 405
    hidden.job.refresh_from_db()
    assert hidden.job.cancel_requested_at is None


def test_options_tell_a_stranger_nothing_of_a_job(
    hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    answer = browser_of("stranger").options(f"/api/v1/jobs/{hidden.job_id}")

    assert "hidden treasure" not in answer.content.decode()
    assert answer.headers.get("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize(
    "body",
    [
        '{"simulation": "demo.sum_squares", "params": '
        + '{"a":' * 50_000
        + "1"
        + "}" * 50_000
        + "}",
        "[" * 100_000,
        '{"simulation": "demo.sum_squares", "params": {"n": ' + "9" * 5_000 + "}}",
        '{"simulation": "demo.sum_squares", "params": {"n": NaN}}',
        '{"simulation": "demo.sum_squares", "params": {"n": Infinity}}',
        '{"simulation": "demo.sum_squares", "params": {"n": 1e999}}',
        '{"simulation": "demo.sum_squares", "params": {"n": 3}, "limits": {"wall_time_s": 1e30}}',
        '{"simulation": "demo.sum_squares", "params": {"n": 3}, "name": "\\u0000"}',
        '{"simulation": "demo.sum_squares", "params": {"n": 3}, "name": "\\ud800"}',
        '{"simulation": "\\u0000", "params": {}}',
        '{"simulation": "__class__", "params": {"__proto__": 1}}',
    ],
    ids=range(11),
)
@pytest.mark.parametrize("path", ["/api/v1/jobs", "/submit_job"])
def test_json_that_is_none_of_ours_is_refused(path: str, body: str, owner: Client) -> None:
    answer = owner.post(path, body, content_type="application/json")

    assert answer.status_code in {400, 422}
    assert answer["Content-Type"] == "application/problem+json"
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        # As Notepad saves it.
        b'\xef\xbb\xbf{"simulation": "demo.sum_squares", "params": {"n": 3}}',
        # A backslash, and five letters after it.
        rb'{"simulation": "demo.sum_squares", "params": {"n": 3}, "name": "C:\\u0000"}',
    ],
    ids=["mark of UTF-8", "backslash"],
)
def test_json_that_only_looks_odd_is_accepted(body: bytes, owner: Client) -> None:
    assert owner.post("/api/v1/jobs", body, content_type="application/json").status_code == 202


@pytest.mark.parametrize(
    "path", ["/jobs/?simulation=%00", "/api/v1/jobs?simulation=a%00", "/jobs/new/%00/", "/?%00=1"]
)
def test_a_null_character_reaches_no_database(path: str, owner: Client) -> None:
    answer = owner.get(path)

    assert answer.status_code == 400
    assert ("problem" in answer["Content-Type"]) == path.startswith("/api/")


def test_a_null_character_in_a_form_or_a_cookie_is_refused(owner: Client) -> None:
    form = owner.post("/jobs/new/demo.sum_squares/", {"n": "3", "job_tags": "a\0b"})
    typed = {"n": "3", "job_name": "a\0b"}
    kind = "application/x-www-form-urlencoded"
    encoded = owner.generic("POST", "/jobs/new/demo.sum_squares/", "n=3&job_tags=a%00b", kind)
    cookie = Client(headers={"cookie": 'sessionid="\\000aaaaaaaaaaaa"'}).get("/jobs/")
    login = Client().post("/login/", {"username": "a\0", "password": "b"})

    assert (encoded.status_code, cookie.status_code) == (400, 400)
    assert {form.status_code, login.status_code} <= {200, 400, 422}
    assert owner.post("/jobs/new/demo.sum_squares/", typed).status_code in {200, 400, 422}
    assert not Job.objects.exists()


@pytest.mark.parametrize("path", ["/jobs/new/dft_single_point/", "/api/v1/jobs", "/submit_job"])
def test_a_body_that_is_too_large_is_413_at_every_door(
    path: str, owner: Client, settings: Any
) -> None:
    kind = "application/json" if "jobs/new" not in path else "application/x-www-form-urlencoded"

    answer = owner.generic("POST", path, "a" * (settings.MAX_BODY_BYTES + 1), kind)

    assert answer.status_code == 413
    assert "1,000,000 bytes" in answer.content.decode()


def test_a_path_forges_no_line_of_the_log(owner: Client, caplog: pytest.LogCaptureFixture) -> None:
    owner.get("/api/v1/jobs/%0aERROR%20jobs:%20forged")
    owner.get("/jobs/%0d%0aERROR%20forged", headers={"x-request-id": "a\nb"})

    assert not any("\n" in record.getMessage() for record in caplog.records)


def test_a_stranger_s_answer_says_nothing_of_the_machine(owner: Client) -> None:
    answer = owner.get("/jobs/")

    assert not {"server", "x-powered-by"} & {name.lower() for name in answer.headers}


def test_nothing_here_unpacks_an_archive() -> None:
    """No zip, no bomb, no path in it: what is uploaded is kept as it is."""
    openers = {"zipfile", "tarfile", "gzip", "bz2", "lzma", "zlib"}
    found = {
        str(path.relative_to(ROOT))
        for folder in ("jobs/api", "jobs/pages", "simulations/structures")
        for path in (ROOT / folder).rglob("*.py")
        if openers & set(_imports(path))
    }

    assert found == {"jobs/pages/zipped.py"}, "which packs, and reads none"
    text = (ROOT / "jobs/pages/zipped.py").read_text()
    assert re.findall(r"ZipFile\(.*?,\s*\"(\w)\"", text) == ["w"]
    assert "extract" not in text


def test_only_the_reader_of_nobody_s_input_unpickles() -> None:
    dangerous = {"pickle", "marshal", "shelve", "dill"}
    found = {
        str(path.relative_to(ROOT))
        for folder in ("backplane_site", "jobs", "simulations")
        for path in (ROOT / folder).rglob("*.py")
        if dangerous & set(_imports(path))
    }

    assert found == set()


def _imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module.split(".")[0])
    return found
