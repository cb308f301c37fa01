"""How long a row is kept: the retention of the class of the date that it is dated by. Derived from metadata alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2 import sql

from bankmart.governance import project
from bankmart.governance.masking import data_classes
from bankmart.governance.people.places import IDENTITY, NUMBER, REFERENCE
from bankmart.governance.policy import Node
from bankmart.sources import contract
from bankmart.sources.contract import Table as Extract

DATES = ("date", "timestamptz", "timestamp with time zone")
# What a version is true from, in every delta extract.
EFFECTIVE = "effective_date"
# They say whose a row is, or which thing is meant; not how long it is kept.
NO_CONTENT = ("reference", "platform", IDENTITY, NUMBER, REFERENCE)


@dataclass(frozen=True)
class Rule:
    """When a table's rows go. `until_next`: a row counts until the next with the same of these, and stays until then.

    `is_whole`: every delivery brings the whole table; the newest stays. `extract`: where it is a raw table, its name.
    """

    schema: str
    table: str
    dated_by: str
    data_type: str
    years: int
    until_next: tuple[str, ...] = ()
    is_whole: bool = False
    extract: str | None = None

    @property
    def name(self) -> str:
        """Schema and table."""
        return f"{self.schema}.{self.table}"

    def cutoff(self, today: date) -> date:
        """What is dated before this has been kept long enough."""
        try:
            return today.replace(year=today.year - self.years)
        except ValueError:  # the 29th of February
            return today.replace(year=today.year - self.years, day=28)

    def expired(self, today: date) -> sql.Composed:
        """The condition of the rows to remove, of the table as `base`."""
        end: sql.Composable = sql.Literal(self.cutoff(today))
        column = sql.Identifier(self.dated_by)
        if self.data_type != "date":
            zone = sql.Literal(project.variables()["timezone"])
            end = sql.SQL("({}::date::timestamp at time zone {})").format(end, zone)
        else:
            end = sql.SQL("{}::date").format(end)
        old = sql.SQL("base.{} < {}").format(column, end)
        relation = sql.Identifier(self.schema, self.table)
        if self.is_whole:
            newest = sql.SQL("base.business_date < (select max(business_date) from {})").format(relation)
            return sql.SQL("{} and {}").format(old, newest)
        if not self.until_next:
            return old
        same = sql.SQL(" and ").join(
            sql.SQL("later.{key} = base.{key}").format(key=sql.Identifier(key)) for key in self.until_next
        )
        shown = sql.SQL("" if self.extract else " and later.build_id in (select build_id from governance.publication)")
        return sql.SQL(
            "{old} and exists (select from {relation} as later where {same} and later.{date} <= {end}"
            " and (later.{date}, later.business_date) > (base.{date}, base.business_date){shown})"
        ).format(old=old, relation=relation, same=same, date=column, end=end, shown=shown)


def of_extract(table: Extract) -> Rule:
    """The rule of a raw table, of its quarantine and of its landing files."""
    types = {column.name: column.data_type for column in table.columns}
    classes = {column.name: column.data_class for column in table.columns}
    name = f"{table.system}.{table.name}"
    if table.extract == "full":
        return Rule("sources", table.identifier, "business_date", "date", _years(["reference"]), (), True, name)
    if table.extract == "delta":
        until_next = tuple(key for key in table.key if key != EFFECTIVE)
        years = _years([classes[EFFECTIVE]])
        return Rule("sources", table.identifier, EFFECTIVE, types[EFFECTIVE], years, until_next, False, name)
    dated = table.event_column or "business_date"
    years = _years([classes.get(dated, "platform")], classes.values())
    return Rule("sources", table.identifier, dated, types.get(dated, "date"), years, table.stands_by, False, name)


def of_node(node: Node) -> Rule | None:
    """The rule of a model that only grows, or of scores; None where rows are no events: a ledger, or states."""
    meta = {name: column["config"]["meta"].get("class") for name, column in node["columns"].items()}
    if "build_id" not in meta and node["resource_type"] == "model":
        return None
    history = node["config"]["meta"].get("history")
    dates = {name: column["data_type"] for name, column in node["columns"].items() if column["data_type"] in DATES}
    said = [name for name in dates if meta[name] not in NO_CONTENT]
    dated = history["effective"] if history else next(iter(said or dates), None)
    if dated is None or not set(meta.values()) - {*NO_CONTENT, None}:
        return None
    until_next = tuple(history["keys"] if history else node["config"]["meta"].get("stands_by", ()))
    years = _years([meta[dated]], meta.values())
    name = node.get("alias") or node.get("identifier") or node["name"]
    return Rule(node["schema"], name, dated, dates[dated], years, until_next)


def rules(manifest: Node) -> list[Rule]:
    """All of them: raw tables in the contract's order, then what was made of them."""
    raw = [of_extract(table) for tables in contract.load().values() for table in tables.values()]
    nodes = [
        *(node for node in manifest["nodes"].values() if node["config"].get("materialized") == "slice"),
        *(node for node in manifest["sources"].values() if node["schema"] == "scores"),
    ]
    return raw + [rule for node in sorted(nodes, key=lambda node: str(node["name"])) if (rule := of_node(node))]


def _years(own: list[str], others: Any = ()) -> int:
    """The retention of the date's class; of the longest of the content's where the date is only the platform's."""
    known = data_classes()
    content = [name for name in own if name not in ("platform",)] or [
        name for name in others if name and name not in NO_CONTENT
    ]
    return max(
        (int(known[name]["retention_years"]) for name in content), default=int(known["platform"]["retention_years"])
    )
