"""The attack: every kind of reader logs in and tries every relation, column and side way; what it gets is what the
project's metadata say, and nothing else."""

from __future__ import annotations

import io
import shlex
from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg2
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from psycopg2 import sql

from bankmart import __main__ as command_line
from bankmart import db, dbt, settings
from bankmart.governance import reference, views
from bankmart.governance.access import command, grants, verify
from bankmart.governance.access.readers import readers
from bankmart.governance.gate import GateStopped

RELATIONS = """
select space.nspname, relation.relname, array_agg(attribute.attname::text order by attribute.attnum)
from pg_class as relation
join pg_namespace as space on space.oid = relation.relnamespace
join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0
    and not attribute.attisdropped
where relation.relkind in ('r', 'p', 'v', 'm', 'f') and space.nspname !~ '^(pg_|information_schema)'
group by 1, 2
"""
IDENTIFIERS = ("name", "id_number", "mobile", "email", "address")
# The logins of each bank, by its folder.
MADE: dict = {}
NEWEST = "(select build_id from governance.publication order by business_date desc limit 1)"
# Columns of somebody else's that are guessed at, a view.
GUESSES = 4
EXPLAIN = "explain (analyze, costs off, timing off, summary off, buffers off) select 1 from {} where {}{} = %s"
REFUSED = (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedFunction)


def ask(login, statement, values=None):
    with closing(psycopg2.connect(settings.dsn(login))) as link, link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def platform(statement, values=None):
    return ask("platform", statement, values)


@pytest.fixture
def people(line):
    """A login per kind of reader, made once a bank; the branch's and the manager's people have customers."""
    if line.state not in MADE:
        ((branch, manager),) = platform(
            "select (select branch_id from marts.dim_customer_current where branch_id is not null group by 1"
            " order by count(*) desc limit 1), (select manager_id from marts.bridge_customer_manager_current group by 1"
            " order by count(*) desc limit 1)"
        )
        for reader in readers():
            scope = {"branch": [branch], "manager": []} if reader.rows == "own" else {}
            command.grant(f"x_{reader.name}", reader.name, scope)
        command.grant("x_manager", "branch_user", {"branch": [], "manager": [manager]})
        names = {reader.name: f"x_{reader.name}" for reader in readers()}
        MADE[line.state] = names | {"branch": branch, "manager": manager}
    return MADE[line.state]


def shown():
    return views.published(dbt.manifest())


def reached(login, relations):
    """Every (schema, relation, column) that the login gets an answer from."""
    found = set()
    with closing(psycopg2.connect(settings.dsn(login))) as link, link.cursor() as cursor:
        link.autocommit = True
        for schema, table, columns in relations:
            target = sql.Identifier(schema, table)
            try:
                # Without a column: allowed to who may read any of them.
                cursor.execute(sql.SQL("select 1 from {} limit 0").format(target))
            except psycopg2.errors.InsufficientPrivilege:
                continue
            try:
                cursor.execute(sql.SQL("select * from {} limit 0").format(target))
                found |= {(schema, table, column) for column in columns}
                continue
            except psycopg2.errors.InsufficientPrivilege:
                pass
            for column in columns:
                try:
                    cursor.execute(sql.SQL("select {} from {} limit 0").format(sql.Identifier(column), target))
                    found.add((schema, table, column))
                except psycopg2.errors.InsufficientPrivilege:
                    pass
    return found


def expected(reader, relations):
    wanted = {(schema, view, column) for who, schema, view, column in verify.matrix(shown()) if who == reader.name}
    return wanted | {
        (schema, table, column)
        for schema, table, columns in relations
        for column in columns
        if grants.may_read(reader, schema, table)
    }


def test_every_column_of_every_relation_is_as_the_metadata_say(line, people):
    relations = platform(RELATIONS)
    assert {"sources", "marts", "tags", "profile", "published", "own", "marketing"} <= {each[0] for each in relations}
    for reader in readers():
        assert reached(people[reader.name], relations) == expected(reader, relations), reader.name


def test_the_attack_finds_a_planted_hole(line, people):
    relations = platform(RELATIONS)
    platform("grant usage on schema marts to marketer; grant select (name) on marts.dim_customer to marketer")
    try:
        reader = next(each for each in readers() if each.name == "marketer")
        more = reached(people["marketer"], relations) - expected(reader, relations)
        assert more == {("marts", "dim_customer", "name")}
        with db.connect("platform") as link, link.cursor() as cursor, pytest.raises(GateStopped, match="may not"):
            verify.judge(cursor, shown())
    finally:
        platform("revoke usage on schema marts from marketer; revoke select (name) on marts.dim_customer from marketer")


@pytest.mark.parametrize("login", ["x_branch_user", "x_manager"])
def test_own_customers_and_no_others(line, people, login):
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
    for view in shown():
        if view.schema == "own" and "customer_id" in view.grades:
            query = sql.SQL("select distinct customer_id from {}").format(sql.Identifier("own", view.name))
            assert {customer for (customer,) in ask(login, query)} <= wanted, view.name


def test_without_a_scope_nothing_is_seen(line, people):
    platform("delete from governance.user_scope where user_name = 'x_manager'")
    try:
        assert ask("x_manager", "select count(*) from own.customer_360") == [(0,)]
    finally:
        command.grant("x_manager", "branch_user", {"branch": [], "manager": [people["manager"]]})


def delivered(line):
    """The customers' identifiers in clear, by number: they are in the files, and in no table."""
    found = {}
    for file in sorted((line.state / "landing" / "core_banking" / "customer").glob("*/customer.*")):
        rows = pa_csv.read_csv(file) if file.suffix == ".csv" else pq.read_table(file)
        for row in rows.select(["customer_id", *IDENTIFIERS]).to_pylist():
            found.setdefault(str(row["customer_id"]), []).append(row)
    return found


def test_masks_by_role(line, people):
    """Nobody reads through a view what is masked, whatever the right: `bankmart vault show` and `bankmart clear` do."""
    clear = delivered(line)
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


def test_nothing_clear_is_in_anything_that_is_masked(line, people):
    """Every text that a reader gets is fetched: no name, number or address of anybody is among it, nor its token."""
    values = [row[name] for rows in delivered(line).values() for row in rows for name in IDENTIFIERS]
    tokens = platform("select name, id_number, mobile, email, address from marts.dim_customer")
    clear = {str(value) for value in [*values, *(value for row in tokens for value in row)]}
    clear = {value for value in clear - {"None"} if len(value) >= 2}
    assert len(clear) > 100
    for reader in readers():
        for row in cells_of(people[reader.name], reader):
            assert not clear & set(row), reader.name


def files(line, system, table, *columns):
    """What was delivered of some columns, as text."""
    found = set()
    for file in sorted((line.state / "landing" / system / table).glob(f"*/{table}.*")):
        rows = pa_csv.read_csv(file) if file.suffix == ".csv" else pq.read_table(file)
        for column in columns:
            found |= {str(value) for value in rows.column(column).to_pylist() if value is not None}
    return found


def test_no_account_card_or_written_word_is_in_what_readers_get(line, people):
    """As above, for the numbers of accounts and cards and what customers wrote; no right opens them in a view."""
    numbers = (
        files(line, "core_banking", "account", "account_id")
        | files(line, "core_banking", "transaction", "counterparty_account")
        | files(line, "card", "card", "card_id", "card_number")
    )
    written = {text for text in files(line, "contact_centre", "feedback", "feedback_text") if len(text) > 5}
    assert len(numbers) > 500
    assert len(written) > 20
    for reader in readers():
        seen = {value for row in cells_of(people[reader.name], reader) for value in row}
        assert not seen & (numbers | written), reader.name


def test_what_masks_hide_is_shown_for_a_reason_and_is_in_the_audit(line, people, capsys):
    """One customer's rows, to who has the right; a word in the chain, refused or not, and none without a reason."""
    written = {text for text in files(line, "contact_centre", "feedback", "feedback_text") if len(text) > 5}
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
    entries = platform("select kind, actor, facts ->> 'reason' from audit.entry where kind ~ '^clear_' order by number")
    assert entries == [("clear_read", "x_dpo", "a complaint"), ("clear_refused", "x_bi_reader", "curious")]


def cells_of(login, reader):
    """Every text cell of every view that a kind of reader reads, row by row."""
    cells = verify.matrix(shown())
    texts = {(schema, table, column) for schema, table, column in platform(
        "select table_schema::text, table_name::text, column_name::text from information_schema.columns"
        " where data_type = 'text'"
    )}  # fmt: skip
    for schema, view in sorted({cell[1:3] for cell in cells if cell[0] == reader.name}):
        columns = [cell[3] for cell in cells if cell[:3] == (reader.name, schema, view) and cell[1:] in texts]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        yield from ask(login, sql.SQL("select {} from {}").format(names, sql.Identifier(schema, view)))


@pytest.mark.parametrize("login", ["platform", "scorer", "loader"])
def test_a_program_has_no_identifier_in_clear(line, people, login):
    """What runs the line reads tables, not the vault; in none of them is a name, number or address of anybody."""
    clear = {str(row[name]) for rows in delivered(line).values() for row in rows for name in IDENTIFIERS if row[name]}
    clear = {value for value in clear | files(line, "card", "card", "card_number") if len(value) >= 2}
    # Names that staff have, too, are staff's.
    clear -= {name for (name,) in platform("select name from marts.dim_manager")}
    relations, read = platform(RELATIONS), 0
    mine = reached(login, relations)
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


SIDE_WAYS = [
    line
    for line in Path(__file__).with_name("side_ways.sql").read_text(encoding="utf-8").splitlines()
    if not line.startswith("--")
]


@pytest.mark.parametrize("reader", [reader.name for reader in readers()])
def test_side_ways_are_shut(line, people, reader):
    with closing(psycopg2.connect(settings.dsn(people[reader]))) as link, link.cursor() as cursor:
        for statement in SIDE_WAYS:
            if reader == "dpo" and "set role dpo" in statement:
                continue
            try:
                cursor.execute(statement)
            except REFUSED:
                link.rollback()
            else:
                pytest.fail(f"{reader} got through: {statement}")


def test_a_condition_that_leaks_sees_no_row_that_the_reader_does_not(line, people):
    """The error names a value: it must be one that the reader sees, masked."""
    mine = {customer for (customer,) in ask("x_branch_user", "select customer_id from own.dim_customer")}
    for condition in (
        "('!' || customer_id || '|' || coalesce(name, ''))::integer = 0",
        "('!' || customer_id || '|' || coalesce(mobile, ''))::date is not null",
        "1 / (length(customer_id) - length(customer_id)) = 1",
    ):
        with pytest.raises(psycopg2.DataError) as error:
            ask("x_branch_user", f"select count(*) from own.dim_customer where {condition}")  # noqa: S608
        said = str(error.value)
        if "!" in said:
            customer, _, value = said.partition("!")[2].partition('"')[0].partition("|")
            assert customer in mine
            assert value == "" or "**" in value


@pytest.mark.parametrize(
    ("login", "schema"), [("x_branch_user", "own"), ("x_manager", "own"), ("x_marketer", "marketing")]
)
def test_how_a_query_is_carried_out_tells_nothing_of_others(line, people, login, schema):
    """`explain analyze` counts rows: it must count the same whether a guess about somebody else is right or wrong."""
    guessed = 0
    for view in shown():
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


def test_statistics_and_other_peoples_queries_are_not_shown(line, people):
    for reader in readers():
        login = people[reader.name]
        schemas = {schema for (schema,) in ask(login, "select distinct schemaname from pg_stats")}
        assert not schemas & {"sources", "staging", "intermediate", "marts", "tags", "features", "scores", "profile"}
        with closing(psycopg2.connect(settings.dsn("platform"))) as link, link.cursor() as cursor:
            cursor.execute("select 'a secret' from marts.dim_customer limit 0")
            assert not any("a secret" in (query or "") for (query,) in ask(login, "select query from pg_stat_activity"))


def test_marketing_sees_who_has_agreed_as_of_now(line, people):
    """A withdrawal counts as soon as it is loaded, whatever has been built; a grant of tomorrow doesn't."""
    asked = "select customer_id from marketing.customer_360_marketing_sms"
    agreed = {customer for (customer,) in ask("x_marketer", asked)}
    tag = platform(f"select customer_id from tags.tag_contact where build_id = {NEWEST} and may_contact_by_sms")
    assert agreed == {customer for (customer,) in tag}
    assert agreed
    one = min(agreed)
    event = (
        "insert into sources.consent__consent_event (consent_event_id, customer_id, purpose, channel, action,"
        " occurred_at, business_date, load_id) values (%s, %s, 'marketing', %s, %s, now() + %s::interval, %s, 1)"
    )
    try:
        ask("loader", event, ("x1", one, "all", "withdrawn", "0", line.dates[1]))
        assert {customer for (customer,) in ask("x_marketer", asked)} == agreed - {one}
        ask("loader", event, ("x2", one, "sms", "granted", "1 day", line.dates[1]))
        assert {customer for (customer,) in ask("x_marketer", asked)} == agreed - {one}
        ask("loader", event, ("x3", one, "call", "granted", "0.001 second", line.dates[1]))
        assert {customer for (customer,) in ask("x_marketer", asked)} == agreed - {one}
        ask("loader", event, ("x4", one, "sms", "granted", "0", line.dates[1]))
        assert {customer for (customer,) in ask("x_marketer", asked)} == agreed
    finally:
        ask("loader", "delete from sources.consent__consent_event where consent_event_id like 'x_'")


def test_a_marketer_has_no_other_way_to_customers(line, people):
    relations = [each for each in platform(RELATIONS) if "customer_id" in each[2]]
    assert {schema for schema, _, _ in reached(people["marketer"], relations)} == {"marketing"}


def test_who_agreed_to_be_profiled_is_on_no_list(line, people):
    """Without a channel nobody has agreed to be reached: the view has the rows, and not whose they are."""
    names = [column for _, name, columns in platform(RELATIONS) if name == "customer_360_profiling_any"
             for column in columns]  # fmt: skip
    assert "aum_tier" in names
    assert not {"customer_id", "branch_customer_id", "name", "mobile"} & set(names)
    with pytest.raises(psycopg2.errors.UndefinedColumn):
        ask(people["marketer"], "select customer_id from marketing.customer_360_profiling_any")


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
