"""The real stack in processes of its own, started by the command that its user types."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
FINAL = {"succeeded", "failed", "cancelled"}
ENDED = psutil.STATUS_ZOMBIE
DATABASE = "db.sqlite3"
FIRST_PORT, N_PORTS = 12_000, 20_000

Answer = TypeVar("Answer")


def until(ready: Callable[[], Any], what: str, within_s: float = 120) -> Any:
    """Poll until `ready()` is true, and return what it gave.

    :param within_s: that it comes is what is asked; a machine that others use too is no defect.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := ready():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {within_s} s")


def quickest(measured_s: Callable[[], float], enough_s: float, most: int = 3) -> float:
    """Of up to `most`: one may be late where others use the machine too; with a defect all are."""
    found = [measured_s()]
    while min(found) >= enough_s and len(found) < most:
        found.append(measured_s())
    return min(found)


@cache
def empty_database() -> bytes:
    """That of a site that is new: to make one takes longer than to start a site."""
    with tempfile.TemporaryDirectory(prefix="bp ") as var:
        env = {**os.environ, "BACKPLANE_VAR": var}
        env |= {"DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "backplane_site.settings"}
        argv = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(argv, cwd=ROOT, env=env, check=True, timeout=300)
        assert not (Path(var) / f"{DATABASE}-wal").exists(), "not all is in the file"
        return (Path(var) / DATABASE).read_bytes()


class Stack:
    """`manage.py up` on a free port and on data of its own.

    :param database_url: of an empty database; without one, SQLite beside the data.
    :param settings: more environment variables.
    """

    def __init__(
        self, workers: int = 2, *, web: int = 1, database_url: str = "", **settings: str
    ) -> None:
        # A space in it, as in many a home folder.
        self.var = Path(tempfile.mkdtemp(prefix="bp "))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.var / "up.log"
        self._workers, self._web = workers, web
        self.settings = settings | ({"DATABASE_URL": database_url} if database_url else {})
        self.client = httpx.Client(base_url=self.url, timeout=60)
        self.process: subprocess.Popen[bytes] | None = None
        self.accepted: list[str] = []
        self._auditor: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            if not self.settings.get("DATABASE_URL"):
                (self.var / DATABASE).write_bytes(empty_database())
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if any(exc):
            sys.stdout.write(self.output()[-5000:])  # shown with the failure
        self._end_auditor()
        self.down()
        self.client.close()
        shutil.rmtree(self.var, ignore_errors=True)

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "BACKPLANE_VAR": str(self.var),
            "DJANGO_SETTINGS_MODULE": "backplane_site.settings",
            **self.settings,
        }

    def up(self) -> None:
        argv = [sys.executable, "manage.py", "up"]
        argv += ["--port", str(self.port), "--workers", str(self._workers)]
        argv += ["--web", str(self._web)]
        shown = len(self.output())
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                argv, cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            until(lambda: self._says_that_it_is_up(shown), "the stack is up", 300)
        except AssertionError as exc:
            raise AssertionError(f"{exc}:\n{self.output()[-3000:]}") from None

    def _says_that_it_is_up(self, shown: int) -> bool:
        assert self.process
        assert self.process.poll() is None, f"it has ended with status {self.process.returncode}"
        return "is up (" in self.output()[shown:]

    def down(self) -> int:
        """Ctrl-C; returns the exit status. What does not end by it is a failure, and ends too."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            # All that it started dies with it.
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it does not stop:\n{self.output()[-3000:]}") from None

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            argv, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, timeout=180
        )

    # --- as a user ---

    def submit(self, simulation: str, **params: Any) -> str:
        # Two tests that ask for the same are two tests.
        body = {"simulation": simulation, "params": params, "reuse": False}
        answer = self.client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        self.accepted.append(str(answer.json()["id"]))
        return self.accepted[-1]

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def events(self, job_id: str, after: int = 0) -> list[dict[str, Any]]:
        answer = self.client.get(f"/api/v1/jobs/{job_id}/events", params={"after": after})
        found: list[dict[str, Any]] = answer.json()["events"]
        return found

    def wait(
        self,
        job_id: str,
        ready: Callable[[dict[str, Any]], Any] = lambda job: job["state"] in FINAL,
        within_s: float = 240,
    ) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if ready(job) else None

        found: dict[str, Any] = until(look, f"job {job_id}", within_s)
        return found

    def is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    # --- as a saboteur ---

    def processes(self, word: str) -> list[psutil.Process]:
        """The children of the supervisor whose command line has `word` in it."""
        assert self.process
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if word in _ask(child.cmdline, [])]

    def descendants(self) -> list[psutil.Process]:
        assert self.process
        return psutil.Process(self.process.pid).children(recursive=True)

    def redis_server(self) -> psutil.Process:
        return next(p for p in self.descendants() if "redis-server" in _ask(p.name, ""))

    def redis_socket(self) -> str:
        return " ".join(self.redis_server().cmdline()).partition("unixsocket:")[2].strip()

    def horses(self) -> list[psutil.Process]:
        """The processes that compute."""
        return [horse for worker in self.processes("work") for horse in _ask(worker.children, [])]

    def horses_of(self, job_id: str) -> list[psutil.Process]:
        """The processes that compute this job, and no other's."""
        at_work = str(self.job(job_id)["attempts"][-1]["worker"])
        pids = {each.pid for each in self.processes("work") if at_work.endswith(f":{each.pid}")}
        return [horse for horse in self.horses() if horse.ppid() in pids]

    def orphans(self) -> list[psutil.Process]:
        """What works on our data and is not below our supervisor, but for what dies just now."""
        auditor = self._auditor.pid if self._auditor else None
        others = [p for p in psutil.process_iter() if p.pid != auditor]
        found = [p for p in others if self._is_ours(p) and not self._is_below(p)]
        return [p for p in survivors(found, within_s=1) if not self._is_below(p)]

    def _is_below(self, process: psutil.Process) -> bool:
        """Asked of each by itself: a list made before would lack whoever is born meanwhile."""
        assert self.process
        return self.process.pid in {process.pid, *(p.pid for p in _ask(process.parents, []))}

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("BACKPLANE_VAR") == str(self.var)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def audit(self, job_ids: Sequence[str] = ()) -> list[dict[str, Any]]:
        """What is true of these jobs, or of all, see `tests.audit`."""
        if self._auditor is None:
            self._auditor = subprocess.Popen(
                [sys.executable, "-m", "tests.audit"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
                env=self.env,
                text=True,
            )
        assert self._auditor.stdin
        assert self._auditor.stdout
        self._auditor.stdin.write(f"{json.dumps(list(job_ids))}\n")
        self._auditor.stdin.flush()
        answer = self._auditor.stdout.readline()
        assert answer, f"the auditor has ended with status {self._auditor.wait(60)}"
        found: list[dict[str, Any]] = json.loads(answer)
        return found

    def _end_auditor(self) -> None:
        if self._auditor:
            self._auditor.communicate(timeout=60)
            self._auditor = None


def survivors(processes: Sequence[psutil.Process], within_s: float = 5) -> list[psutil.Process]:
    """Who of them still runs by then; one that is dead and not yet buried does not."""
    _, alive = psutil.wait_procs(processes, timeout=within_s)
    return [p for p in alive if _ask(p.status, ENDED) != ENDED]


def kill(processes: Iterable[psutil.Process]) -> None:
    """All of them, also where some die with others."""
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def _ask(question: Callable[[], Answer], if_gone: Answer) -> Answer:
    """A process may be gone between two questions."""
    try:
        return question()
    except psutil.NoSuchProcess:
        return if_gone


_given: set[int] = set()


def free_port() -> int:
    """None of those that Linux gives to who connects: one of them might take it before its server
    does. Nor one that was given here before, whose server may be about to begin."""
    while True:
        port = FIRST_PORT + secrets.randbelow(N_PORTS)
        if port in _given:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port
