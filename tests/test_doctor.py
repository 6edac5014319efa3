"""The doctor on installations that are really broken: it names what, and how to mend it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from backplane_site import install_checks, probes, service_checks
from backplane_site.probes import Level
from jobs import artifacts, lifecycle
from jobs.models import Artifact, Job, WebhookDelivery
from jobs.webhooks import endpoints as webhooks
from tests.stack import ROOT, Stack


class Site:
    def __init__(self, var: Path, **env: str) -> None:
        self.var = var
        self.env = {**os.environ, "BACKPLANE_VAR": str(var), **env}
        self.env["DJANGO_SETTINGS_MODULE"] = "backplane_site.settings"

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            argv, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )

    def doctor(self, *arguments: str) -> tuple[int, dict[str, str]]:
        """Its exit status, and for each thing that it looked at the level that it found."""
        done = self.manage("doctor", *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        told = {}
        for line in done.stdout.splitlines():
            if line.startswith(("ok ", "warning ", "wrong ")):
                told[line[9:28].strip()] = line[:8].strip() + ": " + line[28:]
        return done.returncode, told


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.var.chmod(0o700)
    return site


@pytest.mark.slow
def test_nothing_runs_and_nothing_is_migrated(site: Site) -> None:
    status, told = site.doctor()

    assert status == 1
    assert told["migrations"].startswith("wrong")
    assert told["redis"].startswith("wrong: it does not answer")
    assert told["workers"].startswith("wrong")
    assert told["database"].startswith("ok")
    assert told["engine pyscf"].startswith("ok: 2.")
    assert told["python"].startswith("ok")


@pytest.mark.slow
def test_a_database_that_is_no_database_is_told_and_all_else_is_looked_at(site: Site) -> None:
    (site.var / "db.sqlite3").write_bytes(b"this is no database, only a text" * 100)

    status, told = site.doctor()

    assert status == 1
    assert "not a database" in told["database"]
    assert told["disk"].startswith("ok")
    assert told["engine vina"].startswith("ok")


@pytest.fixture(scope="module")
def lively() -> Iterator[Stack]:
    with Stack(workers=1) as stack:
        stack.wait(stack.submit("demo.sum_squares", n=3))
        yield stack


@pytest.mark.stack
@pytest.mark.slow
def test_a_site_that_is_well_is_told_so_and_one_file_less_is_found(lively: Stack) -> None:
    site = Site(lively.var)

    status, told = site.doctor("--deep")
    assert (status, [line for line in told.values() if line.startswith("wrong")]) == (0, [])
    assert told["workers"].startswith("ok: 1 listening")
    assert told["redis kept"].startswith("ok")
    assert told["database pages"].startswith("ok")
    assert "as they were recorded (to the last byte)" in told["files"]

    log = next(lively.var.glob("jobs/*/1/job.log"))
    log.rename(log.with_suffix(".lost"))
    try:
        status, told = site.doctor()
    finally:
        log.with_suffix(".lost").rename(log)
    assert status == 1
    assert "(file_gone)" in told["files"]


# --- one thing at a time ------------------------------------------------------------------------


@pytest.fixture
def artifact(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Artifact:
    job = start(submit())
    job.workdir(1).mkdir(parents=True)
    (job.workdir(1) / artifacts.LOG_NAME).write_bytes(b"all is well\n")
    lifecycle.succeed(job, 1, {"total": 14}, artifacts.collect(job.workdir(1)))
    return job.artifacts.get()


@pytest.mark.parametrize(
    ("spoil", "deep", "level"),
    [
        (lambda path: None, False, Level.OK),
        (lambda path: path.unlink(), False, Level.WRONG),
        (lambda path: path.write_bytes(b"cut"), False, Level.WRONG),
        (lambda path: path.write_bytes(b"ALL IS WELL\n"), True, Level.WRONG),
    ],
)
def test_files_that_are_not_what_was_recorded(
    artifact: Artifact, spoil: Callable[[Path], Any], deep: bool, level: Level
) -> None:
    spoil(artifact.path)

    (finding,) = service_checks.stored_files(deep=deep)

    assert finding.level is level
    assert bool(finding.mend) is (level is Level.WRONG)


def test_files_that_were_removed_on_purpose_are_not_missed(artifact: Artifact) -> None:
    lifecycle.remove_files(artifact.job, kept_days=1)
    shutil.rmtree(artifact.job.directory)

    (finding,) = service_checks.stored_files(deep=True)

    assert finding.level is Level.OK


def test_a_worker_that_is_long_gone_and_no_reconciler(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    assert next(service_checks.leases()).level is Level.OK

    Job.objects.filter(pk=job.pk).update(lease_expires_at="2020-01-01T00:00:00Z")

    finding = next(service_checks.leases())
    assert (finding.level, "recover_jobs" in finding.mend) == (Level.WRONG, True)


def test_webhooks_that_nobody_sends(alice: Any) -> None:
    endpoint = webhooks.create(owner=alice, url="https://example.org/hook")
    sent = webhooks.test(endpoint)
    assert next(service_checks.webhooks()).level is Level.OK

    WebhookDelivery.objects.filter(pk=sent.pk).update(next_at="2020-01-01T00:00:00Z")

    finding = next(service_checks.webhooks())
    assert (finding.level, "send_webhooks" in finding.mend) == (Level.WARNING, True)


def test_a_redis_that_forgets_or_evicts(redis: Any) -> None:
    def levels() -> dict[str, Level]:
        return {finding.name: finding.level for finding in service_checks.redis_keeps()}

    assert levels() == {"redis kept": Level.OK}
    try:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        redis.config_set("appendonly", "no")
        assert levels() == {"redis": Level.WRONG, "redis kept": Level.WARNING}
    finally:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("appendonly", "yes")


@pytest.mark.parametrize(
    ("skew_s", "level"), [(0.1, Level.OK), (-3, Level.WARNING), (60, Level.WRONG)]
)
def test_a_clock_that_is_late(skew_s: float, level: Level) -> None:
    assert service_checks._skew("clock", skew_s).level is level


def test_a_package_that_is_missing_or_another(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"Django": None, "rq": "0.1"}
    real = install_checks._version
    monkeypatch.setattr(install_checks, "_version", lambda name: versions.get(name, real(name)))

    found = {finding.level: finding.detail for finding in install_checks.packages()}

    assert "Django" in found[Level.WRONG]
    assert "rq 0.1 (pinned: " in found[Level.WARNING]


def test_an_engine_that_takes_its_process_along_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(argv: list[str], **options: Any) -> Any:
        crash = [sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"]
        return real(crash, **options)

    real = subprocess.run
    monkeypatch.setattr(install_checks.subprocess, "run", killed)

    found = list(install_checks.engines())

    assert {finding.level for finding in found} == {Level.WRONG}
    assert f"status -{signal.SIGSEGV.value}" in found[0].detail


def test_what_is_unsafe_on_a_server(settings: Any, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    settings.VAR_DIR = tmp_path
    settings.LOCAL_MODE, settings.DEBUG, settings.ALLOWED_HOSTS = False, True, ["*"]
    settings.METRICS_TOKEN = "short"

    told = {finding.detail: finding.level for finding in install_checks.safety()}

    assert told["tracebacks with settings are shown to everybody"] is Level.WRONG
    assert told["any Host header is taken"] is Level.WRONG
    assert told["the token for /metrics can be guessed"] is Level.WARNING
    assert any("others on this machine may read" in detail for detail in told)
    is_sqlite = connection.vendor == "sqlite"
    assert any("SQLite" in detail for detail in told) is is_sqlite


def test_a_network_file_system_is_recognised(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\nfiler:/home /my\\040home nfs4 rw 0 0\n")

    assert install_checks._file_system_of(Path("/my home/var"), mounts) == "nfs4"
    assert install_checks._file_system_of(Path("/srv"), mounts) == "ext4"
    assert install_checks._file_system_of(Path("/srv"), tmp_path / "none") == ""


def test_a_full_disk_is_told_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes.shutil, "disk_usage", lambda path: SimpleNamespace(free=5))

    assert probes.disk().level is Level.WRONG
    assert "BACKPLANE_RETENTION_DAYS" in probes.disk().mend
