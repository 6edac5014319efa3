from django.urls import path

from . import batch_views

app_name = "batches"
urlpatterns = [
    path("", batch_views.batch_list, name="list"),
    path("<uuid:batch_id>/", batch_views.batch_detail, name="detail"),
    path("<uuid:batch_id>/items/<int:index>/", batch_views.batch_item, name="item"),
    path("<uuid:batch_id>/approve/", batch_views.batch_approve, name="approve"),
    path("<uuid:batch_id>/reject/", batch_views.batch_reject, name="reject"),
    path("<uuid:batch_id>/cancel/", batch_views.batch_cancel, name="cancel"),
    path("<uuid:batch_id>/resume/", batch_views.batch_resume, name="resume"),
]
