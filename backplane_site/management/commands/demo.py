"""From nothing to two results: start everything, submit, follow, print, stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

UP_WITHIN_S = 90
DONE_WITHIN_S = 1800
WATER = {
    "simulation": "dft_optimization",
    "name": "Water",
    "params": {"structure": "O", "functional": "b3lyp", "basis": "def2-svp"},
}


class Command(BaseCommand):
    help = "Run the README's own request and a water optimisation on a stack of their own."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console()
        with _stack(console) as client:
            jobs = [_submit_seed(client), _submit(client, WATER)]
            finished = _follow(client, jobs, console)
        for job in finished:
            console.print(_summary(job))
        if any(job["state"] != "succeeded" for job in finished):
            raise CommandError("Not every job succeeded.")


@contextmanager
def _stack(console: Console) -> Iterator[httpx.Client]:
    """`manage.py up` on a free port and on data of its own."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    var = settings.VAR_DIR / "demo"
    var.mkdir(exist_ok=True)
    log = var / "up.log"
    console.print(f"Starting the backplane on {url}, its log in {log} ...")
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", "--port", str(port)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            argv,
            env={**os.environ, "BACKPLANE_VAR": str(var)},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=url, timeout=30) as client:
            _wait_until_up(client, process, log)
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        console.print("The backplane is stopped.")


def _wait_until_up(client: httpx.Client, process: subprocess.Popen[bytes], log: Any) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/healthz").json()["state"] == "ok":
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise CommandError(f"The backplane did not come up:\n{log.read_text()[-2000:]}")


def _submit_seed(client: httpx.Client) -> str:
    """The request of the README, as curl sends it."""
    answer = client.post(
        "/submit_job",
        content=(settings.BASE_DIR / "json_ex.json").read_bytes(),
        headers={"Content-Type": "application/json"},
    )
    return str(_accepted(answer)["job_id"])


def _submit(client: httpx.Client, body: dict[str, Any]) -> str:
    return str(_accepted(client.post("/api/v1/jobs", json=body))["id"])


def _accepted(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise CommandError(f"Refused: {answer.text}")
    body: dict[str, Any] = answer.json()
    return body


def _follow(client: httpx.Client, ids: list[str], console: Console) -> list[dict[str, Any]]:
    """Draw a bar for each job until all are final."""
    deadline = time.monotonic() + DONE_WITHIN_S
    bar = Progress(
        TextColumn("{task.fields[name]:<20}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}"),
        console=console,
        transient=not console.is_terminal,
    )
    with bar:
        tasks = {job_id: bar.add_task("", total=1.0, name="", message="") for job_id in ids}
        while True:
            jobs = [client.get(f"/api/v1/jobs/{job_id}").json() for job_id in ids]
            for job in jobs:
                _draw(bar, tasks[job["id"]], job, console)
            if all(job["finished_at"] for job in jobs):
                return jobs
            if time.monotonic() > deadline:
                raise CommandError(f"Not done after {DONE_WITHIN_S} s.")
            time.sleep(0.5)


def _draw(bar: Progress, task: TaskID, job: dict[str, Any], console: Console) -> None:
    message = job["message"] or job["reason_text"] or job["state"]
    known = bar.tasks[task].fields["message"]
    bar.update(task, completed=job["progress"], name=job["name"], message=message)
    if message != known and not console.is_terminal:
        console.print(f"{job['name']:<20} {job['progress']:>4.0%}  {message}", soft_wrap=True)


def _summary(job: dict[str, Any]) -> Table:
    table = Table(title=f"{job['name']}: {job['state']}", title_justify="left", show_header=False)
    for name, value in _plain(job["result"] or job["error"] or {}).items():
        table.add_row(name, value)
    for artifact in job["artifacts"]:
        table.add_row("file", f"{artifact['name']}, {artifact['size_bytes']:,} bytes")
    return table


def _plain(result: dict[str, Any]) -> dict[str, str]:
    """What fits on a line."""
    shown = {name: json.dumps(value, ensure_ascii=False) for name, value in result.items()}
    return {name: text for name, text in shown.items() if len(text) < 100}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
