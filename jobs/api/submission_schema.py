"""What may be submitted, as the OpenAPI document shows it: a body for each simulation."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from django.conf import settings
from pydantic import BaseModel, Field, RootModel, create_model

import simulations
from jobs.placement import AUTO
from jobs.states import Queue
from jobs.webhook_models import ENDS, OF_JOBS

PriorityWord = Literal["low", "normal", "high", "urgent"]
BackendName: Any = Literal[AUTO, *settings.BACKENDS]
QueueName: Any = Literal[AUTO, *Queue.values]
EventName: Any = Literal[tuple(map(str, OF_JOBS))]


class SubmissionLimits(BaseModel):
    wall_time_s: int | None = Field(None, ge=1, title="Wall time, s")
    memory_mib: int | None = Field(
        None,
        ge=64,
        title="Memory of all its processes, MiB",
        description="Their proportional share (PSS): pages shared with other processes count once.",
    )
    disk_mib: int | None = Field(None, ge=1, title="Disk, MiB")
    threads: int | None = Field(None, ge=1, title="Threads")


class SubmissionRetry(BaseModel):
    max_attempts: int | None = Field(None, ge=1, title="Attempts in a row that get no further")
    on: list[Literal["disk", "memory", "timeout"]] = Field([], title="Also after these failures")


class JobWebhook(BaseModel):
    url: str = Field(max_length=2000, examples=["https://example.org/hook"])
    events: list[EventName] = Field(
        [*map(str, ENDS)], title="Of what it is told", min_length=1, max_length=len(OF_JOBS)
    )


def submission_schema() -> type[BaseModel]:
    """One body per simulation, told apart by its name: what the OpenAPI document shows."""
    bodies = [
        create_model(
            f"{sim.Params.__name__.removesuffix('Params')}Submission",
            simulation=(Literal[sim.name], ...),  # type: ignore[arg-type]
            params=(sim.Params, ...),
            name=(str, ""),
            tags=(list[str], []),
            purpose=(Annotated[str, Field(max_length=500)], ""),
            priority=(PriorityWord, "normal"),
            backend=(BackendName, AUTO),
            queue=(QueueName, AUTO),
            limits=(SubmissionLimits | None, None),
            retry=(SubmissionRetry | None, None),
            reuse=(bool, True),
            webhook=(JobWebhook | None, None),
        )
        for sim in simulations.all_simulations()
    ]
    union: Any = Annotated[reduce(or_, bodies), Field(discriminator="simulation")]
    return create_model("Submission", __base__=RootModel[union])
