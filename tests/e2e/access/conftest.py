"""Everybody who logs in to the bank: people as members of each kind of reader, and the programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankmart import db, dbt
from bankmart.governance import views
from bankmart.governance.access import command
from bankmart.governance.access.readers import readers
from tests.e2e.access import attacks

# Logins, views and attackers of each bank, by its folder.
MADE: dict[Path, dict[str, str]] = {}
SHOWN: dict[Path, list[views.View]] = {}
ATTACKERS: dict[Path, dict[str, attacks.Attacker]] = {}


@pytest.fixture
def people(line):
    """A login per kind of reader, made once a bank; the branch's and the manager's people have customers."""
    if line.state not in MADE:
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute(
                "select (select branch_id from marts.dim_customer_current where branch_id is not null group by 1"
                " order by count(*) desc limit 1), (select manager_id from marts.bridge_customer_manager_current"
                " group by 1 order by count(*) desc limit 1)"
            )
            branch, manager = db.one(cursor)
        for reader in readers():
            scope = {"branch": [branch], "manager": []} if reader.rows == "own" else {}
            command.grant(f"x_{reader.name}", reader.name, scope)
        command.grant("x_manager", "branch_user", {"branch": [], "manager": [manager]})
        names = {reader.name: f"x_{reader.name}" for reader in readers()}
        MADE[line.state] = names | {"branch": branch, "manager": manager}
    return MADE[line.state]


@pytest.fixture
def metadata(line):
    """The views that the project's metadata ask for, read once a bank."""
    if line.state not in SHOWN:
        SHOWN[line.state] = views.published(dbt.manifest())
    return SHOWN[line.state]


@pytest.fixture
def attackers(line, people, metadata):
    """Every role, logged in once a bank."""
    if line.state not in ATTACKERS:
        ATTACKERS[line.state] = {
            role: attacks.Attacker(role, people.get(role, role), metadata) for role in attacks.ROLES
        }
    return ATTACKERS[line.state]
