"""What a sender gets wrong, each kind sent through landing and load: refused, quarantined or known to be valid.

Kinds that only show against other days (volumes, mixes, nulls, late) are measured by `bankmart bench quality`, and the
gates' own tests stop on them (tests/plugins/bankmart/governance/quality).
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta

import pytest

from bankmart.sources import landing
from bankmart.sources.load import load_system
from bankmart.sources.refusal import LoadRefused
from bankmart.sources.simulate import FAULTS, SimulationConfig, simulate
from bankmart.sources.simulate.faults import FAR_FUTURE, inject
from bankmart.text import table

GO_LIVE = date(2026, 10, 31)
DAYS = [GO_LIVE + timedelta(days=number) for number in range(4)]
LAST = DAYS[-1]
# By kind the rule that the loader names.
REFUSED = {
    "empty_file": "empty", "header_only": "row_count", "missing_column": "header", "extra_column": "header",
    "renamed_column": "header", "wrong_delimiter": "header", "wrong_encoding": "quarantine_limit",
    "thousands_separator": "quarantine_limit", "manifest_absent": "missing", "checksum_mismatch": "checksum",
    "row_count_mismatch": "row_count", "control_total_mismatch": "control_total", "two_files": "one_file",
    "future_business_date": "missing", "truncated_file": "checksum", "missing_table": "missing",
    "too_large_amount": "control_total", "too_exact_amount": "control_total", "unclosed_quote": "control_total",
    "short_row": "control_total", "long_row": "control_total", "column_twice": "header",
    "manifest_no_json": "manifest", "manifest_elsewhere": "manifest", "yesterdays_file": "twice",
}  # fmt: skip
# One record is set aside, all others are loaded.
QUARANTINED = {
    "nul_byte": "nul", "impossible_date": "type", "duplicate_key": "duplicate", "orphan_key": "orphan",
    "huge_field": "length", "future_date": "future", "empty_key": "null", "unknown_value": "values",
    "unreadable_amount": "type", "no_number": "type", "infinite_amount": "type", "second_header": "type",
}  # fmt: skip
VALID = {"reordered_column", "quoted_newline", "sql_fragment"}


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """A small bank's core system, its first date and three days."""
    root = tmp_path_factory.mktemp("faults")
    simulate(SimulationConfig(root / "landing", root / "truth", 400, 3, 3, GO_LIVE, late=False))
    for other in (root / "landing").iterdir():
        if other.name != "core_banking":
            shutil.rmtree(other)
    return root / "landing"


def outcome(bank, day=LAST):
    """What the load of a day says: refused by a rule, quarantined by one, or loaded whole."""
    ((before,),) = bank.query("select coalesce(max(load_id), 0) from governance.load")
    refused = None
    try:
        load_system("core_banking", day, landing=bank.root, today=LAST)
    except LoadRefused as refusal:
        refused = refusal
    if refused:
        assert "It means:" in str(refused)
        assert "What to do:" in str(refused)
        return "refused", refused.rule
    rules = bank.query("select rule from governance.quarantine where load_id > %s", before)
    assert len(rules) <= 1
    return ("quarantined", rules[0][0]) if rules else ("loaded", "")


def held(bank):
    """The day's transactions, without the number of their load."""
    return bank.query(
        "select count(*), md5(string_agg((to_jsonb(t) - 'load_id')::text, '|' order by transaction_id))"
        " from sources.core_banking__transaction as t where business_date = %s",
        LAST,
    )


def restore(bank, delivered):
    for name in ("transaction", "product"):
        place = landing.folder(bank.root, "core_banking", name, LAST)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(landing.folder(delivered, "core_banking", name, LAST), place)


def test_every_kind_of_fault_is_stopped_or_is_none(bank, delivered, capsys):
    shutil.copytree(delivered, bank.root)
    for day in DAYS:
        assert outcome(bank, day) == ("loaded", ""), f"{day} is clean"
    found, clean = {}, held(bank)
    assert clean[0][0] > 100
    for name in FAULTS:
        restore(bank, delivered)
        before = held(bank)
        inject(name, bank.root, LAST)
        found[name] = outcome(bank, date.fromisoformat(FAR_FUTURE) if name == "future_business_date" else LAST)
        if found[name][0] == "refused":
            assert held(bank) == before, f"{name} is refused and has changed something"
        else:
            ((read, accepted, rejected),) = bank.query(
                "select read_count, accepted_count, rejected_count from governance.load"
                " where table_name = 'transaction' and status = 'loaded' and business_date = %s",
                LAST,
            )
            assert (accepted + rejected, rejected) == (read, int(found[name][0] == "quarantined")), name
            assert held(bank)[0][0] == accepted, name
    with capsys.disabled():
        rows = [[name, *verdict] for name, verdict in found.items()]
        print(f"\n{table(['fault', 'verdict', 'rule'], rows)}\n{len(found)} kinds")
    restore(bank, delivered)
    assert outcome(bank) == ("loaded", ""), "the clean day is clean again"
    assert held(bank) == clean
    expected = {name: ("refused", rule) for name, rule in REFUSED.items()}
    expected |= {name: ("quarantined", rule) for name, rule in QUARANTINED.items()}
    assert found == expected | dict.fromkeys(VALID, ("loaded", ""))
    assert len(found) == 40
