"""What pages make of the packages, and what people see where they are missing."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.template import Context, Template
from django.test import Client

from backplane_site import assets, install_checks
from tests.stack import ROOT

BANNER = "make assets"
PAGES = ["/jobs/", "/jobs/new/", "/jobs/new/demo.sum_squares/", "/docs/"]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A site to which nothing was brought."""
    monkeypatch.setattr(assets, "VENDOR", tmp_path)
    assets.missing.cache_clear()
    yield
    assets.missing.cache_clear()


@pytest.fixture
def as_staff(settings: Any, db: None) -> Client:
    settings.LOCAL_MODE = False
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


@pytest.mark.parametrize("path", PAGES)
def test_operators_are_told_what_is_missing(path: str, bare: None, as_staff: Client) -> None:
    answer = as_staff.get(path)

    assert answer.status_code == 200
    html = answer.content.decode()
    assert html.count(BANNER) == 1
    assert (
        f"{len(assets.hashes())} files are not as pinned: 3dmol-2.5.5/3Dmol-min.js is missing, …"
        in html
    )


@pytest.mark.parametrize("path", PAGES)
def test_nobody_else_is(path: str, bare: None, settings: Any, alice: Any, client: Client) -> None:
    settings.LOCAL_MODE = False
    client.force_login(alice)

    answer = client.get(path)

    assert answer.status_code == 200
    assert BANNER not in answer.content.decode()


def test_a_stranger_signs_in_without_it(
    bare: None, settings: Any, db: None, client: Client
) -> None:
    settings.LOCAL_MODE = False

    answer = client.get("/login/")

    assert answer.status_code == 200
    assert BANNER not in answer.content.decode()


def test_whoever_is_at_this_machine_is_its_operator(bare: None, db: None, client: Client) -> None:
    assert BANNER in client.get("/jobs/").content.decode()


def test_where_all_is_there_nobody_is_told(
    monkeypatch: pytest.MonkeyPatch, as_staff: Client
) -> None:
    monkeypatch.setattr("backplane_site.context.missing", list)

    assert BANNER not in as_staff.get("/jobs/").content.decode()


def test_the_doctor_says_it_too(bare: None) -> None:
    (finding,) = install_checks.front_end()

    assert finding.level == "warning"
    assert finding.mend == "Run: make assets, then start the site again"


# --- names ----------------------------------------------------------------------------------


def rendered(name: str) -> str:
    return Template("{% load assets %}{% vendor name %}").render(Context({"name": name}))


def test_a_template_names_a_file_without_its_version() -> None:
    version = assets.packages()["uplot"].version

    assert rendered("uplot/uPlot.min.css") == f"/static/vendor/uplot-{version}/uPlot.min.css"


@pytest.mark.parametrize("name", ["uplot/uPlot.js", "plot/uPlot.min.css", "uplot"])
def test_a_name_that_is_none_is_an_error(name: str) -> None:
    with pytest.raises(LookupError):
        rendered(name)


# --- pins -----------------------------------------------------------------------------------


def test_each_file_that_is_named_has_a_hash() -> None:
    named = {place for each in assets.packages().values() for place in each.places.values()}

    assert named == set(assets.hashes())
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in assets.hashes().values())
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", each.version) for each in assets.packages().values())


def test_the_pins_say_not_where_a_registry_is() -> None:
    for path in (assets.PINS, assets.HASHES, ROOT / "deploy" / "assets.py"):
        assert "://" not in path.read_text()
    assert "static/vendor/\n" in (ROOT / ".gitignore").read_text()


def test_each_face_of_the_stylesheet_is_one_of_them() -> None:
    css = (ROOT / "static/css/tokens.css").read_text()

    faces = re.findall(r'url\("\.\./vendor/(.+?)"\)', css)

    assert len(faces) == css.count("@font-face") == css.count("font-display: swap") == 6
    assert set(faces) == {place for place in assets.hashes() if place.endswith(".woff2")}
    assert set(re.findall(r'font-family: "(.+?)"', css)) == set(
        re.findall(r'--(?:ui|serif|mono): "(.+?)"', css)
    )


# --- how they are served --------------------------------------------------------------------


@pytest.fixture
def serve(tmp_path: Path, settings: Any) -> Callable[[str], tuple[Any, bytes]]:
    """From a folder with one file of a package, and one of our own."""
    package = tmp_path / "vendor" / "uplot-1.6.32"
    package.mkdir(parents=True)
    (tmp_path / "css").mkdir()
    script = b"let plot = 1;\n" * 500
    (package / "uPlot.js").write_bytes(script)
    (package / "uPlot.js.gz").write_bytes(assets.squeezed(script))
    (tmp_path / "vendor" / "LICENCES.txt").write_text("MIT")
    (tmp_path / "css" / "own-1.css").write_text("p {}")
    settings.STATICFILES_DIRS = [tmp_path]
    client = Client()

    def serve(path: str) -> tuple[Any, bytes]:
        answer = client.get(f"/static/{path}", headers={"accept-encoding": "gzip"})
        return answer, b"".join(answer)

    return serve


def test_a_file_of_a_package_is_compressed_and_kept_for_ever(
    serve: Callable[[str], tuple[Any, bytes]],
) -> None:
    answer, body = serve("vendor/uplot-1.6.32/uPlot.js")

    assert answer["Cache-Control"] == "max-age=315360000, public, immutable"
    assert answer["Content-Encoding"] == "gzip"
    assert gzip.decompress(body).startswith(b"let plot")


@pytest.mark.parametrize("path", ["css/own-1.css", "vendor/LICENCES.txt"])
def test_what_has_no_version_is_asked_for_again(
    path: str, serve: Callable[[str], tuple[Any, bytes]]
) -> None:
    answer, body = serve(path)

    if answer.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    assert body in {b"p {}", b"MIT"}
    assert answer["Cache-Control"] == "max-age=60, public"
