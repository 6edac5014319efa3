"""How one person likes the pages. What an agent sees does not depend on it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models


class Theme(models.TextChoices):
    SYSTEM = "system", "As my system is"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class EnergyUnit(models.TextChoices):
    """What differences of energies are shown in; total energies stay in hartree."""

    KCAL = "kcal/mol", "kcal/mol"
    KJ = "kJ/mol", "kJ/mol"
    EV = "eV", "eV"


class Profile(models.Model):
    """Whoever has none has what stands here."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="profile"
    )
    theme = models.CharField("Colours", max_length=10, choices=Theme, default=Theme.SYSTEM)
    energy_unit = models.CharField(
        "Differences of energies",
        max_length=10,
        choices=EnergyUnit,
        default=EnergyUnit.KCAL,
        help_text="Total energies stay in hartree.",
    )
    has_keys = models.BooleanField(
        "Single letters are keys",
        default=True,
        help_text="As j and k in a list. Ctrl K, or ⌘ K, opens the palette all the same.",
    )

    def __str__(self) -> str:
        return f"profile of {self.user}"

    @property
    def data_theme(self) -> str:
        """For `<html>`; empty leaves it to the system."""
        return "" if self.theme == Theme.SYSTEM else str(self.theme)


def profile_of(user: Any) -> Profile:
    """Theirs, or one that is not stored."""
    return getattr(user, "profile", None) or Profile(user=user)
