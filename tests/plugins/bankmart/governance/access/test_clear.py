"""`bankmart clear`: one customer's hidden values, for who has the right and says why; the audit has it first."""

from __future__ import annotations

import pytest

from bankmart import db
from bankmart.governance import views
from bankmart.governance.access import clear, command
from bankmart.governance.access.clear import ClearError
from bankmart.governance.audit.words import TOLD
from bankmart.vault import store, tokens
from tests.plugins.bankmart.governance.described import column

MODEL = {
    "name": "dim_thing", "resource_type": "model", "schema": "marts", "description": "One row per thing.",
    "config": {"materialized": "state", "meta": {"published": "current", "zh": "物"}},
    "columns": {
        "customer_id": column("identity.customer_id"), "thing_id": column("account.number"),
        "birth_date": column("identity.birth_date", "date"), "name": column("identity.name"),
        "build_id": column("platform", "bigint"),
    },
}  # fmt: skip
MANIFEST = {"nodes": {"m": MODEL}}
SAID = f"select kind, actor, {TOLD} from audit.entry where kind ~ '^clear_' order by number"


def ask(login, statement):
    with db.connect(login) as link, link.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def dpo(warehouse):
    """A login with the right, and two customers' things: of a published build, and of one that readers don't see."""
    ask(
        "platform",
        "create table marts.dim_thing (customer_id text, thing_id text, birth_date date, name text, build_id bigint);"
        "insert into governance.build (business_date, kind, status) values ('2026-11-02', 'daily', 'published');"
        "insert into governance.publication values ('2026-11-02', 1);"
        "insert into marts.dim_thing values ('C1', '6222020000000001', '1990-03-07', 'a token', 1),"
        " ('C2', '6222020000000002', '1991-04-08', 'a token', 1), ('C1', '6222020000000003', '1990-03-07', '', 2)",
    )
    with db.connect("platform") as link, link.cursor() as cursor:
        views.refresh(cursor, views.published(MANIFEST))
    command.grant("y_cleo", "dpo", {"branch": [], "manager": []})
    yield "y_cleo"
    command.remove("y_cleo")


def test_no_right_opens_a_view(dpo):
    """Shown to the right's holder by the view itself nobody would have had to say why."""
    shown = ask(dpo, "select thing_id, birth_date::text from published.dim_thing order by 1, 2")
    assert shown == [("62***01", "1990-01-01"), ("62***02", "1991-01-01")]


def test_clear_values_of_one_customer_after_the_audit_has_the_reason(dpo, monkeypatch):
    seen = []
    asked = views.rows_of_customer
    monkeypatch.setattr(views, "rows_of_customer", lambda *of: (seen.extend(ask("platform", SAID)), asked(*of))[1])
    names, rows = clear.show(MANIFEST, "published.dim_thing", "C1", dpo, "a complaint")
    assert names == ["customer_id", "thing_id", "birth_date"]
    assert [[str(each) for each in row] for row in rows] == [["C1", "6222020000000001", "1990-03-07"]]
    facts = {"reason": "a complaint", "table": "dim_thing", "columns": ["thing_id", "birth_date"]}
    assert seen == ask("platform", SAID) == [("clear_read", dpo, facts)]
    ((subject,),) = ask("platform", "select subject from audit.entry where kind = 'clear_read'")
    assert (tokens(store.CUSTOMER, ["C1"])[0] or "") in subject


@pytest.mark.parametrize(
    ("login", "name", "reason", "says"),
    [
        ("y_cleo", "dim_thing", " ", "without a reason"),
        ("bi_reader", "dim_thing", "curious", "may read nothing of dim_thing in clear"),
        ("platform", "dim_thing", "curious", "may read nothing of dim_thing in clear"),
        ("bankmart_admin", "dim_thing", "curious", "may read nothing of dim_thing in clear"),
        ("y_cleo", "dim_person; drop table x", "curious", "there is no published table"),
    ],
)
def test_refused(dpo, login, name, reason, says):
    with pytest.raises(ClearError, match=says):
        clear.show(MANIFEST, name, "C1", login, reason)
    refused = [("clear_refused", login)] if "may read nothing" in says else []
    assert [(kind, who) for kind, who, _ in ask("platform", SAID)] == refused
