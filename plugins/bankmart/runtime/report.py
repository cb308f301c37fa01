"""The demo's report: what was built, how good it is, what readers see, how long it took and where to look."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from bankmart import db
from bankmart.runtime.commands.status import where_to_look
from bankmart.sources import contract
from bankmart.text import table

MODELS = ("churn",)


def text(stages: list[tuple[str, float]], elapsed: float) -> str:
    """The whole report."""
    parts = [_published(), _tables(), _sources(), _gates(), _catalogue(), _identity()]
    parts += [_model(name) for name in MODELS]
    times = table(["stage", "seconds"], [[name, round(seconds)] for name, seconds in stages])
    look = "\n".join(where_to_look())
    return "\n\n".join([*parts, f"Wall time {elapsed:.0f} s\n{times}", f"Where to look\n{look}"])


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
    indicators, tags = (sum(row[place] for row in rows) for place in (1, 2))
    shown = table(["subject", "indicators", "tags", "absent"], [list(row) for row in rows])
    reasons = "".join(f"\nAbsent: {reason}" for (reason,) in absent)
    return f"Catalogue: {indicators} indicators, {tags} tags\n{shown}{reasons}"


def _identity() -> str:
    rows = _query("select rule, count(*) from published.bridge_identity group by rule order by rule", role="bi_reader")
    shown = table(["rule", "numbers"], [list(row) for row in rows])
    return f"Customer numbers linked to another of the same person\n{shown}"


def _model(name: str) -> str:
    import mlflow

    from ml.tracking import registry
    from ml.tracking.server import tracking

    with tracking():
        champion = registry.by_alias(name)
        challenger = registry.by_alias(name, registry.CHALLENGER)
        version = champion or challenger
        if version is None:
            return f"Model {name}: none yet; the log of train_monthly says what it needs"
        metrics = mlflow.MlflowClient().get_run(version.run_id).data.metrics
    rows = []
    for metric in ("auc", "average_precision", "lift_top_decile", "brier", "ece"):
        if metric in metrics:
            interval = f"{metrics[f'{metric}_low']:.3f} to {metrics[f'{metric}_high']:.3f}"
            rows.append([metric, f"{metrics[metric]:.3f}", interval, f"{metrics[f'baseline_{metric}']:.3f}"])
    role = "champion" if champion else "challenger, not promoted"
    scored = _query("select count(*) from scores.customer_score where is_champion")[0][0]
    head = (
        f"Model {name}, version {version.number} ({role}), {metrics['test_rows']:.0f} customers out of time with"
        f" {metrics['test_positives']:.0f} positives; {scored:,} scores"
    )
    return head + "\n" + table(["metric", "model", "95 % interval", "best recency rule"], rows)
