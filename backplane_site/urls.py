"""The site's map."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from jobs.api import problems
from jobs.docs import views as docs
from jobs.pages import compare, profile, queue, search, today

from . import ops
from .health import healthz, readyz
from .metrics import metrics
from .sheets import sheets
from .status_page import status

urlpatterns = [
    path("", today.today, name="home"),
    path("seen/", today.today_seen, name="home-seen"),
    path("", include("jobs.api.urls")),
    path("static/sheets/<str:names>.css", sheets, name="sheets"),
    path("llms.txt", docs.llms, name="llms"),
    path("docs/", include("jobs.docs.urls")),
    path("jobs/", include("jobs.pages.urls")),
    path("compare/", compare.compare, name="compare"),
    path("queue/", queue.queue, name="queue"),
    path("status/", status, name="status"),
    path("molecules/", include("jobs.pages.molecule_urls")),
    path("search/", search.search, name="search"),
    path("me/", profile.me, name="me"),
    path("me/keys/", include("jobs.pages.key_urls")),
    path("batches/", include("jobs.pages.batch_urls")),
    path("me/webhooks/", include("jobs.pages.webhook_urls")),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/ops/", admin.site.admin_view(ops.screen), name="ops"),
    path("admin/ops/now/", admin.site.admin_view(ops.fragment), name="ops-now"),
    path("admin/ops/maintenance/", admin.site.admin_view(ops.rest), name="ops-maintenance"),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
handler400 = problems.bad_request
handler404 = problems.not_found
handler500 = problems.server_error
