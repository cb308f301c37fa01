"""Where a benchmark runs: a state folder and a Postgres of its own, gone when it ends."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bankmart import settings
from bankmart.runtime import postgres, provision


@contextmanager
def own_server() -> Iterator[Path]:
    """A provisioned server that this process looks at; yields its state folder. The environment comes back."""
    # What was set for another bank isn't the user's: put back when this one is gone, it would lead to wrong passwords.
    settings.forget_environment()
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="bankmart-bench-") as folder:
        os.environ["BANKMART_STATE_DIR"] = folder
        for name in ("BANKMART_DATABASE_URL", "BANKMART_LANDING_DIR", "BANKMART_AUDIT_DIR", "PGPASSFILE"):
            os.environ.pop(name, None)
        try:
            with provision.throwaway():
                provision.provision()
                settings.apply_environment()
                yield Path(folder)
        finally:
            os.environ.clear()
            os.environ.update(before)


def server_seconds() -> float:
    """The processor's seconds so far of the server that this process looks at, with all that it started."""
    said = postgres.place(settings.state_dir()).data / "postmaster.pid"
    server = psutil.Process(int(said.read_text(encoding="ascii").split()[0]))
    used = server.cpu_times()
    running = [process.cpu_times() for process in server.children()]
    # What has ended is counted with the server itself.
    ended = used.user + used.system + used.children_user + used.children_system
    return float(ended + sum(each.user + each.system for each in running))
