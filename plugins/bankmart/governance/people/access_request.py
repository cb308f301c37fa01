"""All that is held about a person (查阅/复制), gathered from metadata, with clear values through the vault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg2 import sql
from psycopg2.extras import RealDictCursor

from bankmart import db, dbt, settings, vault
from bankmart.errors import BankmartError
from bankmart.governance import audit
from bankmart.governance.masking import data_classes
from bankmart.governance.people import access_page, decided, person, waiting
from bankmart.governance.people.person import Person
from bankmart.governance.people.places import IDENTITY, Table, tables
from bankmart.governance.people.rules import of_extract
from bankmart.sources import contract
from bankmart.vault import store

if TYPE_CHECKING:
    from bankmart.governance.policy import Node

# Working copies between these are the same data again.
SHOWN = ("sources", "marts", "tags", "features", "profile", "scores")
FEATURES = "features"
ROWS = "build_id in (select build_id from governance.publication)"
NEWEST = "build_id = (select build_id from governance.publication order by business_date desc limit 1)"
DICTIONARY = "select model, name, zh, en from governance.dictionary"

QUARANTINE = {
    "table": "governance.quarantine", "zh": "隔离区", "en": "Delivered and not loaded: records that broke a rule.",
    "legal_basis": None, "kept_years": "as long as what the table that it was sent for holds,",
    "columns": {
        "table": {"zh": "表", "en": "What it was sent for."}, "business_date": {"zh": "业务日期", "en": ""},
        "line_number": {"zh": "行号", "en": "Where it stands in the file."}, "rule": {"zh": "规则", "en": ""},
        "reason": {"zh": "原因", "en": ""}, "record": {"zh": "原始记录", "en": "As it was delivered."},
    },
}  # fmt: skip

# Table, business date, key of the row, column → the clear value.
Clear = dict[tuple[str, str, str, str], str]


def answer(customer: str, reason: str, out: Path, by: str, manifest: Node | None = None) -> tuple[Path, Path]:
    """Write the answer as JSON and as HTML into the folder `out`, for its owner's eyes; the two paths.

    Raises UnknownCustomer, BankmartError without a reason, VaultError where the vault does not open.
    """
    if not reason.strip():
        raise BankmartError("an access request needs --reason: who asks, and how was it made sure who it is?")
    found = manifest or dbt.manifest()
    with db.connect("platform") as link, link.cursor() as cursor:
        one = person.find(cursor, customer)
    clear = _clear(one, by, reason)
    quarantined = waiting.of(one, by, f"access request: {reason}")
    with db.connect("platform") as link, link.cursor(cursor_factory=RealDictCursor) as cursor, link.cursor() as plain:
        titles = _titles(plain, found)
        held = [
            part
            for table in _shown(tables(plain, found))
            if (part := _part(cursor, table, one, found, titles, clear)) is not None
        ]
        if quarantined:
            held.append(QUARANTINE | {"rows": quarantined})
        held += decided.of(cursor, one)
        told = {
            "customer": customer,
            "numbers": {kind: list(known) for kind, known in one.numbers.items() if known},
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "made_by": by,
            "tables": held,
            "not_shown": list(decided.WITHHELD),
        }
        rows = sum(len(part["rows"]) for part in held)
        facts = {"reason": audit.Said(reason), "tables": len(held), "rows": rows}
        audit.append(link, "access_request", by, f"customer {vault.token(IDENTITY, customer)}", facts)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = out / "held.json", out / "held.html"
    settings.write_private(paths[0], json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n")
    settings.write_private(paths[1], access_page.page(told))
    return paths


def _clear(one: Person, by: str, reason: str) -> Clear:
    found: Clear = {}
    for number in one.customers:
        with db.connect("vault") as link:
            for each in vault.clear(link, number, by, f"access request: {reason}"):
                place = each["table"], str(each["business_date"]), each["row_key"], each["column"]
                found[place] = each["value"]
    return found


def _shown(found: list[Table]) -> Iterator[Table]:
    seen = set()
    for table in sorted(found, key=lambda each: (SHOWN.index(each.schema) if each.schema in SHOWN else 9, each.name)):
        # A state is read through the table that its parts belong to.
        if table.schema in SHOWN and (table.schema, table.model) not in seen:
            seen.add((table.schema, table.model))
            yield Table(table.schema, table.model, table.model, table.columns)


def _part(
    cursor: Any, table: Table, one: Person, manifest: Node, titles: dict[tuple[str, str], tuple[str, str]], clear: Clear
) -> dict[str, Any] | None:
    about = _about(table, manifest)
    if about is None:
        return None
    columns = {place.name for place in table.columns}
    rows, is_history = person.belongs(table, one.numbers), about.pop("all", True)
    if "build_id" in columns and table.schema != FEATURES:
        rows = sql.SQL("{} and {}").format(rows, sql.SQL(ROWS if is_history else NEWEST))
    cursor.execute(sql.SQL("select * from {} where {}").format(table.relation, rows))
    # Of hashes and of the platform's own numbers nobody learns anything.
    hidden = {"build_id", "load_id"} | {place.name for place in table.columns if place.fate == "hash"}
    records = [{name: value for name, value in row.items() if name not in hidden} for row in cursor.fetchall()]
    if table.schema == FEATURES:
        # What models are told and were taught, of every build that is kept: as often as it differs.
        records = list({repr(record): record for record in records}.values())
    if not records:
        return None
    if table.schema == "sources":
        for record in records:
            _reveal(record, table, clear)
    said = {
        name: dict(zip(("zh", "en"), titles.get((table.model, name), (name, "")), strict=True)) for name in records[0]
    }
    return {"table": f"{table.schema}.{table.model}", **about, "columns": said, "rows": records}


def _about(table: Table, manifest: Node) -> dict[str, Any] | None:
    """Titles, purposes, legal basis and retention of a table; None for one that nobody is shown."""
    if table.schema == "sources":
        system, _, name = table.name.partition("__")
        extract = contract.load()[system][name]
        source = next((node for node in manifest["sources"].values() if node["schema"] == "sources"
                       and (node.get("identifier") or node["name"]) == table.name), None)  # fmt: skip
        basis = source["config"]["meta"].get("legal_basis") if source else None
        return {
            "zh": extract.zh,
            "en": extract.description,
            "purposes": _purposes({column.data_class for column in extract.columns}),
            "legal_basis": basis,
            "kept_years": of_extract(extract).years,
        }
    node = next((node for node in [*manifest["nodes"].values(), *manifest["sources"].values()]
                 if node["schema"] == table.schema and node["name"] == table.model), None)  # fmt: skip
    is_shown = table.schema == FEATURES or (node and node["config"]["meta"].get("published"))
    if node is None or (node["resource_type"] == "model" and not is_shown):
        return None
    known = data_classes()
    classes = {column["config"]["meta"].get("class") for column in node["columns"].values()}
    years = max(
        (int(known[name]["retention_years"]) for name in classes if name in known and name != "platform"), default=0
    )
    return {
        "zh": node["config"]["meta"].get("zh", ""),
        "en": node.get("description", ""),
        "purposes": _purposes(classes),
        "legal_basis": None,
        "kept_years": years,
        "all": node["config"]["meta"].get("published") != "current",
    }


def _purposes(classes: set[str]) -> list[dict[str, str]]:
    """What the classes of a person's data are processed for, each purpose once, in the order of the classes."""
    return list(
        {
            about["purpose"]["en"]: about["purpose"]
            for name, about in data_classes().items()
            if name in classes and name not in ("platform", "reference")
        }.values()
    )


def _reveal(record: dict[str, Any], table: Table, clear: Clear) -> None:
    system, _, name = table.name.partition("__")
    extract = contract.load()[system][name]
    row_key = store.BETWEEN.join(str(record[key]) for key in extract.key)
    for column in list(record):
        place = f"{system}.{name}", str(record["business_date"]), row_key, column
        if place in clear:
            record[column] = clear[place]


def _titles(cursor: Any, manifest: Node) -> dict[tuple[str, str], tuple[str, str]]:
    """By table and column the title in Chinese and what it means in English: the dictionary's, else the metadata's."""
    found = {
        (table.identifier, column.name): (column.zh, column.description)
        for extracts in contract.load().values()
        for table in extracts.values()
        for column in table.columns
    }
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        for name, column in node.get("columns", {}).items():
            zh = column["config"]["meta"].get("zh", name)
            found.setdefault((node["name"], name), (zh, column.get("description", "")))
    cursor.execute(DICTIONARY)
    return found | {(model, name): (zh, en) for model, name, zh, en in cursor.fetchall()}
