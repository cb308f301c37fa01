"""Named points of the line at which a test lets something happen to this process, or to the database under it.

Nothing happens but where the environment's BANKMART_FAULT names the point, as `point:kind:count`: the passage through
it at which it strikes, the first without a count.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

VARIABLE = "BANKMART_FAULT"
# Each point, where it lies.
POINTS = {
    "load.begun": "a load is entered, nothing is copied",
    "load.copying": "between two blocks of COPY",
    "load.copied": "a file is copied and checked",
    "load.commit": "before the load's commit",
    "load.done": "after the load's commit",
    "build.opened": "a build is entered, nothing is made",
    "build.layer": "before dbt makes a layer",
    "build.node": "a model or check of a layer is finished, others are not",
    "build.recorded": "what dbt did is written down, the gate has not judged",
    "build.gated": "a gate has judged",
    "publish.gated": "all gates have passed once more",
    "publish.catalogue": "the catalogue is new",
    "publish.quality": "the quality of the date is written down",
    "publish.views": "the readers' views are new, in the open transaction",
    "publish.verified": "access is verified",
    "publish.probed": "masks are probed",
    "publish.commit": "the switch is made, not committed",
    "publish.done": "after the switch's commit, before the chain's head is written outside",
    "publish.anchored": "the head is written outside",
    "rollback.begun": "a roll-back is entered, nothing has changed",
    "rollback.commit": "the switch back is made, not committed",
    "rollback.done": "after the switch's commit, before the chain's head is written outside",
    "score.chunk": "between two chunks of scores",
    "score.commit": "before the scores' commit",
    "serve.champion": "who is champion is known, its files are not read",
    "serve.loaded": "its files are read, nothing is scored",
    "serve.scored": "the scores are kept, how far customers have drifted is not",
    "train.opened": "a training has a run, which holds nothing",
    "train.kept": "the model's files are kept, there is no version",
    "train.registered": "the version is there",
    "promote.compared": "the gates have said yes, nothing has moved",
    "promote.tagged": "who approved is written down, the alias has not moved",
    "promote.named": "the alias has moved, the audit has no entry",
    "promote.done": "after the audit's entry",
    "takeback.begun": "the audit knows that a champion is taken back, its model does not",
    "takeback.intended": "the model knows what is taken back, nothing has moved",
    "takeback.tagged": "the version is marked as taken back, the alias has not moved",
    "takeback.moved": "the alias has moved, the audit has no entry",
    "takeback.done": "it is written down and said, the model still knows of it as begun",
    "repair.claimed": "records are marked as repaired, not loaded",
    "repair.commit": "before the repair's commit",
    "repair.done": "after the repair's commit",
    "erase.commit": "somebody is gone from all tables, in the open transaction",
    "erase.file": "a landing file is about to be written again",
    "erase.searched": "nothing is left, there is no certificate",
    "erase.done": "the certificate is in the chain, its file is not written",
    "tidy.deleted": "rows are deleted, in the open transaction",
    "tidy.part": "before a part of a state is dropped",
    "expire.deleted": "what is past its time is deleted, in the open transaction",
    "expire.folder": "a landing folder is about to be removed, its rows are gone",
    "rotate.locked": "the vault is locked with the new master key, in the open transaction",
    "rotate.batch": "a batch of keys is wrapped anew, not committed",
    "rotate.done": "after the commit of the last batch",
}
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
ROOM = 128 << 10
# How the backends of this process are known, and those of the MLflow server that works for it.
OURS = """
select pid from pg_stat_activity
where
    application_name <> 'bankmart bi_reader' and (client_port = any(%s) or usename = 'mlflow')
    and pid <> pg_backend_pid()
"""

_passed: Counter[str] = Counter()


class Injected(RuntimeError):
    """What kind `raise` raises."""


def point(name: str) -> None:
    """Let the fault named in the environment happen, if it is for this point and passage."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    at, kind, count = [*wanted.split(":"), "1"][:3]
    if at != name:
        return
    _passed[name] += 1
    if _passed[name] == int(count):
        _strike(name, kind)


def callbacks() -> list[Callable[[Any], None]]:
    """What dbt is to call for each of its events: nothing, where no test asks for it."""
    return [_after_node] if os.environ.get(VARIABLE, "").startswith("build.node:") else []


def _after_node(event: Any) -> None:
    if event.info.name == "NodeFinished":
        point("build.node")


def _strike(name: str, kind: str) -> None:
    print(f"fault: {kind} at {name}", file=sys.stderr, flush=True)
    if kind == "raise":
        raise Injected(f"a test wants {name} to fail")
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "pause":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif kind == "stop":
        _stop_server()
    elif kind in OF_MLFLOW:
        _stop_mlflow(LATE if kind == "late" else None)
    elif kind in ("cut", "crash"):
        _cut(kind == "crash")
    elif kind == "full":
        _fill_disk()
    elif kind == "lose":
        _cut(crash=False)
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        raise ValueError(f"{VARIABLE}: there is no kind {kind!r}; it is one of {', '.join(KINDS)}")


def _cut(crash: bool) -> None:
    import psycopg2

    from bankmart.runtime import provision

    with closing(psycopg2.connect(provision.admin_dsn())) as link, link, link.cursor() as cursor:
        pids = _ours(cursor)
        if not crash:
            cursor.execute("select pg_terminate_backend(pid, 5000) from unnest(%s::integer[]) as pid", (pids,))
            return
    for pid in pids[:1]:
        os.kill(pid, signal.SIGKILL)


def _ours(cursor: Any) -> list[int]:
    import psutil

    from bankmart import settings

    links, port = psutil.Process().net_connections("tcp"), settings.server().port
    ours = [link.laddr.port for link in links if link.raddr and link.raddr.port == port]
    cursor.execute(OURS, (ours,))
    return [pid for (pid,) in cursor.fetchall()]


def _fill_disk() -> None:
    """The backends of this process, and whoever connects from now on, write nothing beyond ROOM in any file."""
    import psycopg2

    from bankmart.runtime import provision

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
    import psutil

    from bankmart import settings

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
    import psutil

    # The server was started with this process's own limit. One that couldn't write its log may be gone, or end now.
    own, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    _limit(own, server)
    with suppress(psutil.NoSuchProcess):
        _limit(own, *(each.pid for each in psutil.Process(server).children()))


def _limit(size: int, *pids: int) -> None:
    # As the server's own user: not every root may limit another user's processes.
    from bankmart import settings
    from bankmart.runtime import postgres

    at, stated = postgres.place(settings.state_dir()), "unlimited" if size == resource.RLIM_INFINITY else str(size)
    for pid in pids:
        done = postgres.run_as(at, ["prlimit", "--pid", str(pid), f"--fsize={stated}:"])
        if done.returncode and _lives(pid):
            raise OSError(f"process {pid} of the server can't be limited: {done.stderr.strip()}")


def _stopped() -> Path:
    from bankmart import settings

    return settings.state_dir() / "mlflow.stopped"


def _full() -> Path:
    from bankmart import settings

    return settings.state_dir() / "disk.full"


def _postmaster() -> int:
    return int(_pid_file().read_text(encoding="utf-8").split()[0])


def _pid_file() -> Path:
    from bankmart import settings
    from bankmart.runtime import postgres

    return postgres.place(settings.state_dir()).data / "postmaster.pid"


def _stop_server() -> None:
    pid = _postmaster()
    os.kill(pid, signal.SIGQUIT)
    while _pid_file().exists() or _lives(pid):
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    # Of a child that nobody has asked after something is left, which no longer runs.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
