"""What programs talk to."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from . import (
    advice,
    approvals,
    batches,
    catalogue,
    document,
    files,
    inbox,
    keys,
    logs,
    results,
    seed,
    signed,
    streams,
    views,
    webhooks,
)

app_name = "api"
urlpatterns = [
    path("submit_job", seed.SubmitJobView.as_view(), name="seed-submit"),
    path("job_status/<str:job_id>", seed.JobStatusView.as_view(), name="seed-status"),
    path("api/schema", SpectacularAPIView.as_view(generator_class=document.Once), name="schema"),
    path("openapi.json", document.openapi, name="openapi"),
    path("api/docs", document.docs, name="docs"),
    path("api/v1/simulations", catalogue.SimulationsView.as_view(), name="simulations"),
    path("api/v1/simulations/<str:name>", catalogue.SimulationView.as_view(), name="simulation"),
    path("api/v1/jobs", views.JobsView.as_view(), name="jobs"),
    path("api/v1/jobs/check", advice.CheckView.as_view(), name="check"),
    path("api/v1/jobs/<uuid:job_id>", views.JobView.as_view(), name="job"),
    path("api/v1/jobs/<uuid:job_id>/result", results.JobResultView.as_view(), name="job-result"),
    path("api/v1/jobs/<uuid:job_id>/explain", advice.JobExplainView.as_view(), name="job-explain"),
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
    path(
        "api/v1/jobs/<uuid:job_id>/artifacts/<uuid:artifact_id>/url",
        signed.ArtifactLinkView.as_view(),
        name="artifact-link",
    ),
    path(
        "api/v1/signed/<uuid:artifact_id>",
        signed.SignedArtifactView.as_view(),
        name="signed-artifact",
    ),
    path(
        "api/v1/jobs/<uuid:job_id>/events/stream",
        streams.JobEventStreamView.as_view(),
        name="job-event-stream",
    ),
    path("api/v1/jobs/<uuid:job_id>/log", logs.JobLogView.as_view(), name="job-log"),
    path("api/v1/jobs/<uuid:job_id>/approve", approvals.ApproveView.as_view(), name="job-approve"),
    path("api/v1/jobs/<uuid:job_id>/reject", approvals.RejectView.as_view(), name="job-reject"),
    path("api/v1/keys", keys.KeysView.as_view(), name="keys"),
    path("api/v1/keys/<uuid:key_id>", keys.KeyView.as_view(), name="key"),
    path("api/v1/me", keys.WhoView.as_view(), name="me"),
    path("api/v1/events", inbox.InboxView.as_view(), name="events"),
    path("api/v1/tickets", keys.TicketsView.as_view(), name="tickets"),
    path("api/v1/events/ack", inbox.AcknowledgeView.as_view(), name="events-ack"),
    path("api/v1/batches", batches.BatchesView.as_view(), name="batches"),
    path("api/v1/batches/<uuid:batch_id>", batches.BatchView.as_view(), name="batch"),
    path(
        "api/v1/batches/<uuid:batch_id>/items", batches.BatchItemsView.as_view(), name="batch-items"
    ),
    path(
        "api/v1/batches/<uuid:batch_id>/events",
        batches.BatchEventsView.as_view(),
        name="batch-events",
    ),
    path(
        "api/v1/batches/<uuid:batch_id>/events/stream",
        streams.BatchEventStreamView.as_view(),
        name="batch-event-stream",
    ),
    path(
        "api/v1/batches/<uuid:batch_id>/results",
        batches.BatchResultsView.as_view(),
        name="batch-results",
    ),
    path(
        "api/v1/batches/<uuid:batch_id>/cancel",
        batches.BatchCancelView.as_view(),
        name="batch-cancel",
    ),
    path(
        "api/v1/batches/<uuid:batch_id>/resume",
        batches.BatchResumeView.as_view(),
        name="batch-resume",
    ),
    path("api/v1/files", files.FilesView.as_view(), name="files"),
    path("api/v1/files/<uuid:file_id>", files.FileView.as_view(), name="file"),
    path(
        "api/v1/files/<uuid:file_id>/content", files.FileContentView.as_view(), name="file-content"
    ),
    path("api/v1/webhooks", webhooks.WebhooksView.as_view(), name="webhooks"),
    path("api/v1/webhooks/<uuid:webhook_id>", webhooks.WebhookView.as_view(), name="webhook"),
    path(
        "api/v1/webhooks/<uuid:webhook_id>/rotate",
        webhooks.WebhookRotateView.as_view(),
        name="webhook-rotate",
    ),
    path(
        "api/v1/webhooks/<uuid:webhook_id>/test",
        webhooks.WebhookTestView.as_view(),
        name="webhook-test",
    ),
    path(
        "api/v1/webhooks/<uuid:webhook_id>/replay",
        webhooks.WebhookReplayMissedView.as_view(),
        name="webhook-replay-missed",
    ),
    path(
        "api/v1/webhooks/<uuid:webhook_id>/deliveries",
        webhooks.WebhookDeliveriesView.as_view(),
        name="webhook-deliveries",
    ),
    path(
        "api/v1/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay",
        webhooks.WebhookReplayView.as_view(),
        name="webhook-replay",
    ),
]
