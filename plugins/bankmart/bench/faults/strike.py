"""One fault: a step in a process of its own, what happens to it, and the same again until it is done."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bankmart import faults, settings
from bankmart.bench.faults import kinds
from bankmart.runtime import postgres, provision

# The same step once more, and once more: a task of the line has as many.
RETRIES = 2
PATIENCE = 300.0
# How long a twin may run beside the step that is stopped: it may wait for a lock of it.
BESIDE = 4.0
# Who connects in a thread of this process holds it meanwhile.
CONNECTING = threading.Lock()

Act = Callable[[], None]


class NeverStruck(AssertionError):
    """The step passed its point without the fault: the matrix asks for what doesn't happen."""


@dataclass(frozen=True)
class Outcome:
    """How many retries were needed (None: it was never done), and how long it took from fault to done, in seconds."""

    retries: int | None
    seconds: float
    log: str


def strike(act: Act, fault: str, restart: Callable[[], None], look: Callable[[], None]) -> Outcome:
    """Run `act` with the fault, `look`, then run it until it succeeds, at most RETRIES times. Raises NeverStruck."""
    kind, log = fault.split(":")[1], settings.state_dir() / "faults.log"
    log.unlink(missing_ok=True)
    started, child = time.monotonic(), fork(act, fault, log)
    if kind == "stop":
        _restart_when_gone(child, restart)
    elif kind in ("pause", "lose"):
        _overtake(child, act, log)
    try:
        wait(child)
    finally:
        kinds.go_on()
    if kind == "full":
        _restart_when_ended(restart)
    if f"fault: {kind} at" not in log.read_text(encoding="utf-8"):
        raise NeverStruck(f"{fault}\n{log.read_text(encoding='utf-8')}")
    postgres.wait_until_ready(provision.admin_dsn())
    look()
    for retry in range(1, RETRIES + 1):
        postgres.wait_until_ready(provision.admin_dsn())
        if wait(fork(act, "", log)) == 0:
            return Outcome(retry, time.monotonic() - started, log.read_text(encoding="utf-8"))
    return Outcome(None, time.monotonic() - started, log.read_text(encoding="utf-8"))


def fork(act: Act, fault: str, log: Path) -> int:
    """Run `act` in a process of its own, which says to `log` what it has to; returns its id."""
    # A lock of libpq that another thread holds would be held in the child for ever.
    with CONNECTING:
        child = os.fork()
    if child:
        return child
    # The new process: whatever happens, it ends here.
    code = 1
    try:
        os.environ[faults.VARIABLE] = fault
        with log.open("a", buffering=1, encoding="utf-8") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
            # Whoever runs this may have put files of his own there.
            sys.stdout = sys.stderr = out
            try:
                act()
                code = 0
            except BaseException:  # noqa: BLE001 - it is written down, and the process ends
                traceback.print_exc(file=out)
    finally:
        os._exit(code)


def wait(child: int, seconds: float = PATIENCE) -> int | None:
    """The child's exit code (negative: the signal that ended it); None where it still runs after `seconds`.

    Raises TimeoutError where it runs for longer than PATIENCE, and kills it.
    """
    until = time.monotonic() + seconds
    while True:
        with suppress(ChildProcessError):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            if seconds < PATIENCE:
                return None
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise TimeoutError(f"a step has not ended after {seconds:.0f} s")
        time.sleep(0.01)


def _restart_when_gone(child: int, restart: Callable[[], None]) -> None:
    data = kinds.pid_file()
    while data.exists() and kinds.state(child) != "Z":
        time.sleep(0.01)
    if not data.exists():
        restart()


def _restart_when_ended(restart: Callable[[], None]) -> None:
    # A server that can't write its log ends every connection, and itself where recovery can't write either.
    data = kinds.pid_file()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not data.exists():
            restart()
        with suppress(postgres.PostgresError):
            postgres.wait_until_ready(provision.admin_dsn(), seconds=1)
            return


def _overtake(child: int, act: Act, log: Path) -> None:
    while kinds.state(child) not in ("T", "Z"):
        time.sleep(0.01)
    if kinds.state(child) == "T":
        twin = fork(act, "", log)
        done = wait(twin, BESIDE)
        os.kill(child, signal.SIGCONT)
        if done is None:
            wait(twin)
