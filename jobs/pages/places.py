"""Where a job shall run: what a form offers, where the site leaves a choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django import forms
from django.conf import settings

from jobs import fleet, placement
from jobs.states import Queue

if TYPE_CHECKING:
    from .forms import JobForm

LEFT_OPEN = ("", "As the site's rules have it")
BACKENDS = {"rq": "Workers of this site", "slurm": "The Slurm cluster"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """:param rules: the site's, in their order, each in a sentence."""

    backends: list[str]
    queues: list[str]
    rules: list[str]

    @property
    def is_a_choice(self) -> bool:
        return len(self.backends) > 1 or len(self.queues) > 1


def backend_field() -> forms.ChoiceField:
    return forms.ChoiceField(label="Backend", required=False, choices=_all_backends)


def queue_field() -> forms.ChoiceField:
    return forms.ChoiceField(label="Queue", required=False, choices=_all_queues)


def offer(form: JobForm) -> Places:
    """Leave in the form's menus what is there now, and what was chosen."""
    queues = _there(str(form["job_queue"].value() or ""))
    form.fields["job_queue"].widget.choices = _choices(_queue_labels(), queues)
    return Places(backends=list(settings.BACKENDS), queues=queues, rules=placement.rules_in_words())


def _there(chosen: str) -> list[str]:
    """Queues that a worker serves; all, while none is known to be there."""
    served = {queue for each in fleet.abilities() or [] for queue in each.queues}
    return [name for name in Queue.values if not served or name in served | {chosen}]


def _all_backends() -> list[tuple[str, str]]:
    return _choices(BACKENDS, settings.BACKENDS)


def _all_queues() -> list[tuple[str, str]]:
    return _choices(_queue_labels(), Queue.values)


def _queue_labels() -> dict[str, str]:
    return {
        str(value): f"{value}: {label[:1].lower()}{label[1:]}" for value, label in Queue.choices
    }


def _choices(labels: dict[str, str], names: Iterable[str]) -> list[tuple[str, str]]:
    return [LEFT_OPEN, *((name, labels.get(name, name)) for name in names)]
