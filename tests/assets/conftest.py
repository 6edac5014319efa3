"""Two packages that nobody published, as `npm pack` would leave them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from backplane_site.assets import Package
from deploy import assets

PLOT = Package(name="plot", npm="plot.js", version="1.2.3", licence="MIT", files=("dist/plot.js",))
SERIF = Package(
    name="serif",
    npm="@faces/serif",
    version="0.1.0",
    licence="OFL-1.1",
    files=("files/latin.woff2",),
)
KNOWN = [PLOT, SERIF]
CONTENTS: Mapping[str, Mapping[str, bytes]] = {
    "plot": {"dist/plot.js": b"let plot = 1;\n" * 500, "LICENSE": b"Do what you like."},
    "serif": {"files/latin.woff2": b"wOF2 dense", "LICENSE": b"Do not sell it alone."},
}


def archive(path: Path, package: Package, files: Mapping[str, bytes], licence: str = "") -> Path:
    """A package as the registry has it, with more in it than we want."""
    about = {
        "name": package.npm,
        "version": package.version,
        "license": licence or package.licence,
        "scripts": {"prepare": "exit 1", "postinstall": "exit 1"},
        "dependencies": {"never-fetched": "1.0.0"},
    }
    inside = {**files, "package.json": json.dumps(about).encode(), "README.md": b"Read me."}
    with tarfile.open(path, "w:gz") as tar:
        for name, data in inside.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """What both packages bring, by the place where it goes."""
    return {
        place: data
        for package in KNOWN
        for place, data in assets.unpacked(
            archive(tmp_path / package.name, package, CONTENTS[package.name]), package
        ).items()
    }


@pytest.fixture
def wanted(files: dict[str, bytes]) -> dict[str, str]:
    return {place: sha256(data).hexdigest() for place, data in files.items()}


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    return tmp_path / "static" / "vendor"


@pytest.fixture
def bring(vendor: Path, wanted: dict[str, str]) -> Callable[[Mapping[str, bytes]], bool]:
    def bring(files: Mapping[str, bytes]) -> bool:
        return assets.bring(lambda: files, vendor, wanted, KNOWN)

    return bring


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
