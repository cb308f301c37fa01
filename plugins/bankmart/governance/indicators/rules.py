"""What is wrong with a declared indicator: every finding says file, line and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from bankmart.governance.indicators.families import (
    ALL,
    DERIVED,
    EXPANDED,
    SUBJECTS,
    WRITTEN,
    Family,
    families,
    inputs,
    windows_read,
)  # fmt: skip
from bankmart.governance.policy import Node, known_classes, layer, models, yaml_of

NEEDED = ("name", "zh", "en", "subject", "aggregate", "windows", "unit", "direction", "class", "owner")
DIRECTIONS = ("up", "down", "none")
UNITS = ("currency", "currency_days", "pieces", "days", "seconds", "rate", "score", "index")
# What an aggregate must be made of, and the unit that it comes out in, where it has only one.
MADE_OF = {
    "sum": ("measure",),
    "average": ("of", "net", "moment"),
    "change": ("of", "net"),
    "ratio": ("numerator", "denominator"),
    "share": ("numerator", "denominator"),
    "trend": ("of",),
    "difference": ("of",),
    "regularity": ("of",),
    "variation": ("of",),
    "entropy": ("over",),
    "diversity": ("over",),
    "concentration": ("over",),
}
UNIT_OF = {
    "count": "pieces",
    "recency": "days",
    "share": "rate",
    "trend": "rate",
    "change": "rate",
    "regularity": "pieces",
    "diversity": "pieces",
    "variation": "index",
    "entropy": "index",
    "concentration": "index",
}
ENDINGS = {"_amount": "currency", "_count": "pieces", "_seconds": "seconds", "_days": "days", "_share": "rate"}
# Made of levels, they have no window themselves.
OF_LEVELS = ("ratio", "share", "entropy", "diversity", "concentration")
CALL = re.compile(r"\bmoves\(\s*'\w+'\s*,\s*'(\w+)'([^)]*)")
# What the bank's calendar says of an event's date, where `moves` is asked for it.
DAY_OFF = "is_day_off"


def findings(manifest: Node) -> list[str]:
    """What breaks a rule of indicators; empty where all is well."""
    declared = families(manifest)
    found = [line for node in models(manifest) for line in _lacks_families(node)]
    sound = []
    for family in declared:
        wrong = list(_itself(family))
        found += wrong
        sound += [] if wrong else [family]
    facts = {node["name"]: node for node in models(manifest)}
    for family in sound:
        found += _against_fact(family, facts)
        found += _against_others(family, {other.says["name"]: other for other in sound})
    return found + list(_twice(declared))


def _lacks_families(node: Node) -> list[str]:
    declares = node["config"]["meta"].get("families") is not None
    if declares or layer(node) != "tags" or not node["name"].startswith("ind_") or node["name"] == ALL:
        return []
    return [f"{yaml_of(node)}:1: declare its indicators in config.meta.families"]


def _itself(family: Family) -> Iterator[str]:
    says, where = family.says, family.where
    if lacks := [key for key in NEEDED if says.get(key) in (None, "")]:
        yield f"{where}: give it {' and '.join(lacks)}"
        return
    aggregate, windows = says["aggregate"], says["windows"]
    known = (*EXPANDED, *DERIVED, *WRITTEN)
    if aggregate not in known:
        yield f"{where}: aggregate {aggregate} is unknown; use one of {', '.join(known)}"
        return
    whole = isinstance(windows, list) and all(type(window) is int and window > 0 for window in windows)
    if not whole or sorted(set(windows)) != windows:
        yield f"{where}: windows are whole numbers of days, the shortest first, such as [30, 90]"
    elif aggregate == "level" and windows:
        yield f"{where}: a level is of the day itself and has no windows"
    elif aggregate not in ("level", *OF_LEVELS) and not windows:
        yield f"{where}: give {aggregate} windows, such as [30, 90]; only a level has none"
    elif aggregate in ("regularity", "variation") and any(window % 3 for window in windows):
        yield f"{where}: {aggregate} looks at thirds of a window; use windows such as 90"
    if lacks := [key for key in MADE_OF.get(aggregate, ()) if not says.get(key)]:
        yield f"{where}: {aggregate} needs {' and '.join(lacks)}"
    yield from _unit(family)
    if says["class"] not in known_classes():
        yield f"{where}: class {says['class']} is not in vars.data_classes of dbt_project.yml; use derived.indicator"
    if says["direction"] not in DIRECTIONS:
        yield f"{where}: direction says which way is good for the bank: {', '.join(DIRECTIONS)}"
    if says["subject"] not in SUBJECTS:
        yield f"{where}: subject {says['subject']} is unknown; use one of {', '.join(SUBJECTS)}"


def _unit(family: Family) -> Iterator[str]:
    says, where = family.says, family.where
    unit, aggregate = says["unit"], says["aggregate"]
    if unit not in UNITS:
        yield f"{where}: unit {unit} is unknown; use one of {', '.join(UNITS)}"
    elif unit != UNIT_OF.get(aggregate, unit):
        yield f"{where}: {aggregate} is in {UNIT_OF[aggregate]}, not in {unit}"
    elif wanted := [means for end, means in ENDINGS.items() if says["name"].endswith(end) and means != unit]:
        yield f"{where}: by its name it is in {wanted[0]}, not in {unit}; change the unit or the name"
    elif aggregate == "sum" and "amount" in str(says.get("measure")) and not unit.startswith("currency"):
        yield f"{where}: it adds up an amount, so its unit is currency, not {unit}"


def _against_fact(family: Family, facts: Mapping[str, Node]) -> Iterator[str]:
    says, where = family.says, family.where
    call = CALL.search(facts.get(family.model.replace("ind_", "move_"), {}).get("raw_code") or "")
    if (says["aggregate"] in EXPANDED) != bool(call):
        kinds = ", ".join(EXPANDED) if call else ", ".join((*DERIVED, *WRITTEN))
        yield f"{where}: {family.model} can't compute {says['aggregate']}; it has {kinds}. Move the family"
        return
    fact = facts.get(call.group(1)) if call else None
    if call is None or fact is None or not fact["columns"]:
        return
    for key in ("measure", "filter"):
        if not says.get(key):
            continue
        try:
            parsed = sqlglot.parse_one(str(says[key]), read="postgres")
        except ParseError as error:
            yield f"{where}: its {key} is no SQL: {' '.join(str(error).split())}"
            continue
        used = {column.name for column in parsed.find_all(exp.Column)}
        if key == "filter" and DAY_OFF in used:
            used.remove(DAY_OFF)
            if "days_off=true" not in call.group(2):
                move = family.model.replace("ind_", "move_")
                yield f"{where}: {key} names {DAY_OFF}; add days_off=true to the moves(…) of {move}.sql"
        for name in sorted(used - set(fact["columns"])):
            yield (
                f"{where}: {key} names {name}, which {fact['name']} doesn't have; "
                f"use one of {', '.join(fact['columns'])}"
            )
        types = {name: fact["columns"][name].get("data_type") for name in used & set(fact["columns"])}
        if key == "measure" and (odd := [name for name, kind in types.items() if kind in ("double precision", "real")]):
            yield f"{where}: measure {odd[0]} is no exact number; sums are kept to the cent, so add up a numeric"


def _against_others(family: Family, known: Mapping[str, Family]) -> Iterator[str]:
    says: Mapping[str, Any] = family.says
    for name in inputs(says):
        if name not in known:
            yield f"{family.where}: indicator {name} is unknown; name a family of an ind_ model, without its window"
            continue
        other = known[name].says
        if other["windows"] and other["aggregate"] != "recency":
            read = {of for window in says["windows"] or [None] for of in windows_read(says, window)}
            if lacks := sorted(str(window) for window in read - set(other["windows"])):
                yield f"{family.where}: {name} has no window of {', '.join(lacks)} days; add it to {known[name].where}"
        if says.get("feature") and not other.get("feature"):
            yield (
                f"{family.where}: it is a feature made of {name}, which is none and so is null in training; "
                f"add `feature: true` to {known[name].where}"
            )


def _twice(declared: list[Family]) -> Iterator[str]:
    first: dict[str, Family] = {}
    for family in declared:
        if clashes := [name for name in family.columns if name in first]:
            before = first[clashes[0]]
            yield f"{family.where}: {clashes[0]} is declared already at {before.file}:{before.line}; rename one of them"
        first = dict.fromkeys(family.columns, family) | first
