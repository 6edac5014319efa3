"""Where the site is, and which key goes there."""

from __future__ import annotations

from pathlib import Path

import pytest

from backplane.settings import LOCAL, BadSettings, resolve


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "backplane"
    folder.mkdir()
    (folder / "config.toml").write_text('url = "https://site.example/"\nkey = "bp_file"\n')
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def told(settings: object) -> tuple[str, str]:
    return settings.url, settings.key  # type: ignore[attr-defined]


def test_without_anything_it_is_this_machine(tmp_path: Path) -> None:
    assert told(resolve(env={"HOME": str(tmp_path)})) == (LOCAL, "")


def test_the_file_says_both(env: dict[str, str]) -> None:
    assert told(resolve(env=env)) == ("https://site.example", "bp_file")


def test_the_environment_goes_before_the_file_and_what_is_given_before_both(
    env: dict[str, str],
) -> None:
    more = env | {"BACKPLANE_URL": "https://other.example", "BACKPLANE_KEY": "bp_env"}

    assert told(resolve(env=more)) == ("https://other.example", "bp_env")
    assert told(resolve("http://third", "bp_given", more)) == ("http://third", "bp_given")


def test_the_files_key_is_sent_to_no_other_site(env: dict[str, str]) -> None:
    assert told(resolve("https://other.example", env=env)) == ("https://other.example", "")
    assert told(resolve("https://site.example", env=env)) == ("https://site.example", "bp_file")


@pytest.mark.parametrize(
    "url",
    [
        "site.example", "ftp://site", "http://", "http://me:pw@site", "http://site:x", "http://[::1"
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadSettings) as refused:
        resolve(url, env={"HOME": "/nowhere"})

    assert "pw@" not in str(refused.value)


@pytest.mark.parametrize("text", ["key = bp_secret", 'url = "http://x"\nkey = 7'])
def test_a_file_that_cannot_be_used_is_named_and_not_quoted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)

    with pytest.raises(BadSettings, match=r"config\.toml") as refused:
        resolve(env={"BACKPLANE_CONFIG": str(path)})

    assert "secret" not in str(refused.value)
