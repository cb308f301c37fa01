"""Everybody whom a model will score: where it learns from chosen ones, a day's customers are compared with these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

from ml.data.columns import as_number, in_population, require_numeric
from ml.data.stream import stream
from ml.spec import Spec

if TYPE_CHECKING:
    from psycopg2.extensions import connection

# So many tell how a population lies.
MOST = 20_000


def read_everyone(link: connection, spec: Spec, build_id: int, features: Sequence[str], most: int = MOST) -> np.ndarray:
    """The features (n, len(features)) of the population as of the build's newest date, about `most` by a hash at most.

    Raises DataError as `require_numeric`.
    """
    types = require_numeric(link, spec.features_table, (*features, spec.population.column))
    source = sql.SQL(
        "from {features} f where f.build_id = {build} and {population} and f.as_of_date ="
        " (select max(as_of_date) from {features} where build_id = {build})"
    ).format(
        features=sql.Identifier(*spec.features_table),
        build=sql.Literal(build_id),
        population=in_population("f", spec.population, types[spec.population.column]),
    )
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("select count(*) ") + source)
        ((rows,),) = cursor.fetchall()
    if rows > most:
        source += sql.SQL(" and hashtext(f.customer_id) % {} = 0").format(sql.Literal(-(-rows // most)))
    chunks = [chunk.numbers for chunk in stream(link, [as_number("f", name, types[name]) for name in features], source)]
    return np.concatenate(chunks) if chunks else np.empty((0, len(features)))
