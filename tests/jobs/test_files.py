"""Uploads: kept once, seen by their owner, and named in params in place of a text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobs import files, lifecycle, references
from jobs.models import Job, StoredFile
from simulations import InvalidParams
from tests.simulations.test_crystal_files import RUTILE
from tests.simulations.test_md_input import ALANINE_DIPEPTIDE

pytestmark = pytest.mark.django_db

WATER = "3\nwater\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n"
PADDED = WATER + " \n" * references.FOLD_ABOVE_CHARS


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.FILES_ROOT = tmp_path / "files"


@pytest.fixture
def client(alice: Any) -> Client:
    return signed_in(alice)


@pytest.fixture
def kept(alice: Any) -> StoredFile:
    return keep(alice, "water.xyz", WATER)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def keep(owner: Any, name: str, text: str) -> StoredFile:
    stored, _ = files.keep(owner=owner, name=name, content=text.encode())
    return stored


def upload(client: Client, name: str = "water.xyz", content: bytes = WATER.encode()) -> Any:
    return client.post("/api/v1/files", {"file": SimpleUploadedFile(name, content)})


def on_disk(settings: Any) -> list[Path]:
    return [path for path in Path(settings.FILES_ROOT).rglob("*") if path.is_file()]


def errors_of(answer: Any) -> list[dict[str, Any]]:
    return answer.json()["errors"]


def ask(client: Client, structure: Any) -> Any:
    body = {"simulation": "dft_single_point", "params": {"structure": structure}}
    return client.post("/api/v1/jobs", json.dumps(body), content_type="application/json")


# --- the endpoint


def test_an_upload_is_answered_with_its_id_and_checksum(client: Client) -> None:
    answer = upload(client)

    body = answer.json()
    assert answer.status_code == 201
    assert body["sha256"] == hashlib.sha256(WATER.encode()).hexdigest()
    assert (body["name"], body["size_bytes"], body["format"]) == ("water.xyz", len(WATER), "xyz")
    assert answer["Location"] == body["links"]["self"]
    assert client.get(body["links"]["self"]).json() == body


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("water.json", json.dumps({"symbols": ["O"], "geometry": [0, 0, 0]}, indent=2)),
        ("ligands.csv", "name,smiles\nethanol,CCO\n"),
    ],
)
def test_no_format_is_told_of_a_file_that_is_in_none(
    client: Client, name: str, content: str
) -> None:
    answer = upload(client, name, content.encode())

    assert answer.status_code == 201
    assert answer.json()["format"] is None


def test_a_file_of_json_is_refused_as_that(client: Client) -> None:
    content = json.dumps({"symbols": ["O"], "geometry": [0, 0, 0]}, indent=2)
    stored = upload(client, "water.json", content.encode()).json()

    (error,) = errors_of(ask(client, {"file": stored["id"]}))

    assert (error["pointer"], error["code"]) == ("/params/structure", "unreadable_structure")
    assert "looks like JSON" in error["detail"]


@pytest.mark.parametrize(
    ("query", "headers", "name"),
    [
        ("?name=water.xyz", {}, "water.xyz"),
        ("", {"Content-Disposition": 'attachment; filename="water.xyz"'}, "water.xyz"),
        ("", {"Content-Disposition": "attachment; filename*=UTF-8''w%C3%A4.xyz"}, "wä.xyz"),
        ("?name=../../etc/passwd", {}, "passwd"),
        ("", {}, "unnamed"),
    ],
)
def test_a_raw_body_is_a_file_too(
    client: Client, query: str, headers: dict[str, str], name: str
) -> None:
    answer = client.post(
        f"/api/v1/files{query}", WATER, content_type="application/octet-stream", headers=headers
    )

    assert answer.status_code == 201
    assert answer.json()["name"] == name


def test_the_same_content_is_kept_once(client: Client, bob: Any, settings: Any) -> None:
    first = upload(client).json()

    again = upload(client, name="other.xyz")
    of_bob = upload(signed_in(bob))

    assert (again.status_code, again.json()) == (200, first | {"name": "other.xyz"})
    assert (of_bob.status_code, of_bob.json()["id"] != first["id"]) == (201, True)
    assert len(on_disk(settings)) == 1


def test_everybody_sees_their_own(client: Client, bob: Any, kept: StoredFile) -> None:
    stranger = signed_in(bob)
    urls = [f"/api/v1/files/{kept.pk}", f"/api/v1/files/{kept.pk}/content"]

    assert client.get(urls[0]).status_code == 200
    assert b"".join(client.get(urls[1]).streaming_content)
    assert [stranger.get(url).status_code for url in urls] == [404, 404]
    assert [each["id"] for each in client.get("/api/v1/files").json()["results"]] == [str(kept.pk)]
    assert stranger.get("/api/v1/files").json()["results"] == []


def test_content_comes_back_as_a_file(client: Client, kept: StoredFile) -> None:
    answer = client.get(f"/api/v1/files/{kept.pk}/content")

    assert b"".join(answer.streaming_content) == WATER.encode()
    assert answer["Content-Disposition"] == 'attachment; filename="water.xyz"'
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("as_form", [True, False])
def test_a_file_that_is_too_large_is_refused(client: Client, settings: Any, as_form: bool) -> None:
    settings.MAX_FILE_BYTES = 100
    content = b"x" * 200_000

    if as_form:
        answer = upload(client, content=content)
    else:
        answer = client.post("/api/v1/files", content, content_type="chemical/x-pdb")

    assert answer.status_code == 413
    assert answer.json()["detail"] == "The file is larger than 100 bytes, the most that is taken."
    assert on_disk(settings) == []


@pytest.mark.parametrize(
    ("data", "code"), [({"file": ""}, "one_file"), ({"upload": "x"}, "one_file")]
)
def test_a_form_without_a_file_is_refused(client: Client, data: Any, code: str) -> None:
    answer = client.post("/api/v1/files", data)

    assert answer.status_code == 422
    assert errors_of(answer)[0]["code"] == code


def test_an_empty_file_is_refused(client: Client) -> None:
    assert errors_of(upload(client, content=b""))[0]["code"] == "empty_file"
    raw = client.post("/api/v1/files", b"", content_type="application/octet-stream")
    assert raw.status_code == 422


def test_content_that_is_gone_is_told(client: Client, kept: StoredFile) -> None:
    kept.path.unlink()

    answer = client.get(f"/api/v1/files/{kept.pk}/content")

    assert answer.status_code in {404, 410}
    assert "upload it again" in answer.json()["detail"]


# --- in params


@pytest.mark.parametrize("by", ["id", "sha256"])
def test_a_structure_may_be_a_file(client: Client, kept: StoredFile, by: str) -> None:
    name = str(kept.pk) if by == "id" else f"sha256:{kept.sha256}"

    job = Job.objects.get(pk=ask(client, {"file": name}).json()["id"])

    assert job.params["structure"] == {
        "file": f"sha256:{kept.sha256}", "name": "water.xyz", "format": "xyz",
    }  # fmt: skip
    assert job.structure["formula"] == "H2O"
    assert references.texts(job.params)["structure"] == {"format": "xyz", "text": WATER}


def test_a_file_s_format_may_be_said(client: Client, alice: Any) -> None:
    stored = keep(alice, "water.txt", WATER)

    told = ask(client, {"file": str(stored.pk), "format": "xyz"}).json()
    sniffed = ask(client, {"file": str(stored.pk)}).json()

    assert told["params"]["structure"]["format"] == "xyz"
    assert sniffed["structure"]["formula"] == "H2O"


def test_another_s_file_is_as_one_that_never_was(client: Client, bob: Any) -> None:
    theirs = keep(bob, "water.xyz", WATER)

    answers = [
        ask(client, {"file": name})
        for name in (str(theirs.pk), f"sha256:{theirs.sha256}", str(bob.pk), "sha256:../..", 5)
    ]

    assert [answer.status_code for answer in answers] == [422] * 5
    told = [errors_of(answer)[0] for answer in answers]
    assert {(each["pointer"], each["code"]) for each in told} == {
        ("/params/structure/file", "no_such_file")
    }
    assert Job.objects.count() == 0


@pytest.mark.parametrize(
    ("reference", "code"),
    [({"text": "O"}, "bad_reference"), ({"format": "docx"}, "unknown_choice")],
)
def test_a_strange_reference_is_refused(
    client: Client, kept: StoredFile, reference: dict[str, str], code: str
) -> None:
    answer = ask(client, {"file": str(kept.pk), **reference})

    assert errors_of(answer)[0]["code"] == code


def test_what_is_wrong_in_a_file_is_told_on_its_field(client: Client, alice: Any) -> None:
    bad = keep(alice, "bad.xyz", WATER.replace("0.1173", "x"))
    (alice_s_zip, _) = files.keep(owner=alice, name="a.gz", content=b"\x1f\x8b\x08")

    assert "line 3 has a coordinate" in errors_of(ask(client, {"file": str(bad.pk)}))[0]["detail"]
    told = errors_of(ask(client, {"file": str(alice_s_zip.pk)}))[0]
    assert (told["pointer"], told["code"]) == ("/params/structure/file", "not_text")


@pytest.mark.slow
def test_a_long_text_is_kept_once_for_all_jobs(client: Client, alice: Any, settings: Any) -> None:
    jobs = [Job.objects.get(pk=ask(client, PADDED).json()["id"]) for _ in range(3)]

    assert len(on_disk(settings)) == 1
    assert {job.params["structure"]["file"] for job in jobs} == {
        f"sha256:{hashlib.sha256(PADDED.encode()).hexdigest()}"
    }
    assert all(references.texts(job.params)["structure"] == PADDED for job in jobs)
    assert len(json.dumps(jobs[0].params)) < 3000


def test_many_empty_lines_are_looked_through_once(client: Client) -> None:
    """From each of them to the end took longer than reading may take, with a tenth of these."""
    answer = ask(client, WATER + " \n" * 10 * references.FOLD_ABOVE_CHARS)

    assert answer.status_code == 202, answer.json()


def test_a_short_text_stays_where_it_is(client: Client, settings: Any) -> None:
    assert ask(client, WATER).json()["params"]["structure"] == WATER
    assert on_disk(settings) == []


def test_a_protein_and_a_crystal_come_from_files(alice: Any) -> None:
    peptide, rutile = keep(alice, "a.pdb", ALANINE_DIPEPTIDE), keep(alice, "r.cif", RUTILE)

    md = lifecycle.submit(
        owner=alice, simulation="md_simulation", params={"structure": {"file": str(peptide.pk)}}
    )
    crystal = lifecycle.submit(
        owner=alice, simulation="dft_crystal", params={"structure": {"file": str(rutile.pk)}}
    )

    assert (md.structure["kind"], md.structure["n_residues"]) == ("protein", 3)
    assert crystal.structure["space_group"] == "P42/mnm (136)"


def test_running_again_keeps_the_reference(alice: Any, kept: StoredFile) -> None:
    job = lifecycle.submit(
        owner=alice,
        simulation="dft_single_point",
        params={"structure": {"file": str(kept.pk)}},
    )

    again = lifecycle.run_again(job, owner=alice)

    assert again.params == job.params


def test_an_administrator_may_run_another_s_job_again(
    alice: Any, bob: Any, kept: StoredFile
) -> None:
    job = lifecycle.submit(
        owner=alice, simulation="dft_single_point", params={"structure": {"file": str(kept.pk)}}
    )
    bob.is_superuser = True
    bob.save()

    again = lifecycle.run_again(job, owner=bob)

    assert again.params == job.params
    assert StoredFile.objects.filter(owner=bob, sha256=kept.sha256).exists()


def test_a_file_that_is_no_longer_there_is_told(alice: Any, kept: StoredFile) -> None:
    kept.path.unlink()

    with pytest.raises(InvalidParams, match=r"water\.xyz is no longer there"):
        references.unfold(
            {"structure": {"file": str(kept.pk)}}, owner=alice, model=model_of("dft_single_point")
        )


def model_of(simulation: str) -> Any:
    import simulations

    return simulations.get(simulation).Params


def test_a_name_of_a_client_s_own_making_leads_nowhere(settings: Any) -> None:
    for digest in ("../../etc/passwd", "A" * 64, "", "a" * 63, "a" * 64 + "\n"):
        assert StoredFile.path_of(digest).name == "none"
    assert StoredFile.path_of("a" * 64) == Path(settings.FILES_ROOT) / "aa" / ("a" * 64)


# --- the form


def create(client: Client, simulation: str = "dft_single_point", **data: Any) -> Any:
    return client.post(f"/jobs/new/{simulation}/", data)


def test_an_uploaded_file_wins_over_the_text(client: Client) -> None:
    given = SimpleUploadedFile("water.xyz", WATER.encode())

    answer = create(client, structure="CCO", structure__file=given)

    assert answer.status_code == 302
    assert Job.objects.get().structure["formula"] == "H2O"
    assert Job.objects.get().params["structure"]["name"] == "water.xyz"


def test_the_form_takes_files_without_a_script(client: Client) -> None:
    page = client.get("/jobs/new/docking/").content.decode()

    assert 'enctype="multipart/form-data"' in page
    assert '<input type="file" name="receptor_pdb__file"' in page


def test_a_bad_file_is_told_on_its_field_and_kept(client: Client) -> None:
    given = SimpleUploadedFile("bad.xyz", WATER.replace("0.1173", "x").encode())

    answer = create(client, structure__file=given)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "line 3 has a coordinate that is no number" in page
    assert "file bad.xyz, sha256" in page


def test_too_large_a_file_is_told_on_its_field(client: Client, settings: Any) -> None:
    settings.MAX_FILE_BYTES = 10
    given = SimpleUploadedFile("water.xyz", WATER.encode())

    answer = create(client, structure__file=given)

    assert answer.status_code == 422
    assert "larger than 10 bytes" in answer.content.decode()


def test_a_form_filled_in_from_a_job_shows_a_short_file_as_text(
    client: Client, kept: StoredFile, submit: Callable[..., Job]
) -> None:
    job = submit(simulation="dft_single_point", params={"structure": {"file": str(kept.pk)}})

    page = client.get(f"/jobs/new/dft_single_point/?from={job.pk}").content.decode()

    assert "O 0 0 0.1173" in page


def test_a_form_filled_in_from_a_job_names_a_long_file(
    client: Client, alice: Any, submit: Callable[..., Job], settings: Any
) -> None:
    stored = keep(alice, "long.xyz", WATER + " \n" * 60_000)
    job = submit(simulation="dft_single_point", params={"structure": {"file": str(stored.pk)}})

    page = client.get(f"/jobs/new/dft_single_point/?from={job.pk}").content.decode()
    answer = create(client, basis="sto-3g", structure__kept=f"sha256:{stored.sha256} long.xyz")

    assert f"file long.xyz, sha256 {stored.sha256[:8]}…" in page
    assert f'value="sha256:{stored.sha256} long.xyz"' in page
    assert answer.status_code == 302
    (again,) = Job.objects.exclude(pk=job.pk)
    assert again.params["structure"] == job.params["structure"]


def test_the_page_of_a_job_names_its_file(
    client: Client, kept: StoredFile, submit: Callable[..., Job]
) -> None:
    job = submit(simulation="dft_single_point", params={"structure": {"file": str(kept.pk)}})

    page = client.get(f"/jobs/{job.pk}/").content.decode()

    assert f"file water.xyz, sha256 {kept.sha256[:8]}…" in page


def _walk(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.slow
def test_no_row_holds_a_copy_of_a_long_text(client: Client) -> None:
    answer = ask(client, PADDED)

    assert answer.status_code == 202, answer.json()
    assert max(map(len, _walk(Job.objects.get().params))) < 100


def test_the_schema_says_that_a_structure_may_be_a_file(client: Client) -> None:
    found = client.get("/api/v1/simulations").json()
    (md,) = [sim for sim in found if sim["name"] == "md_simulation"]

    kinds = md["params_schema"]["$defs"]["StructureInput"]["anyOf"]

    assert [kind["title"] for kind in kinds[1:]] == ["Text with its format", "File"]


def test_the_newest_name_of_a_content_counts(client: Client) -> None:
    """Uploaded under the wrong name first, it would else be read as the wrong thing for ever."""
    first = upload(client, "water.pdb").json()

    again = upload(client, "water.xyz").json()

    assert (first["format"], again["format"], again["name"]) == ("pdb", "xyz", "water.xyz")
    assert again["id"] == first["id"]
    assert client.get(again["links"]["self"]).json()["format"] == "xyz"


def test_what_is_no_text_is_refused_at_once(client: Client) -> None:
    answer = upload(client, "a.cif.gz", b"\x1f\x8b\x08\x00\x00rest")

    assert answer.status_code == 422
    (error,) = errors_of(answer)
    assert (error["pointer"], error["code"]) == ("/file", "no_text")
    assert "unpack" in error["detail"]
