"""The benchmark of the gates really judges mixes that are counted from a bank's files."""

import numpy as np

from bankmart import dbt
from bankmart.governance.tags import bench, bench_series, registry


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


def test_lookalikes_are_of_tags_that_there_are_and_have_their_values():
    tags = {tag.column: set(tag.known_values) for tag in registry.tags(dbt.manifest())}
    missing = {name: tags[name] - set(each.values) for name, each in bench_series.JUDGEMENTS.items()}
    assert {name: left for name, left in missing.items() if left} == {"mobile_activity": {"never"}}
    assert all(set(each.values) <= tags[name] for name, each in bench_series.JUDGEMENTS.items())


def test_the_days_and_sums_of_a_lookalike_are_those_of_its_tag():
    measures = {name: np.zeros((5, 100)) for name in ("wage", "in", "out", "payments")}
    bank, today = bench_series.Bank((), measures), {name: values[:, 99] for name, values in measures.items()}
    # Paid today, 3, 4, 60 and 61 days ago.
    for customer, ago in enumerate((0, 3, 4, 60, 61)):
        measures["wage"][customer, 99 - ago] = 1
    measures["in"][:, 99] = (20_000, 19_999, 20_000, 20_000, 0)
    measures["in"][:, 50] = (60_000, 0, 60_001, 0, 0)
    measures["out"][:, 50] = (0, 19_999, 100_000, 24_000, 0)
    measures["payments"][:, 80] = (10, 9, 0, 0, 0)
    measures["payments"][:, 20] = (0, 0, 1, 0, 0)

    def said(name):
        judgement = bench_series.JUDGEMENTS[name]
        return [judgement.values[code] for code in judgement.codes(bank, 99, today)]

    assert said("salary_state") == ["arrived", "arrived", "between", "late", "none"]
    assert said("large_inflow") == ["true", "false", "false", "true", "false"]
    assert said("cash_flow") == ["saver", "balanced", "spender", "spender", "none"]
    assert said("card_activity") == ["active", "occasional", "occasional", "inactive", "inactive"]


def test_what_a_fault_does(monkeypatch):
    bank = bench_series.make(60, 5, 7)
    day, judgement = 120, bench_series.JUDGEMENTS["aum_tier"]
    clean = judgement.codes(bank, day, bank.column(day))
    rng = np.random.default_rng(1)
    dearer = bench.FAULTS["amounts ×100"](bank, judgement, day, rng)
    assert (dearer >= clean).all()
    assert (dearer > clean).any()
    assert (bench.FAULTS["a fifth null"](bank, judgement, day, rng) == -1).any()
    assert (bench.FAULTS["join lost, all default"](bank, judgement, day, rng) == judgement.default).all()
