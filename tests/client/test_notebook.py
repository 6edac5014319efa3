"""A job as a notebook shows it; IPython and py3Dmol are not installed, so their edge is a fake."""

from __future__ import annotations

import hashlib
import sys
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import httpx
import pytest

from backplane import Client, Job, errors
from backplane.notebook import geometry_among

from .scripted import Site, job


def shown(**changes: Any) -> str:
    with Client("http://site") as client:
        return Job(client, job(**changes))._repr_html_()


def test_it_shows_a_bar_and_the_newest_figures() -> None:
    html = shown(state="running", progress=0.25, metrics={"energy_hartree": -76.4, "path": [1]})

    assert "width:25.0%" in html
    assert "<td>energy_hartree</td><td>-76.4</td>" in html
    assert "path" not in html


def test_no_text_of_a_job_is_markup() -> None:
    evil = "<script>alert(1)</script>"
    html = shown(name=evil, message=evil, metrics={evil: evil}, state="running")

    assert "<script>" not in html
    assert html.count("&lt;script&gt;") == 4


def test_without_ipython_it_says_what_it_needs() -> None:
    with Client("http://site") as client, pytest.raises(errors.BackplaneError, match="IPython"):
        Job(client, job()).live()


def test_the_live_bar_moves_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    place = SimpleNamespace(update=drawn.append)
    fake = SimpleNamespace(HTML=str, display=lambda html, display_id: place)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(display=fake))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    site = Site(
        httpx.Response(200, json=job(state="running", progress=0.5)),
        httpx.Response(200, json=job(state="succeeded", finished_at="2026-11-24T00:00:00Z")),
    )

    with Client("http://site", http_transport=httpx.MockTransport(site)) as client:
        ended = Job(client, job()).live()

    assert ended.state == "succeeded"
    assert ["width:50.0%" in html for html in drawn] == [True, False]
    assert "width:100.0%" in drawn[-1]


def test_the_last_geometry_is_the_one_to_show() -> None:
    files = [
        {"name": name, "size_bytes": 10, "attempt": attempt, "expired_at": None}
        for name, attempt in [("initial.xyz", 2), ("final.xyz", 1), ("final.xyz", 2), ("a.csv", 2)]
    ]
    files.append(files[2] | {"attempt": 3, "expired_at": "2026-11-24T00:00:00Z"})

    assert geometry_among(files) == files[2]
    with pytest.raises(errors.BackplaneError, match="no file with a geometry"):
        geometry_among(files[3:])


def test_a_geometry_is_drawn_from_a_file_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "1\n\nHe 0 0 0\n"
    file = {"id": "a1", "name": "final.xyz", "size_bytes": len(text), "attempt": 1}
    file |= {"expired_at": None, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    view = Mock()
    monkeypatch.setitem(sys.modules, "py3Dmol", SimpleNamespace(view=view))
    replies = [httpx.Response(200, json=job(artifacts=[file])), httpx.Response(200, text=text)]

    with Client("http://site", http_transport=httpx.MockTransport(Site(*replies))) as client:
        drawn = Job(client, job()).view3d()

    assert drawn is view.return_value
    drawn.addModel.assert_called_once_with(text, "xyz")
