"""A project of a test's own to change."""

from __future__ import annotations

import shutil

import pytest

from bankmart import settings


@pytest.fixture
def checkout(line, tmp_path, monkeypatch):
    """A copy of the project that a test may write to."""
    shutil.copytree(settings.dbt_dir(), tmp_path / "dbt_project")
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    return tmp_path / "dbt_project"
