from __future__ import annotations

import argparse

import pytest

from bankmart.sources.simulate import command


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


def test_the_command_makes_a_bank_with_a_fault(tmp_path, capsys):
    options = (
        "--landing",
        str(tmp_path / "l"),
        "--truth",
        str(tmp_path / "t"),
        "--faults",
        "manifest_absent",
    )
    code = command.run(parse("--customers", "60", "--months", "1", "--days", "1", "--go-live", "2026-06-30", *options))
    assert code == 0
    assert "60 customers" in capsys.readouterr().out
    assert (tmp_path / "l/core_banking/transaction/2026-06-30/_manifest.json").exists()
    assert not (tmp_path / "l/core_banking/transaction/2026-07-01/_manifest.json").exists()
    assert (tmp_path / "l/core_banking/transaction/2026-07-01/transaction.csv").exists()


def test_too_small_a_bank_is_refused_in_words(tmp_path, capsys):
    assert command.run(parse("--customers", "1", "--landing", str(tmp_path), "--truth", str(tmp_path))) == 2
    assert "at least 50" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_fault_is_refused():
    with pytest.raises(SystemExit):
        parse("--faults", "gremlin")
