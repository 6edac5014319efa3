"""What a cluster's accounting is made of: slurmdbd, and a MariaDB that it writes to.

Both lie in the folder of the Slurm that they belong to (`tests.slurm`), on free ports of this
machine alone, and run as whoever runs the tests.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.stack import free_port, until

NEEDED = {
    "slurmdbd": "slurmdbd",
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",
}
"""The programs, and Debian's packages of them."""
CONFIGURATION = """\
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser={user}
PidFile={directory}/slurmdbd.pid
LogFile={directory}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm
"""
OF_THE_CLUSTER = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={directory}/munge.socket
# Seconds until squeue forgets what has ended.
MinJobAge=2
"""
"""What the cluster's own configuration says of it."""
WHO_WRITES = """\
CREATE DATABASE slurm;
CREATE USER slurm@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON slurm.* TO slurm@'127.0.0.1';
"""
SMALL = ("--skip-name-resolve", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0")
"""Nothing of it is to outlive the tests."""
EMPTY = ("--auth-root-authentication-method=normal", "--skip-test-db")


def find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class Accounting:
    """
    :param directory: of the cluster, with its munge.
    :param run: starts a program, and sees that it went well.
    """

    def __init__(self, directory: Path, run: Callable[..., None]) -> None:
        self._directory, self._run = directory, run
        self._port, self._database_port = free_port(), free_port()
        self._database: subprocess.Popen[bytes] | None = None

    @property
    def configuration(self) -> str:
        return OF_THE_CLUSTER.format(port=self._port, directory=self._directory)

    def start(self) -> None:
        password = secrets.token_hex(16)
        self._start_database(password)
        self._configure(password)
        self.start_daemon()

    def start_daemon(self) -> None:
        """slurmdbd, which is killed by its name as the cluster's other daemons are."""
        self._run("slurmdbd")
        until(lambda: _is_open(self._port), "slurmdbd listens")

    def stop(self) -> None:
        """The database, in which nothing is to be kept."""
        if self._database:
            self._database.kill()
            self._database.wait()

    def _start_database(self, password: str) -> None:
        tables = self._directory / "accounts"
        user = f"--user={getpass.getuser()}"
        about = ("--no-defaults", user, f"--datadir={tables}")
        self._run("mariadb-install-db", *about, *EMPTY, *SMALL)
        first = self._directory / "accounts.sql"
        first.touch(0o600)
        first.write_text(WHO_WRITES.format(password=password))
        program = find("mariadbd")
        assert program
        argv = [
            *(program, *about, *SMALL),
            *(f"--socket={self._directory}/mariadb.socket", f"--init-file={first}"),
            *("--bind-address=127.0.0.1", f"--port={self._database_port}"),
        ]
        with (self._directory / "mariadb.log").open("ab") as log:
            self._database = subprocess.Popen(argv, stdout=log, stderr=log)
        until(lambda: _is_open(self._database_port), "the database listens")

    def _configure(self, password: str) -> None:
        path = self._directory / "slurmdbd.conf"
        path.touch(0o600)  # slurmdbd insists
        text = CONFIGURATION.format(
            directory=self._directory, port=self._port, user=getpass.getuser(),
            database_port=self._database_port, password=password,
        )  # fmt: skip
        path.write_text(text)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
