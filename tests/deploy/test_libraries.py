"""What the wheels take from the system, against what the image and the README have installed."""

from __future__ import annotations

import re
import struct
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import ROOT

PACKAGES = {
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libexpat.so.1": "libexpat1",
    "libgomp.so.1": "libgomp1",
}
EVERYWHERE = {
    *(
        "ld-linux-x86-64.so.2",
        "ld-linux-aarch64.so.1",
        "libc.so.6",
        "libdl.so.2",
        "libm.so.6",
        "libmvec.so.1",
    ),
    *("libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1"),
    *("libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"),
}
"""On any Debian: the C library, GCC's, and zlib."""
OF_A_DRIVER = {"libOpenCL.so.1", "libcuda.so.1"}
"""Of plugins that OpenMM leaves out where there is no such device."""
LOAD, DYNAMIC = 1, 2
END, NEEDED, STRINGS = 0, 1, 5


@pytest.mark.skipif(sys.platform != "linux", reason="ELF files are read")
def test_what_the_wheels_take_from_the_system_is_named() -> None:
    top = Path(sysconfig.get_path("platlib"))
    files = [path for path in top.rglob("*.so*") if path.is_file()]
    brought = {path.name for path in files}

    taken = {name for path in files for name in needed_by(path.read_bytes())} - brought

    assert taken - EVERYWHERE - OF_A_DRIVER == PACKAGES.keys()


@pytest.mark.parametrize("name", ["deploy/Containerfile", "README.md"])
def test_who_installs_is_told_of_each(name: str) -> None:
    words = set(re.findall(r"\blib[\w-]+", (ROOT / name).read_text()))

    assert set(PACKAGES.values()) <= words


def needed_by(data: bytes) -> Iterator[str]:
    """The libraries that a 64-bit ELF file names itself, not those that they need in turn."""
    if data[:5] != b"\x7fELF\x02":
        return
    heads = [*_heads(data)]
    tags = [tag for kind, at, _, size in heads if kind == DYNAMIC for tag in _tags(data, at, size)]
    for strings in (value for tag, value in tags if tag == STRINGS):
        for tag, value in tags:
            if tag == NEEDED:
                begin = _offset(heads, strings) + value
                yield data[begin : data.index(b"\0", begin)].decode()


def _heads(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Of each segment its kind, its place in the file and in memory, and its size."""
    (at,) = struct.unpack_from("<Q", data, 32)
    step, count = struct.unpack_from("<HH", data, 54)
    for n in range(count):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, at + n * step)
        yield kind, offset, address, size


def _tags(data: bytes, at: int, size: int) -> Iterator[tuple[int, int]]:
    for tag, value in struct.iter_unpack("<qQ", data[at : at + size]):
        if tag == END:
            return
        yield tag, value


def _offset(heads: list[tuple[int, int, int, int]], address: int) -> int:
    return next(
        address - begins + offset
        for kind, offset, begins, size in heads
        if kind == LOAD and begins <= address < begins + size
    )
