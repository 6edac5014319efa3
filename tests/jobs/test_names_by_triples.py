"""Jobs found by part of their name: by an index, and just those that a look at each name finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import finding, names
from jobs.lifecycle.storing import insert_all
from jobs.models import Job

pytestmark = pytest.mark.django_db
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'")

NAMES = (
    "", "a", "of", "abc", "ABC", "water dimer", "Water, 2nd try", "100 % of it", "a_b_c", "axbxc",
    "it's", 'so "called" it', 'a""b', "back\\slash", "* AND NOT near(", "name:water", "-water",
    "Ärger mit Wasser", "ärger MIT wasser", "ÀÉÎ", "àéî", "STRASSE", "straße", "İstanbul",
    "ıstanbul", "ΟΔΟΣ", "οδος", "οδοσ", "K 300", "\N{KELVIN SIGN} 300", "a\u0301bc", "ábc", "ﬁle",
    "水分子の計算", "🧪🔬🧪", "two\nlines", "tab\tbed", "dead beef", "deadbeef", "   ", "x" * 200,
)  # fmt: skip
SOUGHT = (
    *NAMES[1:], "b", "%", "_", "'", '"', '""', "\\", "\\\\", "%%%", "___", "'''", '"""', "a_b",
    "a%c", "WATER", "ter di", "ÄRG", "ärg", "strasse", "STRAß", "istanbul", "k 300", "分子の",
    "🧪🔬🧪", "abcd", "NEAR(", "water AND dimer", "wat*", "s\nl", "x" * 201, "x" * 2000, "dead",
    "DEAD-BEEF",
    "0", "00f",
)  # fmt: skip


def a_job(owner: Any, name: str) -> Job:
    params = {"n": 3}
    return Job(
        owner=owner, simulation="demo.sum_squares", params=params, wall_time_limit_s=60, name=name
    )


@pytest.fixture
def called_so(alice: Any, bob: Any) -> None:
    insert_all(Job, [a_job(owner, name) for owner in (alice, bob) for name in NAMES])


def found(text: str) -> set[Any]:
    return {*finding.called(Job.objects.all(), text).values_list("pk", flat=True)}


def looked_for(text: str) -> set[Any]:
    """Each name looked at, each id too."""
    digits = text.replace("-", "").lower()
    is_id = bool(digits) and set(digits) <= set("0123456789abcdef")
    by_name = Job.objects.filter(name__icontains=text).values_list("pk", flat=True)
    ids = Job.objects.values_list("pk", flat=True)
    return {*by_name, *(pk for pk in ids if is_id and pk.hex.startswith(digits))}


def is_indexed(text: str) -> bool:
    return names.may_be_called(text) is not None


@pytest.mark.parametrize("most", [names.MOST_LOOKED_AT, 1])
def test_the_same_are_found_as_by_a_look_at_each_name(
    called_so: None, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """What differs by case is found as that database finds it: SQLite knows it of ASCII alone,
    PostgreSQL of what its locale has."""
    monkeypatch.setattr(names, "MOST_LOOKED_AT", most)
    ids = [str(pk) for pk in Job.objects.values_list("pk", flat=True)[:10]]
    sought = [*SOUGHT, *ids, *(pk[:10] for pk in ids), *(pk[:2] for pk in ids)]

    wrong = [text for text in sought if found(text) != looked_for(text)]

    assert wrong == []
    assert len(found("water")) == 8


@on_sqlite
def test_the_names_are_not_gone_through(called_so: None, alice: Any) -> None:
    with CaptureQueriesContext(connection) as asked:
        mine = finding.matching(Job.objects.visible_to(alice), finding.Wanted(text="water"))
        assert mine.newest_first()[:50].count() == 4
        plans = [mine.newest_first().explain(), found_by(alice, "dead")]

    assert any("MATCH" in query["sql"] for query in asked)
    for plan in plans:
        assert plan.count("(id=?)") == plan.count("SEARCH") == 2, plan
        assert "SCAN" not in plan


def found_by(user: Any, text: str) -> str:
    jobs = finding.matching(Job.objects.visible_to(user), finding.Wanted(text=text))
    return str(jobs.newest_first()[:50].explain())


@on_sqlite
@pytest.mark.parametrize("text", ["", "a", "ab", "\0ab", "ab\0cd"])
def test_too_short_a_text_is_looked_for_in_each_name(text: str) -> None:
    assert not is_indexed(text)
    assert is_indexed("abc")


@on_sqlite
def test_what_many_may_be_called_is_looked_for_from_the_top(
    called_so: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MOST_LOOKED_AT", 7)
    assert not is_indexed("water")
    assert is_indexed("dimer")


def test_what_was_renamed_is_found_by_the_new_name_alone(submit: Callable[..., Job]) -> None:
    job = submit(name="water")
    other = submit(name="")

    Job.objects.filter(pk=job.pk).update(name="heavy water")
    Job.objects.filter(pk=other.pk).update(name="ethanol")
    assert (found("water"), found("heavy"), found("ethanol")) == ({job.pk}, {job.pk}, {other.pk})

    Job.objects.filter(pk=job.pk).update(name="methane")
    assert (found("water"), found("methane")) == (set(), {job.pk})
    job.name = "water"
    job.save()
    Job.objects.filter(pk=other.pk).update(name="")
    assert (found("water"), found("methane"), found("ethanol")) == ({job.pk}, set(), set())


def test_what_was_removed_is_not_found(called_so: None) -> None:
    Job.objects.filter(name__startswith="Water").delete()

    assert found("Water") == looked_for("Water")
    assert found("2nd try") == set()


def test_what_bulk_statements_wrote_is_found(called_so: None, alice: Any) -> None:
    """By the ORM's own bulk_create and bulk_update too, which send no signal."""
    jobs = Job.objects.bulk_create(a_job(alice, f"ring {n}") for n in range(20))
    assert len(found("ring 1")) == 11

    for job in jobs:
        job.name = job.name.replace("ring", "cage")
    Job.objects.bulk_update(jobs, ["name"])
    assert (len(found("ring 1")), len(found("cage 1"))) == (0, 11)


@on_sqlite
@pytest.mark.parametrize("trigger", names.TRIGGERS)
def test_a_lost_trigger_is_mended(called_so: None, alice: Any, trigger: str) -> None:
    """As a migration leaves it that makes the table of jobs anew."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {trigger}")
    job = a_job(alice, "late")
    job.save()
    Job.objects.filter(pk=job.pk).update(name="later than that")
    assert not is_indexed("later than")
    assert found("later than") == {job.pk}

    names.mend(using="default")
    assert is_indexed("later than")
    assert found("later than") == {job.pk}
    assert found("water") == looked_for("water")


@on_sqlite
def test_without_full_text_search_each_name_is_looked_at(
    called_so: None, monkeypatch: pytest.MonkeyPatch, submit: Callable[..., Job]
) -> None:
    """A database that was brought to where SQLite is built without it."""
    monkeypatch.setattr(names, "OLDEST_WITH_TRIPLES", (99,))
    names.mend(using="default")
    job = submit(name="water beside it")
    assert not is_indexed("water")
    assert job.pk in found("water")

    monkeypatch.undo()
    names.mend(using="default")
    assert is_indexed("water")
    assert job.pk in found("water")


@pytest.mark.django_db(transaction=True)
def test_back_to_before_there_was_such_a_search(called_so: None) -> None:
    before = {text: found(text) for text in ("water", "dimer", "dead")}
    try:
        call_command("migrate", "jobs", "0017", verbosity=0)
        assert not _parts()
        assert {text: found(text) for text in before} == before
    finally:
        call_command("migrate", "jobs", verbosity=0)
    assert {text: found(text) for text in before} == before
    if connection.vendor == "sqlite":
        assert {*names.TRIGGERS, "names_of_jobs"} <= _parts()
        assert is_indexed("water")


def _parts() -> set[str]:
    catalogue = "SELECT name FROM sqlite_master"
    if connection.vendor == "postgresql":
        catalogue = "SELECT indexname FROM pg_indexes"
    with connection.cursor() as cursor:
        cursor.execute(catalogue)
        all_there_is = {name for (name,) in cursor.fetchall()}
    return all_there_is & {*names.TRIGGERS, "names_of_jobs", "job_named"}
