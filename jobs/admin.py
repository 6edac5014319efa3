"""The operators' site: what there is of it, and who is told of what they change."""

from __future__ import annotations

from django.contrib import admin

from . import (  # noqa: F401
    batch_admin,
    job_admin,
    key_admin,
    operator_admin,
    preset_admin,
    user_admin,
    webhook_admin,
)

admin.site.site_header = "Backplane"
admin.site.site_title = "Backplane"
admin.site.index_title = "Operators"
admin.site.enable_nav_sidebar = False
