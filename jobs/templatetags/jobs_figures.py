"""Numbers of figures and their tables."""

from __future__ import annotations

from typing import Any

from django import template

from jobs.pages.chart import DASHES, MARKS
from jobs.pages.formats import number

register = template.Library()

BAR_WIDTH = 70


@register.filter
def digits(value: Any, count: int) -> str:
    """With so many decimals, and a true minus."""
    return number(value, digits=count)


@register.filter
def part_of(value: Any, whole: Any) -> str:
    """How wide the bar of a value is beside that of the best."""
    if not isinstance(value, int | float) or not isinstance(whole, int | float) or not whole:
        return "0"
    return f"{BAR_WIDTH * min(max(value / whole, 0), 1):.1f}"


@register.filter
def dash_of(number: int) -> str:
    """Of the line with this number, in a figure of several."""
    return DASHES[number - 1]


@register.filter
def mark_of(number: int) -> str:
    return MARKS[number - 1]
