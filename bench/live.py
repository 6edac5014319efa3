"""How fast and how heavy is a job's page? `python -m bench.live --tabs 50`.

A real site, a real run (molecular dynamics of ethanol, a frame a few times a second) and a real
Chromium in which so many tabs have the page of that run open, each with its socket. One of them is
in front, in a window of its own, and is measured. The others lie behind a blank tab of a second
window, as a browser has tabs that nobody looks at: they hear the events, and draw nothing.

Site, run and browser share this machine, so its load is told beside the figures:

- first paint: from asking for the page, with an empty cache, to the first text on it; before the
  other tabs are there, and once they all listen
- event to page, and to pixel: from the moment that stands in the event, which the worker writes
  just before it commits it, until the page in front hears of it, and to the end of the frame in
  which it has drawn it
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.stack import Stack, until

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
RUN = {"structure": "CCO", "length_ps": 4000, "report_interval_ps": 0.5}
FLAGS = ["--no-sandbox"]
AS_A_READER_HAS_IT = [
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]
"""What Playwright switches off, and browsers do with a tab that nobody sees."""
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
        const heardAt = Date.now();
        // The listener of the page comes after this one; a frame later its work is on screen.
        requestAnimationFrame(() => requestAnimationFrame(() =>
          made.forEach((at) => window.shown.push([heardAt - at, Date.now() - at]))));
      });
    }
  };
}
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]"
OPENING_S = 180


@contextmanager
def listening(browser: Browser, stack: Stack, url: str, tabs: int) -> Iterator[None]:
    """So many tabs that nobody looks at, each with its socket.

    Playwright tells every tab that it opens that it is looked at. So these are opened past it.
    """
    session = browser.new_browser_cdp_session()
    window = session.send("Target.createBrowserContext")["browserContextId"]
    session.send("Target.createTarget", {"url": "about:blank", "browserContextId": window})
    for _ in range(tabs):
        behind = {"url": url, "browserContextId": window, "background": True}
        session.send("Target.createTarget", behind)
    until(lambda: n_sockets(stack) >= tabs, f"{tabs} tabs listen", OPENING_S)
    yield
    session.send("Target.disposeBrowserContext", {"browserContextId": window})


def n_sockets(stack: Stack) -> int:
    """As the site counts them for its operators."""
    (found,) = re.findall(r"^backplane_sockets (\S+)$", stack.client.get("/metrics").text, re.M)
    return int(float(found))


def watched(browser: Browser, url: str, events: int, seconds: float) -> list[tuple[float, float]]:
    """Milliseconds to page and pixel, of so many events or those of so many seconds."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.add_init_script(f"({WATCH})()")
    page.goto(url)
    page.wait_for_selector("bp-mol[data-drawn]")
    page.evaluate("window.shown.length = 0")
    ends_at = time.monotonic() + seconds
    while page.evaluate("window.shown.length") < events and time.monotonic() < ends_at:
        page.wait_for_timeout(500)
    found: list[tuple[float, float]] = page.evaluate("window.shown")
    page.close()
    return found


def first_load(browser: Browser, url: str) -> tuple[int, float]:
    """Bytes over the wire with an empty cache, and milliseconds to the first paint."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    size = _weighed(page)
    page.goto(url)
    page.wait_for_selector("bp-mol[data-drawn]")
    paint = page.evaluate(f"{PAINTED}.startTime")
    context.close()
    return sum(size), float(paint)


def _weighed(page: Page) -> list[int]:
    sizes: list[int] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda done: sizes.append(int(done["encodedDataLength"])))
    return sizes


def main() -> None:
    asks = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asks.add_argument("--tabs", type=int, default=50, help="in all")
    asks.add_argument("--events", type=int, default=200, help="that are looked at, at the most")
    asks.add_argument("--seconds", type=float, default=60, help="that they may take")
    asks.add_argument("--rounds", type=int, default=5, help="of loading the page anew")
    words = asks.parse_args()
    print(f"{words.tabs} tabs on one job, {os.cpu_count()} cores; {load()}")
    with Stack(workers=1) as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, ignore_default_args=AS_A_READER_HAS_IT
        )
        job_id = stack.submit("md_simulation", **RUN)
        stack.wait(job_id, lambda job: job["state"] == "running" and job["metrics"])
        url = f"{stack.url}/jobs/{job_id}/"
        tell_loads("alone", [first_load(browser, url) for _ in range(words.rounds)])
        with listening(browser, stack, url, words.tabs - 1):
            took = watched(browser, url, words.events, words.seconds)
            tell_loads("beside the others", [first_load(browser, url) for _ in range(words.rounds)])
        browser.close()
        stack.client.post(f"/api/v1/jobs/{job_id}/cancel")
    tell_events("page", [heard for heard, _ in took])
    tell_events("pixel", [drawn for _, drawn in took])


def load() -> str:
    return f"load of the last minute {psutil.getloadavg()[0]:.1f}"


def tell_loads(when: str, loads: list[tuple[int, float]]) -> None:
    paints = [paint for _, paint in loads]
    print(f"job page, {when}: {max(size for size, _ in loads) / 1000:.0f} kB over the wire")
    told = f"median {statistics.median(paints):.0f} ms, most {max(paints):.0f} ms"
    print(f"first paint, {when}: {told}; {load()}", flush=True)


def tell_events(to: str, took: list[float]) -> None:
    took = sorted(took)
    p95 = took[int(len(took) * 0.95)]
    told = f"median {statistics.median(took):.0f} ms, p95 {p95:.0f} ms, most {took[-1]:.0f} ms"
    print(f"event to {to}, {len(took)} events: {told}; {load()}")


if __name__ == "__main__":
    main()
