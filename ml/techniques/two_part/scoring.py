"""Every customer's value on a business date, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg2 import sql

from ml.data.columns import as_number
from ml.data.scores import Scored, Target
from ml.data.stream import CHUNK_ROWS, stream
from ml.score import by_chunk
from ml.spec import Spec
from ml.techniques.two_part.data import located, source_of
from ml.techniques.two_part.model import Model

if TYPE_CHECKING:
    from psycopg2.extensions import connection


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
    columns = [as_number(where[name], name, types[name]) for name in names]
    chunks = stream(link, columns, source, chunk_rows=CHUNK_ROWS, by_column=True)
    yield from by_chunk(spec, model, target, chunks)
