"""One run: jobs are submitted, faults are done, both by the plan; then all of it is counted."""

from __future__ import annotations

import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil

from .faults import Done, Kind, NobodyThere, Site
from .schedule import Plan, PlannedFault, PlannedJob

logger = logging.getLogger(__name__)

CLIENTS = 4
ANSWERED_WITHIN_S = 180
QUIET_WITHIN_S = 600
ACTIVE = ("queued", "running")
AGAIN = {409, 503}
"""The claim of a web server that died, and a database that is away: the client asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One that was done; `done` is empty where there was nobody to do it to."""

    kind: str
    at: float
    done: Done | None


@dataclass(kw_only=True)
class Record:
    """What was seen from outside."""

    accepted: dict[str, str] = field(default_factory=dict)
    """The ids that were answered, by the name that the job was given."""
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    orphans: int = 0
    took_s: float = 0
    is_abandoned: bool = False
    """A fault could not be done: then nobody need ask any longer."""


def run(site: Site, plan: Plan, kinds: dict[str, Kind]) -> Record:
    record = Record()
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        asked = [pool.submit(_submit, site, job, began, record) for job in plan.jobs]
        try:
            for fault in plan.faults:
                _wait_until(began + fault.at_s)
                _do(site, fault, kinds[fault.kind], record)
        except BaseException:
            record.is_abandoned = True
            raise
        for each in asked:
            each.result()
    _wait_for_quiet(site)
    record.took_s = time.monotonic() - began
    record.audit = site.stack.audit()
    record.orphans = len(site.stack.orphans())
    return record


def _do(site: Site, fault: PlannedFault, act: Kind, record: Record) -> None:
    at = time.time()
    try:
        done = act(site, fault.choice)
    except (NobodyThere, psutil.NoSuchProcess):
        # It ended of itself just before.
        done = None
    record.faults.append(Fault(kind=fault.kind, at=at, done=done))
    logger.info("%s%s", fault.kind, "" if done else ": nobody there")


def _submit(site: Site, job: PlannedJob, began: float, record: Record) -> None:
    """As a careful client does: the same request under the same key, until it is accepted."""
    while time.monotonic() < began + job.at_s and not record.is_abandoned:
        time.sleep(0.05)
    deadline = time.monotonic() + ANSWERED_WITHIN_S
    while time.monotonic() < deadline and not record.is_abandoned:
        answer = _post(site, job)
        record.answers[str(answer.status_code) if answer else "none"] += 1
        if answer and answer.status_code == 202:
            record.accepted[job.name] = answer.json()["id"]
            return
        if answer and answer.status_code not in AGAIN:
            raise AssertionError(f"{job} was answered with {answer.text}")
        time.sleep(0.5)


def _wait_for_quiet(site: Site) -> None:
    """Or for too long: then what has not ended is counted as lost."""
    deadline = time.monotonic() + QUIET_WITHIN_S
    while time.monotonic() < deadline and any(_n_jobs(site, state) for state in ACTIVE):
        time.sleep(1)


def _n_jobs(site: Site, state: str) -> int:
    return len(site.stack.client.get("/api/v1/jobs", params={"state": state}).json()["results"])


def _post(site: Site, job: PlannedJob) -> httpx.Response | None:
    body = {
        "simulation": job.simulation,
        "params": job.params,
        "name": job.name,
        # Two that happen to be equal are two.
        "reuse": False,
    }
    try:
        return site.stack.client.post(
            "/api/v1/jobs", json=body, headers={"Idempotency-Key": job.name}
        )
    except httpx.TransportError:
        return None


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
