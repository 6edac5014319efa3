"""A choice that is refused with what there is to choose from."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ChoiceField(serializers.ChoiceField):
    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices, **options)
        known = ", ".join(str(each) for each in self.choices)
        # `{input}` is filled in by the field itself.
        refused = f'"{{input}}" is not a valid choice; expected one of {known}.'
        self.error_messages["invalid_choice"] = refused


class ChoicesField(serializers.ListField):
    """Some of them, and at least one."""

    def __init__(self, choices: Any, **options: Any) -> None:
        child = ChoiceField(choices)
        super().__init__(child=child, min_length=1, max_length=len(child.choices), **options)
        known = ", ".join(str(each) for each in child.choices)
        self.error_messages["required"] = f"This field is required; expected some of {known}."
        self.error_messages["empty"] = f"Expected at least one of {known}."
        self.error_messages["min_length"] = f"Expected at least one of {known}."
