"""The benchmark of the gates really judges mixes that are counted from a bank's files."""

import numpy as np

from bankmart.governance.tags import bench, bench_series


def test_gross_faults_are_caught_and_clean_days_are_not(monkeypatch):
    monkeypatch.setattr(bench, "EVERY", 20)
    judgements = {name: bench_series.JUDGEMENTS[name] for name in ("transaction_activity", "has_salary")}
    monkeypatch.setattr(bench_series, "JUDGEMENTS", judgements)
    bank = bench_series.make(400, 7, 7)
    assert bank.measures["transactions"].shape == bank.measures["balance"].shape == (400, len(bank.days))
    found = list(bench.cases(bank, np.random.default_rng(7)))
    judged = [case for case in found if case.level != "unjudged"]
    lost = [case for case in judged if case.fault == "join lost, all default"]
    clean = [case for case in judged if case.fault == bench.CLEAN]
    assert len(lost) > 5
    assert all(case.level == "stop" for case in lost)
    assert sum(case.level == "pass" for case in clean) > 0.9 * len(clean)
    said = bench.report(found)
    assert all(name in said for name in bench.FAULTS)
    assert "false alarms" in said


def test_what_a_fault_does(monkeypatch):
    bank = bench_series.make(60, 3, 7)
    day, judgement = 60, bench_series.JUDGEMENTS["spending_band"]
    clean = judgement.codes(bank, day, bank.column(day))
    rng = np.random.default_rng(1)
    dearer = bench.FAULTS["amounts ×100"](bank, judgement, day, rng)
    assert (dearer >= clean).all()
    assert (dearer > clean).any()
    assert (bench.FAULTS["a fifth null"](bank, judgement, day, rng) == -1).any()
    assert (bench.FAULTS["join lost, all default"](bank, judgement, day, rng) == judgement.default).all()
