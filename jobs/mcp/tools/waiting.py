"""Waits for a job within a call: ends on the event, holds no thread, and says how it goes."""

from __future__ import annotations

import asyncio
from typing import Any

from jobs import news
from jobs.mcp import telling
from jobs.mcp.telling import Told, path_part

from .base import JOBS, Call

TELL_EVERY_S = 1.0


async def until_over(call: Call, job_id: str, seconds: float) -> Told:
    """The job when it is over, or as it stands by then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    # Asked by the front door first: who may not see it does not wait for it either.
    job = await look(call, job_id)
    while not telling.is_final(job) and (left := deadline - loop.time()) > 0:
        if call.wants_progress:
            await call.tell(job)
            await _next_to_tell(job, left)
        else:
            await news.wait(job["id"], _is_over, left)
        job = await look(call, job_id)
    return telling.of_job(job)


async def _next_to_tell(job: dict[str, Any], within_s: float) -> None:
    """Until there is more to tell, which is at most once a second."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    await news.wait(job["id"], _is_over, min(TELL_EVERY_S, within_s))
    seq = job["last_seq"]
    await news.wait(
        job["id"], lambda now: now.is_final or now.last_seq > seq, deadline - loop.time()
    )


def _is_over(standing: news.Standing) -> bool:
    return standing.is_final


async def look(call: Call, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = await call.site.get(f"{JOBS}/{path_part(job_id)}", telling.LOOK)
    return job
