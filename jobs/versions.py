"""Which version of a job or a batch an answer shows, as an entity tag.

The tag begins with the number of the job's last event; what it has beside that (why the job waits,
its place in line, that it is not filed under its molecule yet) changes what is shown without
changing the job. That of a batch has its counts as of now beside the number of its last event, of
which there is one a second at most.
"""

from __future__ import annotations

import re

from .batch_models import Batch
from .batches import Counts
from .models import Job
from .outlook import Outlook

NUMBER = re.compile(r'(?:W/)?"(\d{1,9})["-]', re.ASCII)


def tag_of(job: Job, outlook: Outlook) -> str:
    """Weak: heartbeats, what an attempt used, and when it is likely to start are no new version."""
    waiting = outlook.why(job)
    shown = f"-{waiting.reason}-{waiting.place or 0}" if waiting else ""
    if job.batch_id and job.is_unfiled:
        shown += "-unfiled"
    return tag_of_seq(job.last_seq, shown)


def tag_of_seq(seq: int, shown: str = "") -> str:
    """:param shown: what it has beside that; a job that does not wait has nothing."""
    return f'W/"{seq}{shown}"'


def tag_of_batch(batch: Batch, counted: Counts) -> str:
    """Weak: when it may be over is no new version."""
    shown = "-".join(map(str, [*counted.as_dict().values(), counted.progress]))
    return f'W/"{batch.last_seq}-{shown}"'


def seq_of(tag: str) -> int | None:
    """The number of the last event when the tag was made. None: the tag is none of ours."""
    found = NUMBER.match(tag)
    return int(found[1]) if found else None
