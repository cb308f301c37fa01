"""The benchmarks of the line run on a small bank and print what they measured; speed is not asserted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bankmart import settings
from bankmart.bench import command, erase, growth, line
from bankmart.errors import BankmartError
from bankmart.governance import build as builds


@pytest.mark.slow
def test_a_bank_is_measured_printed_and_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(line, "DAYS", 1)
    forgotten: list[str] = []
    (found,) = growth.measure([60], [1], lambda: forgotten.append(erase.forget()))
    assert "all, with the certificate" in forgotten[0]
    assert (found.customers, found.months) == (60, 1)
    assert 0 < found.daily.loaded_rows < found.full.loaded_rows
    assert set(found.daily.layers) == {*builds.LAYERS, "publish"}
    said = line.text(found)
    assert "move_transaction" in said
    assert "daily / full" in said
    assert len(growth.text([found]).splitlines()) == 3
    growth.draw([found], tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes()[1:4] == b"PNG"


def test_a_new_run_changes_the_tables_of_the_page_and_no_word():
    before = (
        "# Performance\n\nWords.\n\n2026-01-31; a machine.\n\n## Loading\n\nWhy.\n\n```\nslow\n```\n\nAnd so.\n\n"
        "## Growth\n\n```\nold\n```\n"
    )
    page = command.page({"Loading": r"fast \1"}, before)
    assert page == before.replace("slow", r"fast \1").replace(
        "2026-01-31; a machine.", f"{datetime.now(UTC):%Y-%m-%d}; {command.machine()}."
    )
    assert command.machine().startswith(f"{__import__('os').cpu_count()} cores (")
    with pytest.raises(BankmartError, match="no section 'Erasure'"):
        command.page({"Erasure": "46 s"}, before)


def test_the_page_has_a_place_for_every_table():
    before = (settings.ROOT / command.PAGE).read_text(encoding="utf-8")
    after = command.page(dict.fromkeys(command.SECTIONS, "measured"), before)
    assert after.count("```\nmeasured\n```") == len(command.SECTIONS)
