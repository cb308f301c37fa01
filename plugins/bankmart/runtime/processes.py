"""Records of the processes that were started, so that whoever comes later can find, measure and stop them.

A process is known by its id and the tick of its birth: an id alone may belong to somebody else by now.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from bankmart import settings


@dataclass(frozen=True)
class Record:
    """A process that leads a session of its own, and how it is stopped.

    `folder`: whoever works in it belongs to the server as well. `patience`: seconds before force is used.
    `is_alone`: its descendants have records of their own.
    """

    name: str
    part: str
    pid: int
    born: str
    started: float
    port: int | None = None
    folder: str | None = None
    signal: int = signal.SIGTERM
    patience: float = 15
    stage: str | None = None
    restarts: int = 0
    is_alone: bool = False


def run_dir() -> Path:
    """The folder of the records."""
    return settings.state_dir() / "run"


def birth(pid: int) -> str | None:
    """The boot and the clock tick at which a process started; None where no process of this id lives."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{fields[19]}"


def record(name: str, part: str, pid: int, **more: Any) -> Record:
    """Write down a process that was just started."""
    made = Record(name, part, pid, birth(pid) or "gone", time.time(), **more)
    save(made)
    return made


def save(made: Record) -> None:
    """Write a record."""
    settings.write_private(run_dir() / f"{made.name}.json", json.dumps(asdict(made)))


def set_stage(made: Record, stage: str) -> Record:
    """Say in its record what a process is at."""
    changed = replace(made, stage=stage)
    save(changed)
    return changed


def find(name: str) -> Record | None:
    """The record of this name, alive or not."""
    try:
        return Record(**json.loads((run_dir() / f"{name}.json").read_text()))
    except FileNotFoundError:
        return None


def find_all() -> list[Record]:
    """Every record, in the order in which the processes were started."""
    found = [record for path in run_dir().glob("*.json") if (record := find(path.stem))]
    return sorted(found, key=lambda record: record.started)


def forget(name: str) -> None:
    """Remove a record."""
    (run_dir() / f"{name}.json").unlink(missing_ok=True)


def is_alive(made: Record) -> bool:
    """Whether the recorded process itself still runs."""
    return birth(made.pid) == made.born


def members(made: Record) -> list[psutil.Process]:
    """All living processes of a record: leader, descendants, session, and whoever works in its folder."""
    found: dict[int, psutil.Process] = {}
    now = birth(made.pid)
    if now == made.born:
        with suppress(psutil.NoSuchProcess):
            leader = psutil.Process(made.pid)
            if made.is_alone:
                return [leader]
            found = {process.pid: process for process in [leader, *leader.children(recursive=True)]}
    # The kernel does not give an id to another process while a session of that id has members;
    # when another process has it, the session is over.
    session_is_ours = now is None or now == made.born
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError, PermissionError):
            in_session = session_is_ours and os.getsid(process.pid) == made.pid
            if in_session or (made.folder and process.cwd() == made.folder):
                found[process.pid] = process
    return [process for process in found.values() if birth(process.pid)]


def memory(made: Record) -> int:
    """Resident bytes of all its processes; memory that they share is counted once where the kernel tells."""
    total = 0
    for process in members(made):
        with suppress(psutil.Error):
            try:
                total += process.memory_full_info().pss
            except psutil.AccessDenied:
                total += process.memory_info().rss
    return total


def ask(made: Record) -> None:
    """Tell the leader to stop, without waiting."""
    if is_alive(made):
        with suppress(ProcessLookupError):
            os.kill(made.pid, made.signal)


def wait_for_leader(made: Record) -> None:
    """Wait until the leader has stopped, at most as long as its patience."""
    deadline = time.monotonic() + made.patience
    while is_alive(made) and time.monotonic() < deadline:
        time.sleep(0.05)


def finish(made: Record) -> bool:
    """Wait until the leader has stopped, stop by force what is left, and forget it.

    Returns whether it went without force.
    """
    wait_for_leader(made)
    left = members(made)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _wait(left, 3)
    remaining = members(made)
    for process in remaining:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait(remaining, 5)
    forget(made.name)
    return not remaining


def _wait(told: list[psutil.Process], seconds: float) -> None:
    # Not psutil's own wait: it takes the exit code from whoever started the process, and waits for zombies.
    deadline = time.monotonic() + seconds
    while any(birth(process.pid) for process in told) and time.monotonic() < deadline:
        time.sleep(0.02)
