"""The rules of grades: classes are whole, every source column has one, and no column says less than it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bankmart.governance import masking, project
from bankmart.governance.catalogue import use
from bankmart.governance.catalogue.compiled import relation
from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.catalogue.query import ROW, Leaf
from bankmart.governance.catalogue.refresh import lineage as lineage_of
from bankmart.governance.grades import grade, place, secret
from bankmart.governance.grades.grade import CATEGORIES, Grade
from bankmart.governance.grades.travel import Travel
from bankmart.governance.indicators import families
from bankmart.governance.policy import SCORE, Node, models, yaml_of

CLASSES = "dbt_project/dbt_project.yml"
CUSTOMER = "identity.customer_id"
HELP = "docs/how-to/grade-a-column.md"


def undeclared(manifest: Node) -> list[str]:
    """Classes that are not whole, and source columns without one: nothing else can be judged before."""
    return classes() + links(manifest) + repeated(manifest) + sources(manifest)


def findings(manifest: Node) -> list[str]:
    """Columns that say less than they are made of."""
    return judge(manifest, lineage_of(manifest))[1]


def classes() -> list[str]:
    """What is wrong with `vars.data_classes` itself: each class is whole."""
    found = []
    readers = project.variables()["readers"]
    for name, about in masking.data_classes().items():
        lacks = []
        if about.get("grade") not in range(1, 6):
            lacks.append("a grade from 1 to 5")
        if about.get("category") not in CATEGORIES:
            lacks.append(f"a category ({', '.join(CATEGORIES)})")
        if about.get("mask") not in masking.MASKS:
            lacks.append(f"a mask ({', '.join(masking.MASKS)})")
        if not isinstance(about.get("retention_years"), int) or about["retention_years"] < 1:
            lacks.append("retention_years, a whole number")
        purpose = about.get("purpose")
        if not isinstance(purpose, dict) or not all(str(purpose.get(each) or "").strip() for each in ("zh", "en")):
            lacks.append("a purpose, as {zh: …, en: …}: what it is processed for")
        if unknown := sorted(set(about.get("clear", ())) - set(readers)):
            lacks.append(f"only readers of vars.readers in clear, not {', '.join(unknown)}")
        if lacks:
            found.append(f"{CLASSES}: data class {name}: give it {' and '.join(lacks)}")
    return found


def links(manifest: Node) -> list[str]:
    """Models that `vars.grade_breakers.link` names and that there aren't: whatever they were called now is no link."""
    unknown = grade.breakers().link_models - {str(node["name"]) for node in models(manifest)}
    return [
        f"{CLASSES}: grade_breakers.link names the model {name}, which isn't there: name the one that links numbers of"
        f" one person now, or take it out: {HELP}"
        for name in sorted(unknown)
    ]


def repeated(manifest: Node) -> list[str]:
    """Columns that a model's or a source's YAML declares twice: dbt would keep the last one and say nothing."""
    files = dict.fromkeys(yaml_of(node) for node in [*manifest["sources"].values(), *models(manifest)])
    return [
        f"{file}:{again}: {table} declares {name} already on line {first}: the later one would count, and nobody be"
        " told. Give one of them another name, or take it out."
        for file in files
        for table, name, (first, *others) in place.repeated(file)
        for again in others
    ]


def sources(manifest: Node) -> list[str]:
    """Source columns without a class, with an unknown one, or of category C3, which never enters the platform."""
    known, found = masking.data_classes(), []
    for node in manifest["sources"].values():
        for name, column in node["columns"].items():
            data_class = column["config"]["meta"].get("class")
            said = f"{place.of_column(yaml_of(node), node['name'], name)}: {node['source_name']}.{node['name']}.{name}"
            if secret.is_secret(name):
                found.append(
                    f"{said} has the name of what authenticates a person (category C3): it may not enter the platform, "
                    "whatever its class. Take the column out of the contract; the source must not send it. If it is "
                    "something else, name it so."
                )
            if not data_class:
                found.append(
                    f"{said} has no class: every source column names one. Add `class:` to its config.meta: {HELP}"
                )
            elif data_class not in known:
                found.append(
                    f"{said} names class {data_class}, which vars.data_classes of {CLASSES} does not have. "
                    f"Use one of {', '.join(sorted(known))}, or add it there: {HELP}"
                )
            elif known[data_class]["category"] == "C3":
                found.append(
                    f"{said} is of category C3 (what authenticates a person): it may not enter the platform. "
                    "Take the column out of the contract; the source must not send it."
                )
    return found


def judge(manifest: Node, lineage: Lineage) -> tuple[Travel, list[str]]:
    """The grades of all columns, and the columns that say less than they are made of."""
    said = declared(manifest)
    given = {leaf: _grade(data_class) for leaf, data_class, _ in said} | _rows(manifest)
    customer = frozenset(leaf.column for leaf, data_class, _ in said if data_class == CUSTOMER)
    travel = Travel(lineage, given, grade.breakers(), customer)
    learned = grade.join(travel.of(leaf) for leaf in _learned(lineage))
    found = []
    for leaf, data_class, where in said:
        own, made = _grade(data_class), travel.inherited.get(leaf, grade.LOWEST)
        if data_class == SCORE and leaf.relation not in lineage.queries:
            # What a model says of a person is made of all that it was told.
            made |= learned
        if not own.covers(made):
            found.append(
                f"{place.of_column(*where)}: {leaf.relation}.{leaf.column} is {own} (class {data_class}), but is made "
                f"of {_made_of(leaf, lineage, travel)}, so of {made}. Name a class of at least that, or lower it by "
                f"one of vars.grade_breakers: {HELP}"
            )
    return travel, found


def declared(manifest: Node) -> list[tuple[Leaf, str, tuple[str, str, str]]]:
    """Every column that names a class that there is, with where it does so: file, model, column or family."""
    known, found = masking.data_classes(), []
    for node in [*manifest["sources"].values(), *models(manifest)]:
        for name, column in node["columns"].items():
            if column["config"]["meta"].get("class") in known:
                where = (yaml_of(node), str(node["name"]), name)
                found.append((Leaf(relation(node), name), column["config"]["meta"]["class"], where))
    nodes = {str(node["name"]): node for node in models(manifest)}
    for family in families.families(manifest):
        node = nodes[family.model]
        where = (yaml_of(node), family.model, family.says["name"])
        if family.says["class"] in known:
            found += [(Leaf(relation(node), name), family.says["class"], where) for name in family.columns]
    return found


def _grade(data_class: str) -> Grade:
    about: dict[str, Any] = masking.data_classes()[data_class]
    return grade.of_class(about)


def _rows(manifest: Node) -> dict[Leaf, Grade]:
    # That a delivered row is there says as much as its key.
    known, found = masking.data_classes(), {}
    for node in manifest["sources"].values():
        metas = [column["config"]["meta"] for column in node["columns"].values()]
        keys = [meta["class"] for meta in metas if meta.get("key") and meta.get("class") in known]
        found[Leaf(relation(node), ROW)] = grade.join(map(_grade, keys))
    return found


def _learned(lineage: Lineage) -> Iterator[Leaf]:
    # What the models are told of a person.
    for spec in use.specs():
        yield from use.columns_of(spec, lineage.schema)


def _made_of(leaf: Leaf, lineage: Lineage, travel: Travel) -> str:
    parts = sorted(lineage.direct(leaf), key=lambda part: (-travel.of(part).level, part))
    shown = [f"{part.relation}.{part.column}" if part.column != ROW else f"rows of {part.relation}" for part in parts]
    return " and ".join(shown[:3]) + (" and others" if len(shown) > 3 else "") or "the features of models"
