"""What is brought is what was pinned, or nothing is touched."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from backplane_site.assets import complaints
from deploy import assets
from tests.assets.conftest import CONTENTS, KNOWN, PLOT, SERIF, archive, tree

Bring = Callable[[Mapping[str, bytes]], bool]


def test_each_file_lies_in_a_folder_named_by_its_version(
    bring: Bring, files: dict[str, bytes], vendor: Path
) -> None:
    assert bring(files)

    assert set(tree(vendor)) == {
        "LICENCES.txt", "plot-1.2.3/LICENSE", "plot-1.2.3/plot.js", "plot-1.2.3/plot.js.gz",
        "serif-0.1.0/LICENSE", "serif-0.1.0/latin.woff2",
    }  # fmt: skip
    assert (vendor / "plot-1.2.3/plot.js").read_bytes() == CONTENTS["plot"]["dist/plot.js"]
    dense = (vendor / "plot-1.2.3/plot.js.gz").read_bytes()
    assert gzip.decompress(dense) == CONTENTS["plot"]["dist/plot.js"]


def test_what_is_there_is_not_brought_again(
    bring: Bring, files: dict[str, bytes], vendor: Path, wanted: dict[str, str]
) -> None:
    bring(files)
    before = {path: path.stat().st_mtime_ns for path in vendor.rglob("*")}

    again = assets.bring(lambda: pytest.fail("was asked"), vendor, wanted, KNOWN)

    assert not again
    assert {path: path.stat().st_mtime_ns for path in vendor.rglob("*")} == before


@pytest.mark.parametrize("place", ["plot-1.2.3/plot.js", "plot-1.2.3/LICENSE"])
def test_another_file_than_was_pinned_is_refused_and_nothing_is_written(
    place: str, bring: Bring, files: dict[str, bytes], vendor: Path
) -> None:
    with pytest.raises(assets.Refused, match=rf"nothing was changed:\n  {place}: [0-9a-f]{{64}}"):
        bring({**files, place: files[place] + b" "})

    assert tree(vendor) == {}


def test_a_refusal_leaves_what_was_there(
    bring: Bring, files: dict[str, bytes], vendor: Path
) -> None:
    bring(files)
    (vendor / "serif-0.1.0/latin.woff2").unlink()
    before = tree(vendor)

    with pytest.raises(assets.Refused, match=r"latin.woff2"):
        bring({**files, "serif-0.1.0/latin.woff2": b"another font"})

    assert tree(vendor) == before


def test_a_file_that_nobody_pinned_is_refused(bring: Bring, files: dict[str, bytes]) -> None:
    with pytest.raises(assets.Refused, match=r"plot-1.2.3/more.js: not in assets.sha256"):
        bring({**files, "plot-1.2.3/more.js": b"alert()"})


def test_a_file_that_was_not_brought_is_told(bring: Bring, files: dict[str, bytes]) -> None:
    del files["plot-1.2.3/plot.js"]

    with pytest.raises(assets.Refused, match=r"plot-1.2.3/plot.js: missing"):
        bring(files)


@pytest.mark.parametrize(
    ("place", "damage", "told"),
    [
        ("plot-1.2.3/plot.js", b"alert()", "is not the file that was pinned"),
        (
            "plot-1.2.3/plot.js.gz",
            gzip.compress(b"alert()", mtime=0),
            "is another file when compressed",
        ),
        ("plot-1.2.3/plot.js.gz", b"", "is another file when compressed"),
        ("plot-1.2.3/plot.js.gz", b"no gzip", "cannot be read"),
        ("serif-0.1.0/latin.woff2", None, "is missing"),
        ("plot-1.2.3/plot.js.gz", None, "is missing"),
    ],
)
def test_damage_is_told_and_mended(
    place: str,
    damage: bytes | None,
    told: str,
    bring: Bring,
    files: dict[str, bytes],
    vendor: Path,
    wanted: dict[str, str],
) -> None:
    bring(files)
    whole = tree(vendor)
    (vendor / place).unlink()
    if damage is not None:
        (vendor / place).write_bytes(damage)

    (complaint,) = complaints(vendor, wanted)

    assert complaint.startswith(f"{place.removesuffix('.gz')} {told}")
    assert bring(files)
    assert tree(vendor) == whole


def test_what_was_pinned_before_goes(bring: Bring, files: dict[str, bytes], vendor: Path) -> None:
    (vendor / "plot-1.2.2").mkdir(parents=True)
    (vendor / "plot-1.2.2/plot.js").write_bytes(b"old")
    (vendor / ".coming-of-a-run-that-was-killed").write_bytes(b"half")

    bring(files)

    assert {path.name for path in vendor.iterdir()} == {"LICENCES.txt", "plot-1.2.3", "serif-0.1.0"}


def test_every_licence_is_kept_in_its_own_words(
    bring: Bring, files: dict[str, bytes], vendor: Path
) -> None:
    bring(files)

    text = (vendor / "LICENCES.txt").read_text()
    for package in KNOWN:
        assert f"{package.npm} {package.version}, licence: {package.licence}" in text
        assert CONTENTS[package.name]["LICENSE"].decode() in text


def test_a_package_under_another_licence_is_refused(tmp_path: Path) -> None:
    made = archive(tmp_path / "plot", PLOT, CONTENTS["plot"], licence="proprietary")

    with pytest.raises(assets.Refused, match=r"plot.js 1.2.3 is under proprietary, not MIT"):
        assets.unpacked(made, PLOT)


def test_a_package_without_a_wanted_file_is_refused(tmp_path: Path) -> None:
    made = archive(tmp_path / "plot", PLOT, {"LICENSE": b"MIT"})

    with pytest.raises(assets.Refused, match=r"package/dist/plot.js"):
        assets.unpacked(made, PLOT)


def test_a_link_is_no_file(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "plot", "w:gz") as tar:
        entry = tarfile.TarInfo("package/dist/plot.js")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)

    with pytest.raises(assets.Refused, match=r"package/dist/plot.js is not a file"):
        assets.unpacked(tmp_path / "plot", PLOT)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plot").write_bytes(b"<html>Please sign in to this network</html>")

    with pytest.raises(assets.Refused, match="cannot be read"):
        assets.unpacked(tmp_path / "plot", PLOT)


# --- bundles --------------------------------------------------------------------------------


def test_a_bundle_brings_the_same_to_another_machine(
    bring: Bring, files: dict[str, bytes], vendor: Path, wanted: dict[str, str], tmp_path: Path
) -> None:
    bring(files)
    bundle, elsewhere = tmp_path / "out" / "assets.tar.gz", tmp_path / "elsewhere"

    assets.write_bundle(bundle, vendor, wanted)
    assets.bring(lambda: assets.from_bundle(bundle, wanted), elsewhere, wanted, KNOWN)

    assert tree(elsewhere) == tree(vendor)
    first = bundle.read_bytes()
    assets.write_bundle(bundle, elsewhere, wanted)
    assert bundle.read_bytes() == first


def test_a_bundle_is_made_only_of_what_was_pinned(
    bring: Bring, files: dict[str, bytes], vendor: Path, wanted: dict[str, str], tmp_path: Path
) -> None:
    bring(files)
    (vendor / "plot-1.2.3/plot.js").write_bytes(b"alert()")

    with pytest.raises(assets.Refused, match=r"plot.js is not the file that was pinned"):
        assets.write_bundle(tmp_path / "bundle", vendor, wanted)

    assert not (tmp_path / "bundle").exists()


def test_a_bundle_of_other_versions_is_refused(
    bring: Bring, files: dict[str, bytes], vendor: Path, wanted: dict[str, str], tmp_path: Path
) -> None:
    bring(files)
    assets.write_bundle(tmp_path / "bundle", vendor, wanted)

    with pytest.raises(assets.Refused, match=r"not of the pinned versions: .*plot-2.0.0/plot.js"):
        assets.from_bundle(tmp_path / "bundle", ["plot-2.0.0/plot.js"])


def test_half_a_bundle_is_refused(
    bring: Bring, files: dict[str, bytes], vendor: Path, wanted: dict[str, str], tmp_path: Path
) -> None:
    bring(files)
    bundle = tmp_path / "bundle"
    assets.write_bundle(bundle, vendor, wanted)
    bundle.write_bytes(bundle.read_bytes()[:200])

    with pytest.raises(assets.Refused, match="cannot be read"):
        assets.from_bundle(bundle, wanted)


def test_new_pins_are_what_sha256sum_reads(
    files: dict[str, bytes], wanted: dict[str, str], tmp_path: Path
) -> None:
    assets.pin(files, tmp_path / "pins")

    lines = (tmp_path / "pins").read_text().splitlines()
    assert lines == [f"{wanted[place]}  {place}" for place in sorted(wanted)]
    assert SERIF.places["files/latin.woff2"] in wanted
