"""How templates name the files of a front-end package: by the package, without its version."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.urls import reverse

from backplane_site.assets import place_of
from backplane_site.sheets import JOINT

register = template.Library()


@register.simple_tag
def vendor(name: str) -> str:
    """The address of `uplot/uPlot.min.css`, whatever version that is, and whether it is here."""
    return static(place_of(name))


@register.simple_tag
def sheets(*names: str) -> str:
    """The address of `tokens`, `base` and others of ours as one stylesheet, in this order."""
    return reverse("sheets", args=[JOINT.join(names)])
