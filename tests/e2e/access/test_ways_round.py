"""Ways round the views that only somebody else can open: an administrator's cheap function, a new kind of reader."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest
from psycopg2 import sql

from bankmart import db, dbt, settings
from bankmart.governance import project, views
from bankmart.governance.access import command, report, verify
from bankmart.governance.access.readers import readers
from bankmart.governance.masking import data_classes
from bankmart.runtime import provision

# Cheaper than any condition of a view's: the planner would ask it first, wherever it may.
CHEAP = (
    "create function public.peek(text) returns boolean language plpgsql cost 0.0000001 as"
    " $$ begin raise notice 'saw %', $1; return true; end $$; grant execute on function public.peek(text) to public"
)
NEWEST = "(select build_id from governance.publication order by business_date desc limit 1)"


def admin(statement):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link, link.cursor() as cursor:
        cursor.execute(statement)


class Kept:
    """All notices: of a list psycopg2 keeps the last fifty."""

    def __init__(self):
        self.all = []

    def append(self, notice):
        self.all.append(notice)


def ask(login, statement):
    """The rows, and what the function said it was shown."""
    with closing(psycopg2.connect(settings.dsn(login))) as link, link.cursor() as cursor:
        link.notices = kept = Kept()
        cursor.execute(statement)
        return cursor.fetchall(), [each.partition("saw ")[2].strip() for each in kept.all if "saw " in each]


@pytest.fixture
def peeking(line):
    """The function that nobody should have been able to make."""
    admin(CHEAP)
    yield
    admin("drop function public.peek(text)")


@pytest.mark.parametrize("kind", [reader.name for reader in readers()])
def test_a_cheap_function_is_shown_no_row_and_no_value_that_its_caller_does_not_read(people, metadata, peeking, kind):
    """Of a plain view it is shown every row, which the last lines prove."""
    (reader,) = (each for each in readers() if each.name == kind)
    login, peeked = people[kind], 0
    for view in metadata:
        target = sql.Identifier(view.schema, view.name)
        for name in views.reads(reader, view):
            is_masked = data_classes()[view.classes[name]]["mask"] in ("ends", "surname")
            is_narrow = view.schema != "published" and name == "customer_id"
            if not (is_masked or is_narrow):
                continue
            column = sql.Identifier(name)
            rows, _ = ask(login, sql.SQL("select distinct {} from {}").format(column, target))
            asked = "select count(*) from (select from {} where public.peek({}) limit %s) as peeked" % (
                "all" if is_narrow else 50
            )
            _, seen = ask(login, sql.SQL(asked).format(target, column))
            mine = {str(value) for (value,) in rows if value is not None}
            assert set(seen) - {"<NULL>"} <= mine, (view.key, name)
            assert not is_narrow or set(seen) == mine, view.key
            peeked += len(seen)
    assert peeked > 20 or reader.rows == "none"
    admin(
        "create view public.plain as select customer_id from marts.dim_customer_current"
        f" where build_id = {NEWEST} and length(customer_id) < 0; grant select on public.plain to {login}"
    )
    try:
        rows, seen = ask(login, "select customer_id from public.plain where public.peek(customer_id)")
    finally:
        admin("drop view public.plain")
    assert rows == []
    assert len(set(seen)) > 100


def test_a_new_kind_of_reader_reads_what_its_line_says(line, monkeypatch):
    """A line in vars.readers, and nothing else: role, views, grants, and what it may not."""
    said = project.variables()
    line_of = {"zh": "实习生", "rows": "all", "grade": 2}
    monkeypatch.setattr(project, "variables", lambda: said | {"readers": said["readers"] | {"trainee": line_of}})
    provision.provision()
    try:
        shown = views.published(dbt.manifest())
        report.apply(shown, "test")
        command.grant("z_trainee", "trainee", {"branch": [], "manager": []})
        reader = next(each for each in readers() if each.name == "trainee")
        customers = next(view for view in shown if (view.schema, view.name) == ("published", "dim_customer_current"))
        open_ones = views.reads(reader, customers)
        assert open_ones
        assert "birth_date" in customers.grades.keys() - set(open_ones)
        names = sql.SQL(", ").join(map(sql.Identifier, open_ones))
        rows, _ = ask("z_trainee", sql.SQL("select {} from published.dim_customer_current").format(names))
        assert len(rows) > 200
        for asked in ("select birth_date from published.dim_customer_current", "select 1 from own.dim_customer",
                      "select 1 from marts.dim_customer", "select 1 from audit.entry"):  # fmt: skip
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                ask("z_trainee", asked)
        with db.connect("platform") as link, link.cursor() as cursor:
            assert verify.findings(cursor, shown) == []
    finally:
        command.remove("z_trainee")
        monkeypatch.undo()
        admin("drop owned by trainee; drop role trainee")
        report.apply(views.published(dbt.manifest()), "test")
