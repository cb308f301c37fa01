"""Training features as of a past date beside what the date's own build knew: the real models, every feature."""

from __future__ import annotations

import pytest

from bankmart import db, dbt
from bankmart.governance import build as builds
from bankmart.governance import gate
from ml.data.columns import NUMERIC, column_types
from ml.data.leakage import changed_afterwards

KEYS = {"as_of_date", "customer_id", "product_id", "business_date", "build_id"}
TABLES = {"ftr_customer": "", "ftr_product_affinity": "product_id"}


def compared(build, table):
    with db.connect("scorer") as link:
        types = {
            name: kind for name, kind in column_types(link, ("features", table)).items()
            if name not in KEYS and kind in NUMERIC
        }  # fmt: skip
        return types, *changed_afterwards(link, ("features", table), types, build.build_id, 1, TABLES[table])


@pytest.mark.slow
def test_no_feature_of_a_past_date_knows_what_came_after(line):
    build = builds.open_training_build(line.dates[1], "test")
    assert line.dates[0] in build.as_of_dates, "a month's end, whose own build is still there"
    dbt.build_layer("training", build)
    gate.judge("training", build)
    for table in TABLES:
        types, rows, changed = compared(build, table)
        assert len(types) > 3
        assert rows > 250
        assert changed == {}
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "update tags.ind_all set transaction_in_count_30d = coalesce(transaction_in_count_30d, 0) + 1"
            " where build_id = %s",
            (build.build_id,),
        )
    assert compared(build, "ftr_customer")[2] == {"transaction_in_count_30d": 1.0}, "a day ahead would be seen"
