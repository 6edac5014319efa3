"""The pages beside a job's own: its files, its log, its record, and the report to print."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs import files, lifecycle
from jobs.artifacts import collect
from jobs.models import Job
from jobs.pages.loglines import LINES_SHOWN, Search, read

from .test_pages import INLINE

WATER = "3\nwater\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n"
REFERENCE = {
    "number": 1,
    "key": "sun2020",
    "authors": "Sun et al.",
    "title": "A program",
    "journal": "J. Chem. Phys.",
    "year": 2020,
    "doi": "10.1063/5.0006074",
    "url": "https://doi.org/10.1063/5.0006074",
}


@pytest.fixture
def page(client: Any, alice: Any) -> Callable[..., str]:
    client.force_login(alice)

    def open_page(job: Job, part: str, **query: Any) -> str:
        answer = client.get(f"/jobs/{job.pk}/{part}", query)
        assert answer.status_code == 200
        html: str = answer.content.decode()
        assert not INLINE.search(html)
        return html

    return open_page


@pytest.fixture
def done(submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any, tmp_path: Path):
    """A job that has ended and left a log; with what else it wrote."""
    settings.JOBS_ROOT = tmp_path

    def done(log: str = "all is well\n", *, result: Any = None, **written: str) -> Job:
        job = start(submit())
        workdir = job.workdir(1)
        workdir.mkdir(parents=True)
        (workdir / "job.log").write_text(log)
        entries = []
        for name, text in written.items():
            (workdir / f"{name}.txt").write_text(text)
            entries.append({"name": f"{name}.txt", "title": name, "media_type": "text/plain"})
        (workdir / "artifacts.json").write_text(json.dumps(entries))
        lifecycle.succeed(job, 1, result or {"total": 14}, collect(workdir))
        job.refresh_from_db()
        return job

    return done


# --- files ----------------------------------------------------------------------------------


def test_every_file_is_told_with_its_whole_checksum(page, done):
    job = done("one\n")

    html = page(job, "files/")

    assert hashlib.sha256(b"one\n").hexdigest() in html
    assert "text/plain" in html
    assert f"/jobs/{job.pk}/files/all.zip" in html


def test_the_archive_holds_every_file_and_sums_that_agree(client, alice, done):
    job = done("one\n" * 100_000)
    client.force_login(alice)

    answer = client.get(f"/jobs/{job.pk}/files/all.zip")

    assert answer.streaming
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert archive.testzip() is None
    assert archive.read("job.log") == b"one\n" * 100_000
    told = hashlib.sha256(archive.read("job.log")).hexdigest()
    assert f"{told}  job.log" in archive.read("SHA256SUMS").decode().splitlines()
    assert json.loads(archive.read("request.json"))["params"] == {"n": 3}


def test_what_was_changed_since_is_named_in_the_archive_and_not_packed(client, alice, done):
    job = done("as it was\n")
    (job.workdir(1) / "job.log").write_text("changed since")
    client.force_login(alice)

    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/jobs/{job.pk}/files/all.zip").getvalue()))

    assert "job.log" not in archive.namelist()
    assert "job.log is not served" in archive.read("MISSING.txt").decode()


def test_a_file_of_the_input_is_there_to_be_had(page, client, submit, alice):
    stored, _ = files.keep(owner=alice, name="water.xyz", content=WATER.encode())
    job = submit(simulation="xtb_optimization", params={"structure": {"file": str(stored.pk)}})

    html = page(job, "files/")

    assert "water.xyz" in html
    address = re.search(r'href="(/api/v1/files/[^"]+/content)"', html)
    assert address
    assert client.get(address[1]).getvalue() == WATER.encode()


def test_a_text_is_looked_at_in_the_page_and_runs_nothing(page, done):
    job = done("<script>alert(1)</script>\n")

    html = page(job, f"files/{job.artifacts.get().pk}/view/")

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_what_is_no_text_is_not_shown_as_one(page, done):
    job = done("\0\1\2")

    assert "It is not text" in page(job, f"files/{job.artifacts.get().pk}/view/")


# --- log ------------------------------------------------------------------------------------


def test_the_log_is_read_by_pages(page, done):
    job = done("".join(f"line {n}\n" for n in range(1, 2501)))

    first, last = page(job, "log/"), page(job, "log/", **{"from": "2001"})

    assert 'id="L1"' in first
    assert f'id="L{LINES_SHOWN}"' in first
    assert f'id="L{LINES_SHOWN + 1}"' not in first
    assert 'id="L2001"' in last
    assert 'id="L2500"' in last
    assert "?from=1001" in first


def test_a_link_to_a_line_opens_its_page(page, done):
    job = done("".join(f"line {n}\n" for n in range(1, 2501)))

    html = page(job, "log/", line="1234")

    assert re.search(r'class="line asked" id="L1234">', html)


def test_what_is_sought_is_counted_to_the_end_and_told_with_its_lines(page, done):
    job = done("alpha\nBeta\n" * 3000)

    html = page(job, "log/", q="BETA")

    assert "3000 of 6000 lines, the first 500 shown" in html
    assert 'id="L2"' in html
    assert 'id="L1"' not in html


def test_levels_are_offered_where_an_engine_says_them(page, done):
    job = done("fine\nWARNING: SCF not converged\nfine\nError: no\n")

    every, errors = page(job, "log/"), page(job, "log/", level="error")

    assert "Warning (1)" in every
    assert "Error (1)" in every
    assert "Error: no" in errors
    assert "SCF not converged" not in errors
    assert "Level: any" not in page(done_without_levels(job), "log/")


def done_without_levels(job: Job) -> Job:
    (job.workdir(1) / "job.log").write_text("fine\n")
    return job


def test_a_line_that_is_being_written_waits_for_its_end(tmp_path):
    (tmp_path / "job.log").write_text("one\ntw")

    moving = read(tmp_path / "job.log", 1, Search(), is_whole=False)
    whole = read(tmp_path / "job.log", 1, Search(), is_whole=True)

    assert [line.text for line in moving.lines] == ["one"]
    assert moving.size_bytes == 4
    assert [line.text for line in whole.lines] == ["one", "tw"]


def test_a_line_without_an_end_in_sight_is_one_line(tmp_path):
    (tmp_path / "job.log").write_text("x" * 1_000_000 + "\nnext\n")

    pages = read(tmp_path / "job.log", 1, Search(), is_whole=True)

    assert [len(line.text) for line in pages.lines] == [4000, 4]


def test_a_log_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "job.log").symlink_to(tmp_path / "secret")

    with pytest.raises(OSError, match="symbolic links"):
        read(tmp_path / "job.log", 1, Search(), is_whole=True)


def test_a_running_jobs_log_begins_at_its_end_and_goes_on_from_there(
    page, submit, start, settings, tmp_path
):
    settings.JOBS_ROOT = tmp_path
    job = start(submit())
    job.workdir(1).mkdir(parents=True)
    (job.workdir(1) / "job.log").write_text("".join(f"{n}\n" for n in range(1, 1501)))

    html = page(job, "log/")

    assert 'id="L1500"' in html
    follows = json.loads(re.search(r'<script id="follows"[^>]*>(.*?)</script>', html)[1])
    assert follows["line"] == 1500
    assert follows["offset"] == (job.workdir(1) / "job.log").stat().st_size
    assert "/log.js" in html


def test_the_log_of_a_job_that_waits_is_followed_from_its_first_line(page, submit):
    html = page(submit(), "log/")

    assert '"offset": 0, "line": 0' in html


# --- provenance -----------------------------------------------------------------------------


def test_the_record_tells_the_request_and_every_value_of_it(page, done):
    job = done()

    html = page(job, "provenance/")

    assert job.fingerprint in html
    assert "&quot;simulation&quot;: &quot;demo.sum_squares&quot;" in html
    assert "Normalised: every value" in html
    assert "Succeeded" in html


def test_equal_jobs_stand_before_and_after(page, submit, bob):
    older, job, younger = submit(name="older"), submit(name="this"), submit(name="younger")
    submit(owner=bob, name="of a stranger")

    html = page(job, "provenance/")

    before, this, after = (html.index(name) for name in (">older<", 'class="this"', ">younger<"))
    assert before < this < after
    assert "of a stranger" not in html
    assert str(older.pk) in html
    assert str(younger.pk) in html


# --- report ---------------------------------------------------------------------------------


def test_the_report_draws_what_was_reported_and_prints_the_rest(page, submit, start, settings):
    job = start(submit(simulation="dft_optimization", params={"structure": "O"}))
    steps = [(1, -76.1), (2, -76.3), (3, -76.35)]
    told = {"fraction": 0.1, "message": "", "stage": "optimise"}
    points = [{**told, "step": n, "energy_hartree": energy} for n, energy in steps]
    lifecycle.progress(job, 1, points=points)
    Job.objects.filter(pk=job.pk).update(
        methods={"text": "It was computed [1].", "references": [REFERENCE]},
        result={
            "mulliken_charges": [0.1] * 12,
            "symbols": ["H"] * 12,
            "frequencies_cm1": [float(n) for n in range(100, 109)],
        },
    )

    html = page(job, "report/")

    assert html.count('<svg class="chart"') == 1
    assert html.count('<svg class="drawing"') == 1
    assert "from −76.1 at geometry step 1 to −76.35 at 3, 3 points" in html
    assert "It was computed [1]." in html
    assert "@article{sun2020," in html
    assert "Table 1. Mulliken charges" in html
    assert re.search(r'<td class="num">1</td><td>H</td><td class="num">0.1</td>', html)
    assert "Table 2. Frequencies" in html
    assert "It has not ended" in html


def test_a_report_of_nothing_is_still_a_page(page, submit):
    assert '<svg class="chart"' not in page(submit(), "report/")


def test_the_parts_are_linked_from_the_job(client, alice, submit):
    job = submit()
    client.force_login(alice)

    html = client.get(f"/jobs/{job.pk}/").content.decode()

    for part in ("files", "log", "provenance", "report"):
        assert f'href="/jobs/{job.pk}/{part}/"' in html
