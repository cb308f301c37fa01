"""Every customer's value on a business date, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

from ml.data.columns import as_number, refuse_infinite
from ml.data.scores import Scored, Target
from ml.data.stream import CHUNK_ROWS, stream
from ml.errors import DataError
from ml.spec import Spec
from ml.techniques.two_part.data import located, source_of
from ml.techniques.two_part.model import Model

if TYPE_CHECKING:
    from psycopg2.extensions import connection

IMPROBABLE = 1e-9


def scored(link: connection, spec: Spec, model: Model, target: Target) -> Iterator[Scored]:
    """The customers of the population, chunk by chunk.

    Raises DataError where a feature is missing, of another kind or infinite, and at the end where one has gone
    silent since training.
    """
    names = model.features
    types, where = located(link, spec, (*names, spec.population.column))
    source = source_of(spec, target.build_id, types) + sql.SQL(" and f.as_of_date = {}").format(
        sql.Literal(target.as_of)
    )
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("select max(octet_length(f.customer_id)) ") + source)
        ((longest,),) = cursor.fetchall()
    seen, rows = np.zeros(len(names), dtype=np.int64), 0
    columns = [as_number(where[name], name, types[name]) for name in names]
    for chunk in stream(link, columns, source, int(longest or 1), chunk_rows=CHUNK_ROWS, by_column=True):
        refuse_infinite(names, chunk.numbers, " or ".join(".".join(table) for table in spec.tables))
        seen += (~np.isnan(chunk.numbers)).sum(axis=0)
        rows += len(chunk.customers)
        scores = model.score(chunk.numbers)
        bands = model.bands(scores)
        acted_on = np.isin(bands, spec.reasons_for)
        reasons = iter(model.reasons(chunk.numbers[acted_on], spec.reason_count))
        yield Scored(chunk.customers, scores, bands, [next(reasons) if one else None for one in acted_on.tolist()])
    chance = np.array(model.null_shares) ** rows
    if silent := [names[at] for at in np.flatnonzero((seen == 0) & (chance < IMPROBABLE))]:
        raise DataError(
            f"Null for every customer of build {target.build_id}: {', '.join(silent)}, which had values at training:"
            " a source is missing. Nothing was written. Load it, or train a version without it."
        )
