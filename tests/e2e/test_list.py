"""The list and the first page in a real browser, over real workers: filter, live rows, keyboard."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]


def submit(stack: Stack, simulation: str, name: str, **params: Any) -> str:
    """A job that no other test is answered with."""
    body = {"simulation": simulation, "params": params, "name": name, "reuse": False}
    answer = stack.client.post("/api/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def row(page: Page, job_id: str) -> Any:
    return page.locator(f'tr[data-job="{job_id}"]')


def test_a_row_is_live_from_nothing_to_finished_while_the_page_stays(
    page: Page, stack: Stack
) -> None:
    navigations: list[str] = []
    submit(stack, "demo.sum_squares", "the first", n=5)
    page.goto(f"{stack.url}/jobs/")
    expect(page.locator("#live")).to_contain_text("live")
    page.on("framenavigated", lambda frame: navigations.append(frame.url))

    job_id = submit(stack, "xtb_optimization", "Ethanol, live", structure="CCO")

    mine = row(page, job_id)
    expect(mine).to_be_visible()
    expect(mine.locator(".status")).to_contain_text("Finished")
    expect(mine.locator(".strip polyline")).to_be_visible()
    expect(mine.locator(".strip")).to_have_attribute("aria-label", re.compile("^Energy, from −"))
    expect(mine.locator(".value")).to_contain_text("hartree")
    assert navigations == []
    # The last point of the chart is the energy that the job ended with.
    label = mine.locator(".strip").get_attribute("aria-label") or ""
    energy = stack.job(job_id)["result"]["energy_hartree"]
    assert f"{energy:.4f}".replace("-", "−") in label


def test_the_rows_go_on_by_polls_where_there_are_no_sockets(page: Page, stack: Stack) -> None:
    page.route_web_socket(re.compile("/ws/v1/jobs/"), lambda socket: socket.close(code=1011))
    job_id = submit(stack, "demo.sum_squares", "polled", n=600)
    page.goto(f"{stack.url}/jobs/?text={job_id}")

    expect(row(page, job_id).locator(".status")).to_contain_text("Finished")


def test_a_filter_acts_at_once_and_is_cleared(page: Page, stack: Stack) -> None:
    tag = uuid4().hex[:8]
    done = submit(stack, "demo.sum_squares", f"{tag} done", n=6)
    stack.wait(done)
    page.goto(f"{stack.url}/jobs/?text={tag}")

    page.get_by_label("Status", exact=True).select_option("failed")

    expect(page.get_by_role("heading", name="No job fits these filters")).to_be_visible()
    expect(page).to_have_url(f"{stack.url}/jobs/?text={tag}&state=failed")
    page.locator(f'main a[href="?text={tag}"]', has_text="1 job").first.click()
    expect(row(page, done)).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    expect(page).to_have_url(f"{stack.url}/jobs/")


def test_two_jobs_are_cancelled_by_keyboard_alone(page: Page, stack: Stack) -> None:
    tag = uuid4().hex[:8]
    first = submit(stack, "dft_optimization", f"{tag} one", structure="c1ccc2ccccc2c1")
    second = submit(stack, "dft_optimization", f"{tag} two", structure="c1ccc2ccccc2c1C")
    third = submit(stack, "demo.sum_squares", f"{tag} three", n=7)
    questions: list[str] = []

    def accept(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.accept()

    page.on("dialog", accept)
    page.goto(f"{stack.url}/jobs/")
    page.keyboard.press("/")
    expect(page.get_by_label("Name, or the beginning of an id")).to_be_focused()
    page.keyboard.type(f"{tag} ")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-job]")).to_have_count(3)

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator("#bulk-count")).to_have_text("2")
    cancel = page.get_by_role("button", name="Cancel jobs")
    for _ in range(20):
        page.keyboard.press("Tab")
        if cancel.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")

    expect(page.locator(".notice", has_text=f"{tag} one").first).to_be_visible()
    assert len(questions) == 1
    for job_id in (first, second):
        expect(row(page, job_id).locator(".status")).to_contain_text("Cancelled")
    assert stack.wait(third)["state"] == "succeeded"


def test_letters_are_keys_only_where_nobody_writes_and_who_likes_them(
    page: Page, stack: Stack
) -> None:
    job_id = submit(stack, "demo.sum_squares", "opened by key", n=8)
    page.goto(f"{stack.url}/jobs/?text={job_id}")

    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keys")
    expect(help_).to_be_visible()
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    field = page.get_by_label("Name, or the beginning of an id")
    field.focus()
    page.keyboard.type("njx?")
    expect(field).to_have_value(re.compile("njx\\?"))
    field.blur()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="opened by key")).to_be_visible()

    page.goto(f"{stack.url}/jobs/")
    page.keyboard.press("?")
    help_.get_by_label("Single letters are keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.press("?")
    expect(help_).to_be_hidden()
    assert page.url == f"{stack.url}/jobs/"


def test_a_molecule_typed_on_the_first_page_is_run_from_there(page: Page, stack: Stack) -> None:
    page.goto(stack.url)
    page.get_by_label("A molecule", exact=True).fill("CC(C)=O")
    page.get_by_role("button", name="xTB geometry optimisation").click()
    expect(page.get_by_label("Structure", exact=True)).to_have_value("CC(C)=O")
    page.get_by_label("Name", exact=True).fill("Acetone of today")
    page.get_by_role("button", name=re.compile("^Submit")).click()
    expect(page.locator(".status").first).to_contain_text("Finished")

    page.goto(stack.url)

    expect(page.get_by_role("link", name="Acetone of today")).to_be_visible()
    page.get_by_role("button", name="I have seen these").click()
    expect(page.get_by_role("link", name="Acetone of today")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_runs_over_the_edge_of_a_phone(page: Page, stack: Stack, width: int) -> None:
    name = f"A rather long name, {'x' * 60}"
    stack.wait(submit(stack, "xtb_optimization", name, structure="CO"))
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/jobs/", "/", "/jobs/?state=failed&text=nowhere&tag=none&within=1h"):
        page.goto(stack.url + path)

        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1280])
def test_nor_does_one_long_word_that_somebody_calls_a_thing(
    page: Page, stack: Stack, width: int
) -> None:
    """A name as programs make them, without a blank, wherever pages tell it."""
    word = "W" * 100
    named = {"name": word * 2, "tags": [word], "purpose": word}
    sent = {"simulation": "demo.sum_squares", "params": {"n": 4}, "reuse": False}
    job = stack.client.post("/api/v1/jobs", json=sent | named).json()["id"]
    told = {"name": word * 2, "jobs": [sent | {"name": word}]}
    batch = stack.client.post("/api/v1/batches", json=told).json()["id"]
    stack.client.post("/api/v1/keys", json={"name": word, "scopes": ["read"]})
    stack.client.post("/api/v1/files", files={"file": (f"{word}.xyz", b"1\n\nH 0 0 0")})
    stack.wait(job)
    page.set_viewport_size({"width": width, "height": 800})
    too_wide = []

    for path in (
        "/",
        "/jobs/",
        f"/jobs/?tag={word}",
        f"/jobs/{job}/",
        f"/jobs/{job}/provenance/",
        "/batches/",
        f"/batches/{batch}/",
        f"/search/?q={word[:9]}",
        "/me/keys/",
    ):
        page.goto(stack.url + path)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(path)

    assert too_wide == []


def test_without_script_the_same_form_tags_the_marked_jobs(browser: Browser, stack: Stack) -> None:
    tag = uuid4().hex[:8]
    job_id = submit(stack, "demo.sum_squares", f"{tag} plain", n=9)
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{stack.url}/jobs/?text={tag}")

    page.get_by_label(f"Mark {tag} plain").check()
    page.locator("#bulk-tag").fill("by hand")
    page.keyboard.press("Enter")

    expect(page.locator(".notice")).to_contain_text(f"Tagged “by hand”: {tag} plain.")
    expect(row(page, job_id)).to_contain_text("#by hand")
    expect(page).to_have_url(f"{stack.url}/jobs/?text={tag}")
