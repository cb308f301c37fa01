"""Does a feature know what came after its as-of date? Two questions to every feature before training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

from ml.data.columns import as_number
from ml.data.training import TrainingSet
from ml.errors import LeakageFound
from ml.judging.metrics import auc
from ml.spec import Spec

if TYPE_CHECKING:
    from psycopg2.extensions import connection

# An AUC near 1 shows in 20,000 rows as well as in a million, and costs the same at any size.
SAMPLE_ROWS = 20_000
SAMPLE_CUSTOMERS = 50_000
CHANGED_SHARE = 0.02
UNBELIEVABLE_AUC = 0.97
DAILY = (
    "select max(build_id) from governance.build"
    " where kind = 'daily' and status in ('passed', 'published', 'superseded') group by business_date"
)
OF_CUSTOMERS = (
    "select count(*), {shares} from {features} f join {features} d using (as_of_date, customer_id)"
    " where f.build_id = {build} and hashtext(customer_id) % {one_in} = 0 and d.build_id in ({daily})"
)
# Of customers of whom the day itself knew anything.
OF_PAIRS = (
    "with then_ as (select * from {features} where build_id in ({daily}) and hashtext(customer_id) % {one_in} = 0)"
    " select count(*), {shares} from {features} f left join then_ d using (as_of_date, customer_id, {pair})"
    " where f.build_id = {build} and hashtext(customer_id) % {one_in} = 0"
    " and (as_of_date, customer_id) in (select as_of_date, customer_id from then_)"
)


def too_good_alone(spec: Spec, data: TrainingSet) -> dict[str, float]:
    """Features that alone reach the spec's unbelievable AUC, with that AUC."""
    return telling(data.features, data.numbers, data.label, _limit(spec), spec.seed)


def telling(
    names: Sequence[str], numbers: np.ndarray, label: np.ndarray, limit: float, seed: int = 0
) -> dict[str, float]:
    """The columns of `numbers` (n, len(names)) that alone, up or down, null lowest or highest, reach an AUC.

    Of many rows a sample is looked at. `label` (n,) is 0 or 1.
    """
    rows = np.arange(len(label))
    if len(rows) > SAMPLE_ROWS:
        rows = np.random.default_rng(seed).choice(rows, SAMPLE_ROWS, replace=False)
    label = label[rows]
    found = {}
    for at, name in enumerate(names):
        column = numbers[rows, at]
        nulls = (-np.inf, np.inf) if np.isnan(column).any() else (0.0,)
        best = max(_both_ways(np.nan_to_num(column, nan=null), label) for null in nulls)
        if best >= limit:
            found[name] = round(best, 4)
    return found


def changed_afterwards(
    link: connection, table: tuple[str, ...], types: Mapping[str, str], build_id: int, rows: int, pairs_with: str = ""
) -> tuple[int, dict[str, float]]:
    """Compare columns with what the daily builds of the as-of dates saw then, when the future wasn't known.

    `types` are of the columns; of about so many `rows` a fixed sample of customers. A table may have a row per
    customer and `pairs_with`, where there is anything to tell: a pair that the day itself didn't know has changed.
    Returns how many rows were compared and, per column, the share whose value is now another one, where that is above
    `CHANGED_SHARE` (a few corrections are normal).
    """
    pairs = [(as_number("f", name, kind), as_number("d", name, kind)) for name, kind in types.items()]
    shares = [
        sql.SQL(
            "avg((({now} is null) <> ({then} is null)"
            " or coalesce(abs({now} - {then}) > 1e-6 * greatest(1, abs({now}), abs({then})), false)"
            ")::int)::float8"
        ).format(now=now, then=then)
        for now, then in pairs
    ]
    names = {
        "features": sql.Identifier(*table),
        "build": sql.Literal(build_id),
        "one_in": sql.Literal(1 + rows // SAMPLE_CUSTOMERS),
        "daily": sql.SQL(DAILY),
        "shares": sql.SQL(", ").join(shares),
        "pair": sql.Identifier(pairs_with),
    }
    query = sql.SQL(OF_PAIRS if pairs_with else OF_CUSTOMERS).format(**names)
    with link.cursor() as cursor:
        cursor.execute(query)
        compared, *values = cursor.fetchall()[0]
    changed = {
        name: round(value, 4)
        for name, value in zip(types, values, strict=True)
        if value is not None and value > CHANGED_SHARE
    }
    return compared, changed


def refuse_leakage(link: connection, spec: Spec, data: TrainingSet) -> int:
    """Raise LeakageFound where a check finds a feature; else return how many customers could be compared."""
    if alone := too_good_alone(spec, data):
        raise LeakageFound(
            f"{spec.name} isn't trained: {_listed(alone, 'AUC')} alone tell the label better than"
            f" {_limit(spec)}. Such a feature was made from the outcome or from later data:"
            " take it out of the spec or put its as-of date right."
        )
    types = {name: data.types[name] for name in data.features}
    return refuse_changed(link, spec, spec.features_table, types, data.build.build_id, data.rows)


def refuse_changed(
    link: connection,
    spec: Spec,
    table: tuple[str, ...],
    types: Mapping[str, str],
    build_id: int,
    rows: int,
    pairs_with: str = "",
) -> int:
    """Raise LeakageFound where `changed_afterwards` finds a column; else return how many rows could be compared."""
    compared, changed = changed_afterwards(link, table, types, build_id, rows, pairs_with)
    if changed:
        what = "share of pairs changed" if pairs_with else "share of customers changed"
        raise LeakageFound(
            f"{spec.name} isn't trained: {_listed(changed, what)} differ from what"
            " the daily build of the same as-of date held. Such a feature looks past its as-of date:"
            " put its window right."
        )
    return compared


def check_leakage(link: connection, spec: Spec, data: TrainingSet) -> str:
    """As `refuse_leakage`; returns what was looked at, for the model card."""
    return f"no feature alone tells the label too well; {compared_words(refuse_leakage(link, spec, data))}"


def compared_words(compared: int, what: str = "customers") -> str:
    """Of how many rows it is proven that no feature was changed afterwards; of none it isn't."""
    if compared:
        return f"{compared} {what} compared with what the daily builds saw at the time"
    return (
        f"**unproven** on these data that no feature looks past its date: 0 {what} compared, for the features of no"
        " daily build of an as-of date are kept any more (vars.keep_state_dates of dbt_project.yml: for how many dates)"
    )


def _limit(spec: Spec) -> float:
    return spec.gates.unbelievable.get("auc", UNBELIEVABLE_AUC)


def _both_ways(values: np.ndarray, label: np.ndarray) -> float:
    one_way = auc(values, label)
    return max(one_way, 1 - one_way)


def _listed(found: dict[str, float], what: str) -> str:
    return ", ".join(f"{name} ({what} {value})" for name, value in found.items())
