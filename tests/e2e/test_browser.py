"""What a scientist does, in a real browser: submit, watch it converge, get the files."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, WebSocket, expect

from jobs.pages.forecast import left, left_by_time
from tests.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

UUID = re.compile(r"/jobs/([0-9a-f-]{36})/$")
REMEMBER = """() => {
    window.said = [];
    const remember = () => window.said.push(document.querySelector("#live").innerText);
    const all = { childList: true, characterData: true, subtree: true };
    new MutationObserver(remember).observe(document.body, all);
}"""
"""What is said of the connection may be over before anybody looks."""
ASK = "fetch(location.href).then((answer) => answer.text())"


class Wire:
    """Every event that came over the page's sockets, as it came."""

    def __init__(self, page: Page) -> None:
        self.events: list[dict[str, Any]] = []
        self.sockets = 0
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        self.sockets += 1
        socket.on("framereceived", self._take)

    def _take(self, frame: str | bytes) -> None:
        message = json.loads(frame)
        self.events += message.get("events", [])

    @property
    def seqs(self) -> list[int]:
        return [event["seq"] for event in self.events]

    def assert_each_once_in_order(self) -> None:
        assert self.seqs == list(range(self.seqs[0], self.seqs[0] + len(self.seqs)))


def job_id_of(page: Page) -> str:
    found = UUID.search(page.url)
    assert found, page.url
    return found.group(1)


def fill_in(page: Page, stack: Stack, **fields: str) -> None:
    page.goto(f"{stack.url}/jobs/new/dft_optimization/")
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name=re.compile("^Submit")).click()


def test_a_molecule_is_submitted_by_form_and_watched_until_it_is_done(
    page: Page, stack: Stack
) -> None:
    wire = Wire(page)
    page.goto(stack.url)
    page.get_by_role("link", name="New simulation").first.click()
    page.get_by_role("link", name=re.compile("geometry optimisation")).first.click()
    page.get_by_label("Structure", exact=True).fill("CO")
    page.get_by_label("Name", exact=True).fill("Methanol")
    page.get_by_role("button", name=re.compile("^Submit")).click()

    expect(page.get_by_role("heading", name="Methanol")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("live")
    energy = page.locator('[data-readout="energy_hartree"]')
    expect(energy).to_contain_text("−115.")
    # The energy plot grows while the page stays where it is.
    marks = page.locator('[data-figure="0"] circle')
    expect(marks.nth(2)).to_be_attached()
    expect(page.locator("#log")).to_contain_text("cycle=")
    if shot := os.environ.get("BACKPLANE_SCREENSHOT"):
        page.screenshot(path=shot)

    expect(page.locator(".status").first).to_contain_text("Finished", timeout=90_000)
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    wire.assert_each_once_in_order()
    job = stack.job(job_id_of(page))
    assert job["state"] == "succeeded"
    with page.expect_download() as download:
        page.get_by_role("link", name="final.xyz").click()
    assert download.value.suggested_filename == "final.xyz"
    assert download.value.path().read_text().startswith("6\n")


@pytest.mark.parametrize(
    ("label", "value", "words"),
    [
        ("Structure", "C1CC(", "SMILES"),
        ("Structure", "", "empty"),
        ("Multiplicity", "2", "singlet"),
    ],
)
def test_bad_input_lands_on_its_field_and_nothing_typed_is_lost(
    page: Page, stack: Stack, label: str, value: str, words: str
) -> None:
    before = stack.client.get("/api/v1/jobs").json()["results"]

    fill_in(page, stack, **{"Structure": "O", "Name": "Kept", label: value})

    field = page.get_by_label(label, exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(value)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Kept")
    described = field.get_attribute("aria-describedby") or ""
    told = " ".join(page.locator(f"#{part}").inner_text() for part in described.split())
    assert words in told
    assert stack.client.get("/api/v1/jobs").json()["results"] == before


def test_a_run_is_stopped_from_its_page_after_one_question(page: Page, stack: Stack) -> None:
    fill_in(page, stack, Structure="c1ccccc1")
    expect(page.locator("#log")).to_contain_text("cycle=")
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.accept() if len(questions) == 2 else dialog.dismiss()

    page.on("dialog", answer)
    page.get_by_role("button", name="Cancel job").click()
    expect(page.locator(".status").first).to_contain_text("Running")
    page.get_by_role("button", name="Cancel job").click()

    expect(page.locator(".status").first).to_contain_text("Cancelled")
    assert "What it has computed so far is kept" in questions[0]
    expect(
        page.get_by_role("link", name="trajectory.xyz").or_(page.get_by_text("job.log"))
    ).not_to_have_count(0)


def test_a_worker_killed_mid_stream_leaves_no_gap_and_no_repeat(
    page: Page, private_stack: Stack
) -> None:
    stack = private_stack
    wire = Wire(page)
    fill_in(page, stack, Structure="c1ccccc1")
    expect(page.locator("#log")).to_contain_text("cycle=")
    horse = next(h for worker in stack.processes("work") for h in worker.children())

    horse.parent().send_signal(signal.SIGKILL)

    def resumed() -> bool:
        page.wait_for_timeout(200)
        kinds = [event["kind"] for event in wire.events]
        return "requeued" in kinds and "progress" in kinds[kinds.index("requeued") :]

    until(resumed, "the second attempt is watched")
    wire.assert_each_once_in_order()
    expect(page.locator(".status").first).to_contain_text("Running")


def test_a_web_server_that_dies_is_reconnected_to_without_gap_or_repeat(
    page: Page, private_stack: Stack
) -> None:
    stack = private_stack
    wire = Wire(page)
    fill_in(page, stack, Structure="c1ccccc1")
    expect(page.locator("#log")).to_contain_text("cycle=")
    live = page.locator("#live")
    expect(live).to_contain_text("live")
    page.evaluate(REMEMBER)

    stack.processes("daphne")[0].send_signal(signal.SIGKILL)

    page.wait_for_function("() => window.said.some((text) => text.includes('reconnecting'))")
    expect(live).to_contain_text("live")
    seen = len(wire.events)
    until(lambda: page.wait_for_timeout(200) or len(wire.events) > seen + 2, "news goes on")
    assert wire.sockets >= 2
    assert sorted(set(wire.seqs)) == wire.seqs
    log = page.locator("#log").inner_text()
    cycles = re.findall(r"^cycle= (\d+)", log, re.MULTILINE)
    assert len(cycles) == len(re.findall(r"^init E=|^cycle= ", log, re.MULTILINE)) - log.count(
        "init E="
    )


def test_a_redis_that_dies_costs_the_live_page_nothing(page: Page, private_stack: Stack) -> None:
    stack = private_stack
    wire = Wire(page)
    fill_in(page, stack, Structure="c1ccccc1")
    expect(page.locator("#log")).to_contain_text("cycle=")

    redis = next(p for p in stack.descendants() if "redis-server" in p.name())
    redis.send_signal(signal.SIGKILL)
    redis.wait(5)

    seen = len(wire.events)
    until(lambda: page.wait_for_timeout(200) or len(wire.events) > seen + 5, "news goes on")
    assert sorted(set(wire.seqs)) == wire.seqs
    assert stack.job(job_id_of(page))["attempt"] == 1


def test_signing_in_and_out(page: Page, private_stack: Stack) -> None:
    stack = private_stack
    made = stack.manage(
        "shell",
        "-c",
        "from django.contrib.auth import get_user_model as m;"
        "m().objects.create_superuser('marie', password='polonium-1898')",
    )
    assert made.returncode == 0, made.stderr
    stack.wait(stack.submit("demo.sum_squares", n=3))
    page.goto(f"{stack.url}/jobs/")

    page.locator(".menu summary").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("User name").fill("marie")
    page.get_by_label("Password").fill("radium")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("main")).to_contain_text("correct username and password")
    page.get_by_label("Password").fill("polonium-1898")
    page.get_by_role("button", name="Sign in").click()

    expect(page.locator(".who")).to_contain_text("marie")
    page.locator(".menu summary").click()
    page.get_by_role("link", name="Admin").click()
    page.get_by_role("rowheader").get_by_role("link", name="Jobs").click()
    expect(page.locator("#result_list")).to_contain_text("demo.sum_squares")
    page.goto(f"{stack.url}/jobs/")
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".who")).not_to_contain_text("marie")


def test_the_page_says_what_it_has_read_and_lives_through_another_log(
    page: Page, private_stack: Stack
) -> None:
    """As after a restore: what the page knows belongs to a log that is no more."""
    stack = private_stack
    said: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: said.append(frame)))
    wire = Wire(page)
    fill_in(page, stack, Structure="c1ccccc1")
    expect(page.locator("#log")).to_contain_text("cycle=")
    until(lambda: page.wait_for_timeout(100) or said, "something was acknowledged")
    assert json.loads(said[-1])["t"] == "ack"

    made = stack.manage("shell", "-c", "from jobs import log_epoch; log_epoch.begin()")
    assert made.returncode == 0, made.stderr
    drawn = page.evaluate("document.querySelector('#job').dataset.drawn = 'before'")
    assert drawn == "before"
    stack.processes("daphne")[0].send_signal(signal.SIGKILL)

    expect(page.locator("#job")).not_to_have_attribute("data-drawn", "before")
    expect(page.locator("#live")).to_contain_text("live")
    seen = len(wire.events)
    until(lambda: page.wait_for_timeout(200) or len(wire.events) > seen + 2, "news goes on")
    assert sorted(set(wire.seqs)) == wire.seqs


def test_a_page_behind_another_tells_the_end_by_its_title_and_is_drawn_once_it_is_seen(
    page: Page, stack: Stack
) -> None:
    job_id = stack.submit("dft_optimization", structure="c1ccccc1")
    stack.wait(job_id, lambda job: job["state"] == "running")
    page.goto(f"{stack.url}/jobs/{job_id}/")
    expect(page.locator("#live")).to_contain_text("live")
    # Without a window every page is in front. The socket is not told, and goes on at once.
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate(ASK)  # and what it had asked for while it was seen is here
    page.evaluate("document.querySelector('#job').dataset.drawn = 'before'")

    stack.client.post(f"/api/v1/jobs/{job_id}/cancel")

    expect(page).to_have_title(re.compile("^⊘"))
    expect(page.locator("#live")).to_contain_text("complete")
    # What it had asked for at the end would be here by now.
    page.evaluate(ASK)
    assert page.locator("#job").get_attribute("data-drawn") == "before"
    page.evaluate("delete document.hidden")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".status").first).to_contain_text("Cancelled")


@pytest.mark.parametrize(
    ("ran_for_s", "by_the_run"),
    [(0, None), (31, None), (66, None), (140, None), (249, None), (251, None), (31, 0), (31, 4000)],
)
def test_what_is_left_is_told_by_the_page_as_by_the_server(
    page: Page, stack: Stack, ran_for_s: float, by_the_run: float | None
) -> None:
    estimate = {"seconds": {"p10": 60, "p50": 130, "p90": 250}, "basis": ""}
    told = left(estimate, ran_for_s, by_the_run)
    page.goto(stack.url)

    shown = page.evaluate(
        "async ([url, rests, ran, told]) => (await import(url)).left(rests, ran, told)",
        [f"{stack.url}/static/js/eta.js", left_by_time(estimate), ran_for_s, by_the_run],
    )

    assert told
    assert shown == [told.value, told.range]


def test_a_run_that_knows_its_speed_tells_alone_what_is_left(page: Page, stack: Stack) -> None:
    job = stack.submit("md_simulation", structure="CCO", length_ps=9000, equilibration_ps=0.5)
    stack.wait(job, lambda job: job["state"] == "running")
    page.goto(f"{stack.url}/jobs/{job}/")

    expect(page.locator("[data-left] dt")).to_have_text("Left")
    expect(page.locator("[data-left] .sub")).to_have_text("at the speed of this run")
    expect(page.locator("[data-left] .value")).to_have_text(re.compile(r"^about \d+ (s|min)$"))
    names = page.locator(".readouts dt").all_inner_texts()
    assert [name for name in names if name in {"Left", "Time left", "Expected"}] == ["Left"]
    stack.client.post(f"/api/v1/jobs/{job}/cancel")
