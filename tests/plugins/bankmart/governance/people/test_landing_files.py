"""A landing file is written again without somebody; every other record stays byte for byte."""

from __future__ import annotations

import json
from datetime import date

import pytest

from bankmart.governance.people.erasure import landing_files
from bankmart.governance.people.erasure.replace import Known
from bankmart.sources import contract
from bankmart.sources.landing import MANIFEST, Manifest, folder, sha256, write_manifest

DAY = date(2026, 1, 31)
GONE = Known({"core_banking.customer": {"900001": "erased-a"}, "core_banking.account": {"62001": "erased-b"}})
HEADER = "feedback_id,customer_id,given_at,channel,language,feedback_text,score"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Puts a file there as a sender would; gives its delivery."""
    monkeypatch.setenv("BANKMART_LANDING_DIR", str(tmp_path))

    def run(content, table="contact_centre.feedback", **manifest):
        system, name = table.split(".")
        place = folder(tmp_path, system, name, DAY)
        place.mkdir(parents=True, exist_ok=True)
        (place / "d.csv").write_bytes(content)
        write_manifest(place, Manifest("d.csv", "csv", 3, sha256(place / "d.csv"), **manifest))
        return landing_files.delivery(contract.load()[system][name], DAY)

    return run


def test_only_the_persons_records_change_whatever_they_look_like(write):
    others = '7,9000012,"2026",app,zh,"two\nlines, ""quoted""",4\r\n'
    text = (
        f"\ufeff{HEADER}\r\n"
        '1,900001,2026,app,zh,"her\nwords, ""quoted""",4\r\n'
        f"{others}"
        "2,900001,broken\r\n"
        "3,900002,2026,app,zh,about 900001,4"
    )
    made = write(text.encode())
    digest = landing_files.rewrite(made, GONE)
    written = made.path.read_bytes()
    assert written.decode() == (
        f"\ufeff{HEADER}\r\n1,erased-a,2026,app,zh,erased,4\r\n{others}erased\r\n3,900002,2026,app,zh,about 900001,4"
    )
    assert json.loads((made.path.parent / MANIFEST).read_text())["sha256"] == digest == sha256(made.path)
    assert landing_files.rewrite(landing_files.delivery(made.table, DAY), GONE) is None
    assert made.path.read_bytes() == written


def test_whom_the_gone_have_paid_is_in_their_records_no_more_gone_or_not(write):
    """As in the warehouse: a load of the file gives what the tables have."""
    header = (
        "transaction_id,account_id,transaction_date,transaction_at,direction,amount,balance_amount,channel,purpose,"
    )
    header += "counterparty_bank,counterparty_account"
    rows = ["1,62001,{},62002", "2,62002,{},62001", "3,62001,{},77", "4,77,{},62001", "5,77,{},78"]
    between = "2026-01-31,,out,1.00,,mobile,transfer,BANKMART"
    made = write("\n".join([header, *rows, ""]).format(*[between] * 5).encode(),
                 "core_banking.transaction", control_totals={"amount": "5.00"})  # fmt: skip
    both = Known({"core_banking.account": {"62001": "erased-b", "62002": "erased-c"}})
    landing_files.rewrite(made, both)
    written = [line.split(",") for line in made.path.read_text().splitlines()[1:]]
    assert [(line[1], line[-1]) for line in written] == [
        ("erased-b", ""), ("erased-c", ""), ("erased-b", ""), ("77", "erased-b"), ("77", "78"),
    ]  # fmt: skip


def test_another_encoding_and_delimiter_stay(write):
    text = f"{HEADER}\n1,900001,2026,app,zh,她的话,4\n2,900002,2026,app,zh,别人的话,4\n".replace(",", "|")
    made = write(text.encode("gb18030"), encoding="gb18030", delimiter="|")
    landing_files.rewrite(made, GONE)
    assert made.path.read_bytes().decode("gb18030") == text.replace("900001", "erased-a").replace("她的话", "erased")


def test_who_was_paid_is_another_number_and_the_payer_stays(write):
    text = (
        "transaction_id,account_id,transaction_date,transaction_at,direction,amount,balance_amount,channel,purpose,"
        "counterparty_bank,counterparty_account\n"
        "T1,62002,2026-01-31,,out,5.00,,mobile,transfer,ABC,62001\n"
        "T2,62001,2026-01-31,,in,5.00,,mobile,transfer,ABC,62002\n"
    )
    made = write(text.encode(), "core_banking.transaction", control_totals={"amount": "10.00"})
    landing_files.rewrite(made, GONE)
    assert made.path.read_text().splitlines()[1:] == [
        "T1,62002,2026-01-31,,out,5.00,,mobile,transfer,ABC,erased-b",
        "T2,erased-b,2026-01-31,,in,5.00,,mobile,transfer,ABC,",
    ]


@pytest.mark.parametrize("block", [16, 64, 4 << 20])
def test_a_file_of_many_blocks_is_cut_between_records(write, monkeypatch, block):
    monkeypatch.setattr(landing_files, "BLOCK", block)
    lines = [f'{n},{900001 if n % 7 == 0 else 800000 + n},2026,app,zh,"a ""b""\nc",4' for n in range(200)]
    made = write("\n".join([HEADER, *lines, ""]).encode())
    landing_files.rewrite(made, GONE)
    kept = [f"{n},erased-a,2026,app,zh,erased,4" if n % 7 == 0 else line for n, line in enumerate(lines)]
    assert made.path.read_text() == "\n".join([HEADER, *kept, ""])
