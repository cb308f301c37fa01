"""# score_daily: features become scores and the customer profile, and the date is published

**Reads** schema `features`, the champion models in MLflow. **Writes** schemas `scores` and `profile`, and one row of
`governance.publication`: from then on readers see the date, all tables at once. **Normal duration** three minutes.

Starts when mart_daily has passed its gates. A model without a champion is skipped, and the date is published without
its scores. A challenger is scored in the shadow: kept, never published, and its failure stops nothing.

## Triage
- *begin failed*: the date has no unfinished build. Run mart_daily for it.
- *score_MODEL failed*: the log says whether MLflow is away, the model's artefact was refused, or a feature is missing.
- *A champion was refused* (notice): the one before it scored. Mend its files and clear `score_MODEL`, or roll it back.
- *A new champion scores badly*: `python -m ml rollback MODEL` puts the one before back; clear `score_MODEL`.
- *A new champion doesn't score a published date*: so it is built again as it was; it scores from the next date on.
- *gate_profile is red*: as in mart_daily; readers still see the date before.
- *agree waits*: the date is published, and the new build would show something else: its question says rows per table
  and column. Answer under Required actions; no answer in three days is a no, and readers keep what they have.
- *publish: readers see build … now*: the date was rolled back or published again after it was compared. Nothing is
  published; clear `compare` with what follows: it compares, and asks, again.
- *A published date is wrong*: `bankmart rollback --date DATE` puts back what readers saw before.
- *Unclear*: owner data-platform (scores: data-science), docs/runbook.md.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, PartitionedAssetTimetable

from bankmart import steps

with DAG(
    dag_id="score_daily",
    doc_md=__doc__,
    schedule=PartitionedAssetTimetable(assets=steps.FEATURES),
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=4,
    params=steps.PARAMS,
    deadline=steps.deadline(hours=10),
    default_args=steps.DEFAULTS,
    tags=["scores", "profile"],
):
    build = steps.resume()
    with steps.beside("profile"):
        profile = steps.dbt("profile", build)
        gated = steps.gate("profile", build)
    with steps.beside("scores"):
        for model in steps.MODELS:
            steps.score(model, build) >> profile
    with steps.beside("publication"):
        compared = steps.compare(build)
        steps.publish(build, steps.agree(compared))
    profile >> gated >> compared
