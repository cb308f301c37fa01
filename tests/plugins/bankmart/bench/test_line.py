"""The benchmarks of the line run on a small bank and print what they measured; speed is not asserted."""

from __future__ import annotations

import pytest

from bankmart.bench import command, growth, line
from bankmart.governance import build as builds


@pytest.mark.slow
def test_a_bank_is_measured_printed_and_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(line, "DAYS", 1)
    (found,) = growth.measure([60], [1])
    assert (found.customers, found.months) == (60, 1)
    assert 0 < found.daily.loaded_rows < found.full.loaded_rows
    assert set(found.daily.layers) == {*builds.LAYERS, "publish"}
    said = line.text(found)
    assert "move_transaction" in said
    assert "daily / full" in said
    assert len(growth.text([found]).splitlines()) == 3
    growth.draw([found], tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes()[1:4] == b"PNG"


def test_the_page_names_the_machine():
    assert command.machine().startswith(f"{__import__('os').cpu_count()} cores (")
    assert "## Loading\n\n```\nfast\n```" in command.page({"Loading": "fast"})
