"""What programs talk to."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from . import seed, views

app_name = "api"
urlpatterns = [
    path("submit_job", seed.SubmitJobView.as_view(), name="seed-submit"),
    path("job_status/<str:job_id>", seed.JobStatusView.as_view(), name="seed-status"),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/simulations", views.SimulationsView.as_view(), name="simulations"),
    path("api/v1/jobs", views.JobsView.as_view(), name="jobs"),
    path("api/v1/jobs/<uuid:job_id>", views.JobView.as_view(), name="job"),
    path("api/v1/jobs/<uuid:job_id>/cancel", views.JobCancelView.as_view(), name="job-cancel"),
    path("api/v1/jobs/<uuid:job_id>/events", views.JobEventsView.as_view(), name="job-events"),
    path(
        "api/v1/jobs/<uuid:job_id>/artifacts/<uuid:artifact_id>",
        views.ArtifactView.as_view(),
        name="artifact",
    ),
]
