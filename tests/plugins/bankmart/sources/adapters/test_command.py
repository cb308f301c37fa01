from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from bankmart.sources.adapters import command


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_it_prints_what_it_wrote(tiny: Path, landing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run("berka", "--source", str(tiny), "--landing", str(landing), "--go-live", "1993-01-11", "--days", "1")

    summary = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (summary["go_live"], summary["days"], summary["files"]) == ("1993-01-11", 1, 22)
    assert summary["rows"]["core_banking.account"] == 3


def test_it_lands_in_the_checkouts_own_folder(
    tiny: Path, landing: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BANKMART_LANDING_DIR", str(landing))

    assert run("berka", "--source", str(tiny)) == 0
    assert (landing / "core_banking" / "account" / "1993-01-09" / "account.csv").is_file()
    assert json.loads(capsys.readouterr().out)["landing"] == str(landing)


def test_it_says_what_is_wrong(tiny: Path, landing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny / "trans.asc").unlink()

    assert run("berka", "--source", str(tiny), "--landing", str(landing)) == 1
    assert "Nothing was written." in (err := capsys.readouterr().err)
    assert "has no trans.asc" in err


@pytest.mark.parametrize("words", [["berka"], ["other", "--source", "x"], ["berka", "--source", "x", "--go-live", "x"]])
def test_wrong_arguments_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*words)
    assert caught.value.code == 2
