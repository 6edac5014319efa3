"""Why is my job waiting, and is the site well."""

from __future__ import annotations

import re
from typing import Any

import pytest

from backplane_site import status_page
from backplane_site.probes import ok, wrong
from jobs.models import Allowance, Job

from .test_pages import INLINE


@pytest.fixture
def queue(client: Any, alice: Any) -> Any:
    client.force_login(alice)

    def queue() -> str:
        html: str = client.get("/queue/").content.decode()
        assert not INLINE.search(html)
        return html

    return queue


def test_the_jobs_of_others_are_only_counted(queue, submit, bob):
    submit(name="mine")
    submit(owner=bob, name="of a stranger", params={"n": 4})

    html = queue()

    assert ">mine<" in html
    assert "of a stranger" not in html
    assert "bob" not in html
    assert re.search(r'<td class="num">0</td><td class="num">2</td><td class="num">1</td>', html)


def test_each_waits_at_its_place_for_a_reason(queue, submit):
    for n in (3, 4, 5):
        submit(params={"n": n}, name=f"n={n}")

    html = queue()

    assert html.index("n=3") < html.index("n=4") < html.index("n=5")
    assert "Waiting for a worker, about 3rd in line" in html


def test_whoever_has_as_many_running_as_they_may_is_told_so(queue, submit, start, alice):
    Allowance.objects.update_or_create(user=alice, defaults={"max_running": 1})
    start(submit())
    submit(params={"n": 4})

    html = queue()

    assert "1 of the owner&#x27;s jobs run, the most that may at once" in html
    assert "of at most 1" in html


def test_a_long_line_takes_no_more_queries_than_a_short_one(
    queue, submit, django_assert_max_num_queries
):
    for n in range(3, 23):
        submit(params={"n": n})
    assert Job.objects.count() == 20

    with django_assert_max_num_queries(20):
        queue()


def test_everybody_is_told_whether_all_is_well_and_nothing_secret(client, db, monkeypatch):
    found = [wrong("redis", "/secret/redis.sock does not answer", "ask root"), ok("disk", "/var")]
    monkeypatch.setattr(status_page.probes, "readiness", lambda: iter(found))

    html = client.get("/status/").content.decode()

    assert "Something is not well" in html
    assert "The queue does not answer; jobs are accepted, and start once it is back." in html
    assert "Room for files is there." in html
    assert "secret" not in html
    assert "ask root" not in html


@pytest.mark.django_db
def test_every_probe_has_its_words():
    assert {finding.name for finding in status_page.probes.readiness()} == {*status_page.WORDS}
