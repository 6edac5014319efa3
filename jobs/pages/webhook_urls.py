from django.urls import path

from . import webhooks

app_name = "webhooks"
urlpatterns = [
    path("", webhooks.webhook_list, name="list"),
    path("<uuid:webhook_id>/", webhooks.webhook_detail, name="detail"),
    path("<uuid:webhook_id>/rotate/", webhooks.webhook_rotate, name="rotate"),
    path("<uuid:webhook_id>/switch/", webhooks.webhook_switch, name="switch"),
    path("<uuid:webhook_id>/remove/", webhooks.webhook_remove, name="remove"),
    path("<uuid:webhook_id>/test/", webhooks.webhook_test, name="test"),
    path("<uuid:webhook_id>/replay/", webhooks.webhook_replay_missed, name="replay-missed"),
    path(
        "<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay/",
        webhooks.webhook_replay,
        name="replay",
    ),
]
