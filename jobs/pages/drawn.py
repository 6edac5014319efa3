"""One question with its answer so far, as the template draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.forms import BoundField

from jobs import references

from .fields import FILE_SUFFIX, FORMAT_SUFFIX, KEPT_SUFFIX
from .questions import Question, as_text

if TYPE_CHECKING:
    from .forms import JobForm


class Drawn:
    """A question, its field and those that go with it, and how it differs from the start."""

    def __init__(self, form: JobForm, question: Question) -> None:
        self._form = form
        self.question = question
        self.field = form[question.name]
        self.companion = self._beside(FORMAT_SUFFIX)
        self.upload = self._beside(FILE_SUFFIX)
        self.kept = self._beside(KEPT_SUFFIX)
        self.problems = [each for each in form.problems if each.target == self.field.id_for_label]

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
    def is_structure(self) -> bool:
        return self.question.kind == "structure"

    @property
    def is_changed(self) -> bool:
        """From what the form began with: a preset, another job, or the defaults."""
        base = self._form.base[self.question.name]
        if not base and (self.question.required or self.is_structure):
            return False  # there was nothing that it could differ from
        return not self.question.is_same(self.field.value(), base)

    @property
    def base_words(self) -> str:
        return self.question.in_words(self._form.base[self.question.name])

    @property
    def is_marked(self) -> bool:
        """Whether somebody, or a preset, chose it."""
        return self.is_changed or not self.question.is_same(self.field.value(), self._default)

    @property
    def preset_words(self) -> str:
        """The default, where what the form began with is another."""
        base = self._form.base[self.question.name]
        if self.question.required or self.question.is_same(base, self._default):
            return ""
        return self.question.in_words(self._default)

    @property
    def kept_words(self) -> str:
        """Which file from before is meant, `file 1crn.pdb, sha256 ab12cd34…`."""
        reference, _, name = str(self.kept.value() or "" if self.kept else "").partition(" ")
        return references.called({"file": reference, "name": name}) if reference else ""

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

    @property
    def _default(self) -> Any:
        return as_text(self.question, self.question.default)

    def _beside(self, suffix: str) -> BoundField | None:
        name = self.question.name + suffix
        return self._form[name] if name in self._form.fields else None
