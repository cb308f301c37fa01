"""Records in quarantine are held about a person, too: whoever asks is told of them."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
import pytest

from bankmart import db
from bankmart.governance.people import access_request, person, waiting
from bankmart.sources import contract, load
from bankmart.sources.landing import write_extract

DAY = date(2026, 1, 31)


def send(tmp_path, table, rows):
    system, name = table.split(".")
    spec = contract.load()[system][name]
    made = {column.name: pa.array([row.get(column.name) for row in rows], pa.string()) for column in spec.columns}
    write_extract(tmp_path / "landing", spec, DAY, pa.table(made))
    load.load_system(system, DAY)


def said(number, customer, score="4", text="fine"):
    return {"feedback_id": number, "customer_id": customer, "given_at": "2026-01-31T10:00:00", "channel": "app",
            "language": "zh", "feedback_text": text, "score": score}  # fmt: skip


@pytest.fixture
def delivered(bank, tmp_path):
    """Of X901 a record whose score is none; of X902 one that names X901 in its text; the rest is as it should be."""
    rows = [said(f"F{n}", "X902") for n in range(240)]
    rows += [said("F900", "X901", "none", 'a "quoted", text'), said("F901", "X902", "none", "not as X901")]
    send(tmp_path, "contact_centre.feedback", rows)
    return bank


def held(customer, by="dpo"):
    with db.connect("platform") as link, link.cursor() as cursor:
        one = person.find(cursor, customer)
    return waiting.of(one, by, "test")


def test_a_record_is_told_to_whom_it_belongs_and_to_nobody_it_only_names(delivered):
    (mine,) = held("X901")
    assert (mine["table"], mine["business_date"], mine["rule"]) == ("contact_centre.feedback", DAY, "type")
    assert 'a ""quoted"", text' in mine["record"]
    (other,) = held("X902")
    assert "F901" in other["record"]
    told = delivered.rows("select actor, facts ->> 'records' from audit.entry where subject = %s",
                          "quarantine, to find a person")  # fmt: skip
    assert told == [("dpo", "2")] * 2


def test_one_that_cant_be_read_in_columns_is_whose_number_it_names(delivered):
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute("update governance.quarantine set raw_text = 'F900;X901' where raw_text like '%F900%'")
        cursor.execute("update governance.quarantine set raw_text = 'F901;X9010' where raw_text like '%F901%'")
    assert [record["record"] for record in held("X901")] == ["F900;X901"]
    assert held("X902") == []


def test_the_answer_holds_it_until_it_is_put_back(delivered, tmp_path):
    def parts():
        path, page = access_request.answer("X901", "at the branch", tmp_path / "answer", "dpo")
        assert ("隔离区" in page.read_text(encoding="utf-8")) == ("F900" in path.read_text(encoding="utf-8"))
        tables = json.loads(path.read_text(encoding="utf-8"))["tables"]
        return [part["rows"] for part in tables if part["table"] == "governance.quarantine"]

    ((record,),) = parts()
    assert record["record"].startswith('"F900","X901"')
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute("insert into governance.quarantine_repair (load_id, line_number, repaired_by, reason)"
                       " select load_id, line_number, 'li', 'test' from governance.quarantine")  # fmt: skip
    assert parts() == []
