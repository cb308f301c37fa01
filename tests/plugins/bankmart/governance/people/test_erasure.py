"""Somebody who is erased is found nowhere, does not come back, and leaves every total as it was."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from bankmart import db, settings
from bankmart.governance.audit.verify import verify
from bankmart.governance.people import hold
from bankmart.governance.people.erasure import cleaning, requests, work
from bankmart.governance.people.erasure import run as erasure
from bankmart.governance.people.erasure.requests import ErasureError
from bankmart.sources import load
from bankmart.sources.landing import MANIFEST, folder, sha256

DAY = date(2026, 1, 31)
TEXT = "call me on 13800000001"


@pytest.fixture
def known(bank, delivered):
    """What X901 has left: facts, a delivered file with a quarantined record, a log, a score, a payment from X902."""
    bank.paid("T1", "Y901", DAY, to="Y902")
    bank.paid("T2", "Y902", DAY, to="Y901")
    for number, name in (("X901", "Name 1"), ("X902", "Name 2"), ("X9010", "Name 10")):
        bank.insert("marts", "dim_customer", customer_id=number, name=name, birth_date=date(1980, 5, 17), build_id=1,
                    effective_date=DAY, record_hash="x", business_date=DAY)  # fmt: skip
        bank.insert("marts", "fct_interaction", customer_id=number, interaction_date=DAY, topic="card", build_id=1)
        bank.insert("scores", "customer_score", customer_id=number, as_of_date=DAY, build_id=1, model="churn",
                    score=0.5, model_version="1", band="low", is_champion=True, mlflow_run_id="r")  # fmt: skip
    bank.customer("X9010", name="Name 10")
    delivered("contact_centre.feedback", [
        {"feedback_id": f"F{n}", "customer_id": f"X90{n % 2 + 1}", "given_at": "2026-01-31T10:00:00", "channel": "app",
         "language": "zh", "feedback_text": TEXT if n % 2 == 0 else 'a "quoted", text', "score": "4" if n else "none"}
        for n in range(120)
    ])  # fmt: skip
    load.load_system("contact_centre", DAY)
    log = settings.state_dir() / "logs" / "task.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text('scored X901, X9010 and X902\n{"customer": "line\\nX901"}\n')
    return bank


def forget(customer="X901"):
    (number,) = requests.request([(customer, "asks")], "li")
    requests.decide([number], "wang", approve=True)
    return erasure.run("ops")


def named(text, number):
    return re.search(rf"(?<![\w-]){number}(?![\w-])", text) is not None


def everything(bank):
    return "\n".join(
        row
        for schema, name in bank.rows(
            "select nspname, relname from pg_class join pg_namespace on relnamespace = pg_namespace.oid"
            " where relkind = 'r' and nspname = any('{sources,marts,intermediate,scores,governance,audit,vault}')"
            " and relname <> 'last_check'"
        )
        for (row,) in bank.rows(f"select t::text from {schema}.{name} as t")
        if (schema, name) != ("vault", "master")
    )


def test_nothing_is_left_but_the_facts(known, tmp_path):
    place = folder(tmp_path / "landing", "contact_centre", "feedback", DAY)
    before = (place / "feedback.csv").read_text().splitlines()
    totals = known.rows("select count(*), sum(amount) from sources.core_banking__transaction")
    report = forget()
    assert known.rows("select count(*), sum(amount) from sources.core_banking__transaction") == totals
    left = everything(known)
    assert [gone for gone in ("X901", "Y901", "Name 1", "13800000001", TEXT) if named(left, gone)] == []
    assert named(left, "X902")
    assert named(left, "Name 10")
    # One number stands for one, everywhere; another's rows are as they were.
    ((new, account),) = known.rows(
        "select customer_id, account_id from intermediate.int_account where customer_id <> 'X902'"
    )
    assert known.rows("select name, birth_date from marts.dim_customer where customer_id = %s", new) == [
        (None, date(1980, 1, 1))
    ]
    assert known.rows("select account_id, counterparty_account from sources.core_banking__transaction order by 1") == [
        ("Y902", account), (account, None),
    ]  # fmt: skip
    assert known.rows("select count(*) from scores.customer_score where customer_id = %s", new) == [(1,)]
    assert known.rows("select name from marts.dim_customer where customer_id = 'X9010'") == [("Name 10",)]
    # The quarantined record was X901's.
    assert known.rows("select raw_text from governance.quarantine") == [("erased",)]
    after = (place / "feedback.csv").read_text().splitlines()
    assert [new for old, new in zip(before, after, strict=True) if "X901" not in old] == [
        line for line in before if "X901" not in line
    ]
    assert "X901" not in "".join(after)
    assert TEXT not in "".join(after)
    manifest = json.loads((place / MANIFEST).read_text())
    assert manifest["sha256"] == sha256(place / "feedback.csv")
    assert (settings.state_dir() / "logs" / "task.log").read_text() == (
        'scored xxxx, X9010 and X902\n{"customer": "line\\nxxxx"}\n'
    )
    text = (settings.state_dir() / "certificates" / f"erasure-{report.erasures[0]}.json").read_text()
    assert json.loads(text)["left_over"] == 0
    assert "X901" not in text
    assert json.loads(text)["models_due_for_retraining"] == ["churn"]
    assert not verify().findings
    assert known.rows("select build_id, erasures from governance.build_change") == [(1, report.erasures)]
    assert forget_nobody() == "no approved request"


def forget_nobody():
    return erasure.run("ops").text()


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_an_old_file_brings_nobody_back(known, delivered, file_format):
    forget()
    rows = [
        {"feedback_id": f"G{n}", "customer_id": customer, "given_at": "2026-02-01T10:00:00", "channel": "app",
         "language": "zh", "feedback_text": "text", "score": "5"}
        for n, customer in enumerate(("X901", "X902"))
    ]  # fmt: skip
    day = date(2026, 2, 1)
    for _ in range(2):  # the old file again over the one that was cleaned
        place = delivered("contact_centre.feedback", rows, day, file_format)
        (loaded,) = [each for each in load.load_system("contact_centre", day).tables if each.table == "feedback"]
        assert (loaded.status, loaded.accepted, loaded.rejected) == ("loaded", 2, 0)
        assert known.rows(
            "select customer_id like 'erased-%%', feedback_text from sources.contact_centre__feedback"
            " where business_date = %s order by feedback_id", day,
        ) == [(True, "erased"), (False, "text")]  # fmt: skip
        assert b"X901" not in next(each for each in place.iterdir() if each.name != MANIFEST).read_bytes()
    (again,) = [each for each in load.load_system("contact_centre", day).tables if each.table == "feedback"]
    assert again.status == "unchanged"
    ((number,),) = known.rows("select customer_id from marts.fct_interaction where customer_id like 'erased-%%'")
    assert known.rows("select 1 from sources.contact_centre__feedback where business_date = %s and customer_id = %s",
                      day, number) == [(1,)]  # fmt: skip


@pytest.mark.parametrize(("module", "name"), [
    (erasure.cleaning, "landing"), (cleaning, "_done"), (cleaning.landing_files, "write_manifest"),
    (erasure.cleaning, "rest"), (erasure.certificate, "write_up"), (erasure.certificate, "keep"),
])  # fmt: skip
def test_killed_half_way_it_ends_complete_when_run_again(known, tmp_path, monkeypatch, module, name):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, name, killed)
        with pytest.raises(KeyboardInterrupt):
            forget()
    # The warehouse is done whole, whatever came after it.
    assert known.rows("select 1 from marts.fct_interaction where customer_id = 'X901'") == []
    erasure.run("ops")
    assert known.rows("select state, customer_id from governance.erasure") == [("done", None)]
    assert known.rows("select count(*) from governance.erasure_work") == [(0,)]
    place = folder(tmp_path / "landing", "contact_centre", "feedback", DAY)
    assert json.loads((place / MANIFEST).read_text())["sha256"] == sha256(place / "feedback.csv")
    assert "X901" not in (place / "feedback.csv").read_text()
    assert (settings.state_dir() / "certificates" / "erasure-1.json").exists()


def test_a_run_that_comes_late_leaves_what_another_has_ended(known, tmp_path, monkeypatch):
    """It has lost the connection that kept the other away, and has read a file as it was."""
    place = folder(tmp_path / "landing", "contact_centre", "feedback", DAY)
    old = {each: each.read_bytes() for each in place.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(erasure.cleaning, "landing", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forget()
    late = work.read()
    erasure.run("ops")
    for file, content in old.items():
        file.write_bytes(content)
    with pytest.raises(ErasureError, match="another run has ended erasure 1 meanwhile"):
        cleaning._clean_target(f"contact_centre/feedback/{DAY}", late, None)
    assert known.rows("select count(*) from governance.erasure_work") == [(0,)]
    assert {each.name for each in place.iterdir()} == {each.name for each in old}, "no draft is left"


def test_killed_in_the_warehouse_nothing_has_happened(known, monkeypatch):
    before = everything(known)
    (number,) = requests.request([("X901", "asks")], "li")
    requests.decide([number], "wang", approve=True)
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_remember", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erasure.run("ops")
    assert known.rows("select count(*) from marts.fct_interaction where customer_id = 'X901'") == [(1,)]
    assert erasure.run("ops").erasures == [number]
    assert named(before, "X901")
    assert not named(everything(known), "X901")


def test_a_second_run_at_the_same_time_leaves_it_to_the_first(known, monkeypatch):
    said, search = [], cleaning.rest

    def meanwhile(*given):
        with pytest.raises(ErasureError, match="an erasure is running already"):
            erasure.run("somebody else")
        said.append(known.rows("select state from governance.erasure"))
        return search(*given)

    monkeypatch.setattr(erasure.cleaning, "rest", meanwhile)
    assert forget().erasures == [1]
    assert said == [[("running",)]]
    assert known.rows("select count(*) from audit.entry where kind = 'erasure_certificate'") == [(1,)]


def test_what_is_left_is_named_and_there_is_no_certificate(known):
    place = settings.state_dir() / "exports" / "rows.bin"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"\0\0X901\0")
    with db.connect("airflow", settings.AIRFLOW) as link, link.cursor() as cursor:
        # In a list; an amount that looks like a number of anybody is none.
        cursor.execute("create table if not exists note (amount numeric(18,2), at timestamptz, what text[])")
        cursor.execute("insert into note values (901, now(), '{about Y901}')")
    try:
        with pytest.raises(ErasureError, match="2 places:\n  database airflow, table public.note\n  file exports/r"):
            forget()
        assert known.rows("select state from governance.erasure") == [("running",)]
        place.unlink()
    finally:
        with db.connect("airflow", settings.AIRFLOW) as link, link.cursor() as cursor:
            cursor.execute("drop table note")
    assert erasure.run("ops").erasures == [1]


def test_a_request_needs_two_people_and_a_person_to_erase(known, tmp_path):
    (number,) = requests.request([("X901", "asks")], "li")
    with pytest.raises(ErasureError, match="made by li: another person"):
        requests.decide([number], "li", approve=True)
    with pytest.raises(ErasureError, match="X901 is asked for already: request 1 is requested"):
        requests.request([("X901", "asks again")], "zhao")
    file = tmp_path / "requests.csv"
    file.write_text("customer_id,reason\nX902,by letter\nX909,by letter\n")
    with pytest.raises(ErasureError, match="nothing was requested:\n  no customer X909"):
        requests.request(requests.read(file), "li")
    assert known.rows("select count(*) from governance.erasure") == [(1,)]
    requests.decide([number], "wang", approve=False)
    forget()
    with pytest.raises(ErasureError, match="X901 was erased on .*, by request 3: nothing is left"):
        requests.request([("X901", "asks")], "li")
    with pytest.raises(ErasureError, match="request 9 doesn't exist"):
        requests.decide([9], "wang", approve=True)


def test_a_legal_hold_stops_it_wherever_it_is(known):
    held = hold.add("customer", "X901", "case 17", "zhao", DAY)
    with pytest.raises(ErasureError, match=r"X901 can't be erased: legal hold 1 \(case 17; by zhao\)"):
        requests.request([("X901", "asks")], "li")
    hold.end(held, "zhao")
    (number,) = requests.request([("X901", "asks")], "li")
    held = hold.add("customer", "X901", "case 18", "zhao", DAY)
    with pytest.raises(ErasureError, match="can't be approved: legal hold 2"):
        requests.decide([number], "wang", approve=True)
    hold.end(held, "zhao")
    requests.decide([number], "wang", approve=True)
    held = hold.add("table", "core_banking.transaction", "case 19", "zhao", DAY)
    assert "request 1 waits: legal hold 3" in erasure.run("ops").text()
    assert named(everything(known), "Y901")
    hold.end(held, "zhao")
    assert erasure.run("ops").erasures == [number]


def test_a_merged_person_is_erased_with_all_numbers(known):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "create table marts.bridge_identity (customer_id text, linked_customer_id text, build_id bigint)"
        )
        cursor.execute("insert into marts.bridge_identity values ('X902', 'X901', 1)")
    (number,) = requests.request([("X902", "asks")], "li")
    with pytest.raises(ErasureError, match="X901 is asked for already: request 1 .* covers the whole person"):
        requests.request([("X901", "asks")], "li")
    requests.decide([number], "wang", approve=True)
    erasure.run("ops")
    assert known.rows("select count(*) from governance.tombstone where kind = 'core_banking.customer'") == [(2,)]
    left = everything(known)
    assert [gone for gone in ("X901", "X902", "Y901", "Y902") if named(left, gone)] == []
    # They stay one person, whoever it was.
    ((one, other),) = known.rows("select customer_id, linked_customer_id from marts.bridge_identity")
    assert one.startswith("erased-")
    assert other.startswith("erased-")
    assert one != other
    with pytest.raises(ErasureError, match="X901 was erased"):
        requests.request([("X901", "asks")], "li")


def test_two_persons_are_erased_together(known):
    made = requests.request([("X901", "asks"), ("X902", "asks")], "li")
    requests.decide(made, "wang", approve=True)
    assert erasure.run("ops").erasures == made
    assert known.rows("select count(distinct customer_id) from marts.fct_interaction") == [(3,)]
