"""# erasures: who asks to be forgotten is asked about, and a person decides

**Reads** delivered requests to be forgotten. **Writes** a request for each, and who approved it; the audit chain says
both. It erases nobody: `governance_daily` erases whoever is approved. **Normal duration** seconds, then up to three
days for an answer.

Starts when a date is published. Nothing waits for it.

## Triage
- *approve_erasures waits*: somebody has to answer under Required actions. `bankmart erase list` says who it is and
  why; the question names numbers only, since it is kept. It is skipped where nobody asks to be forgotten.
- *nobody has answered, or the answer is no*: the requests go on waiting, and are asked about again on the next date.
  One by one: `bankmart erase approve` or `refuse`; docs/how-to/erase-a-person.md.
- *decide_erasures is red*: its log names the request that this person can't approve (their own, or one under a legal
  hold). None was approved: refuse or release that one, then start this DAG again.
- *Unclear*: owner data-platform, docs/runbook.md.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, PartitionedAssetTimetable

from bankmart import steps

with DAG(
    dag_id="erasures",
    doc_md=__doc__,
    schedule=PartitionedAssetTimetable(assets=steps.PUBLISHED),
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    params=steps.PARAMS,
    deadline=steps.deadline(hours=84),
    default_args=steps.DEFAULTS,
    tags=["governance"],
):
    asked = steps.erasure_requests()
    steps.decide(asked, steps.agree_to_forget(asked))
