"""# ingest_daily: a bank's extracts become raw tables

**Reads** landing files `<landing>/<system>/<table>/<business_date>/`. **Writes** schema `sources`, one transaction per
system; `governance.load` and `governance.quarantine`. **Normal duration** under two minutes for 100,000 customers.

A system whose required files are missing waits without holding a slot, six hours at most. An optional system that has
never delivered is skipped; one that has is waited for as long, then skipped. The run's partition key is the business
date; a past date can be back-filled.

## Triage
- *A task waits*: its log names the files that are missing. Ask the sender, or load later: nothing is lost.
- *A task failed*: its log names file, line, column, rule and remedy; nothing of that system and date was changed.
  Put the corrected file and its manifest in place and clear the task.
- *Rows in quarantine*: `bankmart quarantine --date DATE` shows them by rule.
- *Unclear*: owner data-platform, docs/runbook.md.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronPartitionTimetable

from bankmart import steps

with DAG(
    dag_id="ingest_daily",
    doc_md=__doc__,
    schedule=CronPartitionTimetable("0 3 * * *", timezone="Asia/Shanghai", run_offset=-1, key_format="%Y-%m-%d"),
    start_date=steps.FIRST_START,
    catchup=False,
    max_active_runs=4,
    params=steps.PARAMS,
    deadline=steps.deadline(hours=8),
    default_args=steps.DEFAULTS,
    tags=["sources"],
):
    first, *others = steps.SYSTEMS
    ready = steps.arrived(outlet=steps.SOURCES)
    core = steps.ingest(first)
    for system in others:
        core >> steps.ingest(system) >> ready
    core >> ready
