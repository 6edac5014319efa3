"""The tools that there are: one for each simulation, and those for whatever runs."""

from __future__ import annotations

from functools import cache

from . import again, batches, inbox, jobs, submitting
from .base import Tool


@cache
def all_tools() -> dict[str, Tool]:
    found = [*submitting.tools(), *jobs.TOOLS, *again.TOOLS, *batches.TOOLS, *inbox.TOOLS]
    return {tool.name: tool for tool in found}
