"""# train_monthly: features of past months become a model, and a better one becomes the champion

**Reads** the published marts. **Writes** features and labels as of past month ends, under a training build that readers
never see; runs, models and reports in MLflow. **Normal duration** three minutes.

Looks at every published date and goes on at a month's end, or where a model has no champion yet. A run started by hand
with a business date always trains.

## Triage
- *train_MODEL says skipped* (and is green): the bank's history does not suffice yet; its log says how long a history
  and how many cases it needs and has.
- *train_MODEL failed*: the log says whether MLflow is away or a feature knows the future. Nothing was registered.
- *promote_MODEL says no*: the gate's report is in the log and in MLflow; the old champion goes on scoring.
- *Unclear*: owner data-science, docs/runbook.md.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, PartitionedAssetTimetable

from bankmart import steps

with DAG(
    dag_id="train_monthly",
    doc_md=__doc__,
    schedule=PartitionedAssetTimetable(assets=steps.PUBLISHED),
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    params=steps.PARAMS,
    deadline=steps.deadline(hours=12),
    default_args=steps.DEFAULTS | {"owner": "data-science"},
    tags=["features", "models"],
):
    build = steps.begin("training")
    trained = steps.ml("train", "churn", build)
    gated = steps.gate("training", build)
    steps.due("churn") >> build >> steps.dbt("training", build) >> gated >> trained
    trained >> steps.ml("promote", "churn", build)
