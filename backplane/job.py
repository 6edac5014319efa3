"""A job in the hand of a blocking client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from . import notebook
from .flows import jobs, streams
from .snapshot import JobSnapshot

if TYPE_CHECKING:
    from .client import Client

Json = dict[str, Any]


class Job(JobSnapshot):
    """As it was last told of, and what can be done with it."""

    def __init__(self, client: Client, data: Json) -> None:
        super().__init__(data)
        self._client = client

    def refresh(self) -> Self:
        """Ask for all of it anew."""
        self._update(self._get())
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Until it has ended, however it does.

        :raises WaitTimeout: it has not after `timeout` seconds; it goes on.
        """
        client = self._client
        self._update(client.run(jobs.wait(client.ask, self.id, client.deadline(timeout))))
        return self.refresh()

    def result(self, timeout: float | None = None, *, fields: Sequence[str] = ()) -> Json:
        """What it found, once it has: waits for it.

        :param fields: only these, dotted: `["energy_hartree", "geometry.xyz"]`.
        :raises JobFailed, JobCancelled: there will be none; `kind`, `hints` and `fix` say more.
        :raises WaitTimeout: see `wait`.
        """
        client = self._client
        deadline = client.deadline(timeout)
        return client.run(jobs.result(client.ask, self.id, deadline, fields))

    def watch(self, timeout: float | None = None) -> Iterator[Self]:
        """This job, now and at each change, the last time with its end."""
        client = self._client
        for data in client.iterate(jobs.watch(client.ask, self.id, client.deadline(timeout))):
            self._update(data)
            yield self

    def events(self, after: int = 0) -> Iterator[Json]:
        """Everything that happens to it, in order and without a gap, until it has ended."""
        return self._client.iterate(streams.events(self._client.ask, self.id, after))

    def logs(self, *, follow: bool = False) -> Iterator[str]:
        """The text that its engine wrote; with `follow` also what it writes from now on."""
        return self._client.iterate(streams.log(self._client.ask, self.id, follow=follow))

    def cancel(self) -> Self:
        """Ask it to stop; it is `cancelled` once its process is gone, which `wait` waits for."""
        self._update(self._client.run(jobs.cancel(self._client.ask, self.id)))
        return self

    def restart(
        self,
        limits: Mapping[str, int] | None = None,
        /,
        *,
        idempotency_key: str | None = None,
        **more: int,
    ) -> Job:
        """A new job that goes on from where this one stopped: `restart(wall_time_s=7200)`."""
        body: Json = {"limits": asked} if (asked := {**(limits or {}), **more}) else {}
        return self._new("restart", body, idempotency_key)

    def run_again(self, patch: Json | None = None, *, idempotency_key: str | None = None) -> Job:
        """A new job from the beginning; `patch` is a JSON merge patch on what was submitted."""
        return self._new("run-again", {"patch": patch} if patch else {}, idempotency_key)

    def explain(self) -> Json:
        """Why it waits, failed or was computed anew, and what may be done about it."""
        explained: Json = self._get("/explain")
        return explained

    def artifacts(self) -> list[Json]:
        """Its files, with their sizes and checksums."""
        return list(self._get(fields="artifacts")["artifacts"])

    def download(
        self, names: streams.Names = (), *, to: Path | str = ".", all_attempts: bool = False
    ) -> list[Path]:
        """Its files, or those of this name or these, below `to`; each checked by its SHA-256.

        :param all_attempts: also those that earlier attempts left, in a folder for each.
        """
        plan = streams.wanted(self._get(fields="artifacts,attempt"), names, Path(to), all_attempts)
        run, ask = self._client.run, self._client.ask
        return [run(streams.download(ask, self.id, each, place)) for each, place in plan]

    # --- in a notebook ---

    def live(self, timeout: float | None = None) -> Self:
        """Wait, with a bar that moves. For IPython and Jupyter."""
        show = notebook.display()
        for job in self.watch(timeout):
            show(job._repr_html_())
        return self

    def view3d(self) -> Any:
        """Its last geometry to turn in the hand, where py3Dmol is installed."""
        found = notebook.geometry_among(self.artifacts())
        return notebook.view3d(found["name"], self._text_of(found))

    def _text_of(self, artifact: Mapping[str, Any]) -> str:
        return self._client.run(streams.text(self._client.ask, self.id, artifact))

    def _get(self, below: str = "", **query: Any) -> Any:
        path = f"{jobs.JOBS}/{self.id}{below}"
        return self._client.run(jobs.get(self._client.ask, path, **query))

    def _new(self, verb: str, body: Json, key: str | None) -> Job:
        path = f"{jobs.JOBS}/{self.id}/{verb}"
        return Job(self._client, self._client.run(jobs.make(self._client.ask, path, body, key)))
