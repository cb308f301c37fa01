"""Who is offered what on a business date: streamed, with the reason for each product that is not offered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql

from bankmart import db
from ml.data.columns import as_number, refuse_infinite, require_numeric
from ml.data.scores import Chunk as Scores
from ml.data.scores import Excluded, Offered, Target
from ml.data.silent import Silence
from ml.data.stream import Chunk, stream
from ml.errors import DataError
from ml.spec import Spec
from ml.techniques.recommend import eligible
from ml.techniques.recommend.data import ELIGIBILITY, HELD, KINDS, PERSON, affinity
from ml.techniques.recommend.model import Model
from ml.techniques.recommend.shelf import PRODUCTS, TOLD, Shelf, read_shelves

if TYPE_CHECKING:
    from psycopg2.extensions import connection

OFFERS = 3
# Of what is left out, this many a customer are written beside the offers: those that would have come before one.
LEFT_OUT = 7
CHUNK_ROWS = 10_000


def offered(reader: connection, spec: Spec, model: Model, target: Target) -> Iterator[Scores]:
    """The best offers of every customer of the population, what a rule took from before them, and every exclusion.

    Raises DataError where features are missing, of another kind or infinite, the shelf is empty, and at the end where
    a feature has gone silent since training.
    """
    shelf = read_shelves(reader, target.build_id).get(target.as_of)
    if shelf is None:
        raise DataError(
            f"{'.'.join(PRODUCTS)} has no product of build {target.build_id} on {target.as_of}."
            " The features of that build weren't made: build them first."
        )
    of_shelf = Silence(TOLD, model.shelf_null_shares)
    refuse_infinite(TOLD, shelf.numbers, ".".join(PRODUCTS))
    of_shelf.hear(shelf.numbers)
    of_shelf.refuse(".".join(PRODUCTS), target.build_id, "product")
    names, of_customer = model.features, Silence(model.features, model.null_shares)
    types = require_numeric(reader, spec.features_table, (*names, spec.population.column))
    asked = require_numeric(reader, ELIGIBILITY, PERSON)
    source = sql.SQL(
        "from {features} f left join {eligible} e on e.build_id = f.build_id and e.customer_id = f.customer_id"
        " and e.as_of_date = f.as_of_date where f.build_id = {build} and f.as_of_date = {as_of}"
        " and {population} >= {least}"
    ).format(
        features=sql.Identifier(*spec.features_table),
        eligible=sql.Identifier(*ELIGIBILITY),
        build=sql.Literal(target.build_id),
        as_of=sql.Literal(target.as_of),
        population=as_number("f", spec.population.column, types[spec.population.column]),
        least=sql.Literal(spec.population.at_least),
    )
    columns = [as_number("f", name, types[name]) for name in names] + [
        as_number("e", name, asked[name]) for name in PERSON
    ]
    order = sql.SQL('order by f.customer_id collate "C"')
    # A second connection that sees what the first one sees: the two streams are merged as they come.
    with db.connect("scorer") as beside:
        beside.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with reader.cursor() as cursor, beside.cursor() as other:
            cursor.execute("select pg_export_snapshot()")
            ((snapshot,),) = cursor.fetchall()
            other.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(snapshot)))
        known = _Affinity(affinity(beside, target.build_id, shelf.ids, target.as_of), len(shelf))
        for chunk in stream(reader, columns, source, order, CHUNK_ROWS):
            numbers = chunk.numbers[:, : len(names)]
            refuse_infinite(names, numbers, ".".join(spec.features_table))
            of_customer.hear(numbers)
            person = eligible.Person.of(chunk.numbers[:, len(names) :])
            cube = known.of(chunk.customers)
            code = eligible.exclusions(shelf, model.known(shelf), cube[:, :, HELD] > 0, person)
            yield _offers(model, shelf, chunk, numbers, cube, code, spec)
            yield _exclusions(shelf, chunk.customers, code)
    of_customer.refuse(".".join(spec.features_table), target.build_id)


class _Affinity:
    """The affinity stream, handed out for customers as they come; both are in the order of their bytes."""

    def __init__(self, parts: Iterator[tuple[Any, ...]], products: int) -> None:
        self.parts = parts
        self.products = products
        self.waiting: list[tuple[Any, ...]] = []

    def of(self, customers: np.ndarray) -> np.ndarray:
        """The cube (n, products, 5) of ordered customers (n,)."""
        cube = np.zeros((len(customers), self.products, len(KINDS)), dtype=np.uint8)
        last = customers[-1]
        while not self.waiting or self.waiting[-1][0][-1] <= last:
            part = next(self.parts, None)
            if part is None:
                break
            self.waiting.append(part[1:])
        left = []
        for names, product, values in self.waiting:
            at = np.minimum(np.searchsorted(customers, names), len(customers) - 1)
            mine = customers[at] == names
            cube[at[mine], product[mine]] = values[mine]
            later = names > last
            if later.any():
                left.append((names[later], product[later], values[later]))
        self.waiting = left
        return cube


def _offers(
    model: Model, shelf: Shelf, chunk: Chunk, numbers: np.ndarray, cube: np.ndarray, code: np.ndarray, spec: Spec
) -> Offered:
    whole = np.ones((len(cube), len(shelf)), dtype=bool)
    rows = model.pairs(shelf, cube, numbers, whole)
    scores = model.rank(rows).reshape(whole.shape)
    order = np.argsort(-scores, axis=1, kind="stable")
    in_order = np.take_along_axis(code, order, axis=1)
    may = in_order == 0
    rank = np.where(may, np.cumsum(may, axis=1), 0)
    chosen = may & (rank <= OFFERS)
    # What is left out is written where it would have come before the last offer made.
    before = np.cumsum(may, axis=1) < OFFERS
    left_out = ~may & before & (np.cumsum(~may, axis=1) <= LEFT_OUT)
    who, place = np.nonzero(chosen | left_out)
    what = order[who, place]
    made = chosen[who, place]
    explained = made & (rank[who, place] <= int(spec.params.get("explained_offers", OFFERS)))
    reasons = iter(model.reasons(rows[(who * len(shelf) + what)[explained]], spec.reason_count))
    why = list(eligible.REASONS)
    return Offered(
        customers=chunk.customers[who],
        offers=np.array(shelf.ids, dtype=object)[what],
        ranks=np.where(made, rank[who, place], 0),
        scores=scores[who, what],
        reasons=[next(reasons) if one else None for one in explained.tolist()],
        excluded=[why[one] or None for one in code[who, what].tolist()],
    )


def _exclusions(shelf: Shelf, customers: np.ndarray, code: np.ndarray) -> Excluded:
    """Of the customers with any: product → rule, one entry for each of the shelf's products that is not offered."""
    why = list(eligible.REASONS)
    some = (code > 0).any(axis=1)
    # Customers are alike in this: each pattern is written out once.
    patterns, which = np.unique(code[some], axis=0, return_inverse=True)
    said = [
        json.dumps({shelf.ids[at]: why[row[at]] for at in np.flatnonzero(row)}, ensure_ascii=False) for row in patterns
    ]
    count = np.bincount(code[some].ravel(), minlength=len(why))
    return Excluded(
        customers=customers[some],
        excluded=[said[at] for at in which.ravel().tolist()],
        count=Counter({why[at]: int(count[at]) for at in np.flatnonzero(count[1:]) + 1}),
    )
