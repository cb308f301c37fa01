"""The ports of this checkout's servers: the usual ones, or free ones where those are taken."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable

from bankmart import settings

USUAL = {"postgres": 54320, "mlflow": 5500, "airflow": 8080}


def choose(names: Iterable[str]) -> dict[str, int]:
    """Choose a port for each of `names` and keep it in `ports.json`.

    Call it while the servers are down: a port chosen before is kept unless somebody else listens on it now.
    """
    chosen = dict(settings.ports())
    for name in names:
        wanted = chosen.get(name, USUAL[name])
        others = {port for other, port in chosen.items() if other != name}
        chosen[name] = wanted if wanted not in others and is_free(wanted) else free_port()
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


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
