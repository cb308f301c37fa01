"""A landing folder to send files to, and what the warehouse holds of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from bankmart.sources import contract, landing
from bankmart.sources.load import SystemLoad, load_system
from bankmart.sources.refusal import LoadRefused

DAY = date(2026, 1, 31)


class Bank:
    """Sends files and loads them; reads what came of it as the administrator."""

    day = DAY

    def __init__(self, root: Path, dsn: str) -> None:
        self.root, self.dsn = root, dsn
        self._link: psycopg2.extensions.connection | None = None

    def payments(self, count: int = 200, **changes: Any) -> list[dict[str, Any]]:
        """Rows of card.card_transaction; 200 so that one or two rejects are within the limit of 1 %."""
        row = {
            "transaction_date": "2026-01-31", "transaction_at": "2026-01-31 10:00:00", "amount": "1.25",
            "merchant_category_code": "5411", "merchant_name": "商户", "is_online": "true",
            "is_abroad": "false",
        }  # fmt: skip
        return [{"card_transaction_id": f"P{n:05d}", "card_id": f"K{n}"} | row | changes for n in range(count)]

    def head(self) -> str:
        return self.text(self.payments(1)).split("\n")[0]

    def text(self, rows: list[dict[str, Any]], delimiter: str = ",", names: list[str] | None = None) -> str:
        names = names or list(rows[0])
        return "\n".join([delimiter.join(names), *(delimiter.join(map(str, row.values())) for row in rows), ""])

    def send(
        self,
        table: str,
        data: str | bytes | list[dict[str, Any]],
        *,
        day: date = DAY,
        name: str = "data.csv",
        **manifest: Any,
    ) -> Path:
        """Put a file and its manifest (right, but for what `manifest` says) into the landing folder."""
        system, _, table_name = table.partition(".")
        spec = contract.load()[system][table_name]
        place = landing.folder(self.root, system, table_name, day)
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():
            old.unlink()
        rows = data if isinstance(data, list) else []
        data = self.text(data) if isinstance(data, list) else data
        raw = data.encode(manifest.get("encoding", "utf-8")) if isinstance(data, str) else data
        (place / name).write_bytes(raw)
        stated = {
            "file": name,
            "format": name.rpartition(".")[2],
            "row_count": len(rows) or max(raw.count(b"\n") - 1, 0),
            "sha256": hashlib.sha256(raw).hexdigest(),
            "control_totals": {column: _total(rows, column) for column in spec.totals},
        }
        (place / landing.MANIFEST).write_text(json.dumps(stated | manifest), encoding="utf-8")
        return place

    def load(self, system: str = "card", day: date = DAY, **options: Any) -> SystemLoad:
        return load_system(system, day, landing=self.root, today=DAY, **options)

    def query(self, statement: str | sql.Composable, *values: Any) -> list[tuple[Any, ...]]:
        if self._link is None or self._link.closed:
            self._link = psycopg2.connect(self.dsn)
            self._link.autocommit = True
        with self._link.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        if self._link is not None:
            self._link.close()

    def column(self, table: str, column: str) -> list[Any]:
        names = (sql.Identifier(column), sql.Identifier("sources", table.replace(".", "__")))
        return [value for (value,) in self.query(sql.SQL("select {} from {} order by 1").format(*names))]

    def state(self) -> dict[str, Any]:
        """Every raw row with its place in its table, and the ledger but refusals: equal only if untouched."""
        held: dict[str, Any] = {}
        tables = self.query("select tablename from pg_tables where schemaname = 'sources' order by 1")
        rows = "select md5(string_agg(ctid::text || t::text, '|' order by ctid)) from sources.{} as t"
        for (name,) in tables:
            (held[name],) = self.query(sql.SQL(rows).format(sql.Identifier(name)))
        held["ledger"] = self.query("select * from governance.load where status <> 'refused' order by load_id")
        return held

    def refused(self) -> list[tuple[Any, ...]]:
        return self.query(
            """
            select system || '.' || table_name, read_count, accepted_count, rejected_count, reason
            from governance.load where status = 'refused' order by load_id
            """
        )

    def refuse(self, rule: str, *message: str) -> tuple[Any, ...]:
        """Load, and prove that it is refused for `rule`, entered once, and leaves all else untouched."""
        before, refused = self.state(), len(self.refused())
        with pytest.raises(LoadRefused) as caught:
            self.load()
        assert caught.value.rule == rule, caught.value
        for part in (*message, "It means:", "What to do:"):
            assert part in str(caught.value)
        assert self.state() == before
        assert len(self.refused()) == refused + 1
        assert self.refused()[-1][4] == str(caught.value)
        return self.refused()[-1]

    def quarantine(self) -> list[tuple[Any, ...]]:
        return self.query(
            """
            select line_number, column_name, rule, raw_text, reason
            from governance.quarantine order by load_id, line_number
            """
        )


def _total(rows: list[dict[str, Any]], column: str) -> str:
    total = Decimal(0)
    for row in rows:
        try:
            total += Decimal(row[column])
        except (InvalidOperation, TypeError):
            continue
    return str(total) if total.is_finite() else "0"


@pytest.fixture
def bank(warehouse: str, tmp_path: Path) -> Iterator[Bank]:
    made = Bank(tmp_path / "landing", warehouse)
    yield made
    made.close()


@pytest.fixture
def loaded(bank: Bank) -> Bank:
    """A bank that has loaded two dates before, which nothing may touch."""
    bank.send("card.card_transaction", bank.payments(50, amount="9.00"))
    bank.load()
    earlier = bank.payments(40, transaction_date="2026-01-30", transaction_at="")
    bank.send("card.card_transaction", earlier, day=date(2026, 1, 30))
    bank.load(day=date(2026, 1, 30))
    return bank
