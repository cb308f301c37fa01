"""The ports of this checkout's servers: the usual ones, or free ones where those are taken."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable

from bankmart import settings

USUAL = {"postgres": 54320, "mlflow": 5500, "airflow": 8080}
# A server listens half a minute after its port was chosen. Until then, and for as long as this process lives, a name
# that the kernel gives to one process at a time says that the port is taken.
_held: dict[int, socket.socket] = {}


def choose(names: Iterable[str]) -> dict[str, int]:
    """Choose a port for each of `names` and keep it in `ports.json`.

    Call it while the servers are down: a port chosen before is kept unless somebody else listens on it now, or another
    process has chosen it and lives.
    """
    chosen = dict(settings.ports())
    for name in names:
        wanted = chosen.get(name, USUAL[name])
        others = {port for other, port in chosen.items() if other != name}
        while wanted in others or not (is_free(wanted) and _hold(wanted)):
            wanted = free_port()
        chosen[name] = wanted
    settings.write_private(settings.state_dir() / "ports.json", json.dumps(chosen, indent=2) + "\n")
    return chosen


def is_free(port: int) -> bool:
    """Whether nothing listens on this port of the loopback."""
    with socket.socket() as probe:
        # Connections that were closed a moment ago do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _hold(port: int) -> bool:
    if port in _held:
        return True
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0bankmart port {port}")
    except OSError:
        name.close()
        return False
    _held[port] = name
    return True


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
