"""The environment of the servers: little of the caller's, no telemetry, no cache outside the state folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from bankmart import settings

KEPT = {
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    # libpq's own: whether a server elsewhere has to show a certificate, and whose.
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
}
PREFIXES = ("BANKMART_", "OPENLINEAGE_")
QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OMP_WAIT_POLICY": "PASSIVE",
    "PYTHONUNBUFFERED": "1",
    # A task ends without Python's clean-up; the tracker's complaint would stand in its log as an error.
    "PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker",
    # One heap per core instead of eight: the servers' threads leave less behind.
    "MALLOC_ARENA_MAX": "2",
}


def environment() -> dict[str, str]:
    """The variables that every server process and all its tasks get."""
    state = settings.state_dir()
    cache = state / "cache"
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(PREFIXES)}
    if url := kept.get("BANKMART_DATABASE_URL"):
        kept["BANKMART_DATABASE_URL"] = without_password(url)
    binaries = str(Path(sys.executable).parent)
    local = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1,localhost"]))
    return {
        **kept,
        **QUIET,
        "PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": f"{settings.ROOT / 'plugins'}:{settings.ROOT}",
        "NO_PROXY": local,
        "no_proxy": local,
        "BANKMART_STATE_DIR": str(state),
        "PGPASSFILE": str(settings.passfile()),
        "XDG_CACHE_HOME": str(cache),
        "XDG_CONFIG_HOME": str(cache / "config"),
        "XDG_DATA_HOME": str(cache / "data"),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
    }


def supervisor_environment() -> dict[str, str]:
    """The supervisor's variables: as the servers', with the administrator's URL as it was given."""
    found = environment()
    if url := os.environ.get("BANKMART_DATABASE_URL"):
        found["BANKMART_DATABASE_URL"] = url
    return found


def database_url(role: str, database: str) -> str:
    """An SQLAlchemy URL without a password: libpq and asyncpg find it in the password file."""
    at = settings.server()
    place = f"{quote(at.host)}:{at.port}/{quote(database)}"
    return f"postgresql+psycopg2://{role}@{place}?passfile={quote(str(settings.passfile()))}"


def without_password(url: str) -> str:
    """The same URL without its password: the servers log in by the password file."""
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}@{place}" if name else place))
