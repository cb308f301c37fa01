"""Deliveries in a real warehouse: measured, kept, judged; sums reconciled; all checks in one table with a score."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance.access import grants
from bankmart.governance.audit.verify import verify
from bankmart.governance.build import Build
from bankmart.governance.commands import incident
from bankmart.governance.quality import command, reconcile, results, watch
from bankmart.sources import contract, landing, load

DAYS = [date(2026, 1, 31) + timedelta(days=number) for number in range(17)]
NAME = "card.card_transaction"
PAID = {
    "amount": "1.25",
    "merchant_category_code": "5411",
    "merchant_name": "shop",
    "is_online": "true",
    "is_abroad": "false",
}


def send(root, day, count, **changes):
    table = contract.load()["card"]["card_transaction"]
    rows = [
        {"card_transaction_id": f"{day}-{n}", "card_id": f"K{n}", "transaction_date": str(day), "transaction_at": ""}
        | PAID
        | changes
        for n in range(count)
    ]
    names = [column.name for column in table.columns]
    text = "\n".join([",".join(names), *(",".join(row[name] for name in names) for row in rows), ""])
    place = landing.folder(root, "card", "card_transaction", day)
    place.mkdir(parents=True, exist_ok=True)
    (place / "d.csv").write_text(text)
    total = str(Decimal(rows[0]["amount"]) * count) if count else "0"
    digest = hashlib.sha256(text.encode()).hexdigest()
    landing.write_manifest(place, landing.Manifest("d.csv", "csv", count, digest, {"amount": total}))


def build(day, publish=False):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "insert into governance.build (business_date, kind, status) values (%s, 'daily', 'building')"
            " returning build_id",
            (day,),
        )
        (number,) = cursor.fetchone()
        if publish:
            cursor.execute("insert into governance.publication values (%s, %s)", (day, number))
    return Build(number, day, "daily", number, (day,), (NAME,))


def query(statement, role="platform", *values):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


@pytest.fixture
def history(warehouse, tmp_path, monkeypatch):
    """Sixteen published dates of 100 payments each, the first of them the whole past."""
    monkeypatch.setenv("BANKMART_LANDING_DIR", str(tmp_path))
    for day in DAYS[:-1]:
        send(tmp_path, day, 100)
        load.load_system("card", day, today=DAYS[-1])
        watch.check(build(day, publish=True))
    return tmp_path


def arrive(root, count, **changes):
    send(root, DAYS[-1], count, **changes)
    load.load_system("card", DAYS[-1], today=DAYS[-1])
    (node,) = watch.check(build(DAYS[-1]))
    return node


def test_a_usual_delivery_passes_and_odd_ones_warn_or_stop(history):
    measured = query(
        "select count(distinct business_date), count(*) filter (where measure = 'rows')"
        " from governance.delivery_measure"
    )
    assert measured == [(15, 15)]
    usual = arrive(history, 103)
    assert (usual.status, usual.name) == ("pass", "usual_card__card_transaction")
    halved = arrive(history, 31)
    assert (halved.status, halved.severity) == ("warn", "warn")
    assert "rows: 31 rows, usually 100 on" in halved.message
    hundredfold = arrive(history, 100, amount="125.00")
    assert (hundredfold.status, hundredfold.severity) == ("fail", "error")
    assert [(each["measure"], each["column"]) for each in hundredfold.examples] == [("size", "amount")]
    assert "size of amount" in hundredfold.message
    rows = query(
        "select rule, dimension, verdict from governance.quality_result where business_date = %s and verdict = 'stop'",
        "platform",
        DAYS[-1],
    )
    assert rows == [("usual size", "consistency", "stop")]


def test_a_person_says_that_it_is_right(history, capsys):
    assert arrive(history, 5).status == "fail"
    run = {
        "date": DAYS[-1],
        "subject": NAME,
        "reason": "a holiday of the switch",
        "by": "Li",
        "right": True,
        "withdraw": False,
    }
    incident.run(argparse.Namespace(**run))
    node = arrive(history, 5)
    assert (node.status, node.severity) == ("warn", "warn")
    assert "right, says Li" in node.message
    incident.run(argparse.Namespace(**run | {"date": None}))
    assert "a holiday of the switch" in capsys.readouterr().out
    with pytest.raises(BankmartError, match="needs --reason"):
        incident.run(argparse.Namespace(**run | {"reason": " "}))
    incident.run(argparse.Namespace(**run | {"withdraw": True, "right": False}))
    assert query("select count(*) from governance.incident") == [(0,)]
    assert query("select kind, actor from audit.entry where kind = 'incident'") == [("incident", "Li")] * 2
    assert verify().findings == ()


def test_a_table_that_stays_away_is_said(history):
    send(history, DAYS[-1], 100)
    (node,) = watch.check(build(DAYS[-1]))
    assert node.status == "warn"
    assert "nothing was delivered" in node.message


def test_sums_agree_to_the_cent_or_stop(history):
    day = DAYS[-2]
    node = next(each for each in reconcile.check(build(day)) if each.node_id == f"reconciliation.{NAME}.amount")
    assert (node.status, node.message) == ("pass", "125.00 stated, loaded")
    query_run("create table marts.fct_card_transaction"
              " (card_transaction_id text, amount numeric(18, 2), build_id bigint)")  # fmt: skip
    number = build(day)
    query_run(f"insert into marts.fct_card_transaction select '{day}-' || n, 1.25, {number.build_id}"
              " from generate_series(0, 98) as n")  # fmt: skip
    (node,) = reconcile.check(number)
    assert node.status == "fail"
    assert "marts.fct_card_transaction has 123.75 in 99 rows, loaded were 125.00 in 100" in node.message
    assert node.examples == ({"card_transaction_id": "2***", "loaded": "1.25", "in_mart": None},)
    query_run(f"insert into marts.fct_card_transaction values ('{day}-99', 1.25, {number.build_id})")
    (node,) = reconcile.check(number)
    assert (node.status, node.message, node.examples) == ("pass", "125.00 stated, loaded and in the mart", ())
    query_run(
        "update sources.card__card_transaction set amount = 1.26 where card_transaction_id = '2026-02-15-7'", "loader"
    )
    (node,) = reconcile.check(number)
    assert "has 125.00 in 100 rows, loaded were 125.01 in 100" in node.message
    assert [(each["loaded"], each["in_mart"]) for each in node.examples] == [("1.26", "1.25")]
    query_run("delete from sources.card__card_transaction where card_transaction_id = '2026-02-15-7'", "loader")
    (node,) = reconcile.check(number)
    assert "100 records were accepted, 99 are there" in node.message
    assert [each["rows"] for each in node.examples] == [99]


def query_run(statement, role="platform"):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement)


def test_all_checks_are_in_one_table_with_a_score(history):
    day = DAYS[-2]
    (number,) = query("select build_id from governance.publication where business_date = %s", "platform", day)[0]
    published = Build(number, day, "daily", number, (day,), (NAME,))
    reconcile.check(published)
    tests = {
        "test.a": ("not_null", "card_id", "stop", "pass", 0),
        "test.b": ("between", "amount", "error", "fail", 20),
        "test.c": ("relationships", "card_id", "warn", "warn", 50),
    }
    for name, (_, column, severity, status, failures) in tests.items():
        query_run(
            "insert into governance.node_result (invocation_id, build_id, business_date, layer, node_id, node_name,"
            f" resource_type, severity, status, failures, seconds, owner) values ('i', {number}, '{day}', 'marts',"
            f" '{name}', '{name}_{column}', 'test', '{severity}', '{status}', {failures}, 0, 'data-platform')"
        )
    query_run(
        "insert into governance.node_result (invocation_id, build_id, business_date, layer, node_id, node_name,"
        f" resource_type, status, rows_affected, seconds, owner) values ('i', {number}, '{day}', 'marts',"
        " 'model.fct', 'fct', 'model', 'success', 100, 0, 'data-platform')"
    )
    model = {"resource_type": "model", "schema": "marts", "name": "fct"}
    nodes = {"model.fct": model} | {
        name: {"test_metadata": {"name": kind}, "column_name": column, "attached_node": "model.fct"}
        for name, (kind, column, *_) in tests.items()
    }
    for _ in range(2):
        assert results.record(published, {"nodes": nodes, "sources": {}}) > 20
    marts = query(
        "select rule, column_name, dimension, verdict, checked_count, failed_count, score"
        " from governance.quality_result where table_name = 'marts.fct' order by rule"
    )
    assert marts == [
        ("between", "amount", "validity", "stop", 100, 20, 0.8),
        ("not_null", "card_id", "completeness", "pass", 100, 0, 1.0),
        ("relationships", "card_id", "consistency", "warn", 100, 50, 0.5),
    ]
    dimensions = {
        row[0] for row in query(f"select distinct dimension from governance.quality_result where table_name = '{NAME}'")
    }
    assert dimensions == {"completeness", "uniqueness", "validity", "consistency", "timeliness", "accuracy"}
    with db.connect("platform") as link, link.cursor() as cursor:
        # As the first publication does.
        grants.give(cursor)
    scores = dict(query("select table_name, score from published.quality_score", "bi_reader"))
    assert scores["marts.fct"] == pytest.approx((80 + 100 + 50) / 3)
    assert 0 < scores[NAME] <= 100
    assert query("select stated_amount, loaded_amount, verdict from published.reconciliation", "bi_reader") == [
        (Decimal("125.00"), Decimal("125.00"), "pass")
    ]
    # The two dates before had 100 and 50; what is older than 30 days, or never was published, counts for nothing.
    for earlier, score, seen in ((DAYS[-3], 1.0, True), (DAYS[-4], 0.5, True), (date(2026, 1, 1), 0.0, True),
                                 (DAYS[-5], 0.0, False)):  # fmt: skip
        at = build(earlier, publish=False).build_id
        query_run(
            "insert into governance.quality_result (build_id, business_date, table_name, column_name, dimension, rule,"
            f" severity, verdict, score) values ({at}, '{earlier}', 'marts.fct', 'a', 'validity', 'r', 'stop', 'pass',"
            f" {score})"
        )
        if seen:
            query_run(
                f"insert into governance.publication values ('{earlier}', {at})"
                " on conflict (business_date) do update set build_id = excluded.build_id"
            )
    trend = query(f"select trend from published.quality_score where table_name = 'marts.fct'"
                  f" and business_date = '{day}'", "bi_reader")  # fmt: skip
    assert trend == [(pytest.approx((80 + 100 + 50) / 3 - 75),)]
    text = command.report(day)
    assert re.search(r"^marts\.fct .* \+1\.7$", text, re.M), text
    assert "76.7" in text
    assert json.loads(json.dumps(sorted(scores)))
