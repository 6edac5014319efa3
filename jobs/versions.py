"""Which version of a job an answer shows, as an entity tag.

The tag begins with the number of the job's last event; what it has beside that (why the job waits,
and its place in line) changes what is shown without changing the job.
"""

from __future__ import annotations

import re

from .models import Job
from .outlook import Outlook

NUMBER = re.compile(r'(?:W/)?"(\d{1,9})["-]', re.ASCII)


def tag_of(job: Job, outlook: Outlook) -> str:
    """Weak: heartbeats, and when it is likely to start, are no new version."""
    waiting = outlook.why(job)
    shown = f"-{waiting.reason}-{waiting.place or 0}" if waiting else ""
    return f'W/"{job.last_seq}{shown}"'


def seq_of(tag: str) -> int | None:
    """The number of the last event when the tag was made. None: the tag is none of ours."""
    found = NUMBER.match(tag)
    return int(found[1]) if found else None
