from django.urls import path

from . import molecules

app_name = "molecules"
urlpatterns = [
    path("", molecules.molecule_list, name="list"),
    path("<str:inchikey>/", molecules.molecule_detail, name="detail"),
]
