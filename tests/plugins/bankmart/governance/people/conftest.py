"""A warehouse with two customers: what was delivered of them, and a mart that was made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pytest
from psycopg2 import sql

from bankmart import db
from bankmart.sources import contract, tables
from bankmart.sources.landing import write_extract
from bankmart.sources.reading.values import arrow_type

DAY = date(2026, 1, 31)


def _column(data_class, data_type="text"):
    return {"data_type": data_type, "config": {"meta": {"class": data_class}}}


def _model(name, columns, **meta):
    columns |= {"business_date": _column("platform", "date"), "build_id": _column("platform", "bigint")}
    config = {"materialized": "slice", "meta": meta}
    return {"resource_type": "model", "schema": "marts", "name": name, "columns": columns, "config": config}


MANIFEST = {
    "sources": {},
    "nodes": {
        "call": _model(
            "fct_interaction",
            {
                "customer_id": _column("identity.customer_id"),
                "interaction_date": _column("behaviour.service", "date"),
                "topic": _column("behaviour.service"),
            },
        ),
        "link": _model(
            "bridge_identity",
            {"customer_id": _column("identity.customer_id"), "linked_customer_id": _column("identity.customer_id")},
        ),
        "customer": _model(
            "dim_customer",
            {
                "customer_id": _column("identity.customer_id"),
                "name": _column("identity.name"),
                "birth_date": _column("identity.birth_date", "date"),
                "effective_date": _column("account.attribute", "date"),
                "record_hash": _column("identity.record_hash"),
            },
            history={"keys": ["customer_id"], "effective": "effective_date"},
        ),
    },
}
MARTS = """
create table marts.fct_interaction
    (customer_id text not null, interaction_date date, topic text, business_date date, build_id bigint);
create table marts.dim_customer
    (customer_id text not null, name text, birth_date date, effective_date date, record_hash text not null,
     business_date date, build_id bigint);
create table intermediate.int_account (account_id text not null, customer_id text not null, build_id bigint)
    partition by list (build_id);
create table intermediate.int_account__b1 partition of intermediate.int_account for values in (1);
"""


@dataclass
class Bank:
    """Puts rows where a bank has them."""

    manifest: dict = field(default_factory=lambda: MANIFEST)

    def insert(self, schema, table, /, **values):
        with db.connect("eraser") as link, link.cursor() as cursor:
            names = sql.SQL(", ").join(map(sql.Identifier, values))
            cursor.execute(
                sql.SQL("insert into {} ({}) values %s").format(sql.Identifier(schema, table), names),
                (tuple(values.values()),),
            )

    def raw(self, extract, day=DAY, /, **values):
        self.insert("sources", extract.replace(".", "__"), business_date=day, load_id=1, **values)

    def customer(self, number, effective=date(2020, 1, 1), day=DAY, **values):
        self.raw(
            "core_banking.customer",
            day,
            **{
                "customer_id": number,
                "status": "active",
                "open_date": effective,
                "effective_date": effective,
                **values,
            },
        )

    def account(self, number, customer, day=DAY):
        self.raw(
            "core_banking.account",
            day,
            account_id=number,
            customer_id=customer,
            product_id="P1",
            currency="CNY",
            open_date=day,
            status="active",
            effective_date=day,
        )

    def paid(self, number, account, on, day=DAY, to=None):
        self.raw(
            "core_banking.transaction",
            day,
            transaction_id=number,
            account_id=account,
            transaction_date=on,
            direction="out",
            amount=10,
            channel="mobile",
            purpose="transfer",
            counterparty_account=to,
        )

    def rows(self, statement, *bound):
        with db.connect("eraser") as link, link.cursor() as cursor:
            cursor.execute(statement, bound)
            return cursor.fetchall()


@pytest.fixture
def bank(warehouse, monkeypatch, tmp_path):
    """Customers X901 and X902 with an account each, Y901 and Y902; the date is published."""
    (tmp_path / "landing").mkdir()
    monkeypatch.setenv("BANKMART_LANDING_DIR", str(tmp_path / "landing"))
    monkeypatch.setattr("bankmart.dbt.manifest", lambda: MANIFEST)
    tables.create_tables([table for system in contract.load().values() for table in system.values()])
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(MARTS)
        cursor.execute(
            "insert into governance.build (business_date, kind, status) values (%s, 'daily', 'published')", (DAY,)
        )
        cursor.execute("insert into governance.publication (business_date, build_id) values (%s, 1)", (DAY,))
    made = Bank()
    for number in ("1", "2"):
        made.customer(f"X90{number}", name=f"Name {number}", mobile=f"1380000000{number}", birth_date=date(1980, 5, 17))
        made.account(f"Y90{number}", f"X90{number}")
        made.insert("intermediate", "int_account", account_id=f"Y90{number}", customer_id=f"X90{number}", build_id=1)
    return made


@pytest.fixture
def delivered(tmp_path):
    """Puts an extract of some rows into the landing folder; gives its folder."""

    def run(table, rows, day=DAY, file_format="csv"):
        system, name = table.split(".")
        spec = contract.load()[system][name]
        made = {column.name: pa.array([row.get(column.name) for row in rows], pa.string()) for column in spec.columns}
        if file_format == "parquet":
            for column in spec.columns:
                made[column.name] = made[column.name].cast(arrow_type(column.data_type))
        return write_extract(tmp_path / "landing", spec, day, pa.table(made), file_format=file_format)

    return run
