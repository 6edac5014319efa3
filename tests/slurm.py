"""A real Slurm of the test run's own: a controller, two nodes and munge, without systemd.

All that it has (configuration, key, state, logs) lies in a temporary folder; its ports are free
ones, so that it meets no other Slurm of the machine. Runs as root or as anybody.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from tests.accounting import Accounting, find
from tests.stack import free_port, kill, until

NEEDED = {"slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client", "munged": "munge"}
"""The programs, and Debian's packages of them."""
CLUSTER = "backplane"
NODES = ("n1", "n2")
CONFIGURATION = """\
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
CredType=cred/munge
SlurmctldPort={port}
# Cgroups are called by it, and another Slurm of the machine has a port of its own.
FirstJobId={port}000
SlurmctldPidFile={directory}/slurmctld.pid
SlurmctldLogFile={directory}/slurmctld.log
StateSaveLocation={directory}/state
SlurmdPidFile={directory}/slurmd-%n.pid
SlurmdLogFile={directory}/slurmd-%n.log
SlurmdSpoolDir={directory}/spool-%n
# What a bare container has need do: no affinity.
ProctrackType=proctrack/linuxproc
{memory}
# As at most sites that preempt.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
MessageTimeout=10
KillWait=2
SlurmctldTimeout=10
SlurmdTimeout=60
SlurmdParameters=config_overrides
"""
BY_CGROUP = """\
TaskPlugin=task/cgroup
JobAcctGatherType=jobacct_gather/none
"""
BY_LOOKING = """\
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
"""
"""How a job is held to its memory where there are no cgroups to be made."""
PARTITIONS = """\
PartitionName=main Nodes={nodes} Default=YES DefaultTime=60 PriorityTier=1 State=UP
PartitionName=urgent Nodes={nodes} DefaultTime=60 PriorityTier=2 State=UP
"""
CLOUD = """\
NodeName=c1 NodeHostname={host} NodeAddr=127.0.0.1 Port={port} State=CLOUD {size}
PartitionName=cloud Nodes=c1 DefaultTime=60 State=UP
ResumeProgram=/usr/bin/true
SuspendProgram=/usr/bin/true
# Seconds until it is given up: not before a busy machine has looked at it once.
ResumeTimeout=10
SuspendTimeout=1
SuspendTime=3600
SlurmctldParameters=power_save_interval=1
SuspendExcNodes={nodes}
"""
"""A node that whoever starts it says to start, and that never comes up."""
CGROUPS = Path("/sys/fs/cgroup")
HOLDING = """\
CgroupMountpoint={cgroups}
CgroupPlugin=cgroup/v1
ConstrainRAMSpace=yes
"""


def missing(needed: Mapping[str, str] = NEEDED) -> list[str]:
    """The packages to install."""
    return sorted({package for program, package in needed.items() if find(program) is None})


class Slurm:
    """`with Slurm() as cluster: subprocess.run(["sinfo"], env=os.environ | cluster.env)`.

    :param cpus: how many each of the two nodes has; they are the same machine, and only count.
    :param accounting: whether `sacct` remembers its jobs. `squeue` then forgets them at once.
    :param cloud: whether it has a partition `cloud`, of a node that never comes up.
    """

    def __init__(
        self,
        cpus: int = 8,
        memory_mib: int = 16_000,
        *,
        accounting: bool = False,
        cloud: bool = False,
    ) -> None:
        # Short, for a Unix socket lies in it.
        self.directory = Path(tempfile.mkdtemp(prefix="sl-"))
        self._cpus, self._memory_mib, self._has_cloud = cpus, memory_mib, cloud
        self.accounting = Accounting(self.directory, self._run) if accounting else None
        # Debian's Slurm asks systemd for those of version 2.
        self.has_cgroups = os.access(CGROUPS / "memory", os.W_OK)

    def __enter__(self) -> Self:
        try:
            self._configure()
            self.start_munge()
            if self.accounting:
                self.accounting.start()
                self.ask("sacctmgr", "--immediate", "add", "cluster", CLUSTER)
            self.start_controller()
            for node in NODES:
                self.start_node(node)
            self._await_nodes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _await_nodes(self) -> None:
        """A daemon that the controller did not hear at once speaks up again after 1, 2, 4 … s, on a
        busy machine more than a minute later. One that is started anew does so at once."""
        try:
            self.until_idle(within_s=60)
        except AssertionError:
            for node in [node for node in NODES if self.states().get(node) != "idle"]:
                self.kill(f"slurmd-{node}")
                self.start_node(node)
            self.until_idle()

    def __exit__(self, *exc: object) -> None:
        for name in [*(f"slurmd-{node}" for node in NODES), "slurmctld", "slurmdbd", "munged"]:
            self.kill(name)
        if self.accounting:
            self.accounting.stop()
        kill([*self._stewards(), *self.at_work()])
        self._remove_cgroups()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def env(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.directory / "slurm.conf")}

    def ask(self, *argv: str) -> str:
        done = subprocess.run(
            argv, env={**os.environ, **self.env}, capture_output=True, text=True, check=True
        )
        return done.stdout

    # --- what it is made of, each to be started and killed ---

    def start_munge(self) -> None:
        self._run(
            "munged",
            "--force",
            f"--key-file={self.directory}/munge.key",
            f"--socket={self.directory}/munge.socket",
            f"--pid-file={self.directory}/munged.pid",
            f"--log-file={self.directory}/munged.log",
            f"--seed-file={self.directory}/munge.seed",
        )

    def start_controller(self) -> None:
        self._run("slurmctld", "-f", self.env["SLURM_CONF"])
        until(self.answers, "slurmctld answers")

    def start_node(self, node: str) -> None:
        (self.directory / f"spool-{node}").mkdir(exist_ok=True)
        self._run("slurmd", "-f", self.env["SLURM_CONF"], "-N", node)

    def kill(self, name: str) -> None:
        """As a power cut would: `munged`, `slurmctld`, `slurmd-n1`."""
        path = self.directory / f"{name}.pid"
        try:
            process = psutil.Process(int(path.read_text()))
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return
        process.send_signal(signal.SIGKILL)
        # Gone or a zombie, which not every first process of a machine takes away at once.
        until(lambda: _is_dead(process), f"{name} is dead")
        path.unlink(missing_ok=True)

    def save(self, job: str) -> None:
        """Have the controller write down what it knows of it: it does so every few seconds."""
        began = time.time()
        self.ask("scontrol", "update", f"JobId={job}", "Nice=0")  # what it is; but it is an order
        path = self.directory / "state" / "job_state"
        until(lambda: _written_at(path) > began, "it is written down")

    def answers(self) -> bool:
        try:
            return bool(self.ask("sinfo", "-h"))
        except subprocess.CalledProcessError:
            return False

    def states(self) -> dict[str, str]:
        """Of each node."""
        lines = self.ask("sinfo", "-h", "-N", "-o", "%N %T").splitlines()
        return dict(line.split()[:2] for line in lines)

    def until_idle(self, within_s: float = 300) -> None:
        try:
            until(self._is_idle, "both nodes are idle", within_s)
        except AssertionError as exc:
            told = self.ask("scontrol", "show", "node")
            raise AssertionError(f"{exc}:\n{told}{self._last_words()}") from None

    def _is_idle(self) -> bool:
        return self.answers() and {*self.states().values()} == {"idle"}

    def at_work(self) -> list[psutil.Process]:
        """What runs as a step of a job of this cluster."""
        return [each for each in psutil.process_iter() if self._is_ours(each)]

    def _stewards(self) -> list[psutil.Process]:
        """Who waits for a step; without its controller, for ever."""
        return [each for each in psutil.process_iter() if _works_in(each, self.directory)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            of_a_job = process.environ()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False
        ours = of_a_job.get("SLURM_CONF") == self.env["SLURM_CONF"]
        return ours and "SLURM_JOB_ID" in of_a_job

    def _configure(self) -> None:
        self.directory.chmod(0o755)
        key = self.directory / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        host = socket.gethostname().partition(".")[0]
        text = CONFIGURATION.format(
            cluster=CLUSTER, host=host, user=getpass.getuser(), directory=self.directory,
            port=free_port(), memory=BY_CGROUP if self.has_cgroups else BY_LOOKING,
        )  # fmt: skip
        size = f"CPUs={self._cpus} RealMemory={self._memory_mib}"
        for node in NODES:
            where = f"NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()}"
            text += f"NodeName={node} {where} {size} State=UNKNOWN\n"
        nodes = ",".join(NODES)
        text += PARTITIONS.format(nodes=nodes)
        if self._has_cloud:
            text += CLOUD.format(host=host, port=free_port(), size=size, nodes=nodes)
        text += self.accounting.configuration if self.accounting else ""
        (self.directory / "slurm.conf").write_text(text)
        (self.directory / "cgroup.conf").write_text(self._holding())

    def _holding(self) -> str:
        if self.has_cgroups:
            return HOLDING.format(cgroups=CGROUPS)
        # slurmd looks for cgroups even if nothing uses them, and dies of a machine without.
        plugin = "autodetect" if os.path.ismount(CGROUPS) else "cgroup/v1"
        return f"CgroupPlugin={plugin}\n"

    def _remove_cgroups(self) -> None:
        """From the innermost one on; what another Slurm of the machine has in use stays."""
        for node in NODES:
            top = CGROUPS / "memory" / f"slurm_{node}"
            for each in [*sorted(top.glob("**/"), reverse=True)]:
                with suppress(OSError):
                    each.rmdir()

    def _run(self, program: str, *arguments: str) -> None:
        found = find(program)
        assert found, f"{program} is not installed"
        env = {**os.environ, **self.env}
        done = subprocess.run(
            [found, *arguments], env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, f"{program}: {done.stderr}{self._last_words()}"

    def _last_words(self) -> str:
        logs = [*self.directory.glob("*.log")]
        return "".join(f"\n{log.name}: {log.read_text()[-1000:]}" for log in logs)


def _works_in(process: psutil.Process, directory: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(directory)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def _written_at(path: Path) -> float:
    """For a moment there is none: the controller puts the new one into the old one's place."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0


def _is_dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
