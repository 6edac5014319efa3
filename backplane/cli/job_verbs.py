"""The verbs for jobs: each one call of the client, or a loop over one."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from backplane.client import Client
from backplane.flows.jobs import ID_LENGTH
from backplane.job import Job

from . import show, status
from .words import limits_of, params_of


def submit(words: Namespace, client: Client) -> int:
    job = client.submit(
        words.simulation,
        params_of(words),
        name=words.name,
        tags=words.tag,
        purpose=words.purpose,
        priority=words.priority,
        backend=words.backend,
        queue=words.queue,
        limits=limits_of(words),
        retry={"max_attempts": words.retry} if words.retry else None,
        webhook={"url": words.webhook} if words.webhook else None,
        reuse=False if words.no_reuse else None,
        idempotency_key=words.idempotency_key,
    )
    return _made(words, job)


def run_again(words: Namespace, client: Client) -> int:
    given = {"params": params_of(words), "limits": limits_of(words)}
    patch = {name: changes for name, changes in given.items() if changes}
    return _made(words, client.job(words.id).run_again(patch))


def restart(words: Namespace, client: Client) -> int:
    return _made(words, client.job(words.id).restart(limits_of(words)))


def _made(words: Namespace, job: Job) -> int:
    """Its id at once, so that whoever is interrupted has it."""
    words.back = f"backplane watch {job.id}"
    reuse = job.data.get("reuse", {})
    if reuse.get("outcome") in {"hit", "coalesced"}:
        show.say(reuse["reason"])
    show.say(job.page)
    if not words.wait:
        show.answer(job.data) if words.json else print(job.id, flush=True)
        return status.SUCCEEDED
    if not words.json:
        print(job.id, flush=True)
    with show.Bars() as bars:
        for each in job.watch(words.timeout):
            bars.draw(each)
    job.refresh()
    show.answer(job.data) if words.json else show.outcome(job)
    return status.of_states([job.state])


def check(words: Namespace, client: Client) -> int:
    verdict = client.check(words.simulation, params_of(words), limits=limits_of(words))
    if words.json:
        show.answer(verdict)
    elif verdict["ok"]:
        _tell_plan(verdict)
    else:
        for each in verdict["errors"]:
            show.say(f"{each['pointer']}: {each['detail']}".removeprefix(": "))
        if verdict["patch"]:
            show.say("mend:")
            show.pretty(verdict["patch"])
    return status.SUCCEEDED if verdict["ok"] else status.REFUSED


def _tell_plan(verdict: dict[str, Any]) -> None:
    job, same = verdict["job"] or {}, verdict["same"] or {}
    seconds = (job.get("estimate") or {}).get("seconds")
    takes = (
        f" It takes about {seconds['p50']:.0f} s ({seconds['p10']:.0f} to {seconds['p90']:.0f})."
        if seconds
        else ""
    )
    print(f"It would be accepted.{takes}")
    if same.get("job"):
        print(f"{same['reason']} Submitting answers with job {same['job']['id']}.")


def watch(words: Namespace, client: Client) -> int:
    jobs: dict[str, Job] = {}
    with show.Bars() as bars:
        for job in client.watch(_whole(words.ids, client), words.timeout):
            jobs[job.id] = job
            show.answer(job.data) if words.json else bars.draw(job)
    if not words.json:
        for job in jobs.values():
            show.outcome(job.refresh())
    return status.of_states(job.state for job in jobs.values())


def _whole(ids: list[str], client: Client) -> list[str]:
    """Those of which only the beginning was given, in full."""
    return [each if len(each) >= ID_LENGTH else client.job(each).id for each in ids]


def wait(words: Namespace, client: Client) -> int:
    states = []
    for job in client.as_completed(_whole(words.ids, client), words.timeout):
        states.append(job.state)
        show.answer(job.data) if words.json else print(job.id, job.state, flush=True)
    return status.of_states(states)


def result(words: Namespace, client: Client) -> int:
    fields = [name for word in words.fields for name in word.split(",")]
    found = client.job(words.id).result(words.timeout, fields=fields)
    show.answer(found) if words.json else show.pretty(found)
    return status.SUCCEEDED


def status_of(words: Namespace, client: Client) -> int:
    for job_id in words.ids:
        job = client.job(job_id)
        if words.json:
            show.answer(job.data)
        else:
            print(f"{job.id}\t{show.standing(job)}\t{job.progress:.0%}\t{show.readout(job)}")
    return status.SUCCEEDED


def explain(words: Namespace, client: Client) -> int:
    found = client.job(words.id).explain()
    if words.json:
        show.answer(found)
        return status.SUCCEEDED
    print(found["text"])
    print(found["computed_anew"]["text"])
    for hint in found["hints"]:
        print(f"  try: {hint}")
    for action in found["actions"]:
        print(f"  may: {action['operation']}: {action['why']}")
    if found["patch"]:
        show.pretty(found["patch"])
    return status.SUCCEEDED


def logs(words: Namespace, client: Client) -> int:
    for text in client.job(words.id).logs(follow=words.follow):
        print(text, end="", flush=True)
    return status.SUCCEEDED


def cancel(words: Namespace, client: Client) -> int:
    for job_id in words.ids:
        job = client.job(job_id).cancel()
        if words.wait:
            job.wait(words.timeout)
        show.answer(job.data) if words.json else print(job.id, show.standing(job))
    return status.SUCCEEDED


def artifacts(words: Namespace, client: Client) -> int:
    job = client.job(words.id)
    if words.download or words.names:
        for path in job.download(words.names, to=Path(words.to), all_attempts=words.all_attempts):
            show.answer({"path": str(path)}) if words.json else print(path)
        return status.SUCCEEDED
    found = job.artifacts()
    if words.json:
        for each in found:
            show.answer(each)
        return status.SUCCEEDED
    show.table(
        ["name", "bytes", "sha256", "attempt", "title"],
        [
            [each["name"], str(each["size_bytes"]), each["sha256"], str(each["attempt"]),
             each["title"]]
            for each in found
        ],
    )  # fmt: skip
    return status.SUCCEEDED


def listing(words: Namespace, client: Client) -> int:
    given = {"state": words.state, "simulation": words.simulation, "tag": words.tag}
    given |= {"text": words.text, "batch": words.batch}
    filters = {name: value for name, value in given.items() if value}
    found = [*client.jobs(most=words.limit, limit=min(words.limit, 500), **filters)]
    if words.json:
        for job in found:
            show.answer(job.data)
        return status.SUCCEEDED
    rows = [[j.id, show.standing(j), f"{j.progress:.0%}", j.simulation, j.name] for j in found]
    show.table(["id", "state", "done", "simulation", "name"], rows)
    return status.SUCCEEDED


def simulations(words: Namespace, client: Client) -> int:
    found = {each["name"]: each for each in client.simulations()}
    if words.name and words.name not in found:
        show.say(f"There is no simulation {words.name!r}; there are {', '.join(found)}.")
        return status.NOT_FOUND
    if words.name:
        one = found[words.name]
        show.answer(one) if words.json else show.pretty(one)
        return status.SUCCEEDED
    if words.json:
        for each in found.values():
            show.answer(each)
        return status.SUCCEEDED
    show.table(["name", "what"], [[name, each["title"]] for name, each in found.items()])
    return status.SUCCEEDED
