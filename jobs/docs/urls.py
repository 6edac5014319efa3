from django.urls import path

from . import views

app_name = "docs"
urlpatterns = [
    path("", views.index, name="index"),
    path("<path:slug>.md", views.text, name="text"),
    path("curves/<slug:name>.svg", views.drawing, name="drawing"),
    path("<path:slug>/", views.page, name="page"),
]
