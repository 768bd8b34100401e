"""A Slurm cluster of the tests' own: munged, slurmctld and slurmd with one node, as plain processes in a temporary folder.

Its ports are free ones of 127.0.0.1 and its credentials are its own; no other cluster is used or touched. It is stopped at
the end, by process. There is no accounting database: the status of jobs is squeue's. Without Slurm tests skip and say how to
get it; in CI (CI=true) they fail.
"""

import contextlib
import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

START_SECONDS = 600  # a busy machine; a daemon that ends is noticed at once
CORES, MEMORY_MB = 8, 16_000  # what the node says it has, whatever this machine has: a rule may ask for eight cores
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "sinfo", "scontrol", "sacct", "sacctmgr", "sshare")
DAEMONS = ("munged", "slurmctld", "slurmd")
# The plugin asks for the states of jobs ever more rarely (ten seconds later each time that none has ended), and waiting for it
# would be most of the tests' time. So its squeue answers when one has ended, or after ten seconds.
SQUEUE_ANSWERS_LATE = """
before=$({program} --noheader --format=%i)
for turn in $(seq 20); do
  now=" $({program} --noheader --format=%i | tr '\\n' ' ')"
  for job in $before; do case "$now" in *" $job "*) ;; *) break 2 ;; esac; done
  [ -n "$before" ] && sleep 0.5 || break
done"""
HOW_TO_GET_IT = "no Slurm on this machine; Debian: apt-get install slurm-wlm munge (scripts/services.sh does it)"
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


class NotStarted(Exception):
    """The cluster did not come up; says what its logs say."""


@dataclass
class Slurm:
    """A cluster in a folder of its own. `environment` makes Slurm's commands talk to it.

    These are wrappers that name the configuration: the plugin that runs inside a job clears every SLURM_ variable.
    """

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder / 'bin'}{os.pathsep}{_PATH}"}

    def start(self) -> None:
        """Start the daemons, and wait until the node takes jobs."""
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        for name in COMMANDS:
            wrapper = self.folder / "bin" / name
            program = _program(name)
            wait = SQUEUE_ANSWERS_LATE.format(program=program) if name == "squeue" else ""
            wrapper.write_text(f'#!/bin/sh\nexport SLURM_CONF={self.folder}/slurm.conf{wait}\nexec {program} "$@"\n')
            wrapper.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        (self.folder / "slurm.conf").write_text(_configuration(self.folder))
        # force: a test's folder may be closed to others, who are not asked
        files = {"socket": "munge.s", "key-file": "munge.key", "log-file": "munge.log", "pid-file": "munge.pid"}
        places = [f"--{name}={self.folder / file}" for name, file in files.items()]
        self._start("munged", "--foreground", "--force", "--num-threads=2", *places)
        self._wait((self.folder / "munge.s").exists, "munged")
        self._start("slurmctld", "-D", "-i")
        self._start("slurmd", "-D")
        self._wait(lambda: self.node_state() == "idle", "slurmctld")

    def _start(self, name: str, *arguments: str) -> None:
        with open(self.folder / f"{name}.out", "ab") as output:
            process = subprocess.Popen([_program(name), *arguments], stdout=output, stderr=output, env=self._own())
            self.processes.append(process)

    def _own(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def _wait(self, ready: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            ended = any(process.poll() is not None for process in self.processes)
            if ended or time.monotonic() > deadline:
                said = [path.read_text(errors="replace")[-1500:] for path in sorted(self.folder.glob("*.out"))]
                raise NotStarted("\n".join([f"{what} did not start", *said]))
            time.sleep(0.1)

    def call(self, *command: str) -> str:
        """What one of Slurm's commands prints; empty if it fails (as all do until the controller answers)."""
        own = {"env": self._own(), "timeout": START_SECONDS}
        done = subprocess.run([_program(command[0]), *command[1:]], capture_output=True, text=True, check=False, **own)
        return done.stdout.strip()

    def node_state(self) -> str:
        return self.call("sinfo", "--noheader", "--format=%t")

    def jobs(self, *states: str) -> list[str]:
        """Ids of the cluster's jobs in some states: PENDING, RUNNING …; without one, of all it remembers."""
        return self.call("squeue", "--noheader", "--format=%i", f"--states={','.join(states) or 'all'}").split()

    def comments(self) -> list[str]:
        """What each job that it remembers is for: `rule_…` or `group_…`, in order of submission."""
        return self.call("squeue", "--noheader", "--format=%k", "--states=all", "--sort=i").split()

    @contextlib.contextmanager
    def node(self, state: str) -> Iterator[None]:
        """The node is DRAINed (what runs goes on, nothing new starts) or DOWN (what runs there is lost); then it is back."""
        self.call("scontrol", "update", f"NodeName={_node()}", f"State={state}", "Reason=test")
        try:
            yield
        finally:
            self.call("scontrol", "update", f"NodeName={_node()}", "State=RESUME")

    def cancel_all(self) -> None:
        """No job is left when this returns."""
        for job in self.jobs("PENDING", "RUNNING"):
            self.call("scancel", "--full", job)
        deadline = time.monotonic() + START_SECONDS
        while self.jobs("PENDING", "RUNNING", "COMPLETING") and time.monotonic() < deadline:
            time.sleep(0.1)

    def stop(self) -> None:
        """In the opposite order; one that does not go is killed."""
        if len(self.processes) == len(DAEMONS):
            self.cancel_all()
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    assert found
    return found


def _node() -> str:
    return socket.gethostname().split(".")[0]


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _configuration(folder: Path) -> str:
    """One node, nothing limited, nothing accounted for.

    A daemon that answers late, on a busy machine, is not taken for one that is gone, nor a job that starts late for a lost one.
    """
    controller, node = _free_ports(2)
    user = getpass.getuser()
    return f"""
ClusterName=tradewinds
SlurmctldHost={_node()}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.s
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0
SchedulerTimeSlice=5
KillWait=5
MinJobAge=3600
MessageTimeout=100
BatchStartTimeout=600
SlurmdTimeout=0
ReturnToService=1
NodeName={_node()} NodeAddr=127.0.0.1 CPUs={CORES} RealMemory={MEMORY_MB} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """One cluster for the whole test session."""
    if not all(shutil.which(name, path=_PATH) for name in DAEMONS):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(HOW_TO_GET_IT)
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:  # a short path: a socket's may have 107 characters
        cluster = Slurm(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
