"""# train_monthly: features of past months become a model, and a better one becomes the champion

**Reads** the published marts. **Writes** features and labels as of past month ends, under a training build that readers
never see; runs, models and reports in MLflow. **Normal duration** ten minutes, then up to three days for an answer.

Looks at every published date and goes on at a month's end, or where a model was never tried. A run started by hand with
a business date trains all. The champions are judged again on what has become known since. A version that passes every
gate waits for a named person's approval.

## Triage
- *train_MODEL is skipped*: it isn't due, or the bank's data don't suffice; its log says which tables, how long a
  history and how many cases it needs and has.
- *train_MODEL failed*: the log says whether MLflow is away or a feature knows the future. Nothing was registered.
- *evaluate failed*: a champion's files or data are refused, the log says whose; trainings go on. A champion that does
  worse by now is no failure: a notice says so.
- *approve_MODEL waits*: somebody has to read the comparison and answer under Required actions. No answer in three days
  is a no. It is skipped where a gate said no: the report is in the log of train_MODEL and in MLflow.
- *A promotion was wrong*: `python -m ml rollback MODEL`.
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
    max_active_runs=4,
    params=steps.PARAMS,
    deadline=steps.deadline(hours=84),
    default_args=steps.DEFAULTS | {"owner": "data-science"},
    tags=["features", "models"],
):
    due = steps.due()
    build = steps.begin("training")
    with steps.beside("training"):
        built, gated = steps.dbt("training", build), steps.gate("training", build)
    due >> build >> built >> gated >> steps.evaluate(build, due)
    for model in steps.MODELS:
        with steps.beside(model):
            trained = steps.train(model, build, due)
            steps.promote(model, trained, steps.approve(model, trained))
        gated >> trained
