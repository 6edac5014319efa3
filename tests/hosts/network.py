"""Hosts of their own on one machine: network namespaces with a cable each to where the site is."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.stack import ROOT, kill

NETWORK = f"10.231.{os.getpid() % 250}"
TAG = f"bp{os.getpid() % 100_000}"
SITE = f"{NETWORK}.1"
"""Where the hosts find Redis and the database."""
UNUSED_PID = next(pid for pid in range(30_000, 31_000) if not psutil.pid_exists(pid))


def why_not() -> str:
    """Empty where such hosts can be made."""
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    if os.getuid() != 0:
        return "network namespaces take root"
    made = _ip("netns", "add", f"{TAG}-try")
    with suppress(subprocess.CalledProcessError):
        must("netns", "del", f"{TAG}-try")
    return f"network namespaces are not permitted here: {made.stderr}" if made.returncode else ""


def must(*words: str) -> None:
    done = _ip(*words)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def _ip(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=False)


@contextmanager
def bridge() -> Iterator[None]:
    """What the hosts' cables are plugged into; the site's address is on it."""
    must("link", "add", TAG, "type", "bridge")
    try:
        must("addr", "add", f"{SITE}/24", "dev", TAG)
        must("link", "set", TAG, "up")
        yield
    finally:
        must("link", "del", TAG)


@dataclass(kw_only=True)
class Host:
    """One with a name, an address and a cable; `running` starts a process on it.

    :param called: what it takes itself for, if not its name.
    """

    name: str
    number: int
    called: str = ""

    @property
    def _namespace(self) -> str:
        return f"{TAG}-{self.name}"

    @property
    def _cable(self) -> str:
        return f"{TAG}{self.name}"

    def __enter__(self) -> Host:
        must("netns", "add", self._namespace)
        must("link", "add", self._cable, "type", "veth", "peer", "name", "eth0",
             "netns", self._namespace)  # fmt: skip
        must("link", "set", self._cable, "master", TAG, "up")
        for words in (
            ("addr", "add", f"{NETWORK}.{self.number}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            must("-n", self._namespace, *words)
        return self

    def __exit__(self, *exc: object) -> None:
        must("netns", "del", self._namespace)

    def cut_off(self) -> None:
        must("link", "set", self._cable, "down")

    def heal(self) -> None:
        must("link", "set", self._cable, "up")

    @contextmanager
    def running(self, argv: Sequence[str], env: dict[str, str], log: Path) -> Iterator[None]:
        """Under the host's own name; whatever it started ends with it."""
        words = ["ip", "netns", "exec", self._namespace, "unshare", "--uts", "--pid", "--fork"]
        words += ["--mount-proc", "sh", "-c"]
        # With a number that no process has here.
        number = f"echo {UNUSED_PID - 1} > /proc/sys/kernel/ns_last_pid"
        words += [f'hostname {self.called or self.name} && {number}; "$@"', "sh", *argv]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                words, cwd=ROOT, env=env, stdout=stream, stderr=subprocess.STDOUT
            )
        try:
            yield
        finally:
            everything = [psutil.Process(process.pid)] if process.poll() is None else []
            everything += everything[0].children(recursive=True) if everything else []
            kill(everything)
            process.wait(60)
