"""A column that no input has is refused, wherever it is named, with the line of the model's file."""

import argparse
import re
import shutil

import pytest

from bankmart import dbt, settings
from bankmart.governance.catalogue import query, unknown
from bankmart.governance.commands import check
from bankmart.governance.tags import ledger

REAL = settings.ROOT
SCHEMA = {"m.a": ["id", "x"], "m.b": ["id", "z"]}


def named(sql):
    return [column.sql() for column, _ in unknown.unknown(query.parse(sql, SCHEMA))]


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select y from m.a", ["y"]),
        ("select a.z from m.a cross join m.b", ["a.z"]),
        ("select c.x from m.a", ["c.x"]),
        ("with c as (select x as v from m.a) select x from c", ["x"]),
        ("with c as (select y from m.a) select y from c", ["y"]),
        ("with c as (select y from m.a) select 1 as one", ["y"]),
        ("select x from m.a where y > 1", ["y"]),
        ("select x from m.a join m.b on a.id = b.x", ["b.x"]),
        ("select x from m.a order by y", ["y"]),
        ("select x, count(*) as n from m.a group by x having max(y) > 1", ["y"]),
        ("select sum(x) over (partition by y) as v from m.a", ["y"]),
        ("select sum(x) over w as v from m.a window w as (order by y)", ["y"]),
        ("select x from m.a where exists (select 1 from m.b where b.id = a.y)", ["a.y"]),
        ("select x from m.a union all select y from m.b", ["y"]),
        ("select x from (select id as x from m.b where y = 1) as s", ["y"]),
        ("select x, load_id from (select x from m.a) as s", ["load_id"]),
    ],
)
def test_what_nothing_has(sql, columns):
    assert named(sql) == columns


@pytest.mark.parametrize(
    "sql",
    [
        "select *, a.*, b.z from m.a join m.b on a.id = b.id",
        "select x as v from m.a order by v",
        "select x as v, count(*) as n from m.a group by v",
        "select anything from elsewhere.t",
        "select x, anything from m.a cross join elsewhere.t",
        "select ctid, build_id, load_id from m.a",
        "select t.v, n from m.a cross join lateral (values (a.x, 1)) as t (v, n)",
        "select x from m.a where exists (select 1 from m.b where b.id = a.id and x = z)",
        "select count(*) as n, count(a.*) as m from m.a",
        "with c (v) as (select x from m.a) select v from c",
    ],
)
def test_what_there_is(sql):
    assert named(sql) == []


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The project's dbt files and ledger in another place; change(file, before, after) returns the line changed."""
    shutil.copytree(REAL / "dbt_project", tmp_path / "dbt_project")
    # Exceptions of size are those of files that are there.
    said = (REAL / "pyproject.toml").read_text().splitlines()
    kept = [line for line in said if not line.startswith('"') or line.startswith('"dbt_project')]
    (tmp_path / "pyproject.toml").write_text("\n".join(kept))
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    # What dbt keeps of this parse is not the real project's.
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path / "state"))

    def change(file, before, after):
        path = tmp_path / "dbt_project/models" / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))
        return text[: text.index(before)].count("\n") + 1

    return change


def test_definitions_that_read_what_is_not_there(copy, capsys):
    tag = copy("tags/value/tag_value.sql", "balance.aum_amount,", "balance.aum_amuont,")
    indicator = copy("tags/levels/level_holding.sql", "count(distinct product_line) filter (where is_open)",
                     "count(distinct product_lime) filter (where is_open)")  # fmt: skip
    column = "- {name: never_made, data_type: text, description: D., config: {meta: {class: platform, zh: 无}}}\n      "
    promised = copy("tags/risk/tag_risk.yml", "- {name: customer_id", column + "- {name: customer_id")
    assert check.run(argparse.Namespace(portable=False)) == 1
    printed = capsys.readouterr().out
    folder = "dbt_project/models/tags"
    assert (
        f"{folder}/value/tag_value.sql:{tag}: tag_value names balance.aum_amuont, which balance doesn't have" in printed
    )
    assert f"{folder}/levels/level_holding.sql:{indicator}: level_holding names product_lime, which nothing" in printed
    assert f"{folder}/risk/tag_risk.yml:{promised}: tag_risk.never_made is promised, but" in printed
    assert "Correct the name, or add the column where it is made" in printed


def test_lives_that_no_tag_may_lead(copy):
    ended = copy("tags/value/tag_value.yml", "status: live", "status: retired")
    twin = (
        "- {name: twin, data_type: text, description: D., config: {meta: {class: derived.tag, kind: rule, "
        "subject: value, values: [a, b], default: a, status: draft, version: 1, review_date: 2027-06-30, zh: 双}}}\n"
        "      - {name: customer_id"
    )
    first = copy("tags/risk/tag_risk.yml", "- {name: customer_id", twin)
    second = copy("tags/service/tag_service.yml", "- {name: customer_id", twin)
    found = "\n".join(ledger.findings(dbt.manifest()))
    folder = r"dbt_project/models/tags"
    assert re.search(rf"{folder}/value/tag_value\.yml:{ended}: tag \w+: retired is what the ledger says", found)
    assert re.search(
        rf"{folder}/service/tag_service\.yml:{second}: tag twin: key twin version 1 is declared already at "
        rf"{folder}/risk/tag_risk\.yml:{first} \(twin\); give this one another key",
        found,
    )
