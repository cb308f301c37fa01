from __future__ import annotations

import json
import subprocess

import pytest

import ml.bench
from ml.__main__ import main
from ml.bench import hillstrom, models, oracle
from ml.spec import model_names


def test_a_module_in_the_folder_is_a_command_with_its_own_options(tmp_path, monkeypatch, capsys):
    (tmp_path / "counting.py").write_text(
        "import json\n"
        "def add_arguments(parser):\n    parser.add_argument('--upto', type=int)\n"
        "def run(args):\n    print(json.dumps(list(range(args.upto))))\n    return 3\n"
    )
    monkeypatch.setattr(ml.bench, "__path__", [str(tmp_path)])
    assert main(["bench", "counting", "--upto", "2"]) == 3
    assert json.loads(capsys.readouterr().out) == [0, 1]
    with pytest.raises(SystemExit):
        main(["bench", "weather"])


def test_sentiments_own_report_becomes_rows(tmp_path, capsys):
    path = tmp_path / "reviews.csv"
    path.write_text("text,class\n" + "很好 很快,good\n太慢 太贵,bad\n" * 10, encoding="utf-8")
    assert main(["bench", "sentiment", "--csv", str(path), "--seeds", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    (bench,) = (one for one in models.benches(tmp_path, None) if one.command[0] == "sentiment")
    rows = {what: told for what, *told in bench.rows(report)}
    beside = "majority 0.3333; reference 0.659"
    assert rows["macro_f1"] == ["1.0000 [1.0000, 1.0000]", beside, "> 0.659: met"]
    assert rows.keys() == models.REVIEWS.keys(), "every figure of the reviews has a reference"


def test_each_benchmark_has_its_own_seeds_and_hillstroms_rows_their_references(tmp_path):
    def seeds(given=None):
        found = {one.command[0]: one.command for one in models.benches(tmp_path, None, given)}
        return {name: line[line.index("--seeds") + 1] for name, line in found.items() if "--seeds" in line}

    assert seeds() == {"bank_marketing": "5", "hillstrom": "10", "sentiment": "5"}
    assert set(seeds(2).values()) == {"2"}
    one = {"mean": 0.06, "bootstrap_95": [0.03, 0.09], "seed_range": [0.05, 0.07]}
    names = ("qini", "response_qini", "qini_above_response", "uplift_at_10", "uplift_at_30")
    report = {
        "treatments": {offer: {"metrics": dict.fromkeys(names, one)} for offer in hillstrom.OFFERS},
        "rates": {"control": {"customers": 9, "visit": 0.10617, "conversion": 0.00573, "spend": 0.65279}},
        "reference": hillstrom.REFERENCE,
    }
    (bench,) = (one for one in models.benches(tmp_path, None) if one.command[0] == "hillstrom")
    rows = {what: told for what, *told in bench.rows(report)}
    assert rows["control: visit"] == ["0.10617", "reference 0.10617", "the same: met"]
    assert rows["womens_email: qini"] == ["0.0600 [0.0300, 0.0900]", "seeds 0.0500 to 0.0700; reference 0.066", ""]
    assert rows["womens_email: qini_above_response"][2] == "> 0.0: met"
    report["rates"]["control"]["visit"] = 0.1062
    assert {what: wanted for what, *_, wanted in bench.rows(report)}["control: visit"] == "the same: **missed**"
    assert rows["womens_email: response_qini"][1].endswith("reference 0.034")
    assert "reference" not in rows["womens_email: uplift_at_10"][1], "there is none"


def test_all_of_them_are_called_and_what_is_not_there_is_said(tmp_path, monkeypatch, capsys):
    share = {"share_of_skill": [0.9, 0.8, 1.0], "auc": [0.7], "positives": 5, "rows": 50, "base_rate": 0.1}
    share |= {"oracle_auc": [0.72, 0.7, 0.74], "seed": 3, "revision": "abc+"}

    def ran(command, **_):
        name = command[4]
        if name == "sentiment":
            return subprocess.CompletedProcess(command, 1, "", "a trace\nThe file can't be judged.\n")
        if name == "oracle":
            return subprocess.CompletedProcess(command, 0, json.dumps({"churn": share}), "")
        found = {"contacts": 9, "observed_share_of_oracle": 0.7, "observed_share_95": [0.5, 0.9]}
        found |= {"expected_share_of_oracle": 0.8, "response_expected_share_of_oracle": 0.2}
        found |= {"buyers": 3, "base_rate": 1 / 3, "qini_area": {"oracle": [0.02, 0.01, 0.03]}}
        report = {"test": found, "seed": 4, "revision": "abc+"}
        return subprocess.CompletedProcess(command, 0, json.dumps(report), "")

    monkeypatch.setattr(models.subprocess, "run", ran)
    (tmp_path / "zh_bank_reviews").mkdir()
    (tmp_path / "zh_bank_reviews" / "reviews.csv").touch()
    given = ["bench", "models", "--data", str(tmp_path), "--as-of", "2026-10-31", "--write", str(tmp_path / "m.md")]
    assert main(given) == 1, "one of them failed"
    said = capsys.readouterr().out
    assert said.count("Skipped: ") == 2
    assert "**Failed**: The file can't be judged." in said
    skill = "AUC 0.7, oracle 0.72 [0.7, 0.74], 5 of 50 (10.00%), seed 3, code abc+"
    assert f"| churn: share of skill | 0.9000 [0.8000, 1.0000] | {skill} | > 0.85: met |" in said
    assert "9 contacts, 3 buyers (33.33%); oracle's area 0.02000 [0.01000, 0.03000], seed 4, code abc+" in said
    assert said.strip() in (tmp_path / "m.md").read_text()
    assert f"| clv: share of skill | none | {oracle.WITHOUT['clv']} |  |" in said
    assert {*oracle.TRUTH, *oracle.WITHOUT, "uplift"} == set(model_names()), "every model has a share or a reason"
    (tmp_path / "zh_bank_reviews" / "reviews.csv").unlink()
    assert main(given) == 0
    assert "0.8000 | response model 0.2000 | > 0.7: met" in capsys.readouterr().out
    share["share_of_skill"][0] = 0.84
    assert main(given) == 1, "a goal is missed"
    assert "> 0.85: **missed**" in capsys.readouterr().out
    assert main(["bench", "models", "--data", str(tmp_path / "none")]) == 0
    assert capsys.readouterr().out.count("Skipped: ") == 5
