from __future__ import annotations

import getpass
import json
from datetime import date

import pytest

from bankmart.governance.audit.words import TOLD
from ml import explain, score
from ml.__main__ import main
from ml.errors import DataError, ModelError

TODAY = date(2025, 10, 31)


@pytest.fixture
def scored(bank, champion):
    bank.daily()
    score.run("churn", TODAY)
    return bank


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_whoever_is_on_a_list_gets_his_reasons_whatever_his_band(scored, champion, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(explain, "BATCH", 2)
    kept = scored.scores().set_index("customer_id")
    low, high = kept[kept["band"] == "low"].index[:3], kept[kept["band"] == "high"].index[:2]
    assert kept.loc[low, "reasons"].isna().all(), "nobody acts on them"
    file, out = tmp_path / "list.txt", tmp_path / "why.jsonl"
    file.write_text("\n".join([*low, "", *high, "C999999"]) + "\n")
    given = ["explain", "churn", "--as-of", str(TODAY), "--customers", str(file)]
    assert main([*given, "--write", str(out), "--by", "Li Wei"]) == 0
    assert "5 of 6 customers explained" in capsys.readouterr().err
    told = {line["customer_id"]: line for line in lines(out)}
    assert set(told) == {*low, *high}
    for customer, line in told.items():
        assert (line["score"], line["band"]) == tuple(kept.loc[customer, ["score", "band"]])
        assert all(reason["zh"] and reason["en"] for reason in line["reasons"])
        assert len(line["reasons"]) <= 3
    for customer in high:
        assert told[customer]["reasons"] == kept.loc[customer, "reasons"], "the same as were kept"
    told_of = {"customers": 6, "build_id": 2, "file": "list.txt", "typed_by": getpass.getuser()}
    assert scored.execute(f"select actor, subject, {TOLD} from audit.entry where kind = 'explain'") == [
        ("Li Wei", f"churn version {champion} as of {TODAY}", told_of)
    ]
    assert main(given) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5, "without --write they are printed"


def test_what_cannot_be_explained_is_a_sentence(scored, tmp_path):
    file = tmp_path / "list.txt"
    with pytest.raises(ModelError, match="can't be read"):
        explain.run("churn", TODAY, file)
    file.write_text("C999999\n")
    with pytest.raises(ModelError, match="None of the 1 customers"):
        explain.run("churn", TODAY, file)
    with pytest.raises(ModelError, match="segment gives its reasons while it scores"):
        explain.run("segment", TODAY, file)
    with pytest.raises(ModelError, match="response has no champion's scores of 2025-10-31"):
        explain.run("response", TODAY, file)
    file.write_text("C000001\n")
    scored.execute("update features.ftr_customer set complaint_count_90d = 9 where customer_id = 'C000001'")
    with pytest.raises(DataError, match="can't be made again"):
        explain.run("churn", TODAY, file)
