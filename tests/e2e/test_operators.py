"""The operators' screen in a real browser over the real site: live, and the switch that lasts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

MAKE = "from django.contrib.auth import get_user_model as m; "
MAKE += "m().objects.create_superuser('marie', password='polonium-1898')"


def sign_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/admin/login/?next=/admin/ops/")
    page.fill("#id_username", "marie")
    page.fill("#id_password", "polonium-1898")
    page.click("[type=submit]")


def test_the_screen_is_live_and_maintenance_outlasts_a_restart(
    page: Page, private_stack: Stack
) -> None:
    stack = private_stack
    assert stack.manage("shell", "-c", MAKE).returncode == 0
    sign_in(page, stack)
    expect(page.locator('[data-part="workers"] tbody tr')).to_have_count(2)
    stack.wait(stack.submit("demo.sum_squares", n=30))
    last = page.locator('[data-part="state"] dd').last
    expect(last).to_have_text(re.compile("ago"))
    expect(page.locator("#ops-fresh")).to_have_text("Brought up to date every 5 s.")

    page.get_by_role("link", name="Maintenance").click()
    page.fill("#id_message", "New disks")
    page.fill("#id_reason", "Ticket 7")
    page.click("text=Start no more jobs")
    held = stack.submit("demo.sum_squares", n=31)
    stack.down()
    stack.up()

    assert stack.job(held)["reason"] == "maintenance"
    page.goto(f"{stack.url}/admin/ops/maintenance/")
    page.fill("#id_end-reason", "Done")
    page.click("text=Start jobs again")
    assert stack.wait(held)["state"] == "succeeded"
