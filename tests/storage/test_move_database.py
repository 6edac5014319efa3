"""From SQLite to PostgreSQL: every row of every table, or nothing at all."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backplane_site import carrying
from jobs.models import Job
from tests.postgres import Postgres
from tests.stack import ROOT


class Site:
    def __init__(self, var: Path) -> None:
        self.var = var

    def run(self, *argv: str, ok: bool = True, **env: str) -> str:
        told = {"BACKPLANE_VAR": str(self.var), "DJANGO_SETTINGS_MODULE": "backplane_site.settings"}
        done = subprocess.run(
            [sys.executable, *argv],
            cwd=ROOT, env={**os.environ, **told, **env},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done.stdout if ok else done.stdout + done.stderr

    def move(self, url: str, *, ok: bool = True) -> str:
        return self.run("manage.py", "move_database", ok=ok, NEW_DATABASE_URL=url)

    def tables(self, **env: str) -> Any:
        told = json.loads(self.run("-m", "tests.storage.every_model", **env))
        return told["vendor"], told["tables"]

    def dump(self) -> list[str]:
        with closing(sqlite3.connect(self.var / "db.sqlite3")) as db:
            return list(db.iterdump())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """With a row of every model."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.run("manage.py", "migrate", "--verbosity", "0")
    site.run("-m", "tests.storage.every_model", "fill")
    return site


@pytest.fixture
def target(postgres: Postgres) -> Iterator[tuple[str, str]]:
    """Name and URL of an empty database."""
    name = f"new_{uuid.uuid4().hex}"
    yield name, postgres.create(name)
    postgres.drop(name)


def n_tables(server: Postgres, name: str, table: str) -> int:
    with server.connect(name) as there:
        row = there.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def test_every_row_of_every_model_is_carried_and_the_source_is_as_it_was(
    site: Site, target: tuple[str, str], postgres: Postgres
) -> None:
    name, url = target
    dump, (vendor, before) = site.dump(), site.tables()
    assert vendor == "sqlite"
    assert all(n for n, _ in before.values()), before

    told = site.move(url)

    assert f"{sum(n for n, _ in before.values()):,} rows are the same in both" in told
    assert site.dump() == dump
    assert site.tables(DATABASE_URL=url) == ("postgresql", before)
    with postgres.connect(name) as there:
        last = there.execute("SELECT max(id) FROM jobs_jobevent").fetchone()
        found = there.execute(
            "SELECT nextval(pg_get_serial_sequence('jobs_jobevent', 'id'))"
        ).fetchone()
    assert last
    assert found == (last[0] + 1,)

    again = site.move(url, ok=False)

    assert "already: name an empty database" in again
    assert site.tables(DATABASE_URL=url) == ("postgresql", before)


def test_what_postgresql_cannot_hold_moves_nothing(
    site: Site, target: tuple[str, str], postgres: Postgres, tmp_path: Path
) -> None:
    name, url = target
    copy = Site(tmp_path / "copy")
    shutil.copytree(site.var, copy.var)
    with closing(sqlite3.connect(copy.var / "db.sqlite3")) as db, db:
        db.execute("UPDATE jobs_webhookdelivery SET id = id")
        db.execute("UPDATE auth_group SET name = 'a' || char(0) || 'b'")

    told = copy.move(url, ok=False)

    assert "Nothing was moved" in told
    assert n_tables(postgres, name, "jobs_job") == 0


def test_a_table_that_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "digest", lambda model, alias: (3, f"digest in {alias}"))

    with pytest.raises(carrying.Differs, match="jobs_job: 3 rows with digest"):
        carrying._compare(Job, "first", "other")


def test_a_digest_tells_rows_apart_and_not_their_order_or_their_json(db: None, alice: Any) -> None:
    plain = carrying._plain
    assert plain({"a": 1.0, "b": [1e22]}) == plain({"b": [10**22], "a": 1})
    assert plain({"a": True}) != plain({"a": 1})
    assert plain(0.1 + 0.2) != plain(0.3)
    before = carrying.digest(type(alice), "default")
    alice.first_name = "Alice"
    alice.save()
    assert carrying.digest(type(alice), "default") != before


@pytest.mark.parametrize("lock", ["up.lock", "watch.lock"])
def test_a_site_of_which_anything_runs_is_not_moved(
    site: Site, target: tuple[str, str], lock: str
) -> None:
    """A watcher that goes on by itself would send to Slurm what the new database sends too."""
    with (site.var / lock).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        assert f"is running on {site.var}. Stop it first." in site.move(target[1], ok=False)

    site.move(target[1])


def test_only_an_empty_postgresql_is_moved_to(site: Site) -> None:
    assert "NEW_DATABASE_URL must be set" in site.move("", ok=False)
    assert "NEW_DATABASE_URL must be set" in site.move("sqlite:///other.sqlite3", ok=False)
