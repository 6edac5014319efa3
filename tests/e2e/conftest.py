"""A real browser, Debian's Chromium, that may talk to this machine only."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
WITHIN_MS = 60_000
"""A page is given the time that a machine takes which computes and draws beside it: that what is
expected comes is what is asked, and where its speed is asked for, it is measured."""
expect.set_options(timeout=WITHIN_MS)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        # Where every service is promised, a missing browser is a defect and no reason to skip.
        assert not os.environ.get("CI"), "Chromium is not installed"
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def _browser(playwright: Playwright) -> Iterator[Browser]:
    """To start one takes longer than what most tests do with it."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    running = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    yield running
    running.close()


@pytest.fixture
def browser(_browser: Browser) -> Iterator[Browser]:
    """Without anything that another test has left in it."""
    yield _browser
    for context in _browser.contexts:
        context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test if anything on it breaks the content policy or raises."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(WITHIN_MS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: (
            faults.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield page
    assert faults == []
