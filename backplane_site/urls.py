"""The site's map."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from jobs.api import problems

from .health import healthz, readyz
from .metrics import metrics

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="jobs:list")),
    path("", include("jobs.api.urls")),
    path("jobs/", include("jobs.pages.urls")),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
handler400 = problems.bad_request
handler404 = problems.not_found
handler500 = problems.server_error
