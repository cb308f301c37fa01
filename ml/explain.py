"""Why these customers? Reasons for whoever is asked for, whatever his band, by the version that scored the date."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from psycopg2 import sql

from bankmart import db, settings
from bankmart.governance import audit
from ml.data.build import daily_build
from ml.data.columns import as_number, require_numeric
from ml.data.stream import stream
from ml.errors import DataError, ModelError
from ml.spec import Spec, load_spec

if TYPE_CHECKING:
    from psycopg2.extensions import connection

# So many customers are in memory at a time.
BATCH = 1000
# A score that is made again is the same; what differs more was made of other features.
SAME = 1e-9


def run(model: str, as_of: date, customers: Path, write: Path | None = None, by: str | None = None) -> dict[str, Any]:
    """Print, or `write`, one JSON line for each customer number in the file (one a line) that has a champion's score.

    Score and band are those kept of the date, the reasons are made anew by the version that gave them. Who asked and
    for how many is kept first, in the audit chain. Raises ModelError where the model's scores aren't explained by
    customer features, where nobody in the file has a score, and DataError where the scores can't be made again.
    """
    settings.apply_environment()
    from ml.techniques import technique
    from ml.tracking import registry
    from ml.tracking.server import tracking

    spec = load_spec(model)
    explains = technique(spec.technique).explains
    if explains is None:
        raise ModelError(
            f"{model} gives its reasons while it scores, and for nobody else: read them in its scores. Explained by"
            " customer are churn, response, uplift and value_up."
        )
    try:
        asked = sum(1 for _ in _numbers(customers))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{customers} can't be read: {error}. One customer number a line, UTF-8.") from error
    with db.connect("scorer") as reader:
        reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
        build = daily_build(reader, as_of)
        number = _scored_by(reader, model, as_of, build.build_id)
        with tracking():
            version = registry.get_version(model, number)
            loaded = explains(registry.load(spec, version))
        with db.connect("scorer") as link:
            facts = {"customers": asked, "build_id": build.build_id, "file": audit.Said(customers.name)}
            audit.append(link, "explain", by or settings.who(), f"{model} version {number} as of {as_of}", facts)
        told, types = 0, require_numeric(reader, spec.features_table, loaded.features)
        with ExitStack() as stack:
            out: TextIO = stack.enter_context(write.open("w", encoding="utf-8")) if write else sys.stdout
            for batch in _batches(_numbers(customers)):
                for line in _explained(reader, spec, loaded, types, (as_of, build.build_id, number), batch):
                    out.write(json.dumps(line, ensure_ascii=False) + "\n")
                    told += 1
    if not told:
        raise ModelError(f"None of the {asked} customers in {customers} has a score of {model} as of {as_of}.")
    print(f"{model} version {number} as of {as_of}: {told} of {asked} customers explained.", file=sys.stderr)
    return {"model": model, "as_of": as_of.isoformat(), "version": str(number), "asked": asked, "explained": told}


def _numbers(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8-sig") as lines:
        yield from (line.strip() for line in lines if line.strip())


def _batches(numbers: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(itertools.islice(numbers, BATCH)):
        yield batch


def _scored_by(link: connection, model: str, as_of: date, build_id: int) -> int:
    """The version whose scores of the build are the champion's."""
    with link.cursor() as cursor:
        cursor.execute(
            "select model_version from scores.customer_score"
            " where as_of_date = %s and build_id = %s and model = %s and is_champion limit 1",
            (as_of, build_id, model),
        )
        found = cursor.fetchone()
    if found is None:
        raise ModelError(f"{model} has no champion's scores of {as_of} (build {build_id}): score the date first.")
    return int(found[0])


def _explained(
    link: connection, spec: Spec, model: Any, types: dict[str, str], scored: tuple[date, int, int], batch: list[str]
) -> Iterator[dict[str, Any]]:
    as_of, build_id, version = scored
    with link.cursor() as cursor:
        cursor.execute(
            "select customer_id, score, band from scores.customer_score where as_of_date = %s and build_id = %s"
            " and model = %s and model_version = %s and is_champion and customer_id = any(%s)",
            (as_of, build_id, spec.name, str(version), batch),
        )
        kept = {customer: (score, band) for customer, score, band in cursor.fetchall()}
    if not kept:
        return
    source = sql.SQL("from {} f where f.build_id = {} and f.as_of_date = {} and f.customer_id = any({})").format(
        sql.Identifier(*spec.features_table), sql.Literal(build_id), sql.Literal(as_of), sql.Literal(list(kept))
    )
    columns = [as_number("f", name, types[name]) for name in model.features]
    order = sql.SQL('order by f.customer_id collate "C"')
    for chunk in stream(link, columns, source, order):
        customers = [one.decode() for one in chunk.customers.tolist()]
        before = np.array([kept[customer][0] for customer in customers])
        if not np.allclose(model.score(chunk.numbers), before, rtol=SAME, atol=SAME):
            raise DataError(
                f"The scores of {spec.name} as of {as_of} can't be made again from build {build_id}: its features are"
                " others by now, so their reasons would be of other scores. Score the date again."
            )
        for customer, reasons in zip(customers, model.reasons(chunk.numbers, spec.reason_count), strict=True):
            score, band = kept[customer]
            yield {"customer_id": customer, "score": score, "band": band, "reasons": json.loads(reasons)}
