"""How fast and how heavy is a job's page? `python -m bench.live --tabs 50`.

A real site, a real run (molecular dynamics of ethanol, some events a second) and a real Chromium,
in which one tab is seen and measured while so many in all have the same page open, each with its
socket. From an event's commit to the frame that shows it; the first paint; what came over the wire.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.stack import Stack

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
RUN = {"structure": "CCO", "length_ps": 4000, "report_interval_ps": 0.5}
WATCH = """
() => {
  const Socket = window.WebSocket;
  window.shown = [];
  window.WebSocket = class extends Socket {
    constructor(...words) {
      super(...words);
      this.addEventListener("message", (message) => {
        const { events = [] } = JSON.parse(message.data);
        const made = events.filter((each) => each.points).map((each) => Date.parse(each.at));
        // The listener of the page comes after this one; a frame later its work is on screen.
        requestAnimationFrame(() => requestAnimationFrame(() =>
          made.forEach((at) => window.shown.push(Date.now() - at))));
      });
    }
  };
}
"""

HIDDEN = """
() => {
  // As a browser treats a tab behind another one. Without a window all of them are in front.
  Object.defineProperty(document, "hidden", { get: () => true });
  Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
  window.requestAnimationFrame = () => 0;
}
"""


def watched(browser: Browser, stack: Stack, job_id: str, tabs: int, events: int) -> list[float]:
    """Milliseconds from commit to pixel."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    for _ in range(tabs - 1):
        behind = context.new_page()
        behind.add_init_script(f"({HIDDEN})()")
        behind.goto(f"{stack.url}/jobs/{job_id}/")
    seen = context.new_page()
    seen.add_init_script(f"({WATCH})()")
    seen.goto(f"{stack.url}/jobs/{job_id}/")
    seen.bring_to_front()
    seen.evaluate("window.shown.length = 0")
    while seen.evaluate("window.shown.length") < events:
        seen.wait_for_timeout(500)
    found: list[float] = seen.evaluate("window.shown")
    context.close()
    return found


def first_load(browser: Browser, url: str) -> tuple[int, float]:
    """Bytes over the wire with an empty cache, and milliseconds to the first paint."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    size = _weighed(page)
    page.goto(url)
    page.wait_for_timeout(3000)
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    return sum(size), float(paint)


def _weighed(page: Page) -> list[int]:
    sizes: list[int] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda done: sizes.append(int(done["encodedDataLength"])))
    return sizes


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--tabs", type=int, default=50)
    asks.add_argument("--events", type=int, default=200)
    asks.add_argument("--rounds", type=int, default=5)
    words = asks.parse_args()
    print(f"{words.tabs} tabs on one job, {words.events} events, {os.cpu_count()} cores")
    with Stack(workers=1) as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        job_id = stack.submit("md_simulation", **RUN)
        stack.wait(job_id, lambda job: job["state"] == "running" and job["metrics"])
        loads = [first_load(browser, f"{stack.url}/jobs/{job_id}/") for _ in range(words.rounds)]
        took = sorted(watched(browser, stack, job_id, words.tabs, words.events))
        browser.close()
        stack.client.post(f"/api/v1/jobs/{job_id}/cancel")
    report(loads, took)


def report(loads: list[tuple[int, float]], took: list[Any]) -> None:
    paints = [paint for _, paint in loads]
    print(f"job page: {max(size for size, _ in loads) / 1000:.0f} kB over the wire, empty cache")
    print(f"first paint: median {statistics.median(paints):.0f} ms, most {max(paints):.0f} ms")
    p95 = took[int(len(took) * 0.95)]
    print(f"event to pixel: median {statistics.median(took):.0f} ms, p95 {p95:.0f} ms")


if __name__ == "__main__":
    main()
