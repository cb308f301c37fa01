"""# roll_back: readers see again what they saw before a date's last publication

**Reads** who published what. **Writes** one row: which build of the date readers see; the audit chain says who took it
back. Nothing is deleted or built. **Normal duration** seconds.

Started by hand, with the business date in the form (Trigger). Once a run: cleared or tried again, it changes nothing.

## Triage
- *refused: a later date stands on it*: the date has no earlier build. Roll the later date back first.
- *refused: the build before is tidied up*: one step back is as far as it goes. Start `mart_daily` for the date instead.
- *afterwards*: mend the cause and start `mart_daily` for the date; later dates are `stale` until they are built again:
  docs/how-to/publish-and-roll-back.md.
- *Unclear*: owner data-platform, docs/runbook.md.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from bankmart import steps

with DAG(
    dag_id="roll_back",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    params=steps.PARAMS,
    deadline=steps.deadline(hours=1),
    default_args=steps.DEFAULTS,
    tags=["governance"],
):
    steps.roll_back()
