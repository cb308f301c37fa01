"""`bankmart new-tag`: a tag's pair of files, tried on a sample of the last published date."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

import pandas as pd
from sqlglot import exp

from bankmart import db, dbt, settings
from bankmart.governance.catalogue.compiled import relation
from bankmart.governance.catalogue.query import Leaf
from bankmart.governance.catalogue.refresh import lineage
from bankmart.governance.indicators import families
from bankmart.governance.policy import Node, models
from bankmart.governance.tags import ledger, registry, trial
from bankmart.governance.tags.making import overlap, request, scaffold
from bankmart.governance.tags.making.request import Request
from bankmart.sources import contract
from bankmart.text import table

SAMPLE = 20_000
SHOWN_OVERLAPS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """KEY, --subject, --kind, --expression, --zh, --en, --values, --default, --owner."""
    parser.add_argument("key", help="the tag's name, such as calls_often")
    parser.add_argument("--subject", required=True, help="the folder of models/tags, such as service")
    parser.add_argument("--kind", default="rule", help="rule, statistical or model (rule)")
    parser.add_argument("--expression", required=True, help='SQL over indicators, such as "call_count_30d >= 3"')
    parser.add_argument("--zh", required=True, help="the Chinese name")
    parser.add_argument("--en", required=True, help="what it says, in one English sentence")
    parser.add_argument("--values", default="true,false", help="its values, such as low,high (true,false)")
    parser.add_argument("--default", default=None, help="the value of a customer of whom nothing is known (none)")
    parser.add_argument("--owner", default="marketing-analytics", help="who reviews it (marketing-analytics)")
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"customers to try it on ({SAMPLE})")


def run(args: argparse.Namespace) -> int:
    """Write the files and print what they do; nothing stays where the tag can't be computed.

    Raises RequestError for a tag that can't be made as asked for, TrialError where the database can't compute it.
    """
    manifest = dbt.manifest()
    asked = Request(
        args.key, args.subject, args.kind, args.expression, args.zh, args.en, tuple(args.values.split(",")),
        args.default, args.owner,
    )  # fmt: skip
    request.check(asked, manifest, ledger.read(ledger.path()))
    homes, build = request.indicators(manifest), trial.newest_build()
    read = {column.name: homes[column.name] for column in request.parse(asked.expression).find_all(exp.Column)}
    asked = Request(**{**vars(asked), "sources": needed(manifest, read)})
    types = _types(manifest, read)
    cases = _cases(asked, types)
    sql_file, yaml_file = scaffold.files(asked)
    history_file, exposures_file = settings.dbt_dir() / scaffold.HISTORY, settings.dbt_dir() / scaffold.EXPOSURES
    history, exposures = history_file.read_text(encoding="utf-8"), exposures_file.read_text(encoding="utf-8")
    sql_file.parent.mkdir(exist_ok=True)
    try:
        sql_file.write_text(scaffold.select(asked, homes), encoding="utf-8")
        yaml_file.write_text(scaffold.contract(asked, homes, cases, date.today()), encoding="utf-8")
        history_file.write_text(scaffold.waits_for(history, asked.model), encoding="utf-8")
        exposures_file.write_text(scaffold.exposed(exposures, asked.model), encoding="utf-8")
        values = overlap.sample(trial.compile_model(asked.model, build), asked.key, args.sample)
    except Exception:
        for path in (sql_file, yaml_file):
            path.unlink(missing_ok=True)
        history_file.write_text(history, encoding="utf-8")
        exposures_file.write_text(exposures, encoding="utf-8")
        raise
    for path in (sql_file, yaml_file, history_file, exposures_file):
        print(path.relative_to(settings.ROOT))
    others = [tag for tag in registry.tags(manifest) if tag.status != "retired"]
    print("\n" + report(asked, values, overlap.overlaps(values, others, build.build_id)))
    print("\nIt is a draft: look at the unit test, set status: live, show it in the profile, `bankmart tags --accept`.")
    return 0


def _cases(asked: Request, types: dict[str, str]) -> list[tuple[scaffold.Row, Any]]:
    """Inputs and what the tag is for them: a customer without any values, and both sides of each limit."""
    nothing: scaffold.Row = dict.fromkeys(types)
    cases = [(nothing, overlap.evaluate(asked.judgement, [nothing], types)[0])]
    for settings_of_limit in scaffold.limits(asked.expression, types):
        tried = [(rows, overlap.evaluate(asked.judgement, rows, types)) for rows in settings_of_limit]
        cases += [case for case in scaffold.telling(tried) if case not in cases]
    return cases


def needed(manifest: Node, read: dict[str, str]) -> tuple[str, ...]:
    """The optional source tables without which an indicator that is read has no value.

    `moved_subjects` says so of what is counted; else it is one that is made of optional tables only.
    """
    graph, nodes = lineage(manifest), {node["name"]: node for node in models(manifest)}
    names = {relation(node): f"{node['source_name']}.{node['name']}" for node in manifest["sources"].values()}
    optional = {
        f"{system}.{name}" for system, tables in contract.load().items() for name, about in tables.items()
        if not about.is_required
    }  # fmt: skip
    delivered = families.delivered_by(manifest)
    found: set[str] = set()
    for name, model in read.items():
        if model in delivered:
            found |= {delivered[model]} & optional
            continue
        leaves = graph.sources(Leaf(relation(nodes[model]), name))
        tables = {names.get(leaf.relation, leaf.relation) for leaf in leaves}
        found |= tables if tables <= optional else set()
    return tuple(sorted(found))


def report(asked: Request, values: pd.Series, near: list[tuple[str, float]]) -> str:
    """Coverage, values and overlaps, for people."""
    counts = values.fillna(overlap.NONE).value_counts()
    whole = int(counts.sum())
    lines = [
        f"{asked.key} on {whole} customers: {1 - counts.get(overlap.NONE, 0) / max(whole, 1):.1%} have a value",
        "",
    ]
    lines.append(table(["value", "customers", "share"], [[v, int(n), f"{n / whole:.1%}"] for v, n in counts.items()]))
    if unknown := sorted(set(counts.index) - {*asked.values, overlap.NONE}):
        lines += ["", f"not among its values: {', '.join(unknown)}; correct the expression or --values"]
    shown = [[name, f"{strength:.2f}"] for name, strength in near[:SHOWN_OVERLAPS]]
    return "\n".join([*lines, "", table(["overlaps most with", "Cramér's V"], shown)])


def _types(manifest: Node, read: dict[str, str]) -> dict[str, str]:
    nodes = {node["name"]: node for node in models(manifest)}
    found = {}
    with db.connect("platform") as link, link.cursor() as cursor:
        for name, model in read.items():
            schema, _, table_name = relation(nodes[model]).partition(".")
            cursor.execute(
                "select data_type from information_schema.columns"
                " where table_schema = %s and table_name = %s and column_name = %s",
                (schema, table_name, name),
            )
            (found[name],) = cursor.fetchone() or ("double precision",)
    return found
