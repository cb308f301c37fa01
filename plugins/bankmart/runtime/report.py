"""The demo's report: what was built, how good it is, what readers see, how long it took and where to look."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from bankmart import db
from bankmart.governance.audit.verify import verify
from bankmart.governance.quality import command as quality
from bankmart.runtime.commands.status import megabytes, where_to_look
from bankmart.sources import contract
from bankmart.text import table

SHOWN_TABLES = 10


def text(stages: list[tuple[str, float]], elapsed: float, most_memory: int) -> str:
    """The whole report; `most_memory`: what all servers held together at most, in bytes."""
    parts = [_published(), _tables(), _sources(), _gates(), _quality(), _catalogue(), _identity(), _audit()]
    parts.append(_models())
    times = table(["stage", "seconds"], [[name, round(seconds)] for name, seconds in stages])
    look = "\n".join(where_to_look())
    cost = f"Wall time {elapsed:.0f} s, memory of all servers together {megabytes(most_memory)} at most\n{times}"
    return "\n\n".join([*parts, cost, f"Where to look\n{look}"])


def _query(statement: str | sql.Composed, role: str = "platform") -> list[tuple[Any, ...]]:
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _published() -> str:
    rows = _query("select max(business_date)::text, count(*) from governance.publication")
    customers = _query("select count(*) from published.customer_360", role="bi_reader")
    return f"Published business date {rows[0][0]} ({rows[0][1]} dates), {customers[0][0]:,} customers"


def _tables() -> str:
    views = _query("select name from governance.published_view where name not like '%.%' order by name")
    rows = []
    for (name,) in views:
        count = sql.SQL("select count(*) from {}").format(sql.Identifier("published", name))
        rows.append([name, f"{_query(count, role='bi_reader')[0][0]:,}"])
    return "Marts as bi_reader sees them\n" + table(["published", "rows"], rows)


def _sources() -> str:
    rows = _query(
        "select system, count(*), sum(read_count), sum(accepted_count), sum(rejected_count)"
        " from governance.load where status = 'loaded' group by system order by system"
    )
    delivered = {row[0] for row in rows}
    absent = [name for name in contract.load() if name not in delivered]
    shown = table(["system", "files", "rows read", "accepted", "quarantined"], [list(row) for row in rows])
    note = f"\nNever delivered, so what is made of it is absent: {', '.join(absent)}" if absent else ""
    return f"Sources\n{shown}{note}"


def _gates() -> str:
    rows = _query(
        """
        select
            result.business_date::text,
            count(distinct result.layer),
            count(*) filter (where result.status = 'pass'),
            count(*) filter (where result.status = 'warn'),
            count(*) filter (where result.status in ('fail', 'error'))
        from governance.node_result as result
        inner join governance.publication on result.build_id = publication.build_id
        group by result.business_date
        order by result.business_date
        """
    )
    return "Gates passed\n" + table(["date", "gates", "checks passed", "warned", "failed"], [list(row) for row in rows])


def _quality() -> str:
    lines = quality.report(quality.newest()).splitlines()
    # The lowest; all of them: `bankmart quality`.
    return "\n".join(lines[: 3 + SHOWN_TABLES])


def _audit() -> str:
    return f"Audit\n{verify().text()}"


def _catalogue() -> str:
    rows = _query(
        """
        select
            subject,
            count(*) filter (where kind = 'indicator' and is_present),
            count(*) filter (where kind = 'tag' and is_present),
            count(*) filter (where not is_present)
        from governance.dictionary
        where kind in ('indicator', 'tag')
        group by subject
        order by subject
        """
    )
    absent = _query("select distinct absent_reason from governance.dictionary where not is_present order by 1")
    indicators, tags, without = (sum(row[place] for row in rows) for place in (1, 2, 3))
    shown = table(["subject", "indicators", "tags", "absent"], [list(row) for row in rows])
    reasons = "".join(f"\nAbsent: {reason}" for (reason,) in absent)
    lacking = f", and {without} that are absent" if without else ""
    return f"Catalogue: {indicators} indicators, {tags} tags{lacking}\n{shown}{reasons}"


def _identity() -> str:
    rows = _query("select rule, count(*) from published.bridge_identity group by rule order by rule", role="bi_reader")
    shown = table(["rule", "numbers"], [list(row) for row in rows])
    return f"Customer numbers linked to another of the same person\n{shown}"


def _models() -> str:
    import mlflow

    from ml.spec import load_spec, model_names
    from ml.tracking import attempts, registry
    from ml.tracking.server import tracking

    rows, why = [], []
    with tracking():
        client = mlflow.MlflowClient()
        for name in model_names():
            champion = registry.by_alias(name)
            version = champion or registry.by_alias(name, registry.CHALLENGER)
            if version is None:
                why.append(f"{name}: {attempts.skipped(name) or 'not trained; the log of train_monthly says why'}")
                continue
            if champion is None:
                why.append(
                    f"{name} {version.number} stays challenger: {_refused(registry.read_report(version, 'gate'))}"
                )
            metrics, metric = client.get_run(version.run_id).data.metrics, load_spec(name).gates.metric
            rows.append(
                [
                    f"{name} {version.number}",
                    "champion" if champion else "challenger",
                    version.tags.get("approved_by", "nobody") if champion else "",
                    f"{metrics['test_rows']:.0f}",
                    metric,
                    f"{metrics[metric]:.3f} ({metrics[f'{metric}_low']:.3f} to {metrics[f'{metric}_high']:.3f})",
                    f"{metrics[f'baseline_{metric}']:.3f}",
                    f"{_scores(name):,}",
                ]
            )
    head = ["model", "role", "approved by", "rows out of time", "metric", "model (95 %)", "baseline", "scores"]
    return "Models\n" + table(head, rows) + "".join(f"\n{line}" for line in why)


def _refused(report: dict[str, Any] | None) -> str:
    """By which gates a version was refused, with what was found and needed."""
    if report is None:
        return "its gates haven't been judged yet"
    failed = [gate for gate in report["gates"] if not gate["passed"]]
    if not failed:
        return "every gate is passed, and nobody has approved it"
    return "; ".join(f"{gate['name']}: found {gate['found']}, needed {gate['needed']}" for gate in failed)


def _scores(model: str) -> int:
    """Published rows of the model's champions in the score tables."""
    count = 0
    for name in ("customer_score", "customer_offer", "feedback_score"):
        rows = sql.SQL("select count(*) from {} where is_champion and model = {}").format(
            sql.Identifier("scores", name), sql.Literal(model)
        )
        count += _query(rows)[0][0]
    return count
