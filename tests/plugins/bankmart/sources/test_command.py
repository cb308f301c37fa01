"""The commands say what was loaded, refused and put in quarantine, and show nobody's data."""

from __future__ import annotations

import argparse

from bankmart.sources import command, quarantine_command


def run(module, *arguments):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args(arguments))


def test_ingest_prints_a_line_per_table(bank, capsys):
    bank.send("card.card_transaction", bank.payments())
    options = ("--system", "card", "--date", "2026-01-31", "--landing", str(bank.root))
    assert run(command, *options) == 0
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert lines["card.card_transaction"][:4] == ["loaded", "200", "200", "0"]
    assert lines["card.card"][:4] == ["absent", "0", "0", "0"]
    assert run(command, *options) == 0
    assert "unchanged" in capsys.readouterr().out


def test_ingest_of_all_goes_on_after_a_refusal_and_says_so(bank, capsys):
    bank.send("card.card_transaction", bank.payments(), row_count=3)
    bank.send("external.district", "x\n")
    bank.send("campaign.campaign", "campaign_id,name,product_id,start_date,end_date,is_randomised\n")
    assert run(command, "--system", "all", "--date", "2026-01-31", "--landing", str(bank.root)) == 1
    output = capsys.readouterr()
    assert "core_banking" in output.err
    assert "the manifest says 3" in output.err
    assert "What to do:" in output.err
    assert "campaign.campaign" in output.out


def test_an_unknown_system_is_a_message(warehouse, capsys):
    assert run(command, "--system", "nope", "--date", "2026-01-31") == 1
    assert "no system 'nope' in the contract" in capsys.readouterr().err


def test_quarantine_sums_up_by_rule_without_anybodys_data(bank, capsys):
    assert run(quarantine_command) == 0
    assert capsys.readouterr().out == "Nothing is in quarantine.\n"
    rows = bank.payments(400)
    rows[7]["card_transaction_id"] = rows[8]["card_transaction_id"] = "P00001"
    rows[9] |= {"card_id": "6222021234567890", "is_online": "maybe"}
    bank.send("card.card_transaction", rows)
    bank.load()
    assert run(quarantine_command, "--date", "2026-01-31", "--system", "card") == 0
    output = capsys.readouterr().out
    lines = [line.split() for line in output.splitlines()[1:]]
    assert [line[:6] for line in lines] == [
        ["2026-01-31", "card.card_transaction", "loaded", "duplicate", "card_transaction_id", "2"],
        ["2026-01-31", "card.card_transaction", "loaded", "type", "is_online", "1"],
    ]
    assert "line 9: " in output
    assert "6222021234567890" not in output
    assert run(quarantine_command, "--date", "2026-01-30") == 0
    assert capsys.readouterr().out == "Nothing is in quarantine.\n"


def test_quarantine_shows_a_files_latest_load_only(bank, capsys):
    bank.send("card.card_transaction", bank.payments(3, merchant_category_code=""))
    assert run(command, "--system", "card", "--date", "2026-01-31", "--landing", str(bank.root)) == 1
    run(quarantine_command)
    assert "refused" in capsys.readouterr().out
    bank.send("card.card_transaction", bank.payments(3))
    bank.load()
    run(quarantine_command)
    assert capsys.readouterr().out == "Nothing is in quarantine.\n"
