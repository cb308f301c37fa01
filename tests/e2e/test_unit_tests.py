"""dbt's unit tests: judged here, with the code, and not again in every build of a date."""

from __future__ import annotations

from bankmart import dbt


def test_every_unit_test_passes(line):
    result = dbt.invoke(["test", "--select", "test_type:unit", "--log-level", "none"], {})
    assert result.success, [item.message for item in result.result.results if item.status != "pass"]
    assert len(result.result.results) == len(dbt.manifest()["unit_tests"]) > 40
