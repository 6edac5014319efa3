"""The watcher: looks again and again, and has of each job no more than what the database has."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.utils import timezone

from jobs import lifecycle, turns
from jobs.dispatch import Unreachable
from jobs.dispatch.slurm import commands
from jobs.dispatch.slurm.answers import Seen, Task
from jobs.dispatch.slurm.site import Site, site
from jobs.models import Job
from jobs.slurm_models import SlurmTask, SlurmWatch

from .disk import Disk
from .following import Clock, Look, Told
from .sending import BACKEND, Sender

logger = logging.getLogger(__name__)


class Watcher:
    """:raises ImproperlyConfigured: what the site says of its cluster is wrong."""

    def __init__(self, of: Site | None = None) -> None:
        self._site = of or site()
        self.tick_s = self._site.tick_s
        self._clock = Clock()
        self._disk = Disk()
        self._told = Told()
        self._sender = Sender(self._site)
        self._has_accounting = True
        self._trouble = self._trouble_accounting = ""
        self._next_lease = 0.0

    def look(self) -> None:
        tasks = _sent()
        known, trouble = self._ask(tasks)
        self._clock.turn()
        self._disk.keep(tasks)
        look = Look(self._site, self._clock, self._disk, known)
        look.at(tasks)
        try:
            if known is not None:
                self._look_for(look, known)
                self._sender.look()
        except Unreachable as exc:
            trouble = str(exc)
        self._told.tell(look.pending)
        self._extend_leases(look.alive)
        self._note(trouble)

    def _ask(self, tasks: Sequence[SlurmTask]) -> tuple[dict[Seen, Task] | None, str]:
        """What Slurm knows, by one question, and what is wrong with it."""
        if not tasks and not self._trouble:
            return {}, ""
        try:
            return commands.squeue(), ""
        except Unreachable as exc:
            return None, str(exc)

    def _look_for(self, look: Look, known: dict[Seen, Task]) -> None:
        """What is to be ended, and what `squeue` knows no more.

        :raises Unreachable: Slurm did not answer.
        """
        if look.to_end:
            commands.scancel(_few_words(look.to_end, known.values()))
        accounted = self._accounted([task.native_id for task in look.missing if task.native_id])
        if accounted is None:
            return
        # Taken out of the list, which a look adds to.
        missing, look.missing = look.missing, []
        for task in missing:
            # The accounting may lag behind by far: what it takes for alive is not, for squeue
            # would know it.
            if (found := accounted.get(task.native_id)) and found.has_ended:
                look.take(task, found)
            else:
                look.give_up(task)

    def _accounted(self, native_ids: list[str]) -> dict[str, Task] | None:
        """None: it is away. Then what squeue forgot is not judged, and all else goes on."""
        if not native_ids or not self._has_accounting:
            return {}
        try:
            found = commands.sacct(native_ids)
        except Unreachable as exc:
            self._note_accounting(str(exc))
            return None
        self._note_accounting("")
        if found is None:
            self._has_accounting = False
            logger.info("this cluster has no accounting; what squeue forgets is told by its files")
        return found or {}

    def _extend_leases(self, jobs: Sequence[Job]) -> None:
        now = time.monotonic()
        doubted = [job for job in jobs if job.is_unconfirmed]
        if now >= self._next_lease:
            lifecycle.extend_leases(jobs)
            self._next_lease = now + settings.JOB_LEASE_S / 3
        elif doubted:
            lifecycle.extend_leases(doubted)

    def _note_accounting(self, trouble: str) -> None:
        if trouble and trouble != self._trouble_accounting:
            logger.warning("Slurm's accounting does not answer: %s", trouble)
        self._trouble_accounting = trouble

    def _note(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            logger.warning("Slurm does not answer: %s", trouble)
        elif self._trouble and not trouble:
            logger.info("Slurm answers again")
        self._trouble = trouble
        if trouble:
            lifecycle.tell_unreached(BACKEND)
        SlurmWatch.objects.update_or_create(
            pk=1, defaults={"looked_at": timezone.now(), "trouble": trouble}
        )


def _sent() -> list[SlurmTask]:
    jobs = {f"job__{name}" for name in turns.BULK}
    return list(SlurmTask.objects.select_related("job").defer(*jobs).order_by("pk"))


def _few_words(to_end: Iterable[Task], known: Iterable[Task]) -> list[str]:
    """An array by its one name, where all of it that lives is meant."""
    living = Counter(task.array for task in known if not task.has_ended)
    meant = Counter(task.array for task in to_end)
    whole = {array for array, n in meant.items() if n == living[array]}
    return sorted({task.array if task.array in whole else task.native_id for task in to_end})
