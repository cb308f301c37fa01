"""# governance_daily: the audit chain is read again, and what is due is said

**Reads** the audit chain, the vault, approved requests to be forgotten, `governance.quality_result`,
`governance.tag_monitor`, the tags' definitions. **Writes** the chain's head outside the database; erases persons whose
request is approved, and writes tables and the server's log anew that still have old versions of their rows; removes
what is kept no longer; tells people (webhook, mail) of broken chains, a vault that doesn't open, expired tags, drift,
and what could not be told before. **Normal duration** half a minute; with an erasure some minutes, for everything is
searched; `scrub` then writes nearly all tables anew, each locked for as long as it takes.

Starts when a date is published. Nothing waits for it: readers have the date already.

## Triage
- *verify_audit is red*: the log says which entry was altered, removed or slipped in. Touch nothing, call the auditor:
  docs/how-to/verify-the-audit.md.
- *vault_check is red*: what doesn't open, or stands in clear, is in the log: docs/how-to/keep-the-keys.md.
- *erase is red*: the log names places where something is left, or what it waits for: docs/how-to/erase-a-person.md.
- *scrub is red*: the log names tables in use, or who still sees old rows; the next run goes on. Often: run
  `bankmart erase scrub` at a quiet hour. docs/how-to/erase-a-person.md.
- *tidy says that something is kept*: a legal hold; docs/how-to/hold-and-retention.md.
- *tags_to_review*: the log names tags and owners. Green: their gate warns first and stops 30 days after the date.
- *send_notices says waiting*: `bankmart notices` shows the error of each; `bankmart notices --test` tries the channels.
- *Unclear*: owner data-platform, docs/runbook.md.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, PartitionedAssetTimetable

from bankmart import steps

with DAG(
    dag_id="governance_daily",
    doc_md=__doc__,
    schedule=PartitionedAssetTimetable(assets=steps.PUBLISHED),
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    params=steps.PARAMS,
    deadline=steps.deadline(hours=2),
    default_args=steps.DEFAULTS,
    tags=["governance"],
):
    told, scrubbed = steps.govern("send_notices"), steps.govern("scrub")
    for group, duties in steps.DUTIES.items():
        with steps.beside(group):
            for duty in duties:
                steps.govern(duty) >> [told, scrubbed]
