"""A Django form out of a pydantic model. Pydantic validates; the form only draws."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django import forms
from django.urls import reverse
from pydantic import BaseModel

import simulations
from jobs import files, references
from jobs.budget import Budget
from jobs.models import Job
from jobs.placement import Asked

from .drawn import Drawn
from .excerpts import Excerpt, excerpt
from .fields import FILE_SUFFIX, FORMAT_SUFFIX, KEPT_SUFFIX, fields_of
from .limits import limit_field
from .many import subject_of, table_field
from .places import backend_field, queue_field
from .questions import HOW, Question, as_text, as_value, is_left_out, questions

PARAM = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")
"""Of more than one word: what is one word may be meant as that."""
SHOWN_BYTES = 50_000
"""Up to here the text of a file is shown where it can be changed; beyond, its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A new value for a field that would mend the input, in words and for the script."""

    target: str
    value: str
    words: str
    link: str = ""
    """Where another simulation is what mends it: its form."""


@dataclass(slots=True, kw_only=True)
class Problem:
    """What is wrong, where, and what would mend it; `target` is empty if no field is to blame."""

    target: str
    label: str
    detail: str
    where: Excerpt | None = None
    fixes: list[Fix] = field(default_factory=list)


class JobForm(forms.Form):
    """The questions of one simulation, and what the person calls the job."""

    Params: type[BaseModel]
    asked: dict[str, Question]
    asks_confirmation = ""

    job_name = forms.CharField(label="Name", required=False, max_length=200)
    job_tags = forms.CharField(label="Tags", required=False, max_length=400)
    job_wall_time_s = limit_field("wall_time_s")
    job_memory_mib = limit_field("memory_mib")
    job_backend = backend_field()
    job_queue = queue_field()
    job_anew = forms.BooleanField(label="Compute it anew", required=False)
    job_table = table_field()
    job_skip = forms.BooleanField(label="Leave out what cannot be run", required=False)
    job_confirmed = forms.BooleanField(label="Send it all the same", required=False)
    job_once = forms.CharField(
        required=False, max_length=64, widget=forms.HiddenInput(), initial=lambda: uuid4().hex
    )
    preset_name = forms.CharField(label="Save as preset", required=False, max_length=60)

    def __init__(self, *args: Any, base: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """:param base: what the answers are compared with, as texts; the defaults unless given."""
        super().__init__(*args, **kwargs)
        self.base = {name: as_text(each, each.default) for name, each in self.asked.items()}
        self.base.update(base or {})
        self.problems: list[Problem] = []
        for name in self.asked:
            self._keep_unknown_choice(name)

    def params(self, *, owner: Any = None) -> dict[str, Any]:
        """The answers as the simulation's params; what was left blank takes its default.

        :param owner: whose the files are that came with the form; they are kept first.
        :raises InvalidParams: a file is too large.
        """
        given: dict[str, Any] = {}
        for name, question in self.asked.items():
            text = self.cleaned_data[name]
            if reference := self._file(name, owner):
                given[name] = self._of_format(name, reference)
            elif not is_left_out(question, text):
                given[name] = self._with_format(name, as_value(question, text))
            elif question.takes_none:
                given[name] = None
        return given

    def settings(self) -> dict[str, Any]:
        """What is not at its default of how it is computed; not of what."""
        usual = {name: as_text(each, each.default) for name, each in self.asked.items()}
        return {
            name: value
            for name, value in self.params().items()
            if (question := self.asked[name]).group == HOW
            and not question.is_same(as_text(question, value), usual[name])
        }

    def tags(self) -> list[str]:
        """The tags, each once, in the order in which they were typed."""
        words = self.cleaned_data["job_tags"].split(",")
        return list(dict.fromkeys(word.strip() for word in words if word.strip()))

    def budget(self) -> Budget:
        return Budget(
            wall_time_s=self.cleaned_data["job_wall_time_s"],
            memory_mib=self.cleaned_data["job_memory_mib"],
        )

    def place(self) -> Asked:
        return Asked.of(
            backend=self.cleaned_data["job_backend"], queue=self.cleaned_data["job_queue"]
        )

    def explain(self, errors: Sequence[simulations.FieldError]) -> None:
        """Put each error beside its field."""
        for error in errors:
            name = str(error.path[0]) if error.path else ""
            target = name if name in self.fields else None
            detail = self._in_labels(error.detail)
            self.add_error(target, forms.ValidationError(detail, code=error.code))
            self.problems.append(
                Problem(
                    target=self[name].id_for_label if target else "",
                    label=str(self[name].label) if target else "",
                    detail=detail,
                    where=self._where(name, error.position),
                    fixes=[self._fix(name, *item) for item in (error.fix or {}).items()],
                )
            )

    def _in_labels(self, detail: str) -> str:
        """The same, where it names other questions: as the page calls them, not the interface."""
        return PARAM.sub(
            lambda found: f"“{self.asked[found[0]].label}”" if found[0] in self.asked else found[0],
            detail,
        )

    def refuse_table(self, why: Sequence[str]) -> None:
        again = "Choose the file again once it is mended."
        self.add_error("job_table", forms.ValidationError(again))
        target = self["job_table"].id_for_label
        self.problems += [
            Problem(target=target, label="Table of molecules", detail=each)
            for each in [*why, again]
        ]

    @property
    def takes_table(self) -> bool:
        return bool(subject_of(self.asked))

    def ask_about_cost(self, core_hours: float) -> None:
        """It takes so much that its sender is asked once more."""
        told = f"{core_hours:,.0f}" if core_hours >= 10 else f"{core_hours:.2g}"
        detail = f"This takes about {told} core-hours. Tick to send it all the same."
        self.asks_confirmation = detail
        self.add_error("job_confirmed", forms.ValidationError(detail, code="costly"))
        target = self["job_confirmed"].id_for_label
        self.problems.append(Problem(target=target, label="Cost", detail=detail))

    @property
    def groups(self) -> list[tuple[str, list[Drawn]]]:
        """The main questions under their headings: first what is computed, then how."""
        main = self._drawn("main")
        titles = sorted({each.question.group for each in main}, key=lambda title: title == HOW)
        return [
            (title, [each for each in main if each.question.group == title]) for title in titles
        ]

    @property
    def folded(self) -> list[tuple[str, list[Drawn], bool]]:
        """The others, and whether they are shown: what is wrong or changed is not hidden."""
        found = []
        for level, title in (("more", "More settings"), ("expert", "Expert settings")):
            if drawn := self._drawn(level):
                found.append((title, drawn, any(each.problems or each.is_marked for each in drawn)))
        return found

    def _drawn(self, level: str) -> list[Drawn]:
        asked = (each for each in self.asked.values() if not each.hidden and each.level == level)
        return [Drawn(self, each) for each in asked]

    def _file(self, name: str, owner: Any) -> dict[str, str] | None:
        """A reference to the file that was chosen, or to the one from before if no text is there.

        A file that was chosen wins over the text, and stays for when the form comes back.
        """
        if upload := self.cleaned_data.get(name + FILE_SUFFIX):
            try:
                stored, _ = files.keep(owner=owner, name=upload.name, content=upload.read())
            except (files.TooLarge, files.NoText) as exc:
                error = simulations.FieldError(path=(name,), code="file_refused", detail=str(exc))
                raise simulations.InvalidParams([error]) from None
            told = f"{references.PREFIX}{stored.sha256} {stored.name}"
            posted: Any = self.data
            answers = posted.copy()
            answers[name], answers[name + KEPT_SUFFIX] = "", told
            self.data = answers
            return {"file": f"{references.PREFIX}{stored.sha256}"}
        kept = self.cleaned_data.get(name + KEPT_SUFFIX) or ""
        if kept and not (self.cleaned_data[name] or "").strip():
            return {"file": kept.partition(" ")[0]}
        return None

    def _of_format(self, name: str, reference: dict[str, str]) -> dict[str, str]:
        said = self.cleaned_data.get(name + FORMAT_SUFFIX) or "auto"
        return reference if said == "auto" else {**reference, "format": said}

    def _with_format(self, name: str, value: Any) -> Any:
        """A structure whose format was said, where it was."""
        said = self.cleaned_data.get(name + FORMAT_SUFFIX) or "auto"
        return value if said == "auto" else {"format": said, "text": value}

    def _where(self, name: str, position: int | None) -> Excerpt | None:
        """Of a text alone: a position in a file says nothing of the field."""
        if name not in self.asked or self.asked[name].kind != "structure":
            return None
        return excerpt(str(self[name].value() or ""), position)

    def _fix(self, blamed: str, name: str, value: Any) -> Fix:
        if name == "simulation":
            return Fix(
                target="", value="", words=f"Use {value}", link=reverse("jobs:create", args=[value])
            )
        text = str(as_text(self.asked[name], value) if name in self.asked else value)
        label = self.fields[name].label if name in self.fields else name
        words = f"Use {text}" if name == blamed else f"Set {label} to {text}"
        target = self[name].id_for_label if name in self.fields else ""
        return Fix(target=target, value=text, words=words)

    def _keep_unknown_choice(self, name: str) -> None:
        """A posted value that is none of the options stays in sight, to be mended."""
        widget = self.fields[name].widget
        value = self[name].value()
        if isinstance(widget, forms.Select) and value and value not in dict(widget.choices):
            widget.choices = [*widget.choices, (value, f"{value} (unknown)")]


def form_class(model: type[BaseModel]) -> type[JobForm]:
    """The form that asks for the params of `model`."""
    asked = {question.name: question for question in questions(model)}
    fields: dict[str, Any] = {}
    for question in asked.values():
        fields |= fields_of(question, model)
    return type(f"{model.__name__}Form", (JobForm,), {"Params": model, "asked": asked, **fields})


def initial_from(source: Job | None) -> dict[str, Any]:
    """What a form shows that starts from the input of another job."""
    if source is None:
        return {}
    initial = dict(source.params)
    for name, value in source.params.items():
        if references.is_reference(value):
            initial |= _initial_of_file(name, value)
        elif isinstance(value, dict) and {"format", "text"} <= set(value):
            initial[name], initial[name + FORMAT_SUFFIX] = value["text"], value["format"]
        elif isinstance(value, list | dict):
            initial[name] = json.dumps(value)
    place = {f"job_{kind}": said for kind, said in Asked.for_(source).said().items()}
    tags = ", ".join(source.tags)
    return initial | place | {"job_name": source.name, "job_tags": tags}


def _initial_of_file(name: str, reference: dict[str, str]) -> dict[str, str]:
    said = {name + FORMAT_SUFFIX: reference.get("format", "auto")}
    text = references.text_of(reference, SHOWN_BYTES)
    if text is not None:
        return {name: text, **said}
    return {
        name: "",
        name + KEPT_SUFFIX: f"{reference['file']} {reference.get('name', '')}",
        **said,
    }
