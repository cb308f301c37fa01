"""The benchmarks of the line run on a small bank and print what they measured; speed is not asserted."""

from __future__ import annotations

import pytest

from bankmart.bench import command, growth, line


@pytest.mark.slow
def test_growth_measures_banks_and_draws_both_curves(tmp_path):
    found = growth.measure([60, 120], [2])
    assert [(each.customers, each.months) for each in found] == [(60, 2), (120, 2)]
    assert found[0].transactions < found[1].transactions
    assert all(each.daily.loaded_rows < each.full.loaded_rows for each in found)
    said = line.text(found[1])
    assert "ind_transaction" in said
    assert "daily / full" in said
    assert len(growth.text(found).splitlines()) == 4
    growth.draw(found, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes()[1:4] == b"PNG"


def test_the_page_names_the_machine():
    assert command.machine().startswith(f"{__import__('os').cpu_count()} cores (")
    assert "## Loading\n\n```\nfast\n```" in command.page({"Loading": "fast"})
