"""The limits of a job as fields of a form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings

from jobs.budget import LEAST, Budget, mended
from jobs.models import Job
from simulations.units import WrongUnit, convert

LABELS = {
    "wall_time_s": "Longest time",
    "memory_mib": "Most memory",
    "disk_mib": "Most on disk",
    "threads": "Most cores",
}
UNITS = {"wall_time_s": "s", "memory_mib": "MiB", "disk_mib": "MiB", "threads": ""}
ASKED = ("wall_time_s", "memory_mib")
"""What a person is always asked for; the others where a job has reached them, and in the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """:param value: what the job had, or what may do where that was too little."""

    name: str
    label: str
    unit: str
    least: int
    value: int | None


def on_restart(job: Job) -> list[Question]:
    """The limits that a person may change who restarts this job."""
    reached = (job.error or {}).get("limit") or {}
    roomier = mended(job.budget, job.error)
    return [
        Question(
            name=name,
            label=label,
            unit=UNITS[name],
            least=LEAST[name],
            value=getattr(roomier, name),
        )
        for name, label in LABELS.items()
        if name in ASKED or name in reached
    ]


class LimitsForm(forms.Form):
    """Blank means: what the site gives, or what the job had that is restarted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in LABELS:
            self.fields[name] = limit_field(name)

    def budget(self) -> Budget:
        return Budget(**{name: self.cleaned_data[name] for name in LABELS})


class LimitField(forms.IntegerField):
    """A whole number, or one with a unit: `2 h`, `8 GB`."""

    def __init__(self, *, unit: str, **kwargs: Any) -> None:
        self.unit = unit
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> int | None:
        try:
            number = convert(value, self.unit) if isinstance(value, str) else None
        except WrongUnit as exc:
            raise forms.ValidationError(f"{exc}.", code="wrong_unit") from None
        return super().to_python(int(number) if isinstance(number, float) else value)


def limit_field(name: str) -> LimitField:
    return LimitField(
        unit=UNITS[name],
        label=LABELS[name],
        required=False,
        min_value=LEAST[name],
        max_value=settings.JOB_MOST[name],
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "class": "mono", "data-unit": UNITS[name]}
        ),
    )
