"""The line's steps as faults meet them: what a step does, how it is undone, what it must have done."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date

import numpy as np
from psycopg2 import sql

from bankmart import db, dbt, settings
from bankmart.bench.faults.bank import Bank, query
from bankmart.bench.faults.erase import Erase
from bankmart.bench.faults.govern import Expire, RollBack, Rotate
from bankmart.bench.faults.learn import Serve, Train
from bankmart.bench.faults.promote import Promote
from bankmart.bench.faults.stage import Stage
from bankmart.bench.faults.strike import Act
from bankmart.governance import build as builds
from bankmart.governance import gate, publication, retention
from bankmart.sources import contract, load, repair, tables
from bankmart.sources.reading import csv_file

MODEL = "fault_matrix"


class Load(Stage):
    """A system's files of the go-live date, in small blocks."""

    name, attempt, often = "load", "load_begun", ("load.begun", "load.copying", "load.copied")
    systems = ("core_banking", "card", "mobile")

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.system = ""
        self.clean: dict[str, tuple[object, ...]] = {}

    def begin(self, rng: random.Random, point: str) -> Act:
        """Take the date's rows away: the same file is loaded again then."""
        self.system = rng.choice(self.systems)
        # Each time: somebody may have been erased since.
        self.clean = self._sums(self.system)
        for table in contract.load()[self.system].values():
            statement = sql.SQL("delete from {} where business_date = %s").format(tables.relation(table))
            query(statement, self.bank.first, role="loader")

        def act() -> None:
            csv_file.BLOCK = 50_000
            load.load_system(self.system, self.bank.first)

        return act

    def findings(self) -> list[str]:
        """Each table's rows are there once, as many as were accepted."""
        now = self._sums(self.system)
        return [f"{name} is not what was loaded" for name, was in self.clean.items() if now[name] != was]

    def _sums(self, system: str) -> dict[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        for table in contract.load()[system].values():
            names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
            rows = "select count(*), md5(coalesce(sum(hashtextextended(row({})::text, 0)), 0)::text) from {}"
            found[table.name] = (
                *query(sql.SQL(rows + " where business_date = %s").format(names, tables.relation(table)),
                       self.bank.first),
                *query("select sum(accepted_count), count(*) from governance.load where status = 'loaded'"
                       " and system = %s and table_name = %s and business_date = %s", system, table.name,
                       self.bank.first),
            )  # fmt: skip
        return found


class Build(Stage):
    """One layer of the build, and its gate."""

    name, attempt, often = "build", "build", ("build.node",)
    layers = ("staging", "intermediate", "marts", "tags", "features", "profile")

    def begin(self, rng: random.Random, point: str) -> Act:
        """The layer is made over; or, at build.opened, a build of a date that readers see is begun."""
        if point == "build.opened":
            name = f"fault {rng.random()}"
            return lambda: _void(builds.open_build(self.bank.published, name))
        layer, build_id = rng.choice(self.layers), self.bank.build.build_id

        def act() -> None:
            build = builds.writable(build_id)
            dbt.build_layer(layer, build)
            gate.judge(layer, build)

        return act

    def is_told(self, since: int) -> bool:
        """A build's first moment; its layers are made in its name."""
        of_build = "select 1 from audit.entry where kind = 'build' and (facts ->> 'build_id')::bigint = %s"
        return super().is_told(since) or bool(query(of_build, self.bank.build.build_id))

    def findings(self) -> list[str]:
        """One build of the date is open at most; it is given up."""
        opened = query(
            "update governance.build set status = 'superseded' where status = 'building' and business_date = %s"
            " returning build_id",
            self.bank.published,
        )
        return [f"{len(opened)} builds are open at once"] if len(opened) > 1 else []


class Publish(Stage):
    """The date is shown to readers, then taken back."""

    name, attempt = "publish", "publish_begun"

    def begin(self, rng: random.Random, point: str) -> Act:
        """Half the time a view has changed, too, and is made anew."""
        if rng.random() < 0.5:
            query("update governance.published_view set definition_hash = 'old' where name = 'dim_branch'")
        return lambda: _void(publication.publish(builds.get(self.bank.build.build_id), "faults"))

    def findings(self) -> list[str]:
        """It is published, once; and taken back."""
        day = self.bank.build.business_date
        seen = query("select build_id from governance.publication where business_date = %s", day)
        events = query("select event from governance.publication_event where business_date = %s order by event_id", day)
        publication.rollback(day, "faults")
        query("update governance.build set status = 'passed' where build_id = %s", self.bank.build.build_id)
        wrong = seen != [(self.bank.build.build_id,)] or events[-2:] == [("publish",), ("publish",)]
        return [f"published: {seen}, events: {events}"] if wrong else []

    def allowed(self) -> set[date]:
        """Whole, the one or the other."""
        return {self.bank.published, self.bank.build.business_date}


class Score(Stage):
    """A model's scores of the build's customers, chunk by chunk."""

    name, attempt, often = "score", "score_begun", ("score.chunk",)

    def begin(self, rng: random.Random, point: str) -> Act:
        """The same scores again, over those of before."""
        from ml.data.scores import Scored, Target, replace_scores

        build = self.bank.build
        target = Target(build.business_date, build.build_id, MODEL, "1", True, "a-run")
        people = query("select customer_id from profile.customer_360 where build_id = %s order by 1", build.build_id)
        names = np.array([name.encode() for (name,) in people])

        def chunks() -> Iterator[Scored]:
            for part in np.array_split(names, 5):
                scores = np.linspace(0, 1, len(part))
                yield Scored(part, scores, np.where(scores > 0.5, "high", "low"), [None] * len(part))

        def act() -> None:
            with db.connect("scorer") as link:
                replace_scores(link, target, chunks())

        return act

    def findings(self) -> list[str]:
        """Each customer has one score."""
        ((rows, people),) = query(
            "select count(*), count(distinct customer_id) from scores.customer_score where model = %s", MODEL
        )
        ((wanted,),) = query("select count(*) from profile.customer_360 where build_id = %s", self.bank.build.build_id)
        return [] if rows == people == wanted else [f"{rows} scores of {people} customers, not {wanted}"]


class Repair(Stage):
    """Records come back out of quarantine."""

    name, attempt = "repair", "quarantine_repair_begun"
    taken = 5

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.table = contract.load()["card"]["card_transaction"]
        self.clean = self._rows()
        self.line = 10_000_000

    def begin(self, rng: random.Random, point: str) -> Act:
        """Put some of the rows that were loaded into quarantine, and take them out as a person does."""
        names = sql.SQL(", ").join(sql.Identifier(column.name) for column in self.table.columns)
        moved = query(
            sql.SQL(
                "delete from {0} where ctid in (select ctid from {0} where business_date = %s limit %s)"
                " returning load_id, {1}"
            ).format(tables.relation(self.table), names),
            self.bank.first, self.taken, role="loader",
        )  # fmt: skip
        header = [column.name for column in self.table.columns]
        folder, self.line = settings.state_dir() / "repair.csv", self.line + len(moved)
        for place, (load_id, *values) in enumerate(moved):
            fields = ["" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
                      for value in values]  # fmt: skip
            raw = ",".join(fields)
            query(
                "insert into governance.quarantine"
                " values (%s, 'card', 'card_transaction', %s, %s, %s, 'values', 'a test', %s)",
                load_id, self.bank.first, self.line - place, header[0], raw, role="loader",
            )  # fmt: skip
        query(
            "update governance.load set accepted_count = accepted_count - %s, rejected_count = rejected_count + %s"
            " where load_id = %s", len(moved), len(moved), moved[0][0], role="loader",
        )  # fmt: skip
        repair.take_out(self.table, self.bank.first, folder)
        return lambda: _void(repair.put_back(self.table, self.bank.first, folder, "faults", "a test"))

    def findings(self) -> list[str]:
        """All rows are there again, each once, and nothing waits."""
        return [] if self._rows() == self.clean else [f"{self._rows()} after the repair, {self.clean} before"]

    def _rows(self) -> list[tuple[object, ...]]:
        day = self.bank.first
        rows = "select count(*), count(distinct card_transaction_id) from sources.card__card_transaction"
        return [
            *query(rows + " where business_date = %s", day),
            *query(
                "select accepted_count, rejected_count from governance.load where status = 'loaded'"
                " and system = 'card' and table_name = 'card_transaction' and business_date = %s", day,
            ),
        ]  # fmt: skip


class Tidy(Stage):
    """What nobody can go back to is removed."""

    name, attempt, often = "tidy", "tidy_begun", ("tidy.part",)
    slices, states = (
        ("marts.fct_transaction", "marts.fct_contact"),
        ("profile.customer_360", "marts.dim_customer_current"),
    )

    def begin(self, rng: random.Random, point: str) -> Act:
        """Make two builds that came to nothing, with rows and parts: the older one goes."""
        for _ in range(2):
            ((build_id,),) = query(
                "insert into governance.build (business_date, kind, status) values (%s, 'daily', 'superseded')"
                " returning build_id", self.bank.published,
            )  # fmt: skip
            for name in self.slices:
                _copy(name, build_id, None)
            for name in self.states:
                _copy(name, build_id, f"{name}__b{build_id}")
        return lambda: _void(retention.tidy())

    def findings(self) -> list[str]:
        """Nothing is left of builds that are tidied."""
        found = []
        for name in (*self.slices, *self.states):
            rows = sql.SQL("select count(*) from {} where build_id in (select build_id from governance.build"
                           " where status = 'tidied')").format(_named(name))  # fmt: skip
            ((left,),) = query(rows)
            found += [f"{left} rows of {name} belong to builds that are tidied"] if left else []
        return found


STAGES: tuple[type[Stage], ...] = (
    Load, Build, Publish, RollBack, Score, Serve, Repair, Tidy, Expire, Rotate, Train, Promote, Erase,
)  # fmt: skip


def _copy(name: str, build_id: int, part: str | None) -> None:
    table = _named(name)
    if part:
        query(sql.SQL("create table {} partition of {} for values in ({})").format(
            _named(part), table, sql.Literal(build_id)))  # fmt: skip
    query(
        sql.SQL(
            "insert into {0} select made.* from (select * from {0} limit 20) as found"
            " cross join lateral jsonb_populate_record(null::{0}, to_jsonb(found) || %s::jsonb) as made"
        ).format(table),
        f'{{"build_id": {build_id}}}',
    )


def _named(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def _void(_: object) -> None:
    return None
