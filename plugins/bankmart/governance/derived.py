"""The rules of what the platform derives: indicators and tags say all that a person has to know of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

from bankmart.governance.policy import Node, is_tag_model, known_classes, layer, models, yaml_of

PROFILE = "customer_360"
# What the macro expands, and what a model's own SQL computes: a level is of the day itself and has no window.
EXPANDED = ("sum", "count", "recency")
WRITTEN = ("level", "average", "change")
FAMILY = ("name", "zh", "en", "aggregate", "windows", "unit", "class", "owner", "direction")
DIRECTIONS = ("up", "down", "none")
# The other columns of a tag model: whose tags they are, and which build wrote them.
NO_TAG = ("identity.customer_id", "platform")
TAG = ("kind", "subject", "values", "default", "status", "version", "review_date")


def findings(manifest: Node) -> list[str]:
    """What breaks a rule of indicators or tags; empty where all is well."""
    of_model: list[Callable[[Node], list[str]]] = [validate_families, validate_tags]
    found = [line for rule in of_model for node in models(manifest) for line in rule(node)]
    found += validate_unit_tests(manifest)
    return found + validate_profile_indicators(manifest) + validate_profile_tags(manifest)


def validate_families(node: Node) -> list[str]:
    """An indicator model declares its families, and each says all that a person has to know of it."""
    families = node["config"]["meta"].get("families")
    if families is None:
        lacking = layer(node) == "tags" and node["name"].startswith("ind_")
        return [f"{yaml_of(node)}: declare its indicators in config.meta.families"] if lacking else []
    found = []
    for family in families:
        where = f"{yaml_of(node)}: family {family.get('name', '?')}"
        if lacks := [key for key in FAMILY if family.get(key) in (None, "")]:
            found.append(f"{where}: give it {' and '.join(lacks)}")
            continue
        if not all(isinstance(window, int) and window > 0 for window in family["windows"]):
            found.append(f"{where}: windows are whole numbers of days, such as [30, 90]")
        if family["aggregate"] not in EXPANDED + WRITTEN:
            known = ", ".join(EXPANDED + WRITTEN)
            found.append(f"{where}: aggregate {family['aggregate']} is unknown; use one of {known}")
        elif (family["aggregate"] == "level") == bool(family["windows"]):
            found.append(f"{where}: a level has no windows, everything else has: {family['aggregate']}")
        if family["aggregate"] == "sum" and not family.get("measure"):
            found.append(f"{where}: a sum needs the measure that it adds up")
        if family["class"] not in known_classes():
            found.append(f"{where}: class {family['class']} is not in vars.data_classes of dbt_project.yml")
        if family["direction"] not in DIRECTIONS:
            found.append(f"{where}: direction says which way is good: {', '.join(DIRECTIONS)}")
    return found


def validate_tags(node: Node) -> list[str]:
    """A tag says what kind it is, its values and default, its state, version and the date of its next review."""
    found = []
    for name, column in node["columns"].items() if is_tag_model(node) else ():
        meta = column["config"]["meta"]
        if meta.get("class") in NO_TAG:
            continue
        where = f"{yaml_of(node)}: tag {name}"
        # A default of null is a default: the tag is left out.
        if lacks := [key for key in TAG if key not in meta or (meta[key] in ("", []) and key != "default")]:
            found.append(f"{where}: give it {' and '.join(lacks)}")
        elif not _is_date(meta["review_date"]):
            found.append(f"{where}: review_date must be a date such as 2027-06-30")
    return found


def validate_unit_tests(manifest: Node) -> list[str]:
    """Tags are judgements: every tag model has a unit test."""
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    tags = [node for node in models(manifest) if is_tag_model(node)]
    return [
        f"{yaml_of(node)}: add a unit test for each limit of its tags" for node in tags if node["name"] not in tested
    ]


def indicator_names(family: Node) -> list[str]:
    """The columns of a family, as the macro `indicator_name` names them."""
    if family["aggregate"] == "recency" or not family["windows"]:
        return [family["name"]]
    return [f"{family['name']}_{window}d" for window in family["windows"]]


def validate_profile_indicators(manifest: Node) -> list[str]:
    """The profile has all indicators of all families, and no others."""
    families = (family for node in models(manifest) for family in node["config"]["meta"].get("families", ()))
    complete = (family for family in families if all(family.get(key) is not None for key in ("name", "windows")))
    declared = [name for family in complete for name in indicator_names(family)]
    twice = [
        f"indicator {name} is declared twice; rename one of its families"
        for name, times in Counter(declared).items()
        if times > 1
    ]
    return twice + _compare(manifest, "derived.indicator", declared, "config.meta.families of an ind_ model")


def validate_profile_tags(manifest: Node) -> list[str]:
    """The profile has all tags, and no others."""
    tags = [node for node in models(manifest) if is_tag_model(node)]
    # Nobody but its makers sees a draft.
    declared = [
        name
        for node in tags
        for name in _of_class(node, "derived.tag")
        if node["columns"][name]["config"]["meta"].get("status") != "draft"
    ]
    return _compare(manifest, "derived.tag", declared, "a tag_ model")


def _compare(manifest: Node, data_class: str, declared: list[str], where: str) -> list[str]:
    found = []
    for profile in (node for node in models(manifest) if node["name"] == PROFILE):
        shown = _of_class(profile, data_class)
        found += [f"{yaml_of(profile)}: add {name}" for name in sorted(set(declared) - set(shown))]
        found += [f"{yaml_of(profile)}: {name} is not in {where}" for name in sorted(set(shown) - set(declared))]
    return found


def _of_class(node: Node, data_class: str) -> list[str]:
    return [name for name, column in node["columns"].items() if column["config"]["meta"].get("class") == data_class]


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True
