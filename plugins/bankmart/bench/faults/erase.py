"""A person is forgotten, whatever happens meanwhile: one certificate, nothing left, every published total as it was."""

from __future__ import annotations

import random

from psycopg2 import sql

from bankmart import db
from bankmart.bench.faults.bank import Bank, query
from bankmart.bench.faults.stage import Stage
from bankmart.bench.faults.strike import Act
from bankmart.governance.people import person
from bankmart.governance.people.erasure import certificate, requests
from bankmart.governance.people.erasure import run as erasure

NUMBERS = """
select relname, array_agg(attname::text order by attnum)
from pg_class join pg_attribute on attrelid = pg_class.oid
where
    relnamespace = 'published'::regnamespace and relkind = 'v' and attnum > 0
    and atttypid = any('{numeric,integer,bigint}'::regtype[]) and attname <> 'build_id'
    and relname not in ('dictionary', 'lineage')
group by relname
"""
# With accounts, as of the date that readers see; who is gone already has no data key.
SOMEBODY = """
select customer_id from marts.dim_customer_current as known
where
    build_id in (select build_id from governance.publication where business_date = %s)
    and exists (select from vault.data_key where data_key.customer_id = known.customer_id)
order by md5(customer_id || %s) limit 1
"""
# What of the chain's entries belongs to a request that is carried out, each once.
SAID = ["erasure", "erasure_certificate"]

Totals = dict[str, tuple[object, ...]]


class Erase(Stage):
    """Somebody else each time, of the tables, the landing files and the vault."""

    name, attempt, often = "erase", "erasure_approval", ("erase.file",)

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.number = 0
        self.customers: tuple[str, ...] = ()
        self.totals: Totals = {}

    def begin(self, rng: random.Random, point: str) -> Act:
        """Somebody asks, somebody else approves."""
        ((customer,),) = query(SOMEBODY, self.bank.published, str(rng.random()), role="eraser")
        with db.connect("platform") as link, link.cursor() as cursor:
            self.customers = tuple(person.find(cursor, customer).customers)
        self.totals = totals()
        (self.number,) = requests.request([(customer, "a test")], "faults")
        requests.decide([self.number], "another", approve=True)
        return lambda: print(erasure.run("faults").text())

    def is_told(self, since: int) -> bool:
        """By the person's yes, which comes before."""
        yes = "select 1 from audit.entry where kind = %s and subject = %s"
        return bool(query(yes, self.attempt, f"erasure {self.number}"))

    def findings(self) -> list[str]:
        """It is done, and said once; nobody else's row is gone. From now on the bank is the one without the person."""
        ((state, left),) = query(
            "select state, (select count(*) from governance.erasure_work) from governance.erasure"
            " where erasure_id = %s", self.number, role="eraser",
        )  # fmt: skip
        found = [] if (state, left) == ("done", 0) else [f"erasure {self.number} is {state}, {left} pieces are left"]
        said = query("select kind from audit.entry where subject = %s and kind = any(%s) order by number",
                     f"erasure {self.number}", SAID)  # fmt: skip
        if [kind for (kind,) in said] != SAID:
            found.append(f"the audit has {said} of erasure {self.number}")
        if not certificate.path(self.number).exists():
            found.append(f"erasure {self.number} has no certificate")
        ((keys,),) = query("select count(*) from vault.data_key where customer_id = any(%s)", list(self.customers),
                           role="eraser")  # fmt: skip
        ((rows,),) = query("select count(*) from marts.dim_customer where customer_id = any(%s)", list(self.customers))
        found += [f"{keys} keys and {rows} rows of the person are left"] if keys or rows else []
        now = totals()
        found += [f"published.{view}: {now[view]}, {was} before" for view, was in self.totals.items()
                  if now[view] != was]  # fmt: skip
        seen, clean = self.bank.seen, self.bank.clean
        self.bank.look()
        for before, after in ((seen, self.bank.seen), (clean, self.bank.clean)):
            found += [f"{name} has {after[name][0]} rows, {count} before" for name, (count, _) in before.items()
                      if after[name][0] != count]  # fmt: skip
        return found


def totals() -> Totals:
    """Rows, and the sum of every number, of every published view."""
    found: Totals = {}
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(NUMBERS)
        for view, columns in cursor.fetchall():
            sums = sql.SQL(", ").join(sql.SQL("sum({}::numeric)").format(sql.Identifier(name)) for name in columns)
            cursor.execute(sql.SQL("select count(*), {} from {}").format(sums, sql.Identifier("published", view)))
            found[view] = db.one(cursor)
    return found
