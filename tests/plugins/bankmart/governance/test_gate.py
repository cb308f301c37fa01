"""What is kept of a red check: a few of its rows, as a log may show them."""

from __future__ import annotations

from datetime import date

from bankmart import db
from bankmart.governance import build as builds
from bankmart.governance import gate

DAY = date(2026, 10, 31)
CLASSES = {"customer_id": "identity.customer_id", "name": "identity.name", "mobile": "contact.mobile",
           "birth_date": "identity.birth_date", "amount": "asset.balance", "channel": "reference"}  # fmt: skip
MANIFEST = {
    "nodes": {"m": {"columns": {name: {"config": {"meta": {"class": each}}} for name, each in CLASSES.items()}}},
    "sources": {},
}
# Seven rows of people; `remark` is a column that nobody has declared.
FAILING = """
select 'C000' || place as customer_id, '张三' || place as name, '1380013800' || place as mobile,
    date '1990-03-07' as birth_date, 42.5::double precision as amount, 'call' as channel, 'old Wang' || place as remark
from generate_series(1, 7) as place
"""


def test_of_a_red_check_five_rows_are_kept_and_nobody_is_in_them(warehouse):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "insert into governance.build (business_date, kind, status) values (%s, 'daily', 'building')"
            " returning build_id", (DAY,),
        )  # fmt: skip
        (number,) = db.one(cursor)
        cursor.execute(
            "insert into governance.node_result (invocation_id, build_id, business_date, layer, node_id, node_name,"
            " resource_type, status, seconds, owner) values ('i', %s, %s, 'marts', 't', 't', 'test', 'fail', 1, 'o')",
            (number, DAY),
        )
    build = builds.get(number)
    gate.keep_examples(build, "i", {"t": FAILING}, MANIFEST)
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select examples from governance.node_result where node_id = 't'")
        (examples,) = db.one(cursor)
    shown = {"customer_id": "C***", "name": "张***", "mobile": "1***", "birth_date": "1***", "amount": 42.5,
             "channel": "call", "remark": "o***"}  # fmt: skip
    assert examples == [shown] * 5
