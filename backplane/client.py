"""The blocking client."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from . import settings, submission, transport
from .batch import Batch
from .flows import batches, inbox, jobs
from .job import Job
from .snapshot import JobSnapshot
from .wire import Answer, Call, Deadline, Emit, Flow, NoAnswer, Patience, Pause, Read, asking

T = TypeVar("T")
AnyJob = TypeVar("AnyJob", bound=JobSnapshot)
Json = dict[str, Any]


def ignore(why: str, pause_s: float) -> None:
    """Nobody is to be told."""


def by_id(wanted: Iterable[AnyJob | str]) -> dict[str, AnyJob | None]:
    """Each once; one of which only the id is known is nothing yet."""
    return {
        (each if isinstance(each, str) else each.id): (None if isinstance(each, str) else each)
        for each in wanted
    }


class Client:
    """A site, seen by one user.

    ```
    with Client() as client:
        job = client.submit("dft_single_point", structure="O", basis="def2-svp")
        print(job.result()["energy_hartree"])
    ```

    :param url: without it from `BACKPLANE_URL` or `~/.config/backplane/config.toml`, or the site
        on this machine.
    :param key: without it from `BACKPLANE_KEY` or that file.
    :param patience_s: for how long a request is repeated that gets no answer; so a site may
        restart in the midst of anything.
    :param on_retry: called with why a request is repeated, and in how many seconds.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience_s: float = 60,
        on_retry: Callable[[str, float], None] = ignore,
        http_transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings.resolve(url, key)
        self._http = httpx.Client(**transport.options(self._settings), transport=http_transport)
        self._on_retry = on_retry
        self.ask = asking(Patience(total_s=patience_s))

    def __repr__(self) -> str:
        return f"<Client {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return self._settings.url

    def close(self) -> None:
        self._http.close()

    # --- jobs ---

    def submit(
        self,
        simulation: str,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        name: str = "",
        tags: Sequence[str] = (),
        purpose: str = "",
        priority: str | None = None,
        backend: str | None = None,
        queue: str | None = None,
        limits: Mapping[str, int] | None = None,
        retry: Mapping[str, Any] | None = None,
        reuse: bool | None = None,
        webhook: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Job:
        """A job of that simulation; its params by name, or as a mapping. A `Path` among them is
        uploaded.

        :param idempotency_key: the same key makes the same job, however often it is asked for, by
            whichever process; without one, each call has its own.
        :raises InvalidSubmission: it cannot be run; `errors` and `fix` say why and how to mend it.
        """
        body = submission.body_of(
            simulation, params, name=name, tags=tags, purpose=purpose, priority=priority,
            backend=backend, queue=queue, limits=limits, retry=retry, reuse=reuse,
            webhook=webhook, **more,
        )  # fmt: skip
        return Job(self, self.run(jobs.submit(self.ask, body, idempotency_key)))

    def check(
        self, simulation: str, params: Mapping[str, Any] | None = None, /, **asked: Any
    ) -> Json:
        """What `submit` with the same arguments would do, without doing it."""
        return self.run(jobs.check(self.ask, submission.body_of(simulation, params, **asked)))

    def job(self, job_id: str) -> Job:
        """A job of before, from whichever process.

        :param job_id: or the beginning of one, 8 characters or more.
        :raises NotFound: there is none, or it is somebody else's.
        """
        return Job(self, self.run(jobs.found(self.ask, job_id)))

    def jobs(self, *, most: int | None = None, **filters: Any) -> Iterator[Job]:
        """Yours, newest first; filters as the list of jobs has them: `state="running"`, `tag=`,
        `simulation=`, `text=`, `created_after=` ..."""
        for data in self.iterate(jobs.listed(self.ask, filters, most)):
            yield Job(self, data)

    def as_completed(
        self, wanted: Iterable[Job | str], timeout: float | None = None
    ) -> Iterator[Job]:
        """These jobs, each once it has ended, those first that end first.

        :raises WaitTimeout: some are left after `timeout` seconds; they go on.
        """
        known = by_id(wanted)
        flow = jobs.as_completed(self.ask, [*known], self.deadline(timeout))
        for data in self.iterate(flow):
            yield self._told(known, data)

    def watch(self, wanted: Iterable[Job | str], timeout: float | None = None) -> Iterator[Job]:
        """These jobs, each now and whenever it has changed, until all have ended."""
        known = by_id(wanted)
        for data in self.iterate(jobs.follow(self.ask, [*known], self.deadline(timeout))):
            yield self._told(known, data)

    def _told(self, known: dict[str, Job | None], data: Json) -> Job:
        job = known[data["id"]] = known[data["id"]] or Job(self, data)
        job._update(data)
        return job

    # --- beside jobs ---

    def submit_batch(self, *, idempotency_key: str | None = None, **asked: Any) -> Batch:
        """Up to 10,000 jobs as one: `jobs=[…]`, or `template=` with `grid=` and `zip=`; `name=`,
        `tags=`, `fail_fast=`, `on_invalid=` ... as `POST /api/v1/batches` has them.

        :raises InvalidSubmission: some cannot be run; nothing was stored.
        """
        return Batch(self, self.run(batches.submit(self.ask, asked, idempotency_key)))

    def batch(self, batch_id: str) -> Batch:
        """A batch of before."""
        return Batch(self, self.run(jobs.get(self.ask, f"{batches.BATCHES}/{batch_id}")))

    def batches(self, *, most: int | None = None) -> Iterator[Batch]:
        """Yours, newest first."""
        for data in self.iterate(batches.listed(self.ask, most)):
            yield Batch(self, data)

    def simulations(self) -> list[Json]:
        """Each with the JSON schemas of its params and of its result."""
        found: list[Json] = self.run(jobs.get(self.ask, "/api/v1/simulations"))
        return found

    def upload(self, path: Path) -> Json:
        """A file to name in params, as `{"file": its id}`."""
        return self.run(submission.upload(self.ask, path))

    def inbox(self, *, kinds: Sequence[str] = ()) -> Iterator[Json]:
        """What became of jobs since this was last asked. An event that was taken is acknowledged
        once the next is asked for: who dies in between gets it again."""
        return self.iterate(inbox.unread(self.ask, kinds))

    # --- how flows are run ---

    def deadline(self, timeout: float | None) -> Deadline:
        return Deadline.after(timeout, time.monotonic)

    def run(self, flow: Flow[T]) -> T:
        """Take all its steps; returns its outcome."""
        steps = self.iterate(flow)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                outcome: T = end.value
                return outcome

    def iterate(self, flow: Flow[T]) -> Generator[Any, None, T]:
        """Take its steps one by one, and hand out what it emits."""
        reply: Answer | NoAnswer | bytes | None = None
        chunks: Iterator[bytes] = iter(())
        with ExitStack() as opened:
            while True:
                try:
                    step = flow.send(reply)
                except StopIteration as end:
                    outcome: T = end.value
                    return outcome
                match step:
                    case Emit():
                        yield step.value
                        reply = None
                    case Pause():
                        self._pause(step)
                        reply = None
                    case Call():
                        opened.close()
                        reply, chunks = self._send(step, opened)
                    case Read():
                        reply = self._read(chunks)

    def _pause(self, step: Pause) -> None:
        if step.why:
            self._on_retry(step.why, step.seconds)
        time.sleep(step.seconds)

    def _send(self, call: Call, opened: ExitStack) -> tuple[Answer | NoAnswer, Iterator[bytes]]:
        request = transport.request_of(call, self._http)
        try:
            response = self._http.send(request, stream=True)
            opened.callback(response.close)
            if call.is_stream and response.is_success:
                return transport.head_of(response), response.iter_bytes()
            response.read()
        except httpx.TransportError as exc:
            return transport.no_answer(exc, self._settings), iter(())
        return transport.answer_of(response), iter(())

    def _read(self, chunks: Iterator[bytes]) -> bytes | NoAnswer:
        try:
            return next(chunks, b"")
        except httpx.TransportError as exc:
            return transport.no_answer(exc, self._settings)
