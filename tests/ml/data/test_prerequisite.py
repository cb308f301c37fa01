from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from ml.data.prerequisite import require_sources
from ml.errors import DataPrerequisite
from ml.spec import load_spec

TODAY = date(2025, 10, 31)


def test_a_source_that_never_brought_a_row_is_named_with_what_there_is(bank):
    spec = dataclasses.replace(load_spec("churn"), sources=("core_banking.balance", "campaign.response", "card.card"))
    bank.execute(
        "insert into governance.load (system, table_name, business_date, file_name, status, accepted_count) values"
        " ('core_banking', 'balance', '2025-10-30', 'a', 'loaded', 7),"
        " ('card', 'card', '2025-10-30', 'b', 'loaded', 0),"
        " ('card', 'card_transaction', '2025-10-30', 'c', 'loaded', 1),"
        " ('campaign', 'response', '2025-11-01', 'd', 'loaded', 9)"
    )
    with pytest.raises(
        DataPrerequisite, match=r"has not delivered campaign.response, card.card up to 2025-10-31"
    ) as met:
        require_sources(spec, TODAY)
    assert "nothing at all came from campaign)" in str(met.value)
    assert met.value.report["sources"] == {
        "core_banking.balance": {"rows": 7, "since": "2025-10-30"},
        "campaign.response": None,
        "card.card": None,
    }
    bank.execute("update governance.load set accepted_count = 3, business_date = '2025-10-31'")
    require_sources(spec, TODAY)
