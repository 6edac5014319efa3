"""How templates name the files of a front-end package: by the package, without its version."""

from __future__ import annotations

from django import template
from django.templatetags.static import static

from backplane_site.assets import place_of

register = template.Library()


@register.simple_tag
def vendor(name: str) -> str:
    """The address of `uplot/uPlot.min.css`, whatever version that is, and whether it is here."""
    return static(place_of(name))
