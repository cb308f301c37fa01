"""The pair of files of a new tag: the select, the contract with its metadata, a unit test on each of its limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice, product
from pathlib import Path
from typing import Any

from sqlglot import exp

from bankmart import settings
from bankmart.governance.tags.making.request import Request, parse

HISTORY = "models/profile/history/tag_change.sql"
# Where it says what readers have tags for, and the exposure that has them all.
EXPOSURES, EXPOSURE = "models/profile/exposures.yml", "tags_by_subject"
NEUTRAL = "2026-10-31"
NOT_NULL = ", constraints: [{type: not_null}]"
PLATFORM = "class: platform, zh: {}"
# Settings of the other columns that are tried for each limit.
MOST_SETTINGS = 60
Row = dict[str, Any]


def files(request: Request) -> tuple[Path, Path]:
    """Where its SQL and its YAML go."""
    stem = settings.dbt_dir() / "models" / "tags" / request.subject / request.model
    return stem.with_suffix(".sql"), stem.with_suffix(".yml")


def select(request: Request, homes: Mapping[str, str]) -> str:
    """The model's SQL; `homes`: indicator → the model that has it."""
    read = sorted({homes[column.name] for column in parse(request.judgement).find_all(exp.Column)})
    names = {model: model.removeprefix("ind_") for model in read} | {"ind_holding": "holding"}

    def qualified(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return exp.column(node.name, table=names[homes[node.name]])
        return node

    written = parse(request.judgement).transform(qualified).sql(dialect="postgres", normalize_functions="lower")
    expression = _lower(written)
    if request.sources:
        absent = "\n".join(f"        when not {{{{ delivered('{table}') }}}} then null" for table in request.sources)
        expression = f"case\n{absent}\n        else {expression}\n    end"
    lines = ["select", "    holding.customer_id,", f"    {expression} as {request.key},", "    {{ build_columns() }}"]
    lines.append("from {{ current('ind_holding') }} as holding")
    for model in read:
        if model != "ind_holding":
            name = names[model]
            lines += [
                f"inner join {{{{ current('{model}') }}}} as {name}",
                f"    on holding.customer_id = {name}.customer_id and holding.as_of_date = {name}.as_of_date",
            ]
    return "\n".join([*lines, "where holding.as_of_date = {{ business_date() }}", ""])


def limits(expression: str, types: Mapping[str, str]) -> list[list[list[Row]]]:
    """For each number that a column is compared with: rows below, at and above it, in every setting worth trying.

    A limit shows only where the other columns let it through, so these are tried at 0 and around limits of their own.
    """
    tree = parse(expression)
    columns = sorted({column.name for column in tree.find_all(exp.Column)})
    around: dict[str, list[float]] = {name: [0] for name in columns}
    compared = list(_compared(tree, types))
    for name, values in compared:
        around[name] += [value for value in values if value not in around[name]]
    found = []
    for name, values in compared:
        others = [other for other in columns if other != name]
        settings_of_others = islice(product(*(around[other] for other in others)), MOST_SETTINGS)
        found.append([
            [dict(zip(others, setting, strict=True)) | {name: value} for value in values]
            for setting in settings_of_others
        ])  # fmt: skip
    return found


def telling(tried: Sequence[tuple[list[Row], list[Any]]]) -> list[tuple[Row, Any]]:
    """The setting in which the limit shows: the first whose outcomes differ, else the first."""
    rows, outcomes = next((each for each in tried if len(set(each[1])) > 1), tried[0])
    return list(zip(rows, outcomes, strict=True))


def _compared(tree: exp.Expr, types: Mapping[str, str]) -> Iterator[tuple[str, list[float]]]:
    for node in tree.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.Between):
        for number in (node.args.get(key) for key in ("expression", "low", "high")):
            value = _number(number) if number is not None else None
            if isinstance(node.this, exp.Column) and value is not None:
                name = node.this.name
                step: float = 0.01 if types.get(name, "").startswith(("double", "numeric")) else 1
                yield name, [round(varied, 2) for varied in (value - step, value, value + step)]


def contract(request: Request, homes: Mapping[str, str], cases: Sequence[tuple[Row, Any]], day: date) -> str:
    """The model's YAML. `cases`: inputs by indicator, and what the tag is for each of them."""
    values = ", ".join(_yaml(value, request.data_type) for value in request.values)
    name = json.dumps(request.zh, ensure_ascii=False)
    review = day + timedelta(days=365)
    sources = f", sources: [{', '.join(request.sources)}]" if request.sources else ""
    test = ""
    if request.data_type == "text":
        test = f", data_tests: [{{accepted_values: {{arguments: {{values: [{values}]}}}}}}]"
    meta = (
        f"class: derived.tag, kind: {request.kind}, subject: {request.subject}, values: [{values}], "
        f"default: {_yaml(request.default, request.data_type)}, status: draft, version: 1, refresh: daily, "
        f"review_date: {review}{sources}, zh: {name}"
    )
    return f"""version: 2

models:
  - name: {request.model}
    description: {json.dumps(f"One row per customer: {request.en}", ensure_ascii=False)}
    config:
      contract: {{enforced: true}}
      meta: {{owner: {request.owner}, zh: {name}, published: current, promised_time: "08:00"}}
    constraints:
      - {{type: primary_key, columns: [customer_id, build_id]}}
    columns:
{_columns(request, meta, test)}

unit_tests:
{_unit_test(request, homes, cases)}"""


def _columns(request: Request, meta: str, test: str) -> str:
    columns = [
        ("customer_id", "text", "Customer number.", "class: identity.customer_id, zh: 客户号", NOT_NULL),
        (request.key, request.data_type, request.en, meta, test),
        (
            "business_date",
            "date",
            "Business date of the build that wrote the row.",
            PLATFORM.format("业务日期"),
            NOT_NULL,
        ),
        ("build_id", "bigint", "The build that wrote the row.", PLATFORM.format("构建号"), NOT_NULL),
    ]
    return "\n".join(
        f"      - {{name: {name}, data_type: {kind}, description: {json.dumps(said, ensure_ascii=False)}, "
        f"config: {{meta: {{{about}}}}}{more}}}"
        for name, kind, said, about, more in columns
    )


def exposed(exposures: str, model: str) -> str:
    """The exposures, that of all tags with one more model, in order."""
    line, head = f"      - ref('{model}')", f"  - name: {EXPOSURE}\n"
    before, begin, rest = exposures.partition(head)
    own, gap, after = rest.partition("\n\n")
    lines = own.splitlines()
    if line in lines:
        return exposures
    first = lines.index("    depends_on:") + 1
    own = "\n".join([*lines[:first], *sorted([*lines[first:], line])])
    return before + begin + own + (gap + after if gap else "\n")


def waits_for(history: str, model: str) -> str:
    """The history's SQL with a line that makes it wait for another tag model."""
    line = f"-- depends_on: {{{{ ref('{model}') }}}}"
    lines = history.splitlines()
    waiting = [place for place, text in enumerate(lines) if text.startswith("-- depends_on: ")]
    first, last = (waiting[0], waiting[-1] + 1) if waiting else (0, 0)
    return "\n".join([*lines[:first], *sorted({*lines[first:last], line}), *lines[last:]]) + "\n"


def _unit_test(request: Request, homes: Mapping[str, str], cases: Sequence[tuple[Row, Any]]) -> str:
    delivered = ", ".join(request.sources)
    lines = [
        f"  - name: {request.key}_turns_at_its_limits",
        f"    model: {request.model}",
        '    description: "What it gives below, at and above each limit: read it, then correct it or the tag."',
        f"    overrides: {{vars: {{business_date: '{NEUTRAL}', build_id: 7, base_build_id: 7, "
        f"as_of_dates: ['{NEUTRAL}'], delivered: [{delivered}]}}}}",
        "    given:",
    ]
    for model in sorted({"ind_holding", *(homes[name] for name in cases[0][0])}):
        lines += [f"      - input: ref('{model}')", "        rows:"]
        for place, (row, _) in enumerate(cases):
            cells = "".join(f", {name}: {_yaml(row[name], 'number')}" for name in row if homes[name] == model)
            lines.append(f"          - {{customer_id: c{place}, as_of_date: {NEUTRAL}{cells}, build_id: 7}}")
    lines += ["    expect:", "      rows:"]
    for place, (_, value) in enumerate(cases):
        lines.append(f"        - {{customer_id: c{place}, {request.key}: {_yaml(value, request.data_type)}}}")
    return "\n".join(lines) + "\n"


def _number(node: exp.Expr) -> float | int | None:
    negative = isinstance(node, exp.Neg)
    literal = node.this if negative else node
    if not isinstance(literal, exp.Literal) or literal.is_string:
        return None
    value = float(literal.this) if "." in literal.this else int(literal.this)
    return -value if negative else value


def _yaml(value: Any, data_type: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if data_type == "text" and str(value).lower() in ("yes", "no", "on", "off", "true", "false", "null", "y", "n"):
        return f"'{value}'"
    return str(value)


def _lower(sql: str) -> str:
    # Keywords in the project's handwriting; what stands in quotes keeps its case.
    return "".join(part if place % 2 else part.lower() for place, part in enumerate(_quoted_parts(sql)))


def _quoted_parts(sql: str) -> list[str]:
    parts = sql.split("'")
    return [f"'{part}'" if place % 2 else part for place, part in enumerate(parts)]
