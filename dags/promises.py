"""# promises: was the date published by the time that was promised?

**Reads** the promised times of what is published (`governance.dictionary`) and the published dates. **Writes** nothing;
tells people (webhook, mail) once for each time of day that has passed without the date: which tables, and what readers
see instead. **Normal duration** a second.

Runs every hour by the clock, whatever else runs or doesn't: its business date is yesterday. Before the first
publication, and a week after the last one, nobody waits for a date and it says so.

## Triage
- *A notice says that a date is not published by its time*: its runs say what holds it up; docs/runbook.md, *A date is
  late*.
- *promised is red*: the database is away, or the log says why.
- *Unclear*: owner data-platform, docs/runbook.md.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronPartitionTimetable

from bankmart import steps

with DAG(
    dag_id="promises",
    doc_md=__doc__,
    schedule=CronPartitionTimetable("5 * * * *", timezone="Asia/Shanghai", run_offset=-24, key_format="%Y-%m-%d"),
    start_date=steps.FIRST_START,
    catchup=False,
    max_active_runs=1,
    params=steps.PARAMS,
    deadline=steps.deadline(hours=1),
    default_args=steps.DEFAULTS,
    tags=["governance"],
):
    steps.govern("promised")
