"""OpenLineage events of what dbt made: one run per layer and per model, with datasets, counts and column lineage.

They go to `lineage/events.jsonl` of the state folder (BANKMART_LINEAGE_DIR: of another), or to the endpoint that
OPENLINEAGE_URL names (with OPENLINEAGE_API_KEY); with OPENLINEAGE_DISABLED=true nowhere. Airflow's own events go the
same way (runtime/airflow.py).
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bankmart import db, settings

if TYPE_CHECKING:
    from openlineage.client.event_v2 import Run, RunEvent

    from bankmart.governance.build import Build

log = logging.getLogger("bankmart")

NAMESPACE, PRODUCER = "bankmart", "urn:bankmart"
# An endpoint that does not answer costs a task no more seconds than this.
PATIENCE = 5.0
PARENT = "OPENLINEAGE_PARENT_ID"
# A file of this size, in bytes, is put aside, and so many of them are kept: nobody's disk fills with events.
LARGEST, KEPT = 64 << 20, 4
BROKEN = ("error", "fail", "runtime error")
STEPS = """
select to_relation, to_column, from_relation, from_column from governance.lineage
where to_relation = any(%s) and from_column <> '*' and to_column <> '*' and from_relation like '%%.%%'
"""


def transport() -> dict[str, Any]:
    """Where events go, as OpenLineage's clients are told it."""
    if url := os.environ.get("OPENLINEAGE_URL"):
        key = os.environ.get("OPENLINEAGE_API_KEY")
        auth = {"auth": {"type": "api_key", "api_key": key}} if key else {}
        return {"type": "http", "url": url, "timeout": 2.0, "retry": {"total": 0, "connect": 0, "read": 0}, **auth}
    return {"type": "file", "log_file_path": str(file()), "append": True}


def file() -> Path:
    """The file of events, where there is no endpoint."""
    own = os.environ.get("BANKMART_LINEAGE_DIR")
    return (Path(own) if own else settings.state_dir() / "lineage") / "events.jsonl"


def rotate() -> None:
    """Put a large file of events aside as events.1.jsonl, the one before as events.2.jsonl; the oldest goes.

    Writers open the file for each event, so none is lost.
    """
    newest = file()
    with (newest.parent / ".rotating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not newest.exists() or newest.stat().st_size < LARGEST:
            return
        for number in range(KEPT, 1, -1):
            before = newest.with_name(f"events.{number - 1}.jsonl")
            if before.exists():
                before.replace(newest.with_name(f"events.{number}.jsonl"))
        newest.replace(newest.with_name("events.1.jsonl"))


def of_task(instance: Any) -> None:
    """Let what dbt does from here on belong to the task's own run in OpenLineage."""
    try:
        from airflow.providers.openlineage.plugins.macros import lineage_parent_id

        os.environ[PARENT] = lineage_parent_id(instance)
    except Exception as error:  # noqa: BLE001 - lineage never stops a task
        log.warning("the events of this task have no parent: %s", error)


@contextmanager
def sending(layer: str, build: Build, results: list[Any], manifest: dict[str, Any]) -> Iterator[list[str]]:
    """Send the events of one layer beside what is done meanwhile, made from dbt's own results of its nodes and the
    manifest; gives the jobs of those that are sent, all of them at the end.

    Whatever goes wrong is a warning, after PATIENCE at most: lineage never stops a build.
    """
    sent: list[str] = []
    if os.environ.get("OPENLINEAGE_DISABLED", "").lower() == "true":
        yield sent
        return
    sender = threading.Thread(target=_send, args=(layer, build, results, manifest, sent), daemon=True)
    sender.start()
    begun = time.monotonic()
    try:
        yield sent
    finally:
        sender.join(max(PATIENCE - (time.monotonic() - begun), 0.0))
        if sender.is_alive():
            log.warning(
                "lineage of layer %s is given up after %.0f s: OPENLINEAGE_URL does not answer", layer, PATIENCE
            )


def _send(layer: str, build: Build, results: list[Any], manifest: dict[str, Any], sent: list[str]) -> None:
    try:
        from openlineage.client import OpenLineageClient

        where = transport()
        if where["type"] == "file":
            file().parent.mkdir(parents=True, exist_ok=True)
            rotate()
        client = OpenLineageClient(config={"transport": where})
        for event in events(layer, build, results, manifest):
            client.emit(event)
            sent.append(event.job.name)
    except Exception as error:  # noqa: BLE001 - said, and nothing more
        log.warning("lineage of layer %s could not be sent, after %d events: %s", layer, len(sent), error)


def events(layer: str, build: Build, results: list[Any], manifest: dict[str, Any]) -> Iterator[RunEvent]:
    """A START and a COMPLETE (or FAIL) of the layer, and of each of its models between them."""
    from openlineage.client.event_v2 import RunState
    from openlineage.client.facet_v2 import error_message_run
    from openlineage.client.uuid import generate_new_uuid

    made = [each for each in results if each.node.unique_id.startswith(("model.", "seed."))]
    times = [at for each in made for at in _times(each)] or [datetime.now(UTC).isoformat()]
    ours = str(generate_new_uuid())
    run = _run(ours, build, os.environ.get(PARENT))
    yield _event(RunState.START, min(times), run, f"dbt.{layer}", "LAYER")
    steps = _steps([_relation(manifest["nodes"][each.node.unique_id]) for each in made])
    for each in made:
        node = manifest["nodes"][each.node.unique_id]
        begun, ended = _times(each) or (min(times), max(times))
        model = _run(str(generate_new_uuid()), build, f"{NAMESPACE}/dbt.{layer}/{ours}")
        inputs = [manifest["sources"].get(name) or manifest["nodes"].get(name) for name in _parents(node)]
        name = f"dbt.{layer}.{node['name']}"
        yield _event(RunState.START, begun, model, name, "MODEL", [_relation(found) for found in inputs if found])
        if str(each.status) in BROKEN:
            # Not the database's own words: they may hold a row's values, and these events leave the platform.
            where = f"{name} is not built: see the log of its layer, or governance.node_result"
            said = error_message_run.ErrorMessageRunFacet(message=where, programmingLanguage="SQL")
            model.facets = (model.facets or {}) | {"errorMessage": said}
        yield _event(
            RunState.FAIL if str(each.status) in BROKEN else RunState.COMPLETE,
            *(ended, model, name, "MODEL", [_relation(found) for found in inputs if found], _made(node, each, steps)),
        )
    broken = any(str(each.status) in BROKEN for each in made)
    yield _event(RunState.FAIL if broken else RunState.COMPLETE, max(times), run, f"dbt.{layer}", "LAYER")


def _event(
    state: Any, at: str, run: Run, job: str, kind: str, inputs: list[str] | None = None, outputs: Any = None
) -> RunEvent:
    from openlineage.client.event_v2 import InputDataset, Job, RunEvent
    from openlineage.client.facet_v2 import job_type_job

    facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="DBT", jobType=kind)
    return RunEvent(
        eventType=state,
        eventTime=at,
        producer=PRODUCER,
        run=run,
        job=Job(NAMESPACE, job, {"jobType": facet}),
        inputs=[InputDataset(_database(), name) for name in inputs or []],
        outputs=outputs or [],
    )


def _run(run_id: str, build: Build, parent: str | None) -> Run:
    from openlineage.client.event_v2 import Run
    from openlineage.client.facet_v2 import nominal_time_run, parent_run

    # The business date as the day that the run is of.
    facets: dict[str, Any] = {
        "nominalTime": nominal_time_run.NominalTimeRunFacet(nominalStartTime=f"{build.business_date}T00:00:00Z")
    }
    if parent:
        namespace, job, run = parent.split("/")
        facets["parent"] = parent_run.ParentRunFacet(parent_run.Run(run), parent_run.Job(namespace, job))
    return Run(run_id, facets)


def _made(node: dict[str, Any], result: Any, steps: dict[str, Any]) -> list[Any]:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import column_lineage_dataset, output_statistics_output_dataset, schema_dataset

    fields = [
        schema_dataset.SchemaDatasetFacetFields(column["name"], column.get("data_type"))
        for column in node["columns"].values()
    ]
    facets: dict[str, Any] = {"schema": schema_dataset.SchemaDatasetFacet(fields)} if fields else {}
    if found := steps.get(_relation(node)):
        lineage = {
            column: column_lineage_dataset.Fields(
                [column_lineage_dataset.InputField(_database(), relation, field) for relation, field in parents]
            )
            for column, parents in found.items()
        }
        facets["columnLineage"] = column_lineage_dataset.ColumnLineageDatasetFacet(lineage)
    rows = (result.adapter_response or {}).get("rows_affected")
    counted = isinstance(rows, int) and rows >= 0
    counts: dict[str, Any] = (
        {"outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)}
        if counted
        else {}
    )
    return [OutputDataset(_database(), _relation(node), counts, facets=facets)]


def _steps(relations: list[str]) -> dict[str, dict[str, list[tuple[str, str]]]]:
    """Relation → column → what it is made of, as the catalogue knew at the last publication."""
    found: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    names = [name.partition(".")[2] for name in relations]
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(STEPS, (names,))
        for made, column, source, field in cursor.fetchall():
            found[f"{settings.WAREHOUSE}.{made}"][column].append((f"{settings.WAREHOUSE}.{source}", field))
    return found


def _database() -> str:
    # As OpenLineage names Postgres; the data sets in it are database.schema.table.
    at = settings.server()
    return f"postgres://{at.host}:{at.port}"


def _relation(node: dict[str, Any]) -> str:
    name = node.get("alias") or node.get("identifier") or node["name"]
    return f"{settings.WAREHOUSE}.{node['schema']}.{name}"


def _parents(node: dict[str, Any]) -> list[str]:
    return [name for name in node["depends_on"].get("nodes", ()) if name.startswith(("model.", "source.", "seed."))]


def _times(result: Any) -> tuple[str, str] | tuple[()]:
    for timing in result.timing or ():
        if timing.name == "execute" and timing.started_at and timing.completed_at:
            return _stated(timing.started_at), _stated(timing.completed_at)
    return ()


def _stated(moment: datetime) -> str:
    # dbt's moments are in UTC, some without saying so.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
