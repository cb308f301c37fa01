"""The catalogue's rows, from dbt's manifest and the lineage: one per published column, indicator and tag."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from bankmart.governance.catalogue.compiled import relation
from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.catalogue.query import Leaf
from bankmart.governance.catalogue.scored import why_not
from bankmart.governance.catalogue.use import Use, Users
from bankmart.governance.indicators import families, wide
from bankmart.governance.masking import data_classes
from bankmart.governance.policy import Node, is_tag_model, layer, models
from bankmart.governance.tags import registry

# What the platform writes itself is made of nothing, and always there.
PLATFORM = "platform"


@dataclass(frozen=True)
class Entry:
    """One row of governance.dictionary, its fields in the table's order."""

    name: str
    kind: str
    model: str
    zh: str
    en: str
    type: str | None
    unit: str | None
    data_class: str
    grade: int | None
    owner: str
    subject: str | None = None
    windows: list[int] = field(default_factory=list)
    direction: str | None = None
    values: list[Any] | None = None
    default: str | None = None
    status: str | None = None
    version: int | None = None
    review_date: date | None = None
    refresh: str | None = None
    promised_time: str | None = None
    is_present: bool = True
    absent_reason: str | None = None
    lineage: list[str] = field(default_factory=list)
    used_by: Use = field(default_factory=dict)
    aggregate: str | None = None
    measure: str | None = None
    filter: str | None = None
    tag_kind: str | None = None
    end_date: date | None = None


class Catalogue:
    """What all rows are made from.

    `delivered`: the source tables ("mobile.session") that have ever brought a row; `scored`: the models whose champion
    has scored the date.
    """

    def __init__(
        self, manifest: Node, lineage: Lineage, delivered: Collection[str], scored: Collection[str] = ()
    ) -> None:
        self.manifest, self.lineage, self.delivered, self.scored = manifest, lineage, delivered, scored
        self.users = Users(manifest, lineage)
        self.tables = {relation(node): f"{node['source_name']}.{node['name']}" for node in manifest["sources"].values()}
        self.extracts = {table for table in self.tables.values() if not table.startswith("scores.")}
        self.grades = {name: int(about["grade"]) for name, about in data_classes().items()}

    def entries(self) -> list[Entry]:
        """Every row: the indicators, the tags, the columns of what is published."""
        made = [*self._indicators(), *self._tags()]
        by_name = {entry.name: entry for entry in made}
        return made + [_as_made(entry, by_name.get(entry.name)) for entry in self._columns()]

    def _indicators(self) -> Iterator[Entry]:
        nodes = {str(node["name"]): node for node in models(self.manifest)}
        words = {
            name: (column["description"], column["config"]["meta"].get("zh", ""))
            for name, column in nodes.get(wide.MODEL, {}).get("columns", {}).items()
        }
        delivered = families.delivered_by(self.manifest)
        for family in families.families(self.manifest):
            says, node = family.says, nodes[family.model]
            home = nodes[families.home_of(family.model)]
            needed = [table for table in (says.get("delivered_by") or delivered.get(family.model),) if table]
            for name in family.columns if not says.get("hidden") else ():
                windows = [window for window in says["windows"] if name.endswith(f"_{window}d")]
                plain = (
                    (f"{says['en']} in {windows[0]} days.", f"近{windows[0]}天{says['zh']}")
                    if windows
                    else (f"{says['en']}.", says["zh"])
                )
                english, chinese = words.get(name, plain)
                yield Entry(
                    name=name, kind="indicator", model=family.model, zh=chinese, en=english,
                    type=families.indicator_type(says), unit=says["unit"], data_class=says["class"],
                    grade=self.grades.get(says["class"]), owner=says["owner"],
                    subject=says.get("subject") or _subject(node), windows=windows or list(says["windows"]),
                    direction=says["direction"], refresh="daily", promised_time=_promised(node),
                    aggregate=says["aggregate"], filter=says.get("filter"),
                    measure=says.get("measure") or ", ".join(families.inputs(says)) or None,
                    **self._made(Leaf(relation(home), name), needed),
                )  # fmt: skip

    def _tags(self) -> Iterator[Entry]:
        nodes = {node["name"]: node for node in models(self.manifest)}
        for tag in registry.tags(self.manifest):
            yield Entry(
                name=tag.column, kind="tag", model=tag.model, zh=tag.zh, en=tag.en, type=tag.data_type, unit=None,
                data_class=tag.data_class, grade=self.grades.get(tag.data_class), owner=tag.owner,
                subject=tag.subject, values=list(tag.values),
                default=None if tag.default is None else str(tag.default).lower(), status=tag.status,
                version=tag.version, review_date=tag.review_date, refresh=tag.refresh, tag_kind=tag.kind,
                end_date=tag.end_date,
                promised_time=_promised(nodes[tag.model]),
                **self._made(Leaf(tag.relation, tag.column), list(tag.sources), tag.models),
            )  # fmt: skip

    def _columns(self) -> Iterator[Entry]:
        for node in models(self.manifest):
            meta = node["config"]["meta"]
            for name, column in node["columns"].items() if meta.get("published") else ():
                about = column["config"]["meta"]
                if is_tag_model(node) and about["class"] == registry.TAG:
                    continue
                yield Entry(
                    name=name, kind="column", model=node["name"], zh=about.get("zh", ""), en=column["description"],
                    type=column["data_type"], unit=about.get("unit"), data_class=about["class"],
                    grade=self.grades.get(about["class"]), owner=about.get("owner") or meta.get("owner", ""),
                    subject=_subject(node), refresh="daily", promised_time=_promised(node),
                    **({} if about["class"] == PLATFORM else self._made(Leaf(relation(node), name), [])),
                )  # fmt: skip

    def _made(self, column: Leaf, needed: list[str], models: Collection[str] = ()) -> dict[str, Any]:
        sources = sorted(self.lineage.sources(column))
        tables = sorted({self.tables.get(leaf.relation, leaf.relation) for leaf in sources})
        # Scores and the bank's own lists are no delivery.
        extracts = [table for table in tables if table in self.extracts]
        # Scores are asked for by their model: the table is always there.
        needed = [table for table in needed if not table.startswith("scores.")]
        lacking = [table for table in needed if table not in self.delivered]
        if not needed and extracts and not any(table in self.delivered for table in extracts):
            lacking = extracts
        verb = "has" if len(lacking) == 1 else "have"
        reason = f"{' and '.join(lacking)} {verb} never delivered" if lacking else None
        reason = reason or why_not(models, self.scored, self.users.sources, self.delivered)
        return {
            "is_present": reason is None,
            "absent_reason": reason,
            "lineage": [f"{self.tables.get(leaf.relation, leaf.relation)}.{leaf.column}" for leaf in sources],
            "used_by": self.users.of(column),
        }


def has_lineage(entry: Entry) -> bool:
    """Whether anything is known of what the column is made of; what the platform writes itself is made of nothing."""
    return bool(entry.lineage) or entry.data_class == PLATFORM


def _as_made(column: Entry, made: Entry | None) -> Entry:
    """A column of the profile with what is said of it where it is made."""
    if made is None or made.data_class != column.data_class:
        return column
    said = (
        "unit", "subject", "windows", "direction", "values", "default", "status", "version", "review_date", "aggregate",
        "measure", "filter", "tag_kind", "end_date",
    )  # fmt: skip
    present = ("is_present", "absent_reason")
    return replace(column, **{name: getattr(made, name) for name in (*said, *present)})


def _subject(node: Node) -> str:
    folder = node["original_file_path"].split("/")[2]
    # All indicator models lie in one room: their name says the subject.
    name = str(node["name"]).partition("_")[2]
    return name if layer(node) == "tags" and folder.startswith("indicators") else folder


def _promised(node: Node) -> str | None:
    promised = node["config"]["meta"].get("promised_time")
    return str(promised) if promised else None
