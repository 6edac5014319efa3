"""What comes of a batch: its items, a stream, a table, a page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from django.test import Client

from jobs import lifecycle
from jobs.batch_models import Batch
from jobs.models import Job, JobEvent
from jobs.states import FailureKind, JobState

from .helpers import SUM, URL, Post, jobs_of, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(post: Post) -> Batch:
    jobs = [SUM | {"params": {"n": n}} for n in (1, 2, 3)] + [SUM | {"params": {"n": -1}}]
    told = post(body={"jobs": jobs, "on_invalid": "skip", "reuse": False}).json()
    batch = Batch.objects.get(pk=told["id"])
    one, two, three = jobs_of(batch)
    run(one)
    run(two, FailureKind.SCIENCE)
    lifecycle.request_cancel(three, by="alice")
    return batch


def test_results_are_a_line_for_each_item_in_order(ended: Batch, browser: Client) -> None:
    answer = browser.get(f"{URL}/{ended.pk}/results")

    assert answer["Content-Type"] == "application/jsonl; charset=utf-8"
    lines = [json.loads(line) for line in answer.getvalue().splitlines()]
    assert [(each["index"], each["state"], each["params"]) for each in lines] == [
        (0, "succeeded", {"n": 1}),
        (1, "failed", {"n": 2}),
        (2, "cancelled", {"n": 3}),
        (3, None, {"n": -1}),
    ]
    assert lines[0]["summary"] == {"total": 1}
    assert lines[1]["error"]["detail"] == "It did not work out."
    assert lines[3]["errors"][0]["pointer"] == "/params/n"


def test_results_have_the_fields_that_were_asked_for(ended: Batch, browser: Client) -> None:
    answer = browser.get(f"{URL}/{ended.pk}/results?fields=params.n,result.total")

    first = json.loads(answer.getvalue().splitlines()[0])
    assert first == {
        "index": 0,
        "outcome": "accepted",
        "job_id": first["job_id"],
        "state": "succeeded",
        "params": {"n": 1},
        "result": {"total": 1},
    }


def test_no_column_is_there_twice(post: Post, browser: Client) -> None:
    varied = {"params.n": [1, 2], "name": ["a", "b"]}
    body = {"template": SUM, "zip": varied, "reuse": False}

    told = post(body=body).json()
    table = browser.get(f"{told['links']['results']}?format=csv").getvalue().decode()

    header, *rows = csv.reader(io.StringIO(table))
    assert len(header) == len({*header})
    assert [row[header.index("name")] for row in rows] == ["a", "b"]


def test_results_are_a_table_that_holds_no_formula(
    post: Post, browser: Client, ended: Batch
) -> None:
    told = post(body={"jobs": [SUM | {"name": "=1+1"}], "reuse": False}).json()

    hostile = browser.get(f"{told['links']['results']}?format=csv&fields=name").getvalue()
    table = browser.get(f"{URL}/{ended.pk}/results", headers={"Accept": "text/csv"}).getvalue()

    assert hostile.decode().splitlines()[1].endswith(",'=1+1")
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert [(row["index"], row["params.n"], row["summary.total"]) for row in rows] == [
        ("0", "1", "1"),
        ("1", "2", ""),
        ("2", "3", ""),
        ("3", "-1", ""),
    ]
    assert rows[1]["error.detail"] == "It did not work out."


@pytest.mark.parametrize(
    "path",
    ["results?format=xml", "results?fild=x", "items?cursor=x", "items?limit=0", "events?after=x"],
)
def test_what_it_cannot_answer_is_refused_by_name(ended: Batch, browser: Client, path: str) -> None:
    answer = browser.get(f"{URL}/{ended.pk}/{path}")

    assert answer.status_code == 422, answer.getvalue()
    asked = path.partition("?")[2].partition("=")[0]
    assert [error["parameter"] for error in answer.json()["errors"]] == [asked]


def test_items_come_in_pages(of_numbers: Callable[..., Batch], browser: Client) -> None:
    batch = of_numbers(*range(1, 6))
    seen, page = [], f"{URL}/{batch.pk}/items?limit=2"

    while page:
        told = browser.get(page).json()
        seen += [item["index"] for item in told["results"]]
        page = told["next"]

    assert seen == [0, 1, 2, 3, 4]


def test_many_results_take_no_more_memory_than_few(
    of_numbers: Callable[..., Batch], browser: Client
) -> None:
    import tracemalloc

    def peak_mib(batch: Batch) -> float:
        bulky = {"total": 1, "table": ["x" * 100] * 100}
        Job.objects.filter(batch=batch).update(state=JobState.SUCCEEDED, result=bulky)
        answer = browser.get(f"{URL}/{batch.pk}/results?fields=result")
        tracemalloc.start()
        n_bytes = sum(len(piece) for piece in answer)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        assert n_bytes > batch.n_items * 10_000
        return peak

    few, many = of_numbers(*range(1, 301)), of_numbers(*range(1, 2001))

    assert peak_mib(many) < 1.5 * peak_mib(few)


def test_its_page_shows_its_items_and_stops_it(
    of_numbers: Callable[..., Batch], browser: Client
) -> None:
    batch = of_numbers(11, 12, name="Squares")

    shown = browser.get(f"/batches/{batch.pk}/").content.decode()
    stopped = browser.post(f"/batches/{batch.pk}/cancel/", follow=True).content.decode()
    resumed = browser.post(f"/batches/{batch.pk}/resume/", follow=True).content.decode()

    assert "<h1>Squares</h1>" in shown
    assert '<td class="varied">12</td>' in shown
    assert "2 cancelled" in stopped
    assert "2 queued" in resumed
    assert "Squares" in browser.get("/batches/").content.decode()
    assert (
        str(jobs_of(batch)[0].short_id) in browser.get(f"/jobs/?batch={batch.pk}").content.decode()
    )


def test_a_batch_leaves_no_gap_in_the_events_of_its_jobs(
    of_numbers: Callable[..., Batch], post: Post
) -> None:
    batch = of_numbers(*range(1, 21))

    post(f"{URL}/{batch.pk}/cancel")

    for job in jobs_of(batch):
        seqs = JobEvent.objects.filter(job=job).order_by("seq").values_list("seq", flat=True)
        assert list(seqs) == list(range(1, job.last_seq + 1))
