from django.urls import path

from . import keys

app_name = "keys"
urlpatterns = [
    path("", keys.key_list, name="list"),
    path("new/", keys.key_create, name="create"),
    path("<uuid:key_id>/", keys.key_change, name="change"),
    path("<uuid:key_id>/revoke/", keys.key_revoke, name="revoke"),
]
