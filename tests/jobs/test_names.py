"""Jobs found by part of their name, on SQLite without a look at their rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from jobs.finding import Wanted, matching
from jobs.lifecycle.storing import insert_all
from jobs.models import Job

pytestmark = pytest.mark.django_db

NAMES = (
    "", "a", "of", "water dimer", "Water, 2nd try", "100 % of it", "a_b_c", "axbxc", "it's", '"so"',
    "back\\slash", "* AND NOT near(", "Wasser, ärger", "two\nlines", "水分子の計算", "x" * 200,
)  # fmt: skip


SOUGHT = (
    "W", "%", "_", "'", '"', "\\", "\\\\", "o", "of", "WATER", "s, ä", "s\nl", "分子", "_b_",
    "x" * 200,
)  # fmt: skip


def a_job(owner: Any, name: str) -> Job:
    params = {"n": 3}
    return Job(
        owner=owner, simulation="demo.sum_squares", params=params, wall_time_limit_s=60, name=name
    )


@pytest.mark.parametrize("text", SOUGHT)
def test_what_is_sought_is_taken_letter_by_letter(alice: Any, text: str) -> None:
    insert_all(Job, [a_job(alice, name) for name in NAMES])

    found = matching(Job.objects.visible_to(alice), Wanted(text=text))

    expected = sorted(name for name in NAMES if text.lower() in name.lower())
    assert sorted(found.values_list("name", flat=True)) == expected


@pytest.mark.skipif("connection.vendor != 'sqlite'")
@pytest.mark.parametrize("index", ["job_owner_created", "job_created"])
def test_a_name_is_compared_in_the_index_of_the_list(alice: Any, index: str) -> None:
    """Too short for an index of names: to read each row for it takes four times as long."""
    jobs = Job.objects.visible_to(alice) if "owner" in index else Job.objects.all()
    query = matching(jobs, Wanted(text="wa")).newest_first()[:50].query

    assert _where_it_is_compared(*query.sql_with_params()) == {index}


def _where_it_is_compared(sql: str, params: Any) -> set[str]:
    """The table or the index from which the name is read that LIKE is given."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rootpage, name FROM sqlite_master")
        names = dict(cursor.fetchall())
        cursor.execute(f"EXPLAIN {sql}", params)
        steps = [row[1:6] for row in cursor.fetchall()]
    opened = {cursor: names.get(root) for step, cursor, root, *_ in steps if step == "OpenRead"}
    like = next(n for n, step in enumerate(steps) if str(step[4]).startswith("like("))
    # What it is given was put there last before it.
    return {str(opened[p1]) for step, p1, *_ in steps[:like][-1:] if step == "Column"}
