from django.urls import path

from . import (
    bulk,
    copying,
    creating,
    job_files,
    job_log,
    job_record,
    job_report,
    ligand_drawings,
    moving,
    views,
)

app_name = "jobs"
urlpatterns = [
    path("", views.job_list, name="list"),
    path("rows/", bulk.job_rows, name="rows"),
    path("bulk/", bulk.job_bulk, name="bulk"),
    path("new/", creating.job_choose, name="new"),
    path("new/<str:name>/", creating.job_create, name="create"),
    path("new/<str:name>/as/", copying.form_snippets, name="copy"),
    path("new/<str:name>/preview/", creating.job_preview, name="preview"),
    path("new/<str:name>/presets/", creating.preset_save, name="preset-save"),
    path(
        "new/<str:name>/presets/<uuid:preset_id>/remove/",
        creating.preset_remove,
        name="preset-remove",
    ),
    path("<uuid:job_id>/", views.job_detail, name="detail"),
    path("<uuid:job_id>/cancel/", views.job_cancel, name="cancel"),
    path("<uuid:job_id>/approve/", views.job_approve, name="approve"),
    path("<uuid:job_id>/reject/", views.job_reject, name="reject"),
    path("<uuid:job_id>/again/", views.job_again, name="again"),
    path("<uuid:job_id>/restart/", views.job_restart, name="restart"),
    path("<uuid:job_id>/drawings/<int:place>.svg", ligand_drawings.drawing_of, name="drawing"),
    path("<uuid:job_id>/frames/", moving.job_frames, name="frames"),
    path("<uuid:job_id>/files/", job_files.job_files, name="files"),
    path("<uuid:job_id>/files/all.zip", job_files.job_zip, name="zip"),
    path("<uuid:job_id>/files/<uuid:artifact_id>/view/", job_files.job_file_view, name="view"),
    path("<uuid:job_id>/log/", job_log.job_log, name="log"),
    path("<uuid:job_id>/provenance/", job_record.job_provenance, name="provenance"),
    path("<uuid:job_id>/report/", job_report.job_report, name="report"),
    path("<uuid:job_id>/files/<uuid:artifact_id>/", views.job_file, name="file"),
]
