"""A list of customers to be reached: who agreed to the purpose and channel as of now; and no list is made otherwise."""

from __future__ import annotations

import re
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import sql

from bankmart import dbt, settings
from bankmart.governance import views
from bankmart.governance.access import scope
from bankmart.governance.access.readers import readers
from bankmart.governance.masking import data_classes
from tests.e2e.access import attacks, delivered

CHANNELS = ("sms", "call", "app_push", "email", "manager")
NEWEST = "(select build_id from governance.publication order by business_date desc limit 1)"
# Of each kind of reader, the schema in which it finds customers by number: what decision 19 says.
LISTED = {
    "bi_reader": "published", "data_scientist": "published", "dpo": "published", "branch_user": "own",
    "marketer": "marketing", "auditor": None,
}  # fmt: skip
EVENT = (
    "insert into sources.consent__consent_event (consent_event_id, customer_id, purpose, channel, action,"
    " occurred_at, business_date, load_id) values (%s, %s, %s, %s, %s, now() + %s::interval, %s, 1)"
)


def ask(role, statement, values=None):
    with closing(psycopg2.connect(settings.dsn(role))) as link, link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def say(line):
    """Delivers a word on consent, now or so much later; afterwards none of them was said."""
    made = []

    def run(customer, purpose, channel, action, later="0"):
        made.append(f"said-{len(made)}")
        ask("loader", EVENT, (made[-1], customer, purpose, channel, action, later, line.dates[1]))

    yield run
    ask("loader", "delete from sources.consent__consent_event where consent_event_id = any(%s)", (made,))


@pytest.fixture
def listed(attackers):
    """Whom the marketer finds in the view of a channel."""
    asked = sql.SQL("select customer_id from {}")

    def run(channel):
        view = sql.Identifier("marketing", f"customer_360_marketing_{channel}")
        found = [customer for (customer,) in attackers["marketer"].ask(asked.format(view))]
        assert len(found) == len(set(found))
        return set(found)

    return run


def test_every_view_of_consent_is_one_of_those_tried(metadata):
    asked = {
        (node["name"], purpose, channel)
        for node in dbt.manifest()["nodes"].values()
        if node["resource_type"] == "model"
        for purpose, channels in node["config"]["meta"].get("consented", {}).items()
        for channel in channels
    }
    tried = {*(("customer_360", "marketing", each) for each in CHANNELS), ("customer_360", "profiling", "any")}
    assert asked == tried
    assert {view.name for view in metadata if view.schema == "marketing"} == {"_".join(each) for each in tried}


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_list_is_who_has_agreed_as_of_now(line, say, listed, channel):
    """To this purpose and by this channel. A word counts as soon as it is loaded; a grant of tomorrow doesn't."""
    agreed = listed(channel)
    tag = f"select customer_id from tags.tag_contact where build_id = {NEWEST} and may_contact_by_{channel}"
    assert agreed == {customer for (customer,) in ask("platform", tag)}
    assert agreed
    one, other = min(agreed), next(each for each in CHANNELS if each != channel)
    for purpose, by, action, later, is_listed in (
        ("profiling", "all", "withdrawn", "0", True),
        ("marketing", other, "withdrawn", "0", True),
        ("marketing", channel, "withdrawn", "0", False),
        ("profiling", channel, "granted", "0", False),
        ("sharing", "all", "granted", "0", False),
        ("marketing", other, "granted", "0", False),
        ("marketing", channel, "granted", "-1 day", False),
        ("marketing", channel, "granted", "1 day", False),
        ("marketing", channel, "granted", "0", True),
        ("marketing", "all", "withdrawn", "0", False),
        ("marketing", "all", "granted", "0", True),
    ):
        say(one, purpose, by, action, later)
        assert listed(channel) == (agreed if is_listed else agreed - {one}), (purpose, by, action, later)


@pytest.mark.parametrize("channel", CHANNELS)
def test_models_say_nothing_of_who_refuses_to_be_profiled(line, say, listed, attackers, channel):
    """Who refuses, or takes it back, is listed as before and in no audience of a model. The word counts as of now."""
    agreed, one = listed(channel), min(listed(channel))
    said = {"churn_risk": "high", "churn_score": 0.5, "churn_decile": 10, "contact_effect": "yes"}
    assert set(said) <= scope.said_by_models(dbt.manifest())
    row = f"profile.customer_360 where build_id = {NEWEST} and customer_id = %s"
    (was,) = ask("platform", f"select {', '.join(said)} from {row}", (one,))
    write = f"update profile.customer_360 set ({', '.join(said)}) = %s where build_id = {NEWEST} and customer_id = %s"
    view = sql.Identifier("marketing", f"customer_360_marketing_{channel}")
    columns = sql.SQL(", ").join(map(sql.Identifier, said))
    asked = sql.SQL("select {}, aum_tier from {} where customer_id = {}").format(columns, view, sql.Literal(one))
    audience = sql.SQL("select customer_id from {} where churn_risk = 'high'").format(view)
    ask("platform", write, (tuple(said.values()), one))
    try:
        for action, later, speaks in (("granted", "0", True), ("withdrawn", "0", False), ("granted", "1 day", False)):
            say(one, "profiling", "all", action, later)
            ((*found, tier),) = attackers["marketer"].ask(asked)
            assert found == (list(said.values()) if speaks else [None] * len(said))
            assert tier, "what no model says stays"
            assert ((one,) in attackers["marketer"].ask(audience)) == speaks
            assert listed(channel) == agreed
    finally:
        ask("platform", write, (was, one))


@pytest.mark.parametrize("channel", CHANNELS)
def test_nobody_is_listed_who_is_unknown_erased_or_has_said_nothing_that_stands(line, say, listed, channel):
    agreed = listed(channel)
    ever = {customer for (customer,) in ask("loader", "select customer_id from sources.consent__consent_event")}
    links = dict(ask("platform", f"select customer_id, linked_customer_id from marts.bridge_identity"
                                 f" where build_id = {NEWEST}"))  # fmt: skip
    assert agreed <= {links.get(customer, customer) for customer in ever}
    say("X404", "marketing", channel, "granted")
    assert listed(channel) == agreed
    one = min(agreed - set(links.values()))
    # The last word is gone with its retention: none stands.
    moved = "update sources.consent__consent_event set customer_id = %s where customer_id = %s"
    ask("loader", moved, (f"{one} gone", one))
    try:
        assert listed(channel) == agreed - {one}
    finally:
        ask("loader", moved, (one, f"{one} gone"))
    ((number,),) = ask("platform", "insert into governance.erasure (customer_token, reason, state, requested_by,"
                       " decided_by) values ('a test', '', 'done', 'li', 'wang') returning erasure_id")  # fmt: skip
    try:
        ask("platform", "insert into governance.tombstone (token, kind, anonymous, erasure_id) values"
            " ('a test', 'core_banking.customer', %s, %s)", (one, number))  # fmt: skip
        assert listed(channel) == agreed - {one}
    finally:
        ask("platform", "delete from governance.tombstone where erasure_id = %s", (number,))
        ask("platform", "delete from governance.erasure where erasure_id = %s", (number,))
    assert listed(channel) == agreed


@pytest.mark.parametrize("channel", CHANNELS)
def test_one_persons_words_count_whatever_number_they_were_said_under(line, say, listed, channel):
    ((number, person),) = ask(
        "platform",
        f"select customer_id, linked_customer_id from marts.bridge_identity where build_id = {NEWEST} limit 1",
    )
    say(number, "marketing", "all", "granted")
    assert person in listed(channel)
    assert number not in listed(channel)
    say(person, "marketing", channel, "withdrawn")
    assert person not in listed(channel)
    say(number, "marketing", channel, "granted")
    assert person in listed(channel)


def test_who_agreed_to_be_profiled_is_on_no_list(line, say, attackers):
    """Without a channel nobody has agreed to be reached: the view has the rows, and not whose they are."""
    marketer = attackers["marketer"]
    ((columns,),) = [(names,) for schema, name, names in ask("platform", attacks.RELATIONS)
                     if (schema, name) == ("marketing", "customer_360_profiling_any")]  # fmt: skip
    assert "aum_tier" in columns
    assert not {"customer_id", "branch_customer_id", "name", "mobile"} & set(columns)
    with pytest.raises(psycopg2.errors.UndefinedColumn):
        marketer.ask("select customer_id from marketing.customer_360_profiling_any")
    counted = "select count(*)::integer from marketing.customer_360_profiling_any"
    ((count,),) = marketer.ask(counted)
    tag = ask("platform", f"select customer_id from tags.tag_contact where build_id = {NEWEST} and may_be_profiled")
    assert count == len(tag) > 0
    (one,) = min(tag)
    for purpose, action, later, gone in (
        ("marketing", "withdrawn", "0", 0), ("profiling", "withdrawn", "0", 1), ("marketing", "granted", "0", 1),
        ("profiling", "granted", "1 day", 1), ("profiling", "granted", "0", 0),
    ):  # fmt: skip
        say(one, purpose, "all", action, later)
        assert marketer.ask(counted) == [(count - gone,)], (purpose, action, later)


def found_in(marketer, relations, known):
    """Relations outside the views of consent in which a marketer finds one of these texts, and how much was read."""
    found, rows_read = set(), 0
    reached = marketer.reached([each for each in relations if each[0] != "marketing"])
    for schema, table in sorted({cell[:2] for cell in reached}):
        names = [name for at, of, name in sorted(reached) if (at, of) == (schema, table)]
        query = sql.SQL("select concat_ws(chr(10), {}) from {}").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names),
            sql.Identifier(schema, table),
        )
        for (text,) in marketer.ask(query):
            rows_read += 1
            if not known.isdisjoint([*text.split("\n"), *re.findall(r"[\w@.-]+", text)]):
                found.add(f"{schema}.{table}")
    return found, rows_read


def test_a_marketer_makes_no_list_of_anything_else(line, attackers):
    """Whatever it reads outside the views of consent, there is no customer's number in it and no way to one."""
    marketer, relations = attackers["marketer"], ask("platform", attacks.RELATIONS)
    clear = delivered.customers(line)
    known = set(clear) | {str(row[name]) for rows in clear.values() for row in rows
                          for name in ("id_number", "mobile", "email", "address") if row[name]}  # fmt: skip
    known |= {value for row in ask("platform", "select name, id_number, mobile, email, address from marts.dim_customer")
              for value in row if value}  # fmt: skip
    known = {value for value in known if len(value) > 4}
    assert len(known) > 1000
    assert "customer_id" not in {name for schema, _, name in marketer.reached(relations) if schema != "marketing"}
    found, rows_read = found_in(marketer, relations, known)
    assert found == set()
    assert rows_read > 1000
    for function in marketer.calls:
        if function.endswith("(date, date)"):
            given = marketer.ask(f"select * from {function.partition('(')[0]}(current_date, current_date)")
            assert known.isdisjoint(str(value) for row in given for value in row), function
    # The look finds one, where there is one.
    ask("platform", "create view published.mine as select 'as ' || customer_id || ', told' as note from"
        " marts.dim_customer; grant select on published.mine to marketer")  # fmt: skip
    try:
        assert found_in(marketer, ask("platform", attacks.RELATIONS), known)[0] == {"published.mine"}
    finally:
        ask("platform", "drop view published.mine")


def test_who_else_lists_customers_has_nothing_by_which_to_reach_them(metadata):
    """By metadata: numbers, but each name, document, account and address masked. By value: test_access.py."""
    assert {reader.name for reader in readers()} == set(LISTED)
    reaching = [each for each in views.NAMING if each != "identity.customer_id"]
    for reader in readers():
        found, masked = set(), 0
        for view in metadata:
            for name in views.reads(reader, view):
                data_class = view.classes[name]
                found |= {view.schema} if data_class == "identity.customer_id" else set()
                if data_class.startswith(tuple(reaching)) and data_class != "contact.is_known":
                    mask = data_classes()[data_class]["mask"]
                    assert mask in ("ends", "surname", "hide"), (reader.name, view.key, name)
                    masked += 1
        assert found == ({LISTED[reader.name]} if LISTED[reader.name] else set()), reader.name
        assert bool(masked) == (LISTED[reader.name] in ("published", "own")), reader.name
