"""`bankmart up`: start the servers of this checkout and wait until all of them work."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from bankmart import settings
from bankmart.errors import BankmartError
from bankmart.runtime import processes, servers, supervisor
from bankmart.runtime.environment import supervisor_environment

LAST_LINES = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `bankmart up`."""
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(servers.PARTS)} (default: all)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds to wait for all to work (default: 300)")


def run(args: argparse.Namespace) -> int:
    """Start what does not run yet; running servers stay as they are."""
    unknown = set(args.parts) - set(servers.PARTS)
    if unknown:
        raise BankmartError(f"no such part: {', '.join(sorted(unknown))}. The parts are {', '.join(servers.PARTS)}.")
    up(args.parts or servers.PARTS, args.timeout)
    return 0


def up(parts: tuple[str, ...] | list[str] = servers.PARTS, seconds: float = 300) -> None:
    """Start the supervisor unless it runs, and wait until all its servers work, showing what it is at.

    Raises BankmartError where it ends or `seconds` have passed.
    """
    began = time.monotonic()
    log = servers.log_path(supervisor.NAME)
    log.parent.mkdir(parents=True, exist_ok=True)
    process = None if _is_running() else _start(parts, log)
    shown = None
    while True:
        made = processes.find(supervisor.NAME)
        stage = made.stage if made and processes.is_alive(made) else None
        if stage == supervisor.RUNNING:
            break
        if stage and stage != shown:
            print(f"[{time.monotonic() - began:5.0f} s] {stage}", flush=True)
            shown = stage
        if process and process.poll() not in (None, supervisor.ALREADY_RUNNING):
            raise BankmartError(f"the servers could not be started. The end of {log}:\n{_tail(log)}")
        if time.monotonic() - began > seconds:
            raise BankmartError(
                f"not ready after {seconds:.0f} s ({stage}). Look into {log.parent}; `make down` stops it."
            )
        time.sleep(0.1)
    print(f"[{time.monotonic() - began:5.0f} s] all servers work", flush=True)


def _is_running() -> bool:
    made = processes.find(supervisor.NAME)
    return made is not None and processes.is_alive(made)


def _start(parts: tuple[str, ...] | list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "bankmart.runtime.supervisor", *parts],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=settings.state_dir(),
            env=supervisor_environment(),
            start_new_session=True,
        )


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
