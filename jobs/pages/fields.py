"""The control of each question: what a browser draws for it."""

from __future__ import annotations

from typing import Any

from django import forms

from simulations.units import units_like

from .questions import Question, as_text, structure_formats

FORMAT_SUFFIX = "__format"
FILE_SUFFIX, KEPT_SUFFIX = "__file", "__kept"
"""A file for a structure, and one that was given before: browsers forget what was chosen."""
FORMAT_LABELS = {"auto": "Find out by trying", "name": "Name"}
PLAIN = {"autocomplete": "off", "spellcheck": "false"}


def fields_of(question: Question, model: Any) -> dict[str, forms.Field]:
    """Its own, and those that go with it."""
    name = question.name
    found: dict[str, forms.Field] = {name: _field(question)}
    if question.kind == "structure":
        found[name + FORMAT_SUFFIX] = _format_field(structure_formats(model, name))
        found[name + FILE_SUFFIX] = forms.FileField(
            label="Or a file", required=False, allow_empty_file=True, widget=forms.FileInput()
        )
        found[name + KEPT_SUFFIX] = forms.CharField(
            required=False, max_length=400, widget=forms.HiddenInput()
        )
    return found


def _field(question: Question) -> forms.Field:
    return forms.Field(
        label=question.label,
        required=False,
        initial=as_text(question, question.default),
        widget=_widget(question),
    )


def _widget(question: Question) -> forms.Widget:
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
            if units_like(question.unit):  # a number field takes no letters
                return forms.TextInput(attrs={**PLAIN, **_in(question), "class": "mono"})
            return forms.NumberInput(attrs={**PLAIN, **question.attrs, "inputmode": "decimal"})
        case "structure" | "textarea":
            return forms.Textarea(attrs={**PLAIN, "rows": 3, "class": "mono"})
        case "json":
            return forms.TextInput(attrs={**PLAIN, **_in(question), "class": "mono"})
    return forms.TextInput(attrs=PLAIN)


def _in(question: Question) -> dict[str, str]:
    return {"data-unit": question.unit} if units_like(question.unit) else {}


def _format_field(formats: list[str]) -> forms.Field:
    options = [(each, FORMAT_LABELS.get(each, each.upper())) for each in formats]
    return forms.Field(label="Read as", required=False, widget=forms.Select(choices=options))
