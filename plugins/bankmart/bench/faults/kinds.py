"""The kinds of faults: what happens to this process, to the database under it or to MLflow, and how it ends again."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg2

from bankmart import settings
from bankmart.faults import VARIABLE, Injected
from bankmart.runtime import postgres, provision

KINDS = {
    "raise": "the step fails",
    "kill": "the process is killed (kill -9)",
    "cut": "its connections to the database are cut",
    "crash": "a backend of it is killed (kill -9): the server ends all others and recovers",
    "stop": "the server is stopped at once (pg_ctl stop -m immediate)",
    "full": "the disk is full: the server's files can't grow (a limit on their size) until the step has ended",
    "pause": "the process is stopped (kill -STOP) while the same step runs beside it, then goes on",
    "lose": "the same, and its connections are cut before: no lock of it holds",
    "hang": "the MLflow server is stopped (kill -STOP): it takes calls and answers none until the step has ended",
    "late": "the same, for a moment: it answers calls that nobody waits for any more",
}
# These happen to the MLflow server: to steps that ask it.
OF_MLFLOW = ("hang", "late")
# A test need not wait for minutes; one call is lost by a server that is late, and the next one answered.
IMPATIENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
}
LATE = 1.5
# What a file of the server may hold where the disk is full. Small steps go on in what is there, as on a full disk.
ROOM = 16 << 10
# How the backends of this process are known, and those of the MLflow server that works for it.
OURS = """
select pid from pg_stat_activity
where
    application_name <> 'bankmart bi_reader' and (client_port = any(%s) or usename = 'mlflow')
    and pid <> pg_backend_pid()
"""


def strike(name: str, kind: str) -> None:
    """Let it happen at the point, and say so: where it happens to others, once it has."""
    if kind not in KINDS:
        raise ValueError(f"{VARIABLE}: there is no kind {kind!r}; it is one of {', '.join(KINDS)}")
    if kind == "stop":
        _stop_server()
    elif kind in OF_MLFLOW:
        _stop_mlflow(LATE if kind == "late" else None)
    elif kind in ("cut", "crash", "lose"):
        _cut(kind == "crash")
    elif kind == "full":
        _fill_disk()
    print(f"fault: {kind} at {name}", file=sys.stderr, flush=True)
    if kind == "raise":
        raise Injected(f"a test wants {name} to fail")
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind in ("pause", "lose"):
        os.kill(os.getpid(), signal.SIGSTOP)


def _cut(crash: bool) -> None:
    with closing(psycopg2.connect(provision.admin_dsn())) as link, link, link.cursor() as cursor:
        pids = _ours(cursor)
        if not crash:
            cursor.execute("select pg_terminate_backend(pid, 5000) from unnest(%s::integer[]) as pid", (pids,))
            return
    for pid in pids[:1]:
        os.kill(pid, signal.SIGKILL)


def _ours(cursor: Any) -> list[int]:
    links, port = psutil.Process().net_connections("tcp"), settings.server().port
    ours = [link.laddr.port for link in links if link.raddr and link.raddr.port == port]
    cursor.execute(OURS, (ours,))
    return [pid for (pid,) in cursor.fetchall()]


def _fill_disk() -> None:
    """The backends of this process, and whoever connects from now on, write nothing beyond ROOM in any file."""
    server = _postmaster()
    with closing(psycopg2.connect(provision.admin_dsn())) as link, link, link.cursor() as cursor:
        pids = _ours(cursor)
        # The log is written in place, in files that are there: it goes on at the beginning of one.
        cursor.execute("select pg_switch_wal()")
        cursor.execute("select pg_logical_emit_message(true, 'bankmart', '')")
    _full().write_text(str(server), encoding="utf-8")
    os.environ.update(IMPATIENT)
    _limit(ROOM, server, *pids)


def _stop_mlflow(until: float | None) -> None:
    """Whoever listens where MLflow is looked for listens no more, for so many seconds or until `go_on`."""
    port, pids = urlsplit(settings.mlflow_uri()).port, set[int]()
    for link in psutil.net_connections("tcp"):
        if link.status == psutil.CONN_LISTEN and link.laddr.port == port and link.pid:
            pids |= {link.pid, *(each.pid for each in psutil.Process(link.pid).children(recursive=True))}
    if not pids:
        raise LookupError(f"nothing of this user listens at {settings.mlflow_uri()}")
    listed = " ".join(map(str, sorted(pids)))
    _stopped().write_text(listed, encoding="utf-8")
    os.environ.update(IMPATIENT)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    if until:
        words = ["/bin/sh", "-c", f"sleep {until}; kill -CONT {listed}"]
        subprocess.Popen(words, start_new_session=True)


def go_on() -> None:
    """Let the MLflow server go on, where a fault has stopped it; let the files of Postgres grow."""
    if _stopped().exists():
        for pid in _stopped().read_text(encoding="utf-8").split():
            os.kill(int(pid), signal.SIGCONT)
        _stopped().unlink()
    if _full().exists():
        _make_room(int(_full().read_text(encoding="utf-8")))
        _full().unlink()


def _make_room(server: int) -> None:
    # The server was started with this process's own limit. One that couldn't write its log may be gone, or end now.
    own, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    _limit(own, server)
    with suppress(psutil.NoSuchProcess):
        _limit(own, *(each.pid for each in psutil.Process(server).children()))


def _limit(size: int, *pids: int) -> None:
    # As the server's own user: not every root may limit another user's processes.
    at, stated = postgres.place(settings.state_dir()), "unlimited" if size == resource.RLIM_INFINITY else str(size)
    for pid in pids:
        done = postgres.run_as(at, ["prlimit", "--pid", str(pid), f"--fsize={stated}:"])
        if done.returncode and _lives(pid):
            raise OSError(f"process {pid} of the server can't be limited: {done.stderr.strip()}")


def _stopped() -> Path:
    return settings.state_dir() / "mlflow.stopped"


def _full() -> Path:
    return settings.state_dir() / "disk.full"


def _postmaster() -> int:
    return int(pid_file().read_text(encoding="utf-8").split()[0])


def pid_file() -> Path:
    """The file that says who is the server; gone while none runs."""
    return postgres.place(settings.state_dir()).data / "postmaster.pid"


def _stop_server() -> None:
    pid = _postmaster()
    os.kill(pid, signal.SIGQUIT)
    while _lives(pid) or _runs_as(pid):
        time.sleep(0.02)


def _runs_as(pid: int) -> bool:
    # Who waits for the file to go starts the server again at once, and then it is another one's.
    with suppress(FileNotFoundError, IndexError):
        return _postmaster() == pid
    return False


def _lives(pid: int) -> bool:
    # Of a child that nobody has asked after something is left, which no longer runs.
    return state(pid) != "Z"


def state(pid: int) -> str:
    """The state of a process as the kernel says it (T: stopped); Z, as of one that has ended, where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"
