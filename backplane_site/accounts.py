"""Who is signed in, read together with how they like the pages: every page needs both."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend


class WithProfile(ModelBackend):
    def get_user(self, user_id: Any) -> Any:
        found = get_user_model().objects.select_related("profile").filter(pk=user_id).first()
        return found if found and self.user_can_authenticate(found) else None
