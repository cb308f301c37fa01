"""The embedded server's size follows the machine's memory."""

import os

import pytest

from bankmart.runtime import postgres


@pytest.mark.parametrize(("memory_gib", "megabytes"), [(2, 512), (8, 1024), (24, 3072), (256, 4096)])
def test_an_eighth_of_the_memory(memory_gib, megabytes, monkeypatch, tmp_path):
    monkeypatch.setattr(postgres, "GROUP_LIMIT", tmp_path / "none")
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": memory_gib << 18, "SC_PAGE_SIZE": 4096}.get)
    assert postgres.shared_buffers_mb() == megabytes


@pytest.mark.parametrize(("said", "megabytes"), [("max", 3072), (str(16 << 30), 2048)])
def test_what_the_group_may_use_counts(said, megabytes, monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text(f"{said}\n")
    monkeypatch.setattr(postgres, "GROUP_LIMIT", tmp_path / "memory.max")
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 24 << 18, "SC_PAGE_SIZE": 4096}.get)
    assert postgres.shared_buffers_mb() == megabytes
