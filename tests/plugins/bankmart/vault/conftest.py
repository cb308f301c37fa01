"""Customers and cards, sent as files and loaded by the loader itself, and what the warehouse holds of them."""

from __future__ import annotations

import csv
from contextlib import closing
from datetime import date

import psycopg2
import pytest

from bankmart import settings
from bankmart.sources import contract, landing, load

DAY = date(2026, 1, 31)
CUSTOMER = {
    "customer_id": "C1", "id_type": "id_card", "id_number": "110101199003070011", "name": "张三丰", "sex": "M",
    "birth_date": "1990-03-07", "mobile": "13800138000", "email": "zsf@mail.example", "address": "北京市朝阳区一路1号",
    "is_staff": "false", "open_date": "2020-01-01", "status": "active", "effective_date": "2026-01-31",
}  # fmt: skip
CARD = {
    "card_id": "K1", "account_id": "A1", "customer_id": "C1", "card_number": "6222021234567890", "card_type": "debit",
    "card_level": "gold", "issued_date": "2020-01-01", "status": "active", "effective_date": "2026-01-31",
}  # fmt: skip


class People:
    """Sends rows of customer and card, and loads them; reads as the administrator."""

    def __init__(self, root, dsn):
        self.root, self.dsn = root, dsn

    def send(self, table, rows, day=DAY):
        system, _, name = table.partition(".")
        place = landing.folder(self.root, system, name, day)
        place.mkdir(parents=True, exist_ok=True)
        columns = [column.name for column in contract.load()[system][name].columns]
        with (place / "d.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
        manifest = landing.Manifest("d.csv", "csv", len(rows), landing.sha256(place / "d.csv"), {})
        landing.write_manifest(place, manifest)

    def customers(self, *changes, day=DAY):
        """Load rows like CUSTOMER, each with its changes."""
        self.send("core_banking.customer", [CUSTOMER | change for change in changes], day)
        return self.load("core_banking", day)

    def cards(self, *changes, day=DAY):
        self.send("card.card", [CARD | change for change in changes], day)
        return self.load("card", day)

    def load(self, system, day=DAY):
        return load.load_system(system, day, landing=self.root, today=DAY)

    def query(self, statement, values=None):
        with closing(psycopg2.connect(self.dsn)) as link, link, link.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def raw(self, columns="*", table="core_banking__customer"):
        return self.query(f"select {columns} from sources.{table} order by 1")


@pytest.fixture
def people(warehouse, tmp_path, monkeypatch):
    # Of the core system the customers are enough here.
    only = {"core_banking": ["customer"], "card": ["card"]}
    monkeypatch.setattr(load, "_tables", lambda system: [contract.load()[system][name] for name in only[system]])
    monkeypatch.setenv("BANKMART_LANDING_DIR", str(tmp_path / "landing"))
    return People(tmp_path / "landing", warehouse)


@pytest.fixture
def given_keys(people, monkeypatch):
    """Says which master keys are given from now on, newest first; the vault of `people` starts with key `a`."""

    def give(*letters):
        if letters:
            monkeypatch.setenv("BANKMART_MASTER_KEY", ",".join(letter * 43 for letter in letters))
        else:
            monkeypatch.delenv("BANKMART_MASTER_KEY", raising=False)
            monkeypatch.setattr(settings, "given_secret", lambda name: None)

    give("a")
    return give
