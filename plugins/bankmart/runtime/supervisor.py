"""The process that starts the servers, starts those again that die, and stops all when it is told to.

Run as `python -m bankmart.runtime.supervisor PART…` in a session of its own; what it does is in its log.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from bankmart import settings
from bankmart.errors import BankmartError
from bankmart.runtime import airflow, mlflow, ports, postgres, processes, provision, servers

NAME = "supervisor"
# The stage at which every server works.
RUNNING = "running"
# The exit code of a second supervisor.
ALREADY_RUNNING = 3
TICK = 0.25
LONGEST_PAUSE = 30.0
# A server that has run this long was well: its next death is a new story.
STEADY_SECONDS = 60.0
LARGEST_LOG = 20_000_000


class Stopped(Exception):
    """The supervisor was told to stop while it was waiting for something."""


@dataclass
class Child:
    """A server that was started: its process and when to start it again if it died."""

    server: servers.Server
    process: subprocess.Popen[bytes]
    started: float
    restarts: int = 0
    again_at: float | None = None


@dataclass
class Supervisor:
    """The children of one run, in the order of their start."""

    parts: Sequence[str]
    children: list[Child] = field(default_factory=list)
    is_told_to_stop: bool = False

    def run(self) -> int:
        """Start everything, watch it until told to stop, then stop everything. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop_asked)
        stop_recorded()
        self.record = processes.record(NAME, NAME, os.getpid(), patience=90, is_alone=True)
        try:
            self.start()
            self.watch()
        except Stopped:
            say("told to stop")
        except Exception as error:
            say(f"giving up: {error}")
            if not isinstance(error, BankmartError):
                traceback.print_exc()
            return 1
        finally:
            self.stop()
        return 0

    def start(self) -> None:
        """Start the servers; each as soon as what it stands on is there."""
        wanted = servers.platform(self.parts)
        # A server outside has its own port.
        ports.choose(sorted({server.part for server in wanted}))
        prepare = {
            "postgres": self.prepare_postgres,
            "mlflow": mlflow.configure,
            "airflow": self.prepare_airflow,
        }
        if not any(server.part == "postgres" for server in wanted):
            self.provision()
        for part, group in groupby(wanted, lambda server: server.part):
            prepare[part]()
            for server in group:
                self.launch(server)
                if part == "postgres":
                    self.wait_for(server)
                    self.provision()

    def prepare_postgres(self) -> None:
        """Make the data directory where there is none, and write the configuration and the passwords."""
        self.stage("starting Postgres")
        at = postgres.place(settings.state_dir())
        postgres.initialise(at, settings.secret(settings.EMBEDDED_ADMIN), settings.ports()["postgres"])
        provision.write_passfile()

    def provision(self) -> None:
        """Make what is missing on the server."""
        self.stage("making roles, databases and schemas")
        provision.provision()

    def prepare_airflow(self) -> None:
        """Write Airflow's configuration and bring its database to the installed version."""
        airflow.configure()
        if airflow.is_migrated():
            return
        self.stage("migrating Airflow's database")
        step = servers.migration()
        child = self.launch(step)
        self.children.remove(child)
        while child.process.poll() is None:
            self.pause()
        processes.forget(step.name)
        if child.process.returncode != 0:
            raise BankmartError(f"Airflow's database could not be migrated: see {servers.log_path(step.name)}")

    def watch(self) -> None:
        """Start again what dies, for ever; note in the record when all is ready."""
        waiting = [child.server.name for child in self.children]
        while True:
            for child in self.children:
                self.look_after(child)
            if self.record.stage != RUNNING:
                behind = [child for child in self.children if child.server.name in waiting]
                waiting = [child.server.name for child in behind if not child.server.is_ready(child.started)]
                self.stage(f"waiting for {', '.join(waiting)}" if waiting else RUNNING)
            self.pause()

    def launch(self, server: servers.Server, restarts: int = 0) -> Child:
        """Start one server and write it down."""
        log = servers.log_path(server.name)
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        started = time.time()
        process = server.launch(log)
        processes.record(
            server.name,
            server.part,
            process.pid,
            port=settings.ports().get(server.part),
            folder=str(server.folder) if server.folder else None,
            signal=int(server.polite),
            patience=server.patience,
            restarts=restarts,
        )
        say(f"{server.name} started (pid {process.pid})")
        child = Child(server, process, started, restarts)
        self.children.append(child)
        return child

    def look_after(self, child: Child) -> None:
        """Start a dead child again, after a pause that doubles with each death in a row."""
        code = child.process.poll()
        if code is None:
            return
        name = child.server.name
        if child.again_at is None:
            child.restarts = 1 if time.time() - child.started > STEADY_SECONDS else child.restarts + 1
            pause = min(LONGEST_PAUSE, 0.5 * 2 ** (child.restarts - 1))
            child.again_at = time.time() + pause
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            say(f"{name} {how}; starting it again in {pause:.1f} s (its log: {servers.log_path(name)})")
            if left := processes.find(name):
                processes.finish(left)
        if time.time() >= child.again_at:
            position = self.children.index(child)
            fresh = self.launch(child.server, child.restarts)
            self.children.remove(fresh)
            self.children[position] = fresh

    def wait_for(self, server: servers.Server) -> None:
        """Wait until a server that others stand on is ready; it is started again if it dies meanwhile."""
        while not server.is_ready(0):
            for child in list(self.children):
                self.look_after(child)
            self.pause()

    def stop(self) -> None:
        """Stop all that was started, the last first."""
        stop_recorded()
        processes.forget(NAME)
        say("stopped")

    def stage(self, text: str) -> None:
        """Say what is being done, in the record and in the log."""
        if self.record.stage != text:
            self.record = processes.set_stage(self.record, text)
            say(text)

    def pause(self) -> None:
        """Wait one tick; raises Stopped when told to stop."""
        if self.is_told_to_stop:
            raise Stopped
        time.sleep(TICK)

    def _stop_asked(self, number: int, frame: object) -> None:
        self.is_told_to_stop = True


def stop_recorded() -> list[str]:
    """Stop every server that the records know, the parts that stand on others first. Returns their names.

    The processes of one part are told together and then waited for.
    """
    stopped = []
    for part in reversed(servers.PARTS):
        known = [record for record in processes.find_all() if record.part == part]
        for record in known:
            processes.ask(record)
        for record in known:
            gently = processes.finish(record)
            say(f"{record.name} stopped" + ("" if gently else " by force"))
            stopped.append(record.name)
    return stopped


def say(text: str) -> None:
    """Write a line to the log."""
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}", flush=True)


def main() -> int:
    """Run the supervisor unless this state folder has one already."""
    parts = sys.argv[1:] or list(servers.PARTS)
    run = processes.run_dir()
    run.mkdir(parents=True, exist_ok=True)
    with (run / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another supervisor is running here")
            return ALREADY_RUNNING
        return Supervisor(parts).run()


if __name__ == "__main__":
    sys.exit(main())
