"""The registry of tags, read from dbt's manifest: each version of each tag with all that it says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from bankmart import settings
from bankmart.governance.policy import Node, file_of, is_tag_model, line_of, models, yaml_of

TAG = "derived.tag"
STATUSES = ("draft", "live", "frozen", "retired")
KINDS = ("rule", "statistical", "model")
REFRESH = "daily"
VERSIONED = re.compile(r"(?P<key>.+)_v(?P<version>[0-9]+)")
WORD = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Tag:
    """One version of a tag: a column of a tag model. `en` is the column's description.

    `models` are those of `ml/models` whose scores it stands on.
    """

    key: str
    version: int
    column: str
    model: str
    relation: str
    subject: str
    kind: str
    zh: str
    en: str
    data_type: str
    values: tuple[Any, ...]
    default: Any
    owner: str
    data_class: str
    refresh: str
    review_date: date | None
    status: str
    end_date: date | None
    sources: tuple[str, ...]
    file: str
    sql_file: str
    line: int
    models: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """File and line of its metadata."""
        return f"{self.file}:{self.line}"

    @property
    def known_values(self) -> tuple[str, ...]:
        """The values as the database writes them; two whole numbers are the ends of a range."""
        if self.data_type in ("integer", "smallint") and len(self.values) == 2:
            low, high = (int(value) for value in self.values)
            return tuple(str(value) for value in range(low, high + 1))
        return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in self.values)


def tags(manifest: Node) -> list[Tag]:
    """Every tag column of every tag model, by key and version."""
    found = [
        _tag(node, name, column)
        for node in models(manifest)
        if is_tag_model(node)
        for name, column in node["columns"].items()
        if column["config"]["meta"].get("class") == TAG
    ]
    return sorted(found, key=lambda tag: (tag.key, tag.version))


def models_of_tags(manifest: Node) -> set[str]:
    """The models on whose scores tags stand."""
    return {model for tag in tags(manifest) for model in tag.models}


def validate(tag: Tag) -> list[str]:
    """What is wrong with a tag's own words: kind, status, version, key, values, end date."""
    found = []
    if tag.kind not in KINDS:
        found.append(f"kind {tag.kind!r} is unknown; use one of {', '.join(KINDS)}")
    if (tag.kind == "model") != bool(tag.models):
        found.append("a tag of kind model says on whose scores it stands, no other does: models: [churn]")
    if tag.status not in STATUSES:
        found.append(f"status {tag.status!r} is unknown; use one of {', '.join(STATUSES)}")
    if tag.refresh != REFRESH:
        found.append(
            f"refresh {tag.refresh!r} can't be kept: every build makes every tag, and nothing makes one less often; "
            f"write refresh: {REFRESH}"
        )
    if tag.status == "retired":
        found.append(
            "retired is what the ledger says of a tag that is gone: set status: frozen with an end_date, and remove "
            "the column when that day has passed"
        )
    if tag.version < 1:
        found.append("version counts from 1; write version: 1")
    if not WORD.fullmatch(tag.key):
        found.append(f"key {tag.key!r} is no name; use lower case letters, digits and _")
    elif tag.column not in (tag.key, f"{tag.key}_v{tag.version}"):
        found.append(f"its column is named {tag.key}, or {tag.key}_v{tag.version} while two versions are readable")
    if tag.status == "frozen" and tag.end_date is None:
        found.append("it is frozen; say until when it can be read: end_date: 2027-12-31")
    if tag.default is not None and str(tag.default).lower() not in tag.known_values:
        found.append(f"default {tag.default!r} is not among its values; add it, or correct the default")
    return [f"{tag.where}: tag {tag.column}: {what}" for what in found]


def twice(found: list[Tag]) -> list[str]:
    """Tags with the key and version of another one: a version is one definition."""
    said: list[str] = []
    first: dict[tuple[str, int], Tag] = {}
    for tag in found:
        before = first.setdefault((tag.key, tag.version), tag)
        if before is not tag:
            said.append(
                f"{tag.where}: tag {tag.column}: key {tag.key} version {tag.version} is declared already at "
                f"{before.where} ({before.column}); give this one another key, or version {tag.version + 1} as column "
                f"{tag.key}_v{tag.version + 1}"
            )
    return said


def _tag(node: Node, name: str, column: Node) -> Tag:
    meta = column["config"]["meta"]
    versioned = VERSIONED.fullmatch(name)
    file = yaml_of(node)
    return Tag(
        key=str(meta.get("key") or (versioned["key"] if versioned else name)),
        version=_number(meta.get("version")),
        column=name,
        model=node["name"],
        relation=f"{node['schema']}.{node.get('alias') or node['name']}",
        subject=str(meta.get("subject", "")),
        kind=str(meta.get("kind", "")),
        zh=str(meta.get("zh", "")),
        en=column["description"],
        data_type=str(column.get("data_type") or "text"),
        values=tuple(meta.get("values") or ()),
        default=meta.get("default"),
        owner=str(meta.get("owner") or node["config"]["meta"].get("owner", "")),
        data_class=TAG,
        refresh=str(meta.get("refresh", "")),
        review_date=_date(meta.get("review_date")),
        status=str(meta.get("status", "")),
        end_date=_date(meta.get("end_date")),
        sources=tuple(meta.get("sources") or ()),
        file=file,
        sql_file=file_of(node),
        line=line_of(settings.ROOT / file, name),
        models=tuple(meta.get("models") or ()),
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
