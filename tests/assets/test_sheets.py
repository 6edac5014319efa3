"""Stylesheets that a page needs together come together."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

CSS = Path(settings.BASE_DIR) / "static" / "css"


def test_they_come_in_the_order_in_which_they_are_named(client: Client) -> None:
    answer = client.get("/static/sheets/base+tokens.css")

    wanted = [(CSS / f"{name}.css").read_text() for name in ("base", "tokens")]
    assert answer.content.decode() == "\n".join(wanted)
    assert answer["Content-Type"] == "text/css; charset=utf-8"


def test_what_one_has_is_not_sent_again(client: Client) -> None:
    known = client.get("/static/sheets/base+menu.css")["ETag"]

    assert client.get("/static/sheets/base+menu.css", HTTP_IF_NONE_MATCH=known).status_code == 304


@pytest.mark.django_db  # the page that says so has the colours that its reader chose
@pytest.mark.parametrize("names", ["none", "base+base", "base+", "..%2Fjs%2Fjob", "base+none"])
def test_nothing_else_can_be_had_so(client: Client, names: str) -> None:
    assert client.get(f"/static/sheets/{names}.css").status_code == 404
