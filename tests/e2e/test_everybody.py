"""Pages for everybody: by keyboard, by ear, on a small screen, without script, at rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.stack import Stack, until

from .test_operators import MAKE, sign_in

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PAGES = [
    "/",
    "/jobs/",
    "/jobs/?state=failed",
    "/jobs/new/",
    "/jobs/new/dft_optimization/",
    "/jobs/new/docking/",
    "/jobs/new/md_simulation/?from={optimised}",
    "/jobs/{optimised}/",
    "/jobs/{vibrating}/",
    "/jobs/{moved}/",
    "/jobs/{failed}/",
    "/jobs/{cancelled}/",
    "/jobs/{optimised}/files/",
    "/jobs/{optimised}/log/",
    "/jobs/{optimised}/provenance/",
    "/jobs/{vibrating}/report/",
    "/compare/?ids={optimised},{vibrating}",
    "/batches/",
    "/batches/{batch}/",
    "/molecules/",
    "/queue/",
    "/search/?q=opt",
    "/status/",
    "/me/",
    "/me/keys/",
    "/me/keys/new/",
    "/me/webhooks/",
    "/docs/",
    "/docs/submitting/",
    "/login/",
    "/nowhere/",
]


WITH_WIDGETS = ["auth/group/add/", "jobs/apikey/add/", "jobs/job/?state__exact=succeeded"]
"""Of the operators; the widgets are Django's own."""


@pytest.fixture(scope="module")
def found(stack: Stack) -> dict[str, str]:
    """What the pages are about, by name: real runs of the smallest things."""
    made = {
        "optimised": stack.submit("xtb_optimization", structure="CO"),
        "vibrating": stack.submit("dft_frequencies", structure="O", basis="sto-3g"),
        "moved": stack.submit("md_simulation", structure="CCO", length_ps=1),
        "failed": failing(stack),
        "cancelled": stack.submit("dft_optimization", structure="c1ccccc1"),
    }
    stack.client.post(f"/api/v1/jobs/{made['cancelled']}/cancel").raise_for_status()
    body = {
        "template": {"simulation": "demo.sum_squares", "params": {}},
        "grid": {"params.n": [31, 32, 33]},
    }
    made["batch"] = stack.client.post("/api/v1/batches", json=body).json()["id"]
    for name in ("optimised", "vibrating", "moved", "failed", "cancelled"):
        stack.wait(made[name])
    return made


def failing(stack: Stack) -> str:
    """It may take a second, and takes longer."""
    body = {
        "simulation": "dft_optimization",
        "params": {"structure": "c1ccccc1"},
        "limits": {"wall_time_s": 1},
    }
    return str(stack.client.post("/api/v1/jobs", json=body).json()["id"])


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    wanted: dict[str, Any] = {"viewport": {"width": 1440, "height": 1000}}
    opened = browser.new_context(**wanted | getattr(request, "param", {}))
    yield opened
    opened.close()


def everywhere(stack: Stack, found: dict[str, str]) -> list[str]:
    return [stack.url + path.format(**found) for path in PAGES]


@pytest.mark.parametrize(
    "context", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True, ids=str
)
def test_no_page_breaks_a_rule_of_wcag(
    context: BrowserContext, stack: Stack, found: dict[str, str]
) -> None:
    page = context.new_page()
    broken: list[str] = []
    for url in everywhere(stack, found):
        page.goto(url)
        answer = Axe().run(page, options=WCAG).response
        assert len(answer["passes"]) > 5, url
        broken += [
            f"{url}: {each['id']}: {node['html'][:160]}: {node['failureSummary']}"
            for each in answer["violations"]
            for node in each["nodes"]
        ]

    assert not broken, "\n".join(broken)


def test_nor_does_a_page_of_the_operators(context: BrowserContext, stack: Stack) -> None:
    assert stack.manage("shell", "-c", MAKE).returncode == 0
    # More than one page of them.
    sums = [{"simulation": "demo.sum_squares", "params": {"n": n}} for n in range(1, 121)]
    answer = stack.client.post("/api/v1/batches", json={"jobs": sums, "reuse": False})
    batch = answer.raise_for_status().json()["id"]
    told = f"/api/v1/batches/{batch}"
    until(
        lambda: stack.client.get(told).json()["counts"]["succeeded"] == len(sums),
        "the sums are made",
        within_s=300,
    )
    page = context.new_page()
    sign_in(page, stack)

    for path in WITH_WIDGETS:
        page.goto(f"{stack.url}/admin/{path}")
        assert Axe().run(page, options=WCAG).response["violations"] == [], path


@pytest.mark.parametrize("context", [{"viewport": {"width": 320, "height": 800}}], indirect=True)
def test_no_page_scrolls_sideways_on_the_smallest_screen(
    context: BrowserContext, stack: Stack, found: dict[str, str]
) -> None:
    page = context.new_page()
    too_wide = []
    for url in everywhere(stack, found):
        page.goto(url)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 320:
            too_wide.append(f"{url}: {width} px")

    assert too_wide == []


@pytest.mark.parametrize("context", [{"reduced_motion": "reduce"}], indirect=True)
def test_nothing_moves_for_who_wants_no_motion(context: BrowserContext, stack: Stack) -> None:
    page = context.new_page()
    job_id = stack.submit("dft_optimization", structure="c1ccccc1")
    stack.wait(job_id, lambda job: job["state"] == "running")
    page.goto(f"{stack.url}/jobs/{job_id}/")
    expect(page.locator(".status").first).to_contain_text("Running")

    # What goes by its reader's own scrolling, and by no clock, moves nothing.
    moving = page.evaluate(
        "document.getAnimations().filter(each => each.timeline === document.timeline)"
        ".map(each => each.animationName)"
    )
    stack.client.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()

    assert moving == []


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True)
def test_without_script_a_job_is_sent_looked_at_and_its_files_are_had(
    context: BrowserContext, stack: Stack, found: dict[str, str]
) -> None:
    page = context.new_page()
    page.goto(f"{stack.url}/jobs/new/xtb_optimization/")
    page.get_by_label("Structure", exact=True).fill("NN")
    page.get_by_label("Name", exact=True).fill("Without script")
    page.get_by_role("button", name=re.compile("^Submit")).click()
    expect(page.get_by_role("heading", name="Without script")).to_be_visible()
    stack.wait(page.url.rstrip("/").rpartition("/")[2])
    page.reload()
    expect(page.locator(".status").first).to_contain_text("Finished")
    with page.expect_download() as download:
        page.get_by_role("link", name="final.xyz").first.click()

    assert download.value.path().read_text().startswith("6\n")
    for url in everywhere(stack, found):
        assert page.goto(url)
        expect(page.locator("h1").first).to_be_visible()


def test_with_the_keyboard_alone_a_job_is_sent_watched_and_its_file_had(
    page: Page, stack: Stack
) -> None:
    page.goto(f"{stack.url}/jobs/new/xtb_optimization/")
    _tab_to(page, page.get_by_label("Structure", exact=True))
    page.keyboard.type("CNN")
    _tab_to(page, page.get_by_role("button", name=re.compile("^Submit")))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    expect(page.locator(".status").first).to_contain_text("Finished")
    _tab_to(page, page.get_by_role("link", name="final.xyz").first)
    with page.expect_download() as download:
        page.keyboard.press("Enter")

    assert download.value.path().read_text().startswith("9\n")


def _tab_to(page: Page, wanted: Any, most: int = 150) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"{wanted} is not reached by the Tab key")
