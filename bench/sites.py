"""The two sites that are asked the same, each with one web process and as many workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

import psutil

import backplane
from tests.stack import Stack, until

from .circumstances import cpu_s
from .load import Answers, Load, put
from .peers.seed.site import JOB, Seed

CONNECTIONS = 16
WITHIN_S = 300
SUM: dict[str, Any] = {"simulation": "demo.sum_squares", "params": {"n": 1}, "reuse": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """:param cpu_ms: of the web process, for one answer."""

    answers: Answers
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One job: when it was sent, and when it was at work, in seconds since 1970."""

    sent_at: float
    started_at: float
    finished_at: float


class Site(Protocol):
    """What is asked of either."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None: ...
    def read(self, seconds: float) -> Measured: ...
    def read_anew(self, seconds: float) -> Measured: ...
    def read_unchanged(self, seconds: float) -> Measured: ...
    def submit(self, seconds: float) -> Measured: ...
    def run_one(self) -> Run: ...
    def run_many(self, n: int) -> list[Run]: ...


class Ours:
    def __init__(self, workers: int) -> None:
        self._stack = Stack(workers=workers)

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._stack)
            self._job = self._stack.submit("demo.sum_squares", n=1)
            self._stack.wait(self._job)
            self._tag = self._stack.client.get(f"/api/v1/jobs/{self._job}").headers["ETag"]
            (self._web,) = self._stack.processes("daphne")
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._opened.__exit__(*exc)

    def read(self, seconds: float) -> Measured:
        return self._put(seconds, paths=[f"/api/v1/jobs/{self._job}"], expected=200)

    def read_anew(self, seconds: float) -> Measured:
        """With a word more than is known by heart, so that the answer is made each time."""
        path = f"/api/v1/jobs/{self._job}?view=full"
        return self._put(seconds, paths=[path], expected=200)

    def read_unchanged(self, seconds: float) -> Measured:
        known = {"If-None-Match": self._tag}
        path = f"/api/v1/jobs/{self._job}"
        return self._put(seconds, paths=[path], expected=304, headers=known)

    def submit(self, seconds: float) -> Measured:
        found = self._put(seconds, paths=["/api/v1/jobs"], bodies=[SUM], expected=202)
        until(lambda: has_none_waiting(self._stack), "all of them are done", WITHIN_S)
        return found

    def run_one(self) -> Run:
        sent_at = time.time()
        return _run(sent_at, self._stack.wait(self._stack.submit("demo.sum_squares", n=1)))

    def run_many(self, n: int) -> list[Run]:
        sent_at = time.time()
        with backplane.Client(self._stack.url) as client:
            batch = client.submit_batch(jobs=[SUM] * n).wait(WITHIN_S)
        path = f"/api/v1/batches/{batch.id}/items"
        items = self._stack.client.get(path, params={"limit": 1000}).json()["results"]
        return [_run(sent_at, self._stack.job(item["job_id"])) for item in items]

    def _put(self, seconds: float, **asked: Any) -> Measured:
        return measure(self._web, self._stack.port, seconds, **asked)


class Theirs:
    """The architecture that this project began with."""

    def __init__(self, workers: int) -> None:
        self._seed = Seed(workers)

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._seed)
            self._job = self._seed.submit()
            self._result(self._job)
            self._web = psutil.Process(self._seed.web_pid)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._opened.__exit__(*exc)

    def read(self, seconds: float) -> Measured:
        return self._put(seconds, paths=[f"/job_status/{self._job}"])

    def read_anew(self, seconds: float) -> Measured:
        """It makes every answer anew."""
        return self.read(seconds)

    def read_unchanged(self, seconds: float) -> Measured:
        """It knows no versions: whoever looks again gets all of it again."""
        return self.read(seconds)

    def submit(self, seconds: float) -> Measured:
        found = self._put(seconds, paths=["/submit_job"], bodies=[JOB])
        self._result(self._seed.submit())  # behind all the others
        return found

    def run_one(self) -> Run:
        sent_at = time.time()
        return self._run(sent_at, self._seed.submit())

    def run_many(self, n: int) -> list[Run]:
        sent_at = time.time()
        return [self._run(sent_at, job) for job in [self._seed.submit() for _ in range(n)]]

    def _run(self, sent_at: float, job: str) -> Run:
        result = self._result(job)
        at = {name: result[name] for name in ("started_at", "finished_at")}
        return Run(sent_at=sent_at, **at)

    def _result(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = until(lambda: self._seed.result(job), "its result", WITHIN_S)
        return found

    def _put(self, seconds: float, **asked: Any) -> Measured:
        return measure(self._web, self._seed.port, seconds, expected=200, **asked)


def has_none_waiting(stack: Stack) -> bool:
    active = {"state": ["queued", "running"], "limit": 1}
    answer = stack.client.get("/api/v1/jobs", params=active)
    return not answer.json()["results"]


def measure(web: psutil.Process, port: int, seconds: float, **asked: Any) -> Measured:
    before_s = cpu_s(web)
    answers = put(Load(port=port, seconds=seconds, connections=CONNECTIONS, **asked))
    return Measured(answers=answers, cpu_ms=1e3 * (cpu_s(web) - before_s) / answers.n)


def _run(sent_at: float, job: dict[str, Any]) -> Run:
    at = {name: stamp(job[name]) for name in ("started_at", "finished_at")}
    return Run(sent_at=sent_at, **at)


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


SITES: dict[str, Callable[[int], Site]] = {"ours": Ours, "theirs": Theirs}
