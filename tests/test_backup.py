"""A whole site into one file and back: the same rows, the same files, and its jobs go on."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backplane_site import archive
from tests.stack import ROOT, Stack

POPULATE = """
from django.contrib.auth import get_user_model
from jobs import artifacts, lifecycle
from jobs.models import Job, StoredFile
alice = get_user_model().objects.create_user("alice")
def job(**more):
    return lifecycle.submit(owner=alice, simulation="demo.sum_squares", params={"n": 3}, **more)
def started(job):
    lifecycle.start(job, 1, worker="gone:1", host="gone", pid=1)
    job.workdir(1).mkdir(parents=True)
    (job.workdir(1) / "job.log").write_text(f"log of {job.pk}")
    return job
job(name="queued")
running = started(job(name="running"))
(running.workdir(1) / "checkpoint.chk").write_text("half way")
done = started(job(name="done"))
lifecycle.succeed(done, 1, {"total": 14}, artifacts.collect(done.workdir(1)))
failed = started(job(name="failed"))
lifecycle.fail(failed, 1, "science", {"detail": "no"}, artifacts.collect(failed.workdir(1)))
cancelled = job(name="cancelled")
lifecycle.request_cancel(cancelled, by=alice)
content = b"an uploaded file"
import hashlib
digest = hashlib.sha256(content).hexdigest()
kept = StoredFile.objects.create(owner=alice, name="a.xyz", sha256=digest, size_bytes=len(content))
kept.path.parent.mkdir(parents=True)
kept.path.write_bytes(content)
"""


class Site:
    """A BACKPLANE_VAR of its own, looked after from the command line."""

    def __init__(self, var: Path) -> None:
        self.var = var

    def manage(self, *arguments: str, ok: bool = True) -> str:
        env = {**os.environ, "BACKPLANE_VAR": str(self.var)}
        env["DJANGO_SETTINGS_MODULE"] = "backplane_site.settings"
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        with closing(sqlite3.connect(self.var / "db.sqlite3")) as db:
            tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables}

    def files(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.var)): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in ("jobs", "files")
            for path in (self.var / folder).rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("site"))
    site.manage("migrate", "--verbosity", "0")
    site.manage("shell", "-c", POPULATE)
    return site


@pytest.fixture(scope="module")
def backup(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backups") / "site.tar.gz"
    site.manage("backup", str(file))
    return file


@pytest.fixture
def fresh(tmp_path: Path) -> Site:
    return Site(tmp_path / "fresh")


def test_every_row_and_every_file_comes_back(site: Site, backup: Path, fresh: Site) -> None:
    told = fresh.manage("restore", str(backup))

    assert "Restored 5 jobs" in told
    assert "1 were running then" in told
    assert fresh.files() == site.files()
    before, after = site.rows(), fresh.rows()
    assert before.keys() == after.keys()
    for each in (before, after):
        each.pop("sqlite_sequence")  # SQLite's own count of the events
    of_the_running = {"jobs_job", "jobs_attempt", "jobs_jobevent", "jobs_inboxitem"}
    changed_tables = {t for t in before if before[t] != after[t]}
    assert changed_tables <= of_the_running | {"jobs_logepoch"}
    assert (len(before["jobs_logepoch"]), len(after["jobs_logepoch"])) == (0, 1)
    for table in of_the_running:
        changed = set(map(str, before[table])) - set(map(str, after[table]))
        assert len(changed) <= 1, changed


def test_what_was_running_waits_for_another_attempt_and_has_lost_none(
    backup: Path, fresh: Site
) -> None:
    fresh.manage("restore", str(backup))

    with closing(sqlite3.connect(fresh.var / "db.sqlite3")) as db:
        states = dict(db.execute("SELECT name, state FROM jobs_job").fetchall())
        (attempt,) = db.execute("SELECT attempt FROM jobs_job WHERE name = 'running'").fetchone()
        outcome = db.execute(
            "SELECT outcome, failure_kind, evidence FROM jobs_attempt WHERE outcome = 'requeued'"
        ).fetchone()
    assert states == {
        "queued": "queued",
        "running": "queued",
        "done": "succeeded",
        "failed": "failed",
        "cancelled": "cancelled",
    }
    assert attempt == 2
    assert outcome[:2] == ("requeued", "")
    assert "restored from a backup of" in outcome[2]


def test_the_manifest_tells_what_is_in_it_and_no_secret_is(backup: Path) -> None:
    with tarfile.open(backup) as tar:
        names = tar.getnames()
        stream = tar.extractfile("manifest.json")
        assert stream
        manifest = json.load(stream)

    assert set(names) == {*manifest["files"], "manifest.json"}
    assert manifest["counts"]["jobs"] == 5
    assert manifest["left_out"] == manifest["differing"] == []
    assert "jobs.0001_initial" in manifest["migrations"]
    assert not [name for name in names if "secret" in name or "redis" in name]
    assert backup.stat().st_mode & 0o077 == 0


def test_a_site_is_not_overwritten_unless_told_and_then_kept_aside(
    site: Site, backup: Path, fresh: Site
) -> None:
    fresh.manage("restore", str(backup))

    assert "There is a site in" in fresh.manage("restore", str(backup), ok=False)
    fresh.manage("restore", str(backup), "--force")

    assert fresh.files() == site.files()
    (aside,) = fresh.var.glob("replaced-*")
    assert {"db.sqlite3", "jobs", "files"} <= {path.name for path in aside.iterdir()}


def test_a_backup_is_not_written_over_another_nor_into_what_it_holds(
    site: Site, backup: Path
) -> None:
    assert "is there already" in site.manage("backup", str(backup), ok=False)
    assert "lies in what is" in site.manage("backup", str(site.var / "b.tar"), ok=False)
    assert "ends in .tar.gz" in site.manage("backup", str(backup.with_suffix(".zip")), ok=False)


@pytest.mark.parametrize("cut", [0.5, 0.98])
def test_a_backup_that_was_cut_short_changes_nothing(
    backup: Path, fresh: Site, tmp_path: Path, cut: float
) -> None:
    raw = backup.read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(raw[: int(len(raw) * cut)])

    assert "Nothing was changed" in fresh.manage("restore", str(tmp_path / "cut.tar.gz"), ok=False)
    assert not (fresh.var / "db.sqlite3").exists()
    assert not [path for path in fresh.var.iterdir() if path.is_dir()]


# --- archives that lie --------------------------------------------------------------------------


def made(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], manifest: Any = None) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        if manifest is not None:
            raw = json.dumps(manifest).encode()
            info = tarfile.TarInfo("manifest.json")
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return path


def link(name: str, to: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, to
    return info


@pytest.mark.parametrize("name", ["../out", "/tmp/h8-out", "var/../../out", "a/b/../../../out"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    file = made(tmp_path / "evil.tar.gz", [(tarfile.TarInfo(name), b"x")])
    (tmp_path / "into").mkdir()

    with pytest.raises(archive.BadArchive, match="leads out of its folder"):
        archive.unpack(file, tmp_path / "into")

    assert not (tmp_path / "out").exists()
    assert not Path("/tmp/h8-out").exists()


def test_no_link_is_followed(tmp_path: Path) -> None:
    members = [(link("var", str(tmp_path)), b""), (tarfile.TarInfo("var/out"), b"x")]
    file = made(tmp_path / "evil.tar.gz", members)
    (tmp_path / "into").mkdir()

    with pytest.raises(archive.BadArchive, match="no plain file"):
        archive.unpack(file, tmp_path / "into")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a": {"size_bytes": 1, "sha256": "0"}}, "its checksum differs"),
        ({}, "its checksum differs"),
        (None, "list of files is none"),
        (
            {"a": {"size_bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}, "b": {}},
            "b is missing",
        ),
    ],
)
def test_what_is_not_as_the_manifest_says_is_refused(
    tmp_path: Path, files: Any, words: str
) -> None:
    manifest = {"format": archive.FORMAT, "files": files}
    file = made(tmp_path / "odd.tar.gz", [(tarfile.TarInfo("a"), b"x")], manifest)
    (tmp_path / "into").mkdir()

    with pytest.raises(archive.BadArchive, match=words):
        archive.unpack(file, tmp_path / "into")


def test_a_file_that_does_not_hold_still_is_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restless = tmp_path / "checkpoint.chk"
    restless.write_text("a")
    copy = archive.shutil.copyfileobj

    def written_to_meanwhile(source: Any, target: Any, length: int) -> None:
        copy(source, target, length)
        restless.write_text(restless.read_text() + "a")

    monkeypatch.setattr(archive.shutil, "copyfileobj", written_to_meanwhile)

    with archive.writing(tmp_path / "b.tar") as writer:
        with pytest.raises(archive.Changing):
            writer.add_moving(restless, "checkpoint.chk")
        writer.finish()

    (tmp_path / "into").mkdir()
    assert archive.unpack(tmp_path / "b.tar", tmp_path / "into")["files"] == {}


# --- the real thing -----------------------------------------------------------------------------


@pytest.fixture
def two_stacks() -> Iterator[tuple[Stack, Stack]]:
    """One that runs, and one that was never started."""
    with Stack(workers=1) as running:
        other = Stack(workers=1)
        try:
            yield running, other
        finally:
            if other.process:
                other.__exit__()


@pytest.mark.stack
@pytest.mark.slow
def test_a_site_that_runs_is_backed_up_and_goes_on_elsewhere(
    two_stacks: tuple[Stack, Stack], tmp_path: Path
) -> None:
    old, new = two_stacks
    done = old.wait(old.submit("demo.sum_squares", n=3))
    running = old.submit("dft_optimization", structure="CCO", preoptimize=False)
    old.wait(running, lambda job: job["metrics"].get("scf_cycle"))
    queued = old.submit("demo.sum_squares", n=4)

    file = tmp_path / "site.tar.gz"
    made = old.manage("backup", str(file))
    assert made.returncode == 0, made.stderr
    told_then = old.job(done["id"])
    old.down()

    restored = new.manage("restore", str(file))
    assert restored.returncode == 0, restored.stderr
    new.up()

    there = new.job(done["id"])
    for artifact in there["artifacts"]:
        assert len(new.client.get(artifact["url"]).content) == artifact["size_bytes"]
    # The links name another port; all else is the same.
    for job in (told_then, there):
        job.pop("links")
        for artifact in job["artifacts"]:
            artifact.pop("url")
    assert there == told_then
    assert new.wait(running, lambda job: job["state"] == "running")["attempt"] == 2
    assert new.wait(running, within_s=300)["state"] == "succeeded"
    assert new.wait(queued)["result"] == {"total": 30}
