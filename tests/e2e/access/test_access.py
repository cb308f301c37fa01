"""What each kind of reader gets of customers: masked, its own, and nothing in clear but for a reason.

The attacks on it: test_attacks.py; lists of whom marketing may reach: test_contact_lists.py.
"""

from __future__ import annotations

import io
import shlex
from contextlib import closing
from datetime import date

import psycopg2
import pytest
from psycopg2 import sql

from bankmart import __main__ as command_line
from bankmart import settings
from bankmart.governance import reference
from bankmart.governance.access import command, verify
from bankmart.governance.access.readers import readers
from tests.e2e.access import attacks, delivered

NEWEST = "(select build_id from governance.publication order by business_date desc limit 1)"
# Columns of somebody else's that are guessed at, a view.
GUESSES = 4
EXPLAIN = "explain (analyze, costs off, timing off, summary off, buffers off) select 1 from {} where {}{} = %s"


def ask(login, statement, values=None):
    with closing(psycopg2.connect(settings.dsn(login))) as link, link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def platform(statement, values=None):
    return ask("platform", statement, values)


@pytest.mark.parametrize("login", ["x_branch_user", "x_manager"])
def test_own_customers_and_no_others(line, people, metadata, login):
    wanted = {
        customer
        for (customer,) in platform(
            f"select customer_id from marts.dim_customer_current where build_id = {NEWEST} and branch_id = %s"
            if login == "x_branch_user"
            else "select customer_id from marts.bridge_customer_manager_current"
            f" where build_id = {NEWEST} and manager_id = %s",
            (people["branch" if login == "x_branch_user" else "manager"],),
        )
    }
    everybody = platform(f"select count(*) from marts.dim_customer_current where build_id = {NEWEST}")[0][0]
    assert 0 < len(wanted) < everybody
    seen = {customer for (customer,) in ask(login, "select customer_id from own.dim_customer_current")}
    assert seen == wanted
    for view in metadata:
        if view.schema == "own" and "customer_id" in view.grades:
            query = sql.SQL("select distinct customer_id from {}").format(sql.Identifier("own", view.name))
            assert {customer for (customer,) in ask(login, query)} <= wanted, view.name


def test_without_a_scope_nothing_is_seen(line, people):
    platform("delete from governance.user_scope where user_name = 'x_manager'")
    try:
        assert ask("x_manager", "select count(*) from own.customer_360") == [(0,)]
    finally:
        command.grant("x_manager", "branch_user", {"branch": [], "manager": [people["manager"]]})


def test_masks_by_role(line, people):
    """Nobody reads through a view what is masked, whatever the right: `bankmart vault show` and `bankmart clear` do."""
    clear = delivered.customers(line)
    asked = "select customer_id, name, id_number, birth_date from published.dim_customer"
    for login in ("x_bi_reader", "x_dpo"):
        rows = ask(login, asked)
        assert len(rows) > 200
        for customer, name, number, _ in rows:
            assert number is None
            assert name in {f"{row['name'][0]}**" if len(row["name"]) >= 2 else "***" for row in clear[customer]}
        assert {(born.month, born.day) for *_, born in rows if born} == {(1, 1)}
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask("x_data_scientist", asked)


def test_nothing_clear_is_in_anything_that_is_masked(line, people, metadata):
    """Every text that a reader gets is fetched: no name, number or address of anybody is among it, nor its token."""
    rows = [row for each in delivered.customers(line).values() for row in each]
    values = [row[name] for row in rows for name in delivered.IDENTIFIERS]
    tokens = platform("select name, id_number, mobile, email, address from marts.dim_customer")
    clear = {str(value) for value in [*values, *(value for row in tokens for value in row)]}
    clear = {value for value in clear - {"None"} if len(value) >= 2}
    assert len(clear) > 100
    for reader in readers():
        for row in cells_of(people[reader.name], reader, metadata):
            assert not clear & set(row), reader.name


def test_no_account_card_or_written_word_is_in_what_readers_get(line, people, metadata):
    """As above, for the numbers of accounts and cards and what customers wrote; no right opens them in a view."""
    numbers = (
        delivered.values(line, "core_banking", "account", "account_id")
        | delivered.values(line, "core_banking", "transaction", "counterparty_account")
        | delivered.values(line, "card", "card", "card_id", "card_number")
    )
    written = {text for text in delivered.values(line, "contact_centre", "feedback", "feedback_text") if len(text) > 5}
    assert len(numbers) > 500
    assert len(written) > 20
    for reader in readers():
        seen = {value for row in cells_of(people[reader.name], reader, metadata) for value in row}
        assert not seen & (numbers | written), reader.name


def test_what_masks_hide_is_shown_for_a_reason_and_is_in_the_audit(line, people, capsys):
    """One customer's rows, to who has the right; a word in the chain, refused or not, and none without a reason."""
    written = {text for text in delivered.values(line, "contact_centre", "feedback", "feedback_text") if len(text) > 5}
    ((customer, texts),) = platform(
        "select customer_id, count(*) from marts.fct_feedback where length(feedback_text) > 5"
        " and build_id in (select build_id from governance.publication)"
        " and customer_id not in (select customer_id from marts.bridge_identity) group by 1 order by 2 desc, 1 limit 1"
    )
    assert texts
    asked = ["clear", "fct_feedback", "--customer", customer, "--login"]
    assert command_line.main([*asked, "x_dpo", "--reason", "a complaint"]) == 0
    printed = capsys.readouterr().out
    assert any(text in printed for text in written)
    assert command_line.main([*asked, "x_bi_reader", "--reason", "curious"]) == 1
    assert command_line.main([*asked, "x_dpo"]) == 1
    refused = capsys.readouterr()
    assert not any(text in refused.out + refused.err for text in written)
    entries = platform(
        "select kind, actor, words from audit.entry join audit.said on entry = number where kind ~ '^clear_' order by 1"
    )
    assert entries == [("clear_read", "x_dpo", "a complaint"), ("clear_refused", "x_bi_reader", "curious")]


def cells_of(login, reader, metadata):
    """Every text cell of every view that a kind of reader reads, row by row."""
    cells = verify.matrix(metadata)
    texts = {(schema, table, column) for schema, table, column in platform(
        "select table_schema::text, table_name::text, column_name::text from information_schema.columns"
        " where data_type = 'text'"
    )}  # fmt: skip
    for schema, view in sorted({cell[1:3] for cell in cells if cell[0] == reader.name}):
        columns = [cell[3] for cell in cells if cell[:3] == (reader.name, schema, view) and cell[1:] in texts]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        yield from ask(login, sql.SQL("select {} from {}").format(names, sql.Identifier(schema, view)))


@pytest.mark.parametrize("login", ["platform", "scorer", "loader"])
def test_a_program_has_no_identifier_in_clear(line, attackers, login):
    """What runs the line reads tables, not the vault; in none of them is a name, number or address of anybody."""
    rows = [row for each in delivered.customers(line).values() for row in each]
    clear = {str(row[name]) for row in rows for name in delivered.IDENTIFIERS if row[name]}
    clear = {value for value in clear | delivered.values(line, "card", "card", "card_number") if len(value) >= 2}
    # Names that staff have, too, are staff's.
    clear -= {name for (name,) in platform("select name from marts.dim_manager")}
    read = 0
    mine = attackers[login].reached(platform(attacks.RELATIONS))
    for schema, table in sorted({cell[:2] for cell in mine}):
        if schema == "vault":
            continue
        texts = platform(
            "select array_agg(column_name::text) from information_schema.columns where table_schema = %s"
            " and table_name = %s and data_type = 'text'", (schema, table),
        )[0][0]  # fmt: skip
        columns = [column for column in texts or [] if (schema, table, column) in mine]
        if columns:
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            rows = ask(login, sql.SQL("select distinct {} from {}").format(names, sql.Identifier(schema, table)))
            read += len(rows)
            assert not clear & {value for row in rows for value in row}, (schema, table)
    assert read > 1000
    if login != "loader":
        assert not {cell for cell in mine if cell[:2] in (("vault", "sealed"), ("vault", "data_key"))}


@pytest.mark.parametrize(
    ("login", "schema"), [("x_branch_user", "own"), ("x_manager", "own"), ("x_marketer", "marketing")]
)
def test_how_a_query_is_carried_out_tells_nothing_of_others(line, people, metadata, login, schema):
    """`explain analyze` counts rows: it must count the same whether a guess about somebody else is right or wrong."""
    guessed = 0
    for view in metadata:
        if view.schema != schema or "customer_id" not in view.grades:
            continue
        target = sql.Identifier(schema, view.name)
        mine = [each for (each,) in ask(login, sql.SQL("select distinct customer_id from {}").format(target))]
        asked = sql.SQL("select * from published.{} where not customer_id = any(%s) limit 1").format(
            sql.Identifier(view.model)
        )
        with closing(psycopg2.connect(settings.dsn("x_dpo"))) as link, link.cursor() as cursor:
            cursor.execute(asked, (mine,))
            other = dict(zip([each.name for each in cursor.description], cursor.fetchone() or (), strict=False))
        texts = [name for name, value in other.items() if name in view.grades and isinstance(value, str | bool | date)]
        for column, value in [(name, other[name]) for name in texts[:GUESSES]]:
            wrong = not value if isinstance(value, bool) else date(1900, 1, 1) if isinstance(value, date) else "wrong"
            of = sql.SQL("customer_id = {} and ").format(sql.Literal(other["customer_id"]))
            plan = sql.SQL(EXPLAIN).format(
                target, sql.SQL("") if column == "customer_id" else of, sql.Identifier(column)
            )
            told = []
            for guess in (value, wrong):
                try:
                    lines = [text for (text,) in ask(login, plan, (guess,))]
                except psycopg2.errors.InsufficientPrivilege:
                    lines = []
                told.append([text for text in lines if not text.strip().startswith(("Filter:", "One-Time"))])
            assert told[0] == told[1], (view.name, column)
            guessed += bool(told[0])
    assert guessed >= 20


def test_a_row_as_a_whole_and_copies_show_no_more(line, people):
    for query in ("select row_to_json(v) from published.dim_customer as v", "select v from published.dim_customer as v",
                  "select count(v) from published.dim_customer as v",
                  "select * from published.dim_customer_as_of(current_date, current_date)"):  # fmt: skip
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask("x_data_scientist", query)
    out = io.StringIO()
    with closing(psycopg2.connect(settings.dsn("x_bi_reader"))) as link, link.cursor() as cursor:
        cursor.copy_expert("copy (select name from published.dim_customer where name is not null) to stdout", out)
    names = {name for (name,) in platform("select name from marts.dim_customer where name is not null")}
    assert out.getvalue().split()
    assert not set(out.getvalue().split("\n")) & names


def test_a_table_is_born_shut(line, people):
    """Nobody reads a new table, view or function before it is granted."""
    with closing(psycopg2.connect(settings.dsn("platform"))) as link, link.cursor() as cursor:
        for schema in (*verify.LAYERS, *verify.SHOWING):
            if schema in ("sources", "audit"):  # where it makes nothing itself
                continue
            cursor.execute(sql.SQL("create table {} (a int)").format(sql.Identifier(schema, "newborn")))
            cursor.execute(sql.SQL("create function {}() returns int language sql as 'select 1'").format(
                sql.Identifier(schema, "newborn_function")))  # fmt: skip
            for reader in readers():
                for kind, what in (("table", "newborn"), ("function", "newborn_function()")):
                    right = "select" if kind == "table" else "execute"
                    name = f"{schema}.{what}"
                    cursor.execute(f"select has_{kind}_privilege(%s, %s, %s)", (reader.name, name, right))  # noqa: S608
                    assert cursor.fetchone() == (False,), (reader.name, name)
        link.rollback()


def test_lineage_is_read_both_ways(line, people):
    behind = ask("x_auditor", "select relation, \"column\" from published.made_of('profile.customer_360', 'aum_tier')")
    assert ("sources.core_banking__balance", "balance_amount") in behind
    before = ask("x_bi_reader", "select kind, relation, \"column\" from published.makes("
                 "'sources.core_banking__balance', 'balance_amount')")  # fmt: skip
    assert {"tags", "features", "ml", "scores", "profile", "marketing", "exposure"} <= {kind for kind, _, _ in before}
    assert ("ml", "ml", "churn") in before


@pytest.mark.parametrize("page", ["grade-a-column", "add-a-role"])
def test_the_commands_of_the_page_work(line, people, page, monkeypatch, capsys):
    """Each command of the how-to as it stands there, but for the stale reference that only `make docs` mends."""
    monkeypatch.setattr(reference, "findings", lambda _: [])
    text = (settings.ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    said = [each.strip() for each in text.splitlines() if each.strip().startswith(".bankmart/venv/bin/bankmart ")]
    assert len(said) >= 3
    for each in said:
        code = command_line.main(shlex.split(each)[1:])
        assert code == 0, (each, capsys.readouterr())
    printed = capsys.readouterr().out
    if page == "grade-a-column":
        assert "marts.dim_customer.mobile" in printed
        assert "the database lets everybody read just that" in printed
    else:
        # Listed before chen's login is taken away.
        assert [part in printed for part in ("anna", "branch B0001", "manager M0001, manager M0002")] == [True] * 3
        with pytest.raises(psycopg2.OperationalError):
            ask("chen", "select 1")
