"""A real Slurm on the loopback of this machine: munge, a controller, three nodes, two of which believe to have a GPU.

No systemd, database or cgroups; everything lies in one folder. Needs Debian's packages slurm-wlm and munge.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("srun", "sbatch", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr")
NODES = {"gpu1": 1, "gpu2": 1, "cpu1": 0}  # name -> GPUs
CPUS, MEMORY_MB = 16, 64000  # believed, not measured

CONFIG = """
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
# Finished jobs stay in squeue: the plugin asks for them there.
MinJobAge=3600
ReturnToService=2
# A lost node is noticed soon.
SlurmdTimeout=10
SlurmctldTimeout=10
KillWait=3
CompleteWait=0
InactiveLimit=0
JobRequeue=0
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=gpu1,gpu2 MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """Programs that are needed and not installed."""
    return [name for name in (*DAEMONS, "sbatch") if _program(name) is None]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


class Slurm:
    """A cluster; `with` starts and stops it.

    Attributes
    ----------
    folder : Path
        Its config, state and logs; removed at the end.
    environment : dict
        For processes that are to use the cluster.
    """

    def __init__(self):
        # Munge wants all folders above its socket to be open to everyone, which pytest's are not.
        self.folder = folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.name = folder.name.replace("_", "-")
        self.config = folder / "slurm.conf"
        # The plugin strips SLURM_CONF before it calls srun; programs on PATH put it back.
        path = f"{folder}/bin:{os.environ['PATH']}:/usr/sbin:/sbin"
        self.environment = {**os.environ, "SLURM_CONF": str(self.config), "PATH": path}

    def __enter__(self) -> Slurm:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self.config.exists() and _alive(self._pid("slurmctld")):
            self.run("scancel", "--user", str(os.getuid()))
            _wait(10, lambda: not self.run("squeue", "-h", "-t", "running,completing"), must=False)
        for pid in [*map(self._pid, (*(f"slurmd-{node}" for node in NODES), "slurmctld", "munged")), *self._strays()]:
            _end(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: str) -> str:
        """Output of a Slurm program; '' where it fails, as those of a cluster that is going down do."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        return done.stdout.strip() if done.returncode == 0 else ""

    def running(self, comment: str) -> list[str]:
        """Numbers of the jobs now running whose comment, which holds rule and wildcards, has `comment` in it."""
        rows = [line.split(" ", 1) for line in self.run("squeue", "-h", "-t", "running", "-o", "%A %k").splitlines()]
        return [row[0] for row in rows if len(row) == 2 and comment in row[1]]

    def describe(self, job: str) -> dict[str, str]:
        """What Slurm knows of a job."""
        words = self.run("scontrol", "show", "job", "-o", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def cancel(self, job: str) -> None:
        """As a user or the site would."""
        self.run("scancel", job)

    def crash(self, node: str) -> None:
        """End a node's daemon and everything that runs on it at once, as a power cut does."""
        pids = [self._pid(f"slurmd-{node}")]
        for job in self.run("squeue", "-h", "-t", "running,completing", "-w", node, "-o", "%A").split():
            pids += [one for step in _processes(f"slurmstepd: [{job}.") for one in _tree(step)]
        for pid in filter(None, pids):
            _signal(pid, signal.SIGKILL)

    def start_node(self, node: str) -> None:
        """Bring a node up, or up again."""
        subprocess.run([_program("slurmd"), "-f", self.config, "-N", node], env=self.environment, check=True)

    def _start(self) -> None:
        for name in ("bin", "state", "spool", "munge"):
            (self.folder / name).mkdir(parents=True, mode=0o700)
        for name in (".", "bin", "state", "spool"):
            (self.folder / name).chmod(0o755)
        self._write_config()
        self._write_clients()
        self._start_munge()
        subprocess.run([_program("slurmctld"), "-f", self.config, "-c"], env=self.environment, check=True)
        _wait(20, lambda: "is UP" in self.run("scontrol", "ping"))
        for node in NODES:
            self.start_node(node)
        _wait(30, lambda: self.run("sinfo", "-h", "-N", "-o", "%T").split().count("idle") == len(NODES))

    def _write_config(self) -> None:
        host, port, user = socket.gethostname().split(".")[0], _free_ports(len(NODES) + 1), _user()
        text = CONFIG.format(name=self.name, host=host, port=port, user=user, folder=self.folder)
        gres = ["AutoDetect=off"]
        for number, (node, gpus) in enumerate(NODES.items(), start=1):
            has = f" Gres=gpu:tiny:{gpus}" if gpus else ""
            # A fake GPU is a character device; with a file Slurm sets CUDA_VISIBLE_DEVICES.
            gres += [f"NodeName={node} Name=gpu Type=tiny File=/dev/null"] * gpus
            text += f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port + number} CPUs={CPUS}"
            text += f" CoresPerSocket={CPUS} RealMemory={MEMORY_MB}{has} State=UNKNOWN\n"
            (self.folder / "spool" / node).mkdir()
        self.config.write_text(_partitions_last(text), encoding="utf-8")
        (self.folder / "gres.conf").write_text("\n".join(gres) + "\n", encoding="utf-8")
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n", encoding="utf-8")

    def _write_clients(self) -> None:
        for name in CLIENTS:
            script = self.folder / "bin" / name
            if real := _program(name):
                script.write_text(f'#!/bin/sh\nSLURM_CONF={self.config} exec {real} "$@"\n', encoding="utf-8")
                script.chmod(0o755)

    def _start_munge(self) -> None:
        key = self.folder / "munge/key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o600)
        files = {"key-file": key, "seed-file": self.folder / "munge/seed", "socket": self.folder / "munge.socket"}
        files |= {"pid-file": self.folder / "munged.pid", "log-file": self.folder / "munged.log"}
        options = [f"--{name}={path}" for name, path in files.items()]
        subprocess.run([_program("munged"), *options, "--num-threads=2"], check=True)
        _wait(10, files["socket"].exists)

    def _pid(self, name: str) -> int | None:
        file = self.folder / f"{name}.pid"
        return int(file.read_text()) if file.exists() and file.read_text().strip() else None

    def _strays(self) -> list[int]:
        """Processes that outlived their job, as they can without cgroups: their environment has the cluster's name."""
        mark = f"SLURM_CLUSTER_NAME={self.name}".encode()
        return [pid for pid in _all_pids() if mark in _read(pid, "environ").split(b"\0")]


def _partitions_last(text: str) -> str:
    """Slurm wants nodes before the partitions that they are in."""
    return "".join(sorted(text.lstrip().splitlines(keepends=True), key=lambda line: line.startswith("PartitionName")))


def _user() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def _free_ports(count: int) -> int:
    """First of `count` neighbouring ports that are free."""
    for first in range(17817, 32000, count):
        with_sockets = [socket.socket() for _ in range(count)]
        try:
            for number, one in enumerate(with_sockets):
                one.bind(("127.0.0.1", first + number))
            return first
        except OSError:
            continue
        finally:
            for one in with_sockets:
                one.close()
    raise RuntimeError("no free ports")


def _wait(seconds: float, condition: Callable[[], bool], *, must: bool = True) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            if must:
                raise TimeoutError(f"not within {seconds} s")
            return
        time.sleep(0.1)


def _all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and int(path.name) != os.getpid()]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it ended meanwhile, or is another user's
        return b""


def _processes(start: str) -> list[int]:
    return [pid for pid in _all_pids() if _read(pid, "cmdline").replace(b"\0", b" ").startswith(start.encode())]


def _tree(pid: int) -> list[int]:
    """A process and all that it started."""
    children = [int(child) for task in Path(f"/proc/{pid}/task").glob("*") for child in _children(task)]
    return [pid, *(one for child in children for one in _tree(child))]


def _children(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except OSError:
        return []


def _alive(pid: int | None) -> bool:
    return bool(pid) and b"State:\tZ" not in _read(pid, "status") and Path(f"/proc/{pid}").exists()


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _end(pid: int | None) -> None:
    if not _alive(pid):
        return
    _signal(pid, signal.SIGTERM)
    _wait(10, lambda: not _alive(pid), must=False)
    if _alive(pid):
        _signal(pid, signal.SIGKILL)
