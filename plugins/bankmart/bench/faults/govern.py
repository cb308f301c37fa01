"""What governs the line, as faults meet it: a date is rolled back, old rows go, the master key changes."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path

from psycopg2 import sql

from bankmart import db, settings
from bankmart.bench.faults.bank import Bank, query
from bankmart.bench.faults.stage import Stage
from bankmart.bench.faults.strike import Act
from bankmart.governance import build as builds
from bankmart.governance import publication
from bankmart.governance.audit import anchor
from bankmart.governance.people import expiry
from bankmart.sources import contract, landing, tables
from bankmart.vault import check, keys, rotate

NEWEST = "select max(number) from audit.entry"


class RollBack(Stage):
    """A date is taken back from readers, as one run of the DAG does it: once, however often it is tried."""

    name, attempt = "rollback", "rollback_begun"

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.number = 0

    def begin(self, rng: random.Random, point: str) -> Act:
        """The date is published first."""
        publication.publish(builds.get(self.bank.build.build_id), "faults")
        self.number += 1
        day, run = self.bank.build.business_date, self._run()

        def act() -> None:
            publication.rollback(day, run, once=True)

        return act

    def findings(self) -> list[str]:
        """It is taken back, once, and the chain's head written down after it; the build can be published again."""
        day, build = self.bank.build.business_date, self.bank.build.build_id
        seen = query("select build_id from governance.publication where business_date = %s", day)
        events = query("select event, actor from governance.publication_event where business_date = %s"
                       " order by event_id desc limit 2", day)  # fmt: skip
        found = []
        if seen or events != [("rollback", self._run()), ("publish", "faults")]:
            found.append(f"published: {seen}, events, the newest first: {events}")
            if seen:
                publication.rollback(day, "faults")
        query("update governance.build set status = 'passed' where build_id = %s", build)
        ((said,),) = query("select max(number) from audit.entry where kind = 'rollback'")
        heads = [head.number for head in anchor.read()[0]]
        return found + ([f"no head is written down after entry {said}"] if max(heads) < said else [])

    def allowed(self) -> set[date]:
        """Whole, the one or the other."""
        return {self.bank.published, self.bank.build.business_date}

    def _run(self) -> str:
        return f"faults {self.number}"


class Expire(Stage):
    """What is past its class's time goes: rows, records in quarantine, landing folders."""

    name, attempt, often = "expire", "retention_begun", ("expire.folder",)
    day, systems, rows = date(1990, 1, 1), (("card", "card_transaction"), ("mobile", "session")), 20

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.since = 0
        self.folders: list[Path] = []

    def begin(self, rng: random.Random, point: str) -> Act:
        """Some rows, a record in quarantine and a folder of each table, of long ago."""
        ((self.since,),) = query(NEWEST)
        self.folders = [landing.folder(settings.landing_dir(), *names, self.day) for names in self.systems]
        for (system, name), folder in zip(self.systems, self.folders, strict=True):
            table = contract.load()[system][name]
            old = {"business_date": "1990-01-01", str(table.event_column): "1990-01-01"}
            query(
                sql.SQL(
                    "insert into {0} select made.* from (select * from {0} where business_date = %s limit %s) as found"
                    " cross join lateral jsonb_populate_record(null::{0}, to_jsonb(found) || %s::jsonb) as made"
                ).format(tables.relation(table)),
                self.bank.first, self.rows, json.dumps(old), role="loader",
            )  # fmt: skip
            query(
                "insert into governance.quarantine select load_id, system, table_name, %s, 1, null, 'values', 'a test',"
                " 'x' from governance.load where status = 'loaded' and system = %s and table_name = %s"
                " and business_date = %s",
                self.day, system, name, self.bank.first, role="loader",
            )  # fmt: skip
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "data.csv").write_text("x\n", encoding="utf-8")
        return lambda: print(expiry.run(self.bank.published).text())

    def findings(self) -> list[str]:
        """All of it is gone, and the chain counts it once."""
        wanted = {f"sources.{system}__{name}": self.rows for system, name in self.systems}
        wanted[expiry.QUARANTINE] = len(self.systems)
        said = query("select facts -> 'rows' from audit.entry where kind = 'retention' and number > %s"
                     " and facts -> 'rows' <> '{}'", self.since)  # fmt: skip
        found = [] if said == [(wanted,)] else [f"the audit has {said} as removed, not {wanted}"]
        for name in wanted:
            relation = sql.Identifier(*name.split("."))
            ((left,),) = query(sql.SQL("select count(*) from {} where business_date = %s").format(relation), self.day)
            found += [f"{left} rows of {name} are left"] if left else []
        return found + [f"{folder} is left" for folder in self.folders if folder.exists()]


class Rotate(Stage):
    """The master key changes: every key of the vault is wrapped anew, in small batches."""

    name, attempt, often = "rotate", "vault_rotate_begun", ("rotate.batch",)

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.since = 0
        self.token_key = b""

    def begin(self, rng: random.Random, point: str) -> Act:
        """A new key is put before those that are there."""
        ((self.since,),) = query(NEWEST)
        self.token_key = self._unlocked().token_key
        keys.make_new()

        def act() -> None:
            rotate.BATCH = 50
            rotate.rotate("faults")

        return act

    def findings(self) -> list[str]:
        """The newest key locks the vault and wraps everything, everything opens, tokens stay; each said once."""
        now, newest = self._unlocked(), keys.given()[0].name
        found = [] if now.current.name == newest else [f"{now.current.name} locks the vault, not {newest}"]
        found += [] if now.token_key == self.token_key else ["the key of tokens has changed"]
        # Also what an older key still wraps.
        found += check.check(everything=True)[1]
        said = query("select subject from audit.entry where kind = 'vault_rotate' and number > %s"
                     " and facts ->> 'now' = %s order by number", self.since, newest)  # fmt: skip
        words = [subject for (subject,) in said]
        if words[:1] != ["master key"] or set(words[1:]) != {"data keys"}:
            found.append(f"the audit has {words} of the new key")
        return found

    def _unlocked(self) -> keys.Keys:
        with db.connect("vault") as link, link.cursor() as cursor:
            return keys.unlock(cursor)
