"""Every migration is run on tables with rows, from each state that a site may be in."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django_rq.management.commands import rqworker

from tests.stack import ROOT

MIGRATIONS = sorted(
    path.stem for path in (ROOT / "jobs/migrations").glob("[0-9]*.py") if path.stem[:4].isdigit()
)

FILL = """
import datetime, uuid
from itertools import count
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor

def value(field, number, made):
    if field.is_relation:
        # What may point to a row of its own table has none to point to yet.
        return made.get(field.related_model._meta.label_lower)
    if field.choices:
        return field.choices[0][0]
    match field:
        case models.UUIDField(): return uuid.UUID(int=number)
        case models.DateTimeField():
            return datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
        case models.DateField(): return datetime.date(2026, 1, 2)
        case models.JSONField(): return {"n": number, "text": "Å"}
        case models.BooleanField(): return True
        case models.FloatField(): return 0.5
        case models.IntegerField(): return number
        case models.CharField() | models.TextField():
            # As long as a checksum, which is what the strictest of them hold.
            return f"{number:064x}"[-(field.max_length or 64) :]
    raise TypeError(f"{field} of {field.model}: say here what is written to it")

def row(model, number, made):
    wanted = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
    return model.objects.create(**{f.name: value(f, number, made) for f in wanted})

numbers = count(1)

def fill(apps, at):
    # Rows of other ages are there: these have an owner of their own.
    made = {"auth.user": apps.get_model("auth", "User").objects.create(username=at)}
    left = list(apps.get_app_config("jobs").get_models())
    while left:
        ready = [m for m in left if all(
            f.related_model._meta.label_lower in made
            for f in m._meta.concrete_fields if f.is_relation and not f.null
        )]
        assert ready, left
        for model in ready:
            made[model._meta.label_lower] = row(model, next(numbers), made)
            left.remove(model)
"""

WALK = """
import sqlite3
from contextlib import closing
from django.conf import settings

for app in ("contenttypes", "auth"):
    call_command("migrate", app, verbosity=0)
executor, state = MigrationExecutor(connection), None
users = [key for key in executor.loader.graph.leaf_nodes() if key[0] in ("auth", "contenttypes")]
for at in ages:
    executor.loader.build_graph()
    state = executor.migrate([("jobs", at)], state=state)
    fill(executor.loader.project_state([("jobs", at), *users]).apps, at)
    with closing(sqlite3.connect(settings.VAR_DIR / f"{at}.sqlite3")) as copy:
        connection.connection.backup(copy)
"""

END = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""

VALIDATE = """
from django.apps import apps
from django.db import connection
for model in apps.get_app_config("jobs").get_models():
    for each in model.objects.all():
        each.validate_constraints()
        print(model._meta.model_name)
connection.check_constraints()
"""


class Site:
    def __init__(self, var: Path) -> None:
        self.var = var
        self.validated: list[str] = []

    def manage(self, *arguments: str) -> str:
        env = {**os.environ, "BACKPLANE_VAR": str(self.var)}
        env["DJANGO_SETTINGS_MODULE"] = "backplane_site.settings"
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, name: str = "db.sqlite3") -> dict[str, list[dict[str, Any]]]:
        with closing(sqlite3.connect(self.var / name)) as db:
            db.row_factory = sqlite3.Row
            found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                table: [dict(row) for row in db.execute(f'SELECT * FROM "{table}"').fetchall()]
                for (table,) in found.fetchall()
                if table.startswith("jobs_")
            }

    def faults(self) -> list[Any]:
        with closing(sqlite3.connect(self.var / "db.sqlite3")) as db:
            broken = db.execute("PRAGMA foreign_key_check").fetchall()
            pages = db.execute("PRAGMA integrity_check").fetchall()
        return broken + [page for page in pages if page != ("ok",)]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """It got rows at each age, which all that came after then changed; a copy of each age is kept.

    In one process: to make the models of each age takes longer than all the rest.
    """
    site = Site(tmp_path_factory.mktemp("walked"))
    walk = f"ages = {MIGRATIONS[:-1]}\n{FILL}{WALK}{END}{VALIDATE}"
    site.validated = site.manage("shell", "-c", walk).split()
    return site


def assert_kept(before: dict[str, list[dict[str, Any]]], site: Site) -> None:
    after = site.rows()
    assert all(before.values()), before
    for table, rows in before.items():
        kept = [name for name in rows[0] if name in after[table][0]]
        was = [{name: row[name] for name in kept} for row in rows]
        now = [{name: row[name] for name in kept} for row in after[table]]
        assert all(row in now for row in was), json.dumps([was, now], default=str)
    assert site.faults() == []


@pytest.mark.slow
@pytest.mark.parametrize("start", MIGRATIONS[:-1])
def test_a_site_of_any_age_keeps_its_rows(walked: Site, start: str) -> None:
    before = walked.rows(f"{start}.sqlite3")

    assert_kept(before, walked)

    assert len(before["jobs_job"]) == MIGRATIONS.index(start) + 1
    assert walked.validated.count("job") == len(MIGRATIONS) - 1


@pytest.mark.slow
def test_the_oldest_site_is_brought_to_this_release_at_once(walked: Site, tmp_path: Path) -> None:
    site = Site(tmp_path)
    shutil.copy(walked.var / f"{MIGRATIONS[0]}.sqlite3", tmp_path / "db.sqlite3")
    before = site.rows()

    validated = site.manage("shell", "-c", f"{END}{VALIDATE}")

    assert_kept(before, site)
    assert "job" in validated.split()


@pytest.mark.slow
def test_jobs_from_before_are_found_by_their_formula(walked: Site, tmp_path: Path) -> None:
    site = Site(tmp_path)
    shutil.copy(walked.var / "0018_names_by_triples.sqlite3", tmp_path / "db.sqlite3")
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as db, db:
        db.execute("UPDATE jobs_job SET structure = ?", [json.dumps({"formula": "C2H6O"})])

    site.manage("shell", "-c", END)

    assert {job["formula"] for job in site.rows()["jobs_job"]} == {"C2H6O"}


@pytest.mark.django_db
def test_a_worker_that_the_database_is_too_old_for_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last, began = MIGRATIONS[-1], list[str]()
    monkeypatch.setattr(rqworker.Command, "handle", lambda *queues, **_: began.extend(queues[1:]))
    call_command("work", "--queues", "cpu")
    assert began == ["default"]

    MigrationRecorder(connection).record_unapplied("jobs", last)

    with pytest.raises(CommandError, match=f"lacks jobs.{last}, migrations of this release"):
        call_command("work", "--queues", "cpu")
    assert began == ["default"]


BEFORE_THE_RULE = 21
"""Those up to here were made when nobody ran the release before beside one."""


def stops_the_release_before(operation: Any) -> str:
    """Why that one could write no more, or read no more, while it is replaced; else empty."""
    match operation:
        case migrations.AddField(field=field) if not (field.null or field.has_db_default()):
            return f"{operation.name} is not null, and has no db_default"
        case migrations.RemoveField() | migrations.RenameField():
            return f"{operation.describe()}: first in a release that asks for it no more"
        case migrations.DeleteModel() | migrations.RenameModel() | migrations.AlterModelTable():
            return f"{operation.describe()}: first in a release that asks for it no more"
    return ""


def test_the_release_before_goes_on_while_it_is_replaced() -> None:
    loader = MigrationLoader(None)
    found = [
        f"{name}: {why}"
        for (app, name), migration in loader.disk_migrations.items()
        if app == "jobs" and int(name[:4]) > BEFORE_THE_RULE
        for operation in migration.operations
        if (why := stops_the_release_before(operation))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("field", "stops"),
    [
        (models.CharField(max_length=9, default=""), True),
        (models.CharField(max_length=9, default="", db_default=""), False),
        (models.IntegerField(null=True), False),
    ],
)
def test_a_column_that_the_release_before_does_not_fill_fills_itself(
    field: Any, stops: bool
) -> None:
    operation = migrations.AddField("job", "new", field)

    assert bool(stops_the_release_before(operation)) == stops
    assert stops_the_release_before(migrations.RemoveField("job", "name"))


def test_no_migration_is_forgotten() -> None:
    assert MIGRATIONS[0] == "0001_initial"
    numbers = [int(name[:4]) for name in MIGRATIONS]
    assert numbers == list(range(1, len(numbers) + 1))
