from django.urls import path, re_path

from .consumers import JobConsumer, ListConsumer, NowhereConsumer

websocket_urlpatterns = [
    path("ws/v1/jobs/<uuid:job_id>/", JobConsumer.as_asgi()),
    path("ws/v1/jobs/", ListConsumer.as_asgi()),
    re_path(r"", NowhereConsumer.as_asgi()),
]
