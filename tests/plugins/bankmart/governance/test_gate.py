"""What is kept of a red check: a few of its rows, as a log may show them; and of a layer that was never checked."""

from __future__ import annotations

from datetime import date

import pytest

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


def test_a_layer_without_results_is_a_red_gate_as_any_other(warehouse):
    def ask(statement, *values):
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    ids = [
        number
        for day, status in ((date(2026, 10, 30), "published"), (DAY, "building"))
        for (number,) in ask(
            "insert into governance.build (business_date, kind, status) values (%s, 'daily', %s) returning build_id",
            day, status,
        )
    ]  # fmt: skip
    ask("insert into governance.publication (business_date, build_id) values ('2026-10-30', %s)", ids[0])
    with pytest.raises(gate.GateStopped) as stopped:
        gate.judge("marts", builds.get(ids[1]))
    subject, page = f"gate marts is red for 2026-10-31 (build {ids[1]})", "docs/runbook.md#a-gate-is-red"
    for part in (f"{subject}: 1 checks failed.", "rule      no_results", "owner     data-platform", "did not run",
                 "clear its task", f"page      {page}", "Readers still see 2026-10-30."):  # fmt: skip
        assert part in str(stopped.value)
    assert stopped.value.is_told
    assert ask("select layer, rule, row_count, owner, runbook, readers_see from governance.gate_stop") == [
        ("marts", "no_results", None, "data-platform", page, date(2026, 10, 30))
    ]
    assert ask("select kind, subject, body from governance.notice") == [
        ("red_gate", subject, f"no_results: owner data-platform\nReaders still see 2026-10-30.\nRunbook: {page}")
    ]
    assert ask("select status, reason from governance.build where build_id = %s", ids[1]) == [
        ("failed", f"{subject}: 1 checks failed.")
    ]
