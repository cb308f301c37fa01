"""What must be true whatever happens: for a reader who never stops reading, and afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date

import psycopg2

from bankmart import db
from bankmart.bench.faults.bank import Bank, query
from bankmart.bench.faults.strike import CONNECTING
from bankmart.governance.audit.verify import verify
from bankmart.governance.commands.hash import hashes

READ = """
select
    (select array_agg(distinct business_date) from published.customer_360),
    (select array_agg(distinct business_date) from published.dim_customer_current),
    (select max(business_date) from published.fct_transaction),
    (select count(*) from published.customer_360)
"""
# Each gives what must not be.
LEFT = {
    "left behind by dbt": r"""
        select format('%I.%I', nspname, relname) from pg_class join pg_namespace on relnamespace = pg_namespace.oid
        where relname like '%\_\_dbt\_%' and relkind in ('r', 'p', 'v')
    """,
    "a part that belongs to nothing": r"""
        select format('%I.%I', nspname, relname) from pg_class join pg_namespace on relnamespace = pg_namespace.oid
        where relkind = 'r' and not relispartition and relname ~ '__b[0-9]+$'
    """,
    "read, but neither accepted nor rejected": """
        select format('load %s of %s.%s', load_id, system, table_name) from governance.load
        where status = 'loaded' and read_count <> accepted_count + rejected_count
    """,
    "published or rolled back without a word in the audit": """
        select format('event %s', event_id) from governance.publication_event as event
        where not exists (
            select from audit.entry
            where entry.kind = event.event and entry.subject = event.business_date::text
                and (entry.facts ->> 'build_id')::bigint is not distinct from event.build_id
        )
    """,
    "loaded without a word in the audit": """
        select format('load %s of %s.%s', load.load_id, load.system, load.table_name)
        from governance.load as load
        where load.status in ('loaded', 'refused') and not exists (
            select from audit.entry
            where
                entry.kind = 'load_refused' and load.status = 'refused'
                and entry.subject = format('%s.%s of %s', load.system, load.table_name, load.business_date)
                or entry.kind = 'load' and (entry.facts -> load.table_name ->> 'load_id')::bigint = load.load_id
        )
    """,
    "begun without a word in the audit": """
        select format('build %s', build_id) from governance.build as build
        where run_id is not null and not exists (
            select from audit.entry
            where entry.kind = 'build' and (entry.facts ->> 'build_id')::bigint = build.build_id
        )
    """,
    "scored without a word in the audit": """
        select distinct format('%s of build %s', model, build_id) from scores.customer_score as score
        where not exists (
            select from audit.entry
            where
                entry.kind = 'score' and (entry.facts ->> 'build_id')::bigint = score.build_id
                and entry.subject = format('%s version %s as of %s', model, model_version, as_of_date)
        )
    """,
}
HELD = """
select format('%s in %s: %s', application_name, state, left(query, 80)) from pg_stat_activity
where application_name ~ '^(bankmart|dbt)' and application_name <> 'bankmart bi_reader' and pid <> pg_backend_pid()
    and (state like 'idle in transaction%%' or pid in (select pid from pg_locks where locktype = 'advisory'))
"""

Seen = tuple[tuple[date, ...], tuple[date, ...], date, bool]


class Reader:
    """What bi_reader has seen, the errors it met, and how often the server was away."""

    def __init__(self) -> None:
        self.seen: set[Seen] = set()
        self.errors: list[str] = []
        self.away = 0

    def findings(self, allowed: set[date], may_be_away: bool) -> list[str]:
        """Anything but whole dates of those allowed; being away counts where the server was not taken down."""
        whole: set[Seen] = {((day,), (day,), day, True) for day in allowed}
        found = [f"a reader saw {each}" for each in self.seen - whole] + self.errors
        if not self.seen:
            found.append("no reader saw anything")
        if self.away and not may_be_away:
            found.append(f"a reader could not read {self.away} times")
        return found


@contextmanager
def reading() -> Iterator[Reader]:
    """Somebody reads, again and again, each time in one snapshot."""
    reader, over = Reader(), threading.Event()
    thread = threading.Thread(target=_read, args=(reader, over), daemon=True)
    thread.start()
    try:
        yield reader
        until = time.monotonic() + 30
        while not reader.seen and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        over.set()
        thread.join(60)


def _read(reader: Reader, over: threading.Event) -> None:
    while not over.is_set():
        try:
            with ExitStack() as stack:
                with CONNECTING:
                    link = stack.enter_context(db.connect("bi_reader"))
                link.set_session(isolation_level="REPEATABLE READ", readonly=True)
                while not over.is_set():
                    with link.cursor() as cursor:
                        cursor.execute(READ)
                        profile, customer, fact, count = db.one(cursor)
                    link.rollback()
                    reader.seen.add((tuple(profile or ()), tuple(customer or ()), fact, count > 0))
                    time.sleep(0.01)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            reader.away += 1
            time.sleep(0.02)
        except psycopg2.Error as error:
            reader.errors.append(f"a reader got an error: {error}".strip())
            return


def findings(bank: Bank) -> list[str]:
    """What is not as it must be, after the retry has succeeded."""
    found = [f"{what}: {each}" for what, statement in LEFT.items() for (each,) in query(statement)]
    found += verify().findings
    until = time.monotonic() + 5
    while (held := query(HELD)) and time.monotonic() < until:
        time.sleep(0.05)
    found += [f"held for ever: {each}" for (each,) in held]
    for day, before in ((bank.published, bank.seen), (bank.build.business_date, bank.clean)):
        now = hashes(day) if day == bank.published else hashes(build_id=bank.build.build_id)
        found += [f"{name} of {day} differs from the clean run" for name in before if now[name] != before[name]]
    return found
