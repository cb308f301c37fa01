"""The commands of the how-to pages are run as they stand there, on a bank that has what they speak of."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from datetime import date
from hashlib import sha256

import pytest

from bankmart import db, dbt, settings
from bankmart.governance import audit
from bankmart.governance.access import command as reader
from bankmart.governance.audit import anchor
from bankmart.sources import contract, landing, load, tables

DAY = date(2026, 1, 31)
PAGES = settings.ROOT / "docs" / "how-to"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands(page):
    return BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))


@pytest.fixture
def shell(warehouse, tmp_path, monkeypatch):
    """Runs a block of a page in a folder of its own; `bankmart` is this checkout's."""
    monkeypatch.setenv("BANKMART_LANDING_DIR", str(tmp_path / "landing"))
    (tmp_path / "landing").mkdir()
    tool = tmp_path / "bin" / "bankmart"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bankmart "$@"\n')
    tool.chmod(0o755)

    def run(block):
        environment = os.environ | {
            "PATH": f"{tool.parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{settings.ROOT / 'plugins'}:{settings.ROOT}",
        }
        done = subprocess.run(
            ["sh", "-e", "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_repair_a_quarantine(shell, tmp_path):
    names = ("card_transaction_id", "card_id", "transaction_date", "transaction_at", "amount",
             "merchant_category_code", "merchant_name", "is_online", "is_abroad")  # fmt: skip
    rows = [
        (f"P{n}", f"K{n}", str(DAY), "", "1.25", "5411", "shop", "perhaps" if n in (5, 6) else "true", "false")
        for n in range(400)
    ]
    text = "\n".join([",".join(names), *map(",".join, rows), ""])
    place = landing.folder(tmp_path / "landing", "card", "card_transaction", DAY)
    place.mkdir(parents=True)
    (place / "d.csv").write_text(text)
    digest = sha256(text.encode()).hexdigest()
    landing.write_manifest(place, landing.Manifest("d.csv", "csv", 400, digest, {"amount": "500.00"}))
    load.load_system("card", DAY)
    look, take_out, put_back = commands("repair-a-quarantine.md")
    assert re.search(r"card.card_transaction +loaded +type +is_online +2", shell(look))
    assert "2 records are in repair.csv" in shell(take_out)
    file = tmp_path / "repair.csv"
    with file.open(newline="") as opened:
        taken = list(csv.DictReader(opened))
    assert {(row["at_column"], row["is_online"]) for row in taken} == {("is_online", "perhaps")}
    file.write_text(file.read_text().replace("perhaps", "true"))
    said = shell(put_back)
    assert "2 records put back; 0 still in quarantine" in said
    assert re.search(r"quarantine_repair +card.card_transaction of 2026-01-31 +Wang Li", said)
    assert not file.exists()
    assert "Nothing is in quarantine" in shell(look)


def test_keep_the_keys(shell, tmp_path):
    names = [column.name for column in contract.load()["card"]["card"].columns]
    row = "K1,A1,C0000001,6222021234567890,debit,gold,2020-01-01,,active,2026-01-31"
    place = landing.folder(tmp_path / "landing", "card", "card", DAY)
    place.mkdir(parents=True)
    (place / "d.csv").write_text(f"{','.join(names)}\n{row}\n")
    landing.write_manifest(place, landing.Manifest("d.csv", "csv", 1, landing.sha256(place / "d.csv"), {}))
    load.load_system("card", DAY)
    node = next(each for each in dbt.manifest()["nodes"].values() if each["name"] == "dim_account")
    with db.connect("platform") as link, link.cursor() as cursor:
        columns = ", ".join(f"{name} {about['data_type']}" for name, about in node["columns"].items())
        cursor.execute(f"create table marts.dim_account ({columns})")
        cursor.execute(
            "insert into governance.build (business_date, kind, status) values (%(day)s, 'daily', 'published');"
            "insert into governance.publication values (%(day)s, 1);"
            "insert into marts.dim_account (customer_id, account_id, build_id) values"
            " ('C0000001', '6217000012345678', 1), ('C0000002', '6217000087654321', 1)",
            {"day": DAY},
        )
    check, show, clear, who, rotate = commands("keep-the-keys.md")
    assert "1 data keys, 1 records" in shell(check)
    assert re.search(r"card.card +2026-01-31 +C?K1 +card_number +6222021234567890", shell(show))
    printed = shell(clear)
    assert "6217000012345678" in printed
    assert "6217000087654321" not in printed
    assert re.search(r"vault_read +customer [0-9a-f]{32} +anna", shell(who))
    assert "everything opens" in shell(rotate)
    reader.remove("anna")


def test_verify_the_audit(shell):
    with db.connect("platform") as link:
        audit.append(link, "publish", "tester", str(DAY), {"build_id": 1})
    anchor.write_after(f"publish {DAY}")
    verify, show, head = commands("verify-the-audit.md")
    assert "the audit chain is whole" in shell(verify)
    assert shell(show).count("publish") == 2
    number, digest = anchor.head()
    assert shell(head) == f"{number} {digest}\n"
    assert "1 entries" in shell(verify)
    assert "2 heads outside the database" in shell(verify)


@pytest.fixture
def people(warehouse):
    """Three customers of a published date."""
    tables.create_tables()
    with db.connect("eraser") as link, link.cursor() as cursor:
        for number in ("1000000001", "1000000002", "1000000003"):
            cursor.execute(
                "insert into sources.core_banking__customer (business_date, load_id, customer_id, status, open_date,"
                " effective_date, name) values (%s, 1, %s, 'active', %s, %s, '<b>Wang</b>')",
                (DAY, number, DAY, DAY),
            )
        cursor.execute(
            "insert into governance.build (business_date, kind, status) values (%s, 'daily', 'published')", (DAY,)
        )
        cursor.execute("insert into governance.publication (business_date, build_id) values (%s, 1)", (DAY,))


def test_hold_and_retention(shell, people):
    look, put, end, remove = commands("hold-and-retention.md")
    said = shell(look)
    assert re.search(r"sources.core_banking__transaction +transaction_date +10", said)
    assert f"nothing is past its time on {DAY}" in said
    said = shell(put)
    assert re.search(r"1 +customer +1000000001 .*in force", said)
    assert re.search(r"2 +table +core_banking.transaction .*2036-12-31 .*in force", said)
    assert "hold 1 is ended" in shell(end)
    assert "nothing is removed: legal hold 2" in shell(remove)


def test_erase_a_person(shell, people, tmp_path):
    (tmp_path / "requests.csv").write_text("customer_id,reason\n1000000002,by telephone\n")
    ask, ask_all, approve, run, look, scrub = commands("erase-a-person.md")
    assert "requested: 1. Somebody else approves" in shell(ask)
    assert re.search(r"2 +requested +1000000002 +Li Na", shell(ask_all))
    assert "request 1 2: approved" in shell(approve)
    assert "erased: request 1, 2; 2 rows of 1 tables" in shell(run)
    said = shell(look)
    assert said.count("erasure_certificate") == 2
    assert "the audit chain is whole" in said
    assert re.search(r"1 +done +token [0-9a-f]{32} +Li Na", said)
    assert (settings.state_dir() / "certificates" / "erasure-1.json").exists()
    assert "of erasure 1, 2 old versions of rows are still in the server's files" in said
    said = shell(scrub)
    assert "scrubbed after request 1, 2: " in said
    assert said.count("erasure_scrub") == 2
    assert "old versions of rows are still" not in said


def test_answer_an_access_request(shell, people, tmp_path):
    answer, reads, opened, clear_away = commands("answer-an-access-request.md")
    assert "held.html\nheld.json" in shell(answer)
    page = (tmp_path / "answer" / "held.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Wang&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "客户号" in page
    held = json.loads((tmp_path / "answer" / "held.json").read_text(encoding="utf-8"))
    (part,) = held["tables"]
    assert (part["zh"], part["legal_basis"], part["kept_years"]) == ("客户", "contract", 15)
    assert part["columns"]["name"] == {"zh": "姓名", "en": "Full name."}
    assert [row["name"] for row in part["rows"]] == ["<b>Wang</b>"]
    said = shell(reads)
    assert "identity card shown" in said
    assert "1000000001" not in said
    assert "access request: at the branch" in shell(opened)
    shell(clear_away)
    assert not (tmp_path / "answer").exists()
