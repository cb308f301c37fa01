"""The wide table, made from the families of the indicators: its columns, their types and what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bankmart.governance.indicators.families import ALL, EXPANDED, SUBJECTS, families, indicator_names, indicator_type
from bankmart.governance.policy import Node, models

MODEL = "customer_wide"
PATH = f"dbt_project/models/profile/customer/{MODEL}.yml"
# A row has to fit into a page of 8 kB; what is beyond this is left for the bank's own indicators.
ROW_LIMIT = 7000
# Bytes and alignment. Keys become tokens of 64 characters.
WIDTHS = {"double precision": (8, 8), "bigint": (8, 8), "integer": (4, 4), "date": (4, 4), "text": (68, 4)}

HEAD = """# Made from the families of the indicators by `make docs`; change those instead.
version: 2

models:
  - name: customer_wide
    description: "One row per customer on the business date: every indicator, subject by subject."
    config:
      # Of ind_all, which the build has written already.
      materialized: lasting_view
      contract: {enforced: true}
      meta: {owner: marketing-analytics, zh: 客户指标宽表, published: current, promised_time: "08:00"}
    constraints:
      - {type: primary_key, columns: [customer_id, build_id], warn_unsupported: false}
    data_tests:
      - at_least_one_row
    columns:
"""
KEY = ("customer_id", "text", "Customer number.", "identity.customer_id", "客户号", True)
PLATFORM = (
    ("business_date", "date", "Business date of the build that wrote the row.", "platform", "业务日期", True),
    ("build_id", "bigint", "The build that wrote the row.", "platform", "构建号", True),
)

Column = tuple[str, str, str, str, str, bool]


def columns(manifest: Node) -> list[Column]:
    """Name, type, description, class, Chinese name, whether it is always there: the table's columns, in order."""
    found = [KEY]
    for subject in SUBJECTS:
        for family in shown(manifest, subject):
            for name, window in zip(indicator_names(family), family["windows"] or [None], strict=True):
                found.append((name, indicator_type(family), *_words(family, window), False))
    return [*found, *PLATFORM]


def shown(manifest: Node, subject: str) -> Iterator[Mapping[str, Any]]:
    """The families of a subject that readers see."""
    for family in families(manifest):
        if family.says.get("subject") == subject and not family.says.get("hidden") and family.columns:
            yield family.says


def text(manifest: Node) -> str:
    """The table's YAML."""
    return HEAD + "".join(map(_line, columns(manifest)))


def row_bytes(types: Sequence[str]) -> int:
    """The largest row of these types: a header of 23 bytes, a bit a column for nulls, every value aligned."""
    at = _aligned(23 + (len(types) + 7) // 8, 8)
    for data_type in types:
        size, alignment = WIDTHS[data_type]
        at = _aligned(at, alignment) + size
    return at


def findings(manifest: Node) -> list[str]:
    """What is wrong with the wide table: too wide a row, or windows that nothing moves or adds up."""
    found = []
    declared = families(manifest)
    stored = {name: indicator_type(family.says) for family in declared for name in family.columns}
    needed = row_bytes(["text", "date", *stored.values(), "date", "bigint"])
    if needed > ROW_LIMIT:
        found.append(
            f"{PATH}: a row takes {needed} bytes, at most {ROW_LIMIT} are allowed (a page has 8,192); "
            "take windows off families"
        )
    counted = {family.model for family in declared if family.says.get("aggregate") in EXPANDED}
    for node in models(manifest):
        if node["name"] == ALL:
            read = {name.rpartition(".")[2] for name in node["depends_on"]["nodes"]}
            lacks = sorted(name for name in counted if name.replace("ind_", "move_") not in read)
            found += [
                f"dbt_project/macros/indicators/subjects.sql: add {name} to moved_subjects(), and a model "
                f"{name.replace('ind_', 'move_')} of the fact that it counts"
                for name in lacks
            ]
    return found


def _words(family: Mapping[str, Any], window: int | None) -> tuple[str, str, str]:
    en, zh = family["en"], family["zh"]
    if family["aggregate"] == "recency":
        en += f"; null where none in {window} days"
    elif window:
        en, zh = f"{en}; last {window} days", f"近{window}天{zh}"
    return f"{en}.", family["class"], zh


def _line(column: Column) -> str:
    name, data_type, description, data_class, zh, always = column
    constraint = ", constraints: [{type: not_null}]" if always else ""
    about = f"config: {{meta: {{class: {data_class}, zh: {zh}}}}}"
    return f'      - {{name: {name}, data_type: {data_type}, description: "{description}", {about}{constraint}}}\n'


def _aligned(at: int, alignment: int) -> int:
    return at + -at % alignment
