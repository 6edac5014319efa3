"""A site that dies and comes back in the midst of what a client does: it goes on, and once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from backplane import Client
from tests.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def kill_web(stack: Stack) -> None:
    # After an earlier kill it may still be about to come back.
    (web,) = until(lambda: stack.processes("daphne"), "a web server to kill")
    web.kill()
    web.wait(10)


def test_a_killed_web_server_costs_neither_a_job_nor_a_wait(private_stack: Stack) -> None:
    told: list[str] = []
    with Client(private_stack.url, on_retry=lambda why, s: told.append(why)) as client:
        job = client.submit("md_simulation", structure="CCO", length_ps=400)
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(job.wait, 240)
            events = pool.submit(lambda: [event["seq"] for event in job.events()])
            next(each for each in client.watch([job.id]) if each.state == "running")
            kill_web(private_stack)

            submitted = client.submit("demo.sum_squares", n=3)

            assert waiting.result(300).state == "succeeded"
            seqs = events.result(300)
        assert submitted.result(timeout=240) == {"total": 14}
        assert seqs == [*range(1, len(seqs) + 1)]
        assert told
        assert len([*client.jobs()]) == 2


def test_submissions_while_the_web_server_dies_make_one_job_each(private_stack: Stack) -> None:
    names = [f"job {n}" for n in range(40)]
    with Client(private_stack.url, patience_s=240) as client, ThreadPoolExecutor(4) as pool:

        def submit(name: str) -> str:
            return client.submit("demo.sum_squares", n=2, name=name, reuse=False).id

        submitted = [pool.submit(submit, name) for name in names]
        for n in (5, 20):  # some accepted, some on their way, some not sent
            submitted[n].result(300)
            kill_web(private_stack)
        ids = [each.result(300) for each in submitted]

        found = {job.id: job.name for job in client.jobs()}
        assert found == dict(zip(ids, names, strict=True))
