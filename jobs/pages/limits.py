"""The limits of a job as fields of a form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from jobs.budget import LEAST, Budget

LABELS = {"wall_time_s": "Longest time", "memory_mib": "Most memory"}
"""Those that a person is asked for; the others have their say in the API."""


class LimitsForm(forms.Form):
    """Blank means: what the site gives, or what the job had that is restarted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in LABELS:
            self.fields[name] = limit_field(name)

    def budget(self) -> Budget:
        return Budget(**{name: self.cleaned_data[name] for name in LABELS})


def limit_field(name: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=LABELS[name],
        required=False,
        min_value=LEAST[name],
        max_value=settings.JOB_MOST[name],
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
