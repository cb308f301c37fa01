"""`bankmart status`: which server runs where, what it takes, and where to look."""

from __future__ import annotations

import argparse
import time
from datetime import timedelta

from bankmart import settings
from bankmart.runtime import airflow, processes, servers, supervisor

COLUMNS = "{:<18} {:<11} {:>8}  {:<22} {:>9}  {}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `bankmart status`."""
    parser.add_argument("--secrets", action="store_true", help="print the passwords of the logins")


def run(args: argparse.Namespace) -> int:
    """Print the table; the exit code is 0 where every server works, else 1."""
    rows, works = table()
    print("\n".join(rows))
    print("\n".join(["", *where_to_look(args.secrets)]))
    return 0 if works else 1


def table() -> tuple[list[str], bool]:
    """The lines of the table, and whether every server works."""
    rows = [COLUMNS.format("SERVER", "STATE", "PID", "WHERE", "MEMORY", "UP")]
    total, works = 0, True
    for name, server in [(supervisor.NAME, None), *((server.name, server) for server in servers.platform())]:
        made = processes.find(name)
        if made is None or not processes.is_alive(made):
            rows.append(COLUMNS.format(name, "down" if made is None else "died", "-", "-", "-", "-"))
            works = False
            continue
        state = "works" if server is None or server.is_ready(0) else "starting"
        works = works and state == "works"
        taken = processes.memory(made)
        total += taken
        age = timedelta(seconds=int(time.time() - made.started))
        where = f"127.0.0.1:{made.port}" if made.port else "-"
        again = f", started again {made.restarts} ×" if made.restarts else ""
        rows.append(COLUMNS.format(name, state, made.pid, where, megabytes(taken), f"{age}{again}"))
    rows.append(COLUMNS.format("together", "", "", "", megabytes(total), ""))
    return rows, works


def resident() -> int:
    """Bytes that all servers hold in memory together, those that are down nothing."""
    names = [supervisor.NAME, *(server.name for server in servers.platform())]
    found = [made for name in names if (made := processes.find(name)) and processes.is_alive(made)]
    return sum(processes.memory(made) for made in found)


def where_to_look(with_secrets: bool = False) -> list[str]:
    """Lines that say where the user interfaces and the data are, and how to log in."""
    ports = settings.ports()
    lines = []
    if "airflow" in ports:
        lines.append(f"Airflow   {airflow.base_url()}  login {', '.join(airflow.USERS)}")
    if "mlflow" in ports:
        lines.append(f"MLflow    {settings.mlflow_uri()}  login {settings.MLFLOW_USER}")
    if ports:
        lines.append(f'Data      psql "{settings.dsn("bi_reader")}"')
    if not lines:
        return ["The servers were never started here: `make up`."]
    if not with_secrets:
        return [*lines, f"Passwords {settings.ROOT / '.bankmart/venv/bin/bankmart'} status --secrets"]
    logins = [*((f"Airflow {user}", f"airflow_{user}") for user in airflow.USERS)]
    logins += [(f"MLflow {settings.MLFLOW_USER}", "mlflow_user"), ("Postgres bi_reader", "bi_reader")]
    return [*lines, "", *(f"{title:<20} {settings.secret(name)}" for title, name in logins)]


def megabytes(number: int) -> str:
    """Bytes as megabytes for reading."""
    return f"{number / 1e6:,.0f} MB"
