"""Messages show no person's data, and raw records can be stored whatever they hold."""

from __future__ import annotations

import pytest

from bankmart.sources.refusal import RAW_LIMIT, mask, shown, storable


@pytest.mark.parametrize(
    ("value", "masked"),
    [("13800138000", "1***0"), ("张三丰", "张***丰"), ("张三", "***"), ("x", "***"), ("", "***")],
)
def test_mask(value, masked):
    assert mask(value) == masked


def test_values_of_a_persons_classes_are_masked_others_are_cut():
    for data_class in (
        "identity.name",
        "contact.mobile",
        "account.number",
        "staff.name",
        "behaviour.free_text",
    ):
        assert shown("13800138000", data_class) == "1***0"
    assert shown("1,234.50", "behaviour.transaction") == "'1,234.50'"
    assert len(shown("x" * 500, "reference")) < 100


def test_storable():
    assert storable("a\0b\udcff") == "a\\0b\\xff"
    cut = storable("长" * 50_000)
    assert cut.startswith("长" * RAW_LIMIT + "…")
    assert "50000 characters" in cut
