"""What programs talk to."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from . import files, seed, views

app_name = "api"
urlpatterns = [
    path("submit_job", seed.SubmitJobView.as_view(), name="seed-submit"),
    path("job_status/<str:job_id>", seed.JobStatusView.as_view(), name="seed-status"),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/simulations", views.SimulationsView.as_view(), name="simulations"),
    path("api/v1/jobs", views.JobsView.as_view(), name="jobs"),
    path("api/v1/jobs/<uuid:job_id>", views.JobView.as_view(), name="job"),
    path("api/v1/jobs/<uuid:job_id>/nearest", views.JobNearestView.as_view(), name="job-nearest"),
    path("api/v1/jobs/<uuid:job_id>/cancel", views.JobCancelView.as_view(), name="job-cancel"),
    path(
        "api/v1/jobs/<uuid:job_id>/run-again",
        views.JobRunAgainView.as_view(),
        name="job-run-again",
    ),
    path("api/v1/jobs/<uuid:job_id>/restart", views.JobRestartView.as_view(), name="job-restart"),
    path("api/v1/jobs/<uuid:job_id>/events", views.JobEventsView.as_view(), name="job-events"),
    path(
        "api/v1/jobs/<uuid:job_id>/artifacts/<uuid:artifact_id>",
        views.ArtifactView.as_view(),
        name="artifact",
    ),
    path("api/v1/files", files.FilesView.as_view(), name="files"),
    path("api/v1/files/<uuid:file_id>", files.FileView.as_view(), name="file"),
    path(
        "api/v1/files/<uuid:file_id>/content", files.FileContentView.as_view(), name="file-content"
    ),
]
