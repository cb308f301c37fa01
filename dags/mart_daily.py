"""# mart_daily: raw tables become marts, tags and features

**Reads** schema `sources`. **Writes** schemas `staging`, `intermediate`, `marts`, `tags`, `features`, under a build of
its own: readers see nothing of it before score_daily publishes the date. **Normal duration** two minutes.

Starts when ingest_daily has loaded a date. Dates are built in order: a run waits until the delivered date before it is
published. The same date again makes a new build; readers keep the old one until the new one has passed.

## Triage
- *begin waits*: the date before is not published. Mend that one first.
- *dbt_LAYER failed*: the log lists every model and check with rows and seconds, the broken ones first, with the
  database's words. Mend and clear the task.
- *gate_LAYER is red*: the log says rule, rows, masked examples, owner. Mend the data or the rule, then clear
  `dbt_LAYER` with what follows. Readers still see the date before.
- *Unclear*: owner data-platform, docs/runbook.md.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, PartitionedAssetTimetable

from bankmart import steps

with DAG(
    dag_id="mart_daily",
    doc_md=__doc__,
    schedule=PartitionedAssetTimetable(assets=steps.SOURCES),
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=4,
    params=steps.PARAMS,
    deadline=steps.deadline(hours=10),
    default_args=steps.DEFAULTS,
    tags=["staging", "intermediate", "marts", "tags", "features"],
):
    build = steps.begin()
    before = build
    for layer in steps.MART_LAYERS:
        with steps.beside(layer):
            built = steps.dbt(layer, build)
            gated = steps.gate(layer, build, outlet=steps.FEATURES if layer == steps.MART_LAYERS[-1] else None)
        before >> built >> gated
        before = gated
