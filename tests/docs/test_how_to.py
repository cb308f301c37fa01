"""The commands of the how-to pages are run as they stand there, on a bank that has what they speak of."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from datetime import date
from hashlib import sha256

import pytest

from bankmart import db, settings
from bankmart.governance import audit
from bankmart.governance.access import command as reader
from bankmart.governance.audit import anchor
from bankmart.sources import contract, landing, load

DAY = date(2026, 1, 31)
PAGES = settings.ROOT / "docs" / "how-to"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands(page):
    return BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))


@pytest.fixture
def shell(warehouse, tmp_path, monkeypatch):
    """Runs a block of a page in a folder of its own; `bankmart` is this checkout's."""
    monkeypatch.setenv("BANKMART_LANDING_DIR", str(tmp_path / "landing"))
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
    check, show, who, rotate = commands("keep-the-keys.md")
    assert "1 data keys, 1 records" in shell(check)
    assert re.search(r"card.card +2026-01-31 +C?K1 +card_number +6222021234567890", shell(show))
    assert re.search(r"vault_read +customer [0-9a-f]{32} +anna", shell(who))
    assert "everything opens" in shell(rotate)
    reader.remove("anna")


def test_verify_the_audit(shell):
    with db.connect("platform") as link:
        audit.append(link, "publish", "tester", str(DAY), {"build_id": 1})
    verify, show, head = commands("verify-the-audit.md")
    assert "the audit chain is whole" in shell(verify)
    assert shell(show).count("publish") == 2
    number, digest = anchor.head()
    assert shell(head) == f"{number} {digest}\n"
    assert "1 entries" in shell(verify)
    assert "1 heads outside the database" in shell(verify)
