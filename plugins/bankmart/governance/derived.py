"""The rules of what the platform derives: indicators and tags say all that a person has to know of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from bankmart.governance.indicators import rules, wide
from bankmart.governance.indicators.families import families
from bankmart.governance.indicators.families import indicator_names as indicator_names
from bankmart.governance.policy import Node, is_tag_model, models, place, yaml_of

PROFILE = "customer_360"
# The other columns of a tag model: whose tags they are, and which build wrote them.
NO_TAG = ("identity.customer_id", "platform")
TAG_CLASS = "derived.tag"
TAG = ("kind", "subject", "values", "default", "refresh", "status", "version", "review_date")


def findings(manifest: Node) -> list[str]:
    """What breaks a rule of indicators or tags; empty where all is well."""
    # A row's width is known where every family is whole.
    found = rules.findings(manifest) or wide.findings(manifest)
    found += [line for node in models(manifest) for line in validate_tags(node)]
    found += validate_unit_tests(manifest)
    return found + validate_profile_indicators(manifest) + validate_profile_tags(manifest)


def validate_tags(node: Node) -> list[str]:
    """All columns of a tag model but its key are tags.

    A tag says what kind it is, its values and default, its state, version and the date of its next review.
    """
    found = []
    for name, column in node["columns"].items() if is_tag_model(node) else ():
        meta = column["config"]["meta"]
        if meta.get("class") in NO_TAG:
            continue
        where = f"{place(node, name)}: tag {name}"
        if meta.get("class") != TAG_CLASS:
            # Registry, ledger, history and monitor know tags by their class.
            found.append(
                f"{where}: its class is {meta.get('class') or 'missing'}, so nothing would know it as a tag; write "
                f"class: {TAG_CLASS}, or move the column to a model that has no tags"
            )
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


def validate_profile_indicators(manifest: Node) -> list[str]:
    """The profile has no indicator that isn't declared; the wide table has them all (indicators/wide.py)."""
    declared = {name for family in families(manifest) for name in family.columns}
    return [
        f"{yaml_of(profile)}: {name} is not in config.meta.families of an ind_ model"
        for profile in (node for node in models(manifest) if node["name"] == PROFILE)
        for name in sorted(set(_of_class(profile, "derived.indicator")) - declared)
    ]


def validate_profile_tags(manifest: Node) -> list[str]:
    """The profile has all tags, and no others."""
    tags = [node for node in models(manifest) if is_tag_model(node)]
    # Nobody but its makers sees a draft.
    declared = [
        name
        for node in tags
        for name in _of_class(node, TAG_CLASS)
        if node["columns"][name]["config"]["meta"].get("status") != "draft"
    ]
    found = []
    for profile in (node for node in models(manifest) if node["name"] == PROFILE):
        shown = _of_class(profile, TAG_CLASS)
        found += [f"{yaml_of(profile)}: add {name}" for name in sorted(set(declared) - set(shown))]
        found += [f"{yaml_of(profile)}: {name} is not in a tag_ model" for name in sorted(set(shown) - set(declared))]
    return found


def _of_class(node: Node, data_class: str) -> list[str]:
    return [name for name, column in node["columns"].items() if column["config"]["meta"].get("class") == data_class]


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True
