"""Who is too quick is told how long to wait, at every door, also while Redis is away."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from backplane_site.address import client_address
from jobs import limits
from jobs.models import Artifact, Job

JOB = {"simulation": "demo.sum_squares", "params": {"n": 3}}
PASSWORD = "correct horse battery staple"
FAST_HASH = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def carol(db: None, settings: Any) -> Any:
    settings.PASSWORD_HASHERS = FAST_HASH
    return get_user_model().objects.create_user("carol", password=PASSWORD)


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def sign_in(client: Client, door: str, name: str, password: str) -> Any:
    if door == "basic":
        return client.get("/api/v1/jobs", headers=basic(name, password))
    return client.post(door, {"username": name, "password": password})


def test_a_user_who_submits_too_often_is_asked_to_wait(
    settings: Any, browser_of: Callable[[str], Client]
) -> None:
    settings.RATE_WRITES = "3/day"
    client = browser_of("owner")

    bodies = [JOB | {"params": {"n": n}} for n in range(3, 8)]
    answers = [client.post("/api/v1/jobs", body, "application/json") for body in bodies]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    problem = answers[-1].json()
    assert answers[-1]["Content-Type"] == "application/problem+json"
    assert (problem["code"], problem["retryable"]) == ("throttled", True)
    assert 0 < int(answers[-1]["Retry-After"]) <= 86400
    assert Job.objects.count() == 3


def test_all_doors_count_together_and_each_user_alone(
    settings: Any, hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    settings.RATE_WRITES = "2/day"
    owner = browser_of("owner")
    owner.post("/jobs/new/demo.sum_squares/", {"n": "3"})
    owner.post("/submit_job", {}, "application/json")

    page = owner.post(f"/jobs/{hidden.job_id}/again/")
    seed = owner.post("/submit_job", {}, "application/json")
    other = browser_of("stranger").post("/api/v1/jobs", JOB, "application/json")

    assert (page.status_code, seed.status_code, other.status_code) == (429, 429, 202)
    assert "too often" in page.content.decode()
    assert int(page["Retry-After"]) > 0


def test_a_look_is_not_counted(settings: Any, browser_of: Callable[[str], Client]) -> None:
    settings.RATE_WRITES = "1/day"
    client = browser_of("owner")

    assert {client.get("/api/v1/jobs").status_code for _ in range(5)} == {200}


@pytest.mark.parametrize("door", ["/login/", "/admin/login/", "basic"])
def test_whoever_guesses_passwords_is_asked_to_wait(door: str, carol: Any, settings: Any) -> None:
    settings.RATE_FAILED_SIGN_INS_BY_ADDRESS = "3/day"
    client = Client()
    for guess in range(3):
        assert sign_in(client, door, "carol", str(guess)).status_code in {200, 401}

    refused = sign_in(client, door, "carol", PASSWORD)

    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert "sessionid" not in client.cookies
    assert sign_in(Client(REMOTE_ADDR="192.0.2.1"), door, "carol", PASSWORD).status_code != 429


def test_all_doors_count_failures_together(carol: Any, settings: Any) -> None:
    settings.RATE_FAILED_SIGN_INS_BY_ADDRESS = "2/day"
    sign_in(Client(), "basic", "carol", "a")
    sign_in(Client(), "/login/", "nobody", "b")

    assert sign_in(Client(), "/admin/login/", "carol", PASSWORD).status_code == 429


def test_one_name_is_not_guessed_from_many_addresses(carol: Any, settings: Any) -> None:
    settings.RATE_FAILED_SIGN_INS_BY_NAME = "3/day"

    for n in range(3):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{n}"), "basic", "Carol", "x")

    refused = sign_in(Client(REMOTE_ADDR="192.0.2.9"), "basic", "carol", PASSWORD)
    assert refused.status_code == 429
    assert refused.json()["code"] == "throttled"


def test_whoever_is_right_is_never_counted(carol: Any, settings: Any) -> None:
    settings.RATE_FAILED_SIGN_INS_BY_ADDRESS = "1/day"

    answers = [sign_in(Client(), "basic", "carol", PASSWORD) for _ in range(4)]

    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "192.0.2.1", "127.0.0.1"),
        (1, "192.0.2.1", "192.0.2.1"),
        # The client wrote the first itself.
        (1, "10.0.0.1, 192.0.2.1", "192.0.2.1"),
        (2, "10.0.0.1, 192.0.2.1, 192.0.2.2", "192.0.2.1"),
        (3, "192.0.2.1", "192.0.2.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_the_address_is_the_one_that_our_own_proxy_saw(
    proxies: int, forwarded: str, address: str, settings: Any, rf: Any
) -> None:
    settings.PROXIES = proxies

    assert client_address(rf.get("/", headers={"x-forwarded-for": forwarded})) == address


def test_redis_counts_for_all_processes(redis: Any) -> None:
    limit = limits.Limit(what="test", count=2, period_s=86400)
    limit.hit("alice")
    limits.forget()  # as another process would begin
    limit.hit("alice")

    with pytest.raises(limits.TooMany):
        limit.hit("alice")
    (key,) = redis.keys("limit:test:*")
    assert 0 < redis.ttl(key) <= 86401
    assert b"alice" not in key


def test_without_redis_each_process_counts_on_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def broken(*args: Any) -> int:
        calls.append(args)
        raise OSError("no such socket")

    monkeypatch.setattr(limits, "_add_in_redis", broken)
    limit = limits.Limit(what="test", count=2, period_s=86400)
    limit.hit("alice")
    limit.hit("alice")

    with pytest.raises(limits.TooMany):
        limit.hit("alice")
    assert len(calls) == 1  # left alone for a while, so that no request waits for it
    assert "on its own" in caplog.text


def test_a_window_that_is_over_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1_000_000.0
    monkeypatch.setattr(limits.time, "time", lambda: clock)
    limit = limits.Limit(what="test", count=1, period_s=60)
    limit.hit("alice")
    with pytest.raises(limits.TooMany) as refusal:
        limit.hit("alice")

    clock += refusal.value.wait_s

    limit.hit("alice")


@pytest.mark.parametrize("rate", ["", "5", "5/week", "-1/min", "0/min", "5 / min", "²/min"])
def test_a_rate_that_is_none_is_told(rate: str) -> None:
    with pytest.raises(ValueError, match="1200/min"):
        limits.parse("writes", rate)


def test_a_rate_can_be_off() -> None:
    assert limits.parse("writes", "off") is None
    assert limits.parse("writes", "5/min") == limits.Limit(what="writes", count=5, period_s=60)
