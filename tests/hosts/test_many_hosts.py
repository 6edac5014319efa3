"""One queue, several hosts: each job lands where it can run, and a host that is cut off spoils
nothing."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from backplane_site.services import redis_server
from tests.postgres import Postgres
from tests.stack import Stack, free_port, until

from .network import SITE, Host, bridge, why_not

pytestmark = [pytest.mark.stack, pytest.mark.slow]

QUICK = {
    "BACKPLANE_LEASE_S": "6",
    "BACKPLANE_UNCONFIRMED_S": "4",
    "BACKPLANE_RETRY_DELAY_S": "1",
}
OF_THE_SITE = {"BACKPLANE_MAX_MEMORY_MIB": "64000", "BACKPLANE_MEMORY_MIB": "2000"}
TOO_LITTLE_MIB = 64
"""The worker beside the web: it listens, and can serve nothing."""
OFFERED_MIB = {"small": 4_000, "large": 32_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """The site on one side of the network, its worker hosts on the other."""

    stack: Stack
    hosts: dict[str, Host]
    logs: dict[str, Path]

    def submit(self, simulation: str, params: dict[str, Any], **said: Any) -> str:
        body = {"simulation": simulation, "params": params, "reuse": False, **said}
        answer = self.stack.client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def host_of(self, job: dict[str, Any]) -> str:
        return str(job["attempts"][-1]["host"])


@contextmanager
def redis_on_the_network(directory: Path) -> Iterator[str]:
    port = free_port()
    argv = [redis_server(), "--bind", SITE, "--port", str(port), "--protected-mode", "no"]
    with subprocess.Popen([*argv, "--save", "", "--dir", str(directory)]) as process:
        try:
            server = redis.Redis(SITE, port)
            until(lambda: _answers(server), "Redis answers")
            server.close()
            yield f"redis://{SITE}:{port}/0"
        finally:
            process.terminate()


def _answers(server: redis.Redis) -> bool:
    try:
        return bool(server.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if why := why_not():
        pytest.skip(why)
    directory = tmp_path_factory.mktemp("hosts")
    with ExitStack() as all_of_it:
        enter = all_of_it.enter_context
        enter(bridge())
        settings = {**QUICK, **OF_THE_SITE, "REDIS_URL": enter(redis_on_the_network(directory))}
        database = enter(Postgres(address=SITE)).create("hosts")
        own = {"BACKPLANE_HOST_MEMORY_MIB": str(TOO_LITTLE_MIB)}
        stack = enter(Stack(1, database_url=database, **settings, **own))
        lab = Lab(stack=stack, hosts={}, logs={})
        for number, (name, memory_mib) in enumerate(OFFERED_MIB.items(), start=2):
            lab.hosts[name] = enter(Host(name=name, number=number))
            lab.logs[name] = directory / f"{name}.log"
            enter(working(lab, lab.hosts[name], memory_mib, lab.logs[name]))
        yield lab


@contextmanager
def working(
    lab: Lab, host: Host, memory_mib: int, log: Path, manage: Sequence[str] = ("manage.py",)
) -> Iterator[None]:
    """A worker on that host."""
    env = {**lab.stack.env, "BACKPLANE_HOST_MEMORY_MIB": str(memory_mib)}
    with host.running([sys.executable, *manage, "work"], env, log):
        yield


def test_a_job_lands_on_the_host_that_has_what_it_needs(lab: Lab) -> None:
    limits = {"memory_mib": 20_000}
    jobs = [lab.submit("demo.sum_squares", {"n": 20 + n}, limits=limits) for n in range(3)]
    beyond = lab.submit("demo.sum_squares", {"n": 3}, limits={"memory_mib": 50_000})

    assert {lab.host_of(lab.stack.wait(job)) for job in jobs} == {"large"}
    waits = lab.stack.job(beyond)["waiting"]
    assert waits["reason"] == "no_able_worker"
    assert waits["text"] == "No worker that is there has 50,000 MiB of memory"
    lab.stack.client.post(f"/api/v1/jobs/{beyond}/cancel")


def test_a_host_that_is_cut_off_and_healed_leaves_exactly_one_result(lab: Lab) -> None:
    job_id = lab.submit("md_simulation", {"structure": "CCO", "length_ps": 400})
    job = lab.stack.wait(job_id, lambda job: job["metrics"].get("time_ps", 0) > 20)
    first = lab.host_of(job)
    (second,) = lab.hosts.keys() - {first}

    lab.hosts[first].cut_off()
    lab.stack.wait(job_id, lambda job: job["reason"] == "unconfirmed")
    lab.stack.wait(job_id, lambda job: len(job["attempts"]) == 2)
    lab.hosts[first].heal()

    ended = lab.stack.wait(job_id)
    assert (ended["state"], lab.host_of(ended)) == ("succeeded", second)
    assert [each["outcome"] for each in ended["attempts"]] == ["requeued", "succeeded"]
    until(lambda: _was_refused(lab.logs[first], job_id), "its late word was refused")
    kinds = [event["kind"] for event in lab.stack.events(job_id)]
    assert [kinds.count(kind) for kind in ("unconfirmed", "requeued", "succeeded")] == [1, 1, 1]
    (told,) = lab.stack.audit([job_id])
    assert told["faults"] == []
    # It is of use again.
    back = lab.submit("demo.sum_squares", {"n": 5}, limits={"memory_mib": OFFERED_MIB[first]})
    assert lab.stack.wait(back)["state"] == "succeeded"


def test_a_host_with_the_name_of_the_site_s_own_is_another_one(lab: Lab, tmp_path: Path) -> None:
    limits = {"memory_mib": 36_000}
    twin = Host(name="twin", number=9, called=socket.gethostname())
    with twin, working(lab, twin, 40_000, tmp_path / "log"):
        first = lab.submit("md_simulation", {"structure": "CCO", "length_ps": 400}, limits=limits)
        lab.stack.wait(first, lambda job: job["state"] == "running")
        next_one = lab.submit("demo.sum_squares", {"n": 9}, limits=limits)

        # Who is there the web asks anew after a second.
        lab.stack.wait(next_one, lambda job: job["waiting"]["reason"] == "no_free_worker")
        lab.stack.client.post(f"/api/v1/jobs/{first}/cancel")
        assert lab.stack.wait(next_one)["state"] == "succeeded"


def test_a_host_takes_nothing_until_its_clock_is_right(lab: Lab, tmp_path: Path) -> None:
    told = tmp_path / "shift"
    told.write_text("-3600")
    odd = Host(name="odd", number=10)
    manage = ["-m", "tests.hosts.shifted", str(told)]
    with odd, working(lab, odd, 48_000, tmp_path / "log", manage):
        job_id = lab.submit("demo.sum_squares", {"n": 7}, limits={"memory_mib": 45_000})
        for shift, words in (("-3600", "3,600 s behind"), ("7200", "7,200 s ahead of")):
            told.write_text(shift)
            job = lab.stack.wait(job_id, lambda job, words=words: words in job["waiting"]["text"])
            assert job["waiting"]["reason"] == "no_able_worker"

        told.write_text("0")
        ended = lab.stack.wait(job_id)

    assert (ended["state"], len(ended["attempts"])) == ("succeeded", 1)
    moments = [ended[name] for name in ("created_at", "started_at", "finished_at")]
    assert sorted(moments) == moments


def _was_refused(log: Path, job_id: str) -> bool:
    """It ended by itself and its result was dropped, or its lease was refused and it was ended."""
    text = log.read_text(errors="replace")
    return "fenced attempt" in text or f"Work horse killed for job {job_id}-1" in text
