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
    """Two narrow logins, and the function that nobody should have been able to make."""
    ((branch,),), _ = ask(
        "platform",
        "select branch_id from marts.dim_customer_current where branch_id is not null group by 1"
        " order by count(*) desc limit 1",
    )
    command.grant("z_teller", "branch_user", {"branch": [branch], "manager": []})
    command.grant("z_seller", "marketer", {"branch": [], "manager": []})
    admin(CHEAP)
    yield
    admin("drop function public.peek(text)")
    for name in ("z_teller", "z_seller"):
        command.remove(name)


@pytest.mark.parametrize(("login", "schema"), [("z_teller", "own"), ("z_seller", "marketing")])
def test_a_cheap_function_is_shown_no_row_of_anybody_elses(line, peeking, login, schema):
    """Of a plain view it is shown every row, which the last lines prove."""
    peeked = 0
    for view in views.published(dbt.manifest()):
        if view.schema != schema or "customer_id" not in view.grades:
            continue
        target = sql.Identifier(schema, view.name)
        rows, _ = ask(login, sql.SQL("select customer_id from {}").format(target))
        mine = {customer for (customer,) in rows}
        _, seen = ask(login, sql.SQL("select count(*) from {} where public.peek(customer_id)").format(target))
        assert set(seen) == mine, view.name
        peeked += len(seen)
    assert peeked > 20
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
