"""A Django form out of a pydantic model. Pydantic validates; the form only draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.urls import reverse
from pydantic import BaseModel

import simulations
from jobs import files
from jobs.budget import Budget
from jobs.models import Job

from .limits import limit_field
from .questions import Question, as_text, as_value, is_left_out, questions, structure_formats

FORMAT_SUFFIX = "__format"
FILE_SUFFIX, KEPT_SUFFIX = "__file", "__kept"
"""A file for a structure, and one that was given before: browsers forget what was chosen."""
SHOWN_BYTES = 50_000
"""Up to here the text of a file is shown where it can be changed; beyond, its name."""
FORMAT_LABELS = {"auto": "Find out by trying", "name": "Name"}


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
    fixes: list[Fix] = field(default_factory=list)


class JobForm(forms.Form):
    """The questions of one simulation, and what the person calls the job."""

    Params: type[BaseModel]
    asked: dict[str, Question]

    job_name = forms.CharField(label="Name", required=False, max_length=200)
    job_tags = forms.CharField(label="Tags", required=False, max_length=400)
    job_wall_time_s = limit_field("wall_time_s")
    job_memory_mib = limit_field("memory_mib")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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

    def tags(self) -> list[str]:
        """The tags, each once, in the order in which they were typed."""
        words = self.cleaned_data["job_tags"].split(",")
        return list(dict.fromkeys(word.strip() for word in words if word.strip()))

    def budget(self) -> Budget:
        return Budget(
            wall_time_s=self.cleaned_data["job_wall_time_s"],
            memory_mib=self.cleaned_data["job_memory_mib"],
        )

    def explain(self, errors: Sequence[simulations.FieldError]) -> None:
        """Put each error beside its field."""
        for error in errors:
            name = str(error.path[0]) if error.path else ""
            target = name if name in self.fields else None
            self.add_error(target, forms.ValidationError(error.detail, code=error.code))
            self.problems.append(
                Problem(
                    target=self[name].id_for_label if target else "",
                    label=str(self[name].label) if target else "",
                    detail=error.detail,
                    fixes=[self._fix(name, *item) for item in (error.fix or {}).items()],
                )
            )

    @property
    def main(self) -> list[Drawn]:
        return self._drawn("main")

    @property
    def more(self) -> list[Drawn]:
        return self._drawn("more")

    @property
    def more_is_open(self) -> bool:
        """A setting that is wrong, or not at its default, is not hidden."""
        return any(each.problems or each.is_changed for each in self.more)

    def _drawn(self, level: str) -> list[Drawn]:
        asked = [each for each in self.asked.values() if not each.hidden]
        is_main = level == "main"
        return [Drawn(self, each) for each in asked if (each.level == "main") == is_main]

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
            told = f"{files.PREFIX}{stored.sha256} {stored.name}"
            posted: Any = self.data
            answers = posted.copy()
            answers[name], answers[name + KEPT_SUFFIX] = "", told
            self.data = answers
            return {"file": f"{files.PREFIX}{stored.sha256}"}
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


class Drawn:
    """One question with its answer so far, for the template."""

    def __init__(self, form: JobForm, question: Question) -> None:
        self.question = question
        self.field = form[question.name]
        companion = question.name + FORMAT_SUFFIX
        self.companion = form[companion] if companion in form.fields else None
        upload = question.name + FILE_SUFFIX
        self.upload = form[upload] if upload in form.fields else None
        kept = question.name + KEPT_SUFFIX
        self.kept = form[kept] if kept in form.fields and form[kept].value() else None
        mine = self.field.id_for_label
        self.problems = [each for each in form.problems if each.target == mine]
        default = as_text(question, question.default)
        self.is_changed = str(self.field.value() or "") != str(default or "")

    @property
    def widget(self) -> str:
        """The control, tied to its hint and to what is wrong with it."""
        described = [f"{self.field.id_for_label}_hint"] if self.has_hint else []
        attrs: dict[str, Any] = {}
        if self.problems:
            attrs["aria-invalid"] = "true"
            described.append(f"{self.field.id_for_label}_error")
        if described:
            attrs["aria-describedby"] = " ".join(described)
        return self.field.as_widget(attrs=attrs)

    @property
    def kept_words(self) -> str:
        """Which file from before is meant, `file 1crn.pdb, sha256 ab12cd34…`."""
        reference, _, name = str(self.kept.value() if self.kept else "").partition(" ")
        return files.called({"file": reference, "name": name})

    @property
    def examples(self) -> list[tuple[str, str]]:
        """Each example, and how it is called in a line of text."""
        shown = []
        for text in self.question.examples:
            lines = text.count("\n") + 1
            shown.append((text, text if lines == 1 else f"a block of {lines} lines"))
        return shown

    @property
    def has_hint(self) -> bool:
        return bool(self.question.help or self.question.examples)


def form_class(model: type[BaseModel]) -> type[JobForm]:
    """The form that asks for the params of `model`."""
    asked = {question.name: question for question in questions(model)}
    fields: dict[str, Any] = {}
    for name, question in asked.items():
        fields[name] = _field(question)
        if question.kind == "structure":
            fields[name + FORMAT_SUFFIX] = _format_field(structure_formats(model, name))
            fields[name + FILE_SUFFIX] = forms.FileField(
                label="Or a file", required=False, allow_empty_file=True, widget=forms.FileInput()
            )
            fields[name + KEPT_SUFFIX] = forms.CharField(
                required=False, max_length=400, widget=forms.HiddenInput()
            )
    return type(f"{model.__name__}Form", (JobForm,), {"Params": model, "asked": asked, **fields})


def initial_from(source: Job | None) -> dict[str, Any]:
    """What a form shows that starts from the input of another job."""
    if source is None:
        return {}
    initial = dict(source.params)
    for name, value in source.params.items():
        if files.is_reference(value):
            initial |= _initial_of_file(name, value)
        elif isinstance(value, dict) and {"format", "text"} <= set(value):
            initial[name], initial[name + FORMAT_SUFFIX] = value["text"], value["format"]
        elif isinstance(value, list | dict):
            initial[name] = json.dumps(value)
    tags = ", ".join(source.tags)
    return initial | {"job_name": source.name, "job_tags": tags}


def _initial_of_file(name: str, reference: dict[str, str]) -> dict[str, str]:
    said = {name + FORMAT_SUFFIX: reference.get("format", "auto")}
    text = files.text_of(reference, SHOWN_BYTES)
    if text is not None:
        return {name: text, **said}
    return {
        name: "",
        name + KEPT_SUFFIX: f"{reference['file']} {reference.get('name', '')}",
        **said,
    }


def _field(question: Question) -> forms.Field:
    return forms.Field(
        label=question.label,
        required=False,
        initial=as_text(question, question.default),
        widget=_widget(question),
    )


def _widget(question: Question) -> forms.Widget:
    plain = {"autocomplete": "off", "spellcheck": "false"}
    if question.hidden:
        return forms.HiddenInput()
    match question.kind:
        case "choice":
            options = [(text, question.labels.get(text, text)) for text in question.choices]
            blank = [("", "Default")] if question.takes_none or question.required else []
            return forms.Select(choices=[*blank, *options])
        case "bool":
            return forms.CheckboxInput()
        case "number":
            return forms.NumberInput(attrs={**plain, **question.attrs, "inputmode": "decimal"})
        case "structure" | "textarea":
            return forms.Textarea(attrs={**plain, "rows": 3, "class": "mono"})
        case "json":
            return forms.TextInput(attrs={**plain, "class": "mono"})
    return forms.TextInput(attrs=plain)


def _format_field(formats: list[str]) -> forms.Field:
    options = [(each, FORMAT_LABELS.get(each, each.upper())) for each in formats]
    return forms.Field(label="Read as", required=False, widget=forms.Select(choices=options))
