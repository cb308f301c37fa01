"""The conditions that keep a reader to its rows: a manager's or a branch's own customers, customers who consented."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from bankmart.governance.policy import SCORE, is_tag_model

NEWEST = sql.SQL("(select build_id from governance.publication order by business_date desc limit 1)")
# Models that say whose a customer is, and which numbers are one person.
MANAGERS, CUSTOMERS = "bridge_customer_manager_current", "dim_customer_current"

# session_user, not current_user: it stays who logged in, whatever role is set afterwards.
OWNED = sql.SQL(
    "select held.customer_id from marts.bridge_customer_manager_current as held"
    " where held.build_id = {newest} and held.manager_id in (select scope_id from governance.user_scope"
    " where user_name = session_user and kind = 'manager')"
    " union all"
    " select kept.customer_id from marts.dim_customer_current as kept"
    " where kept.build_id = {newest} and kept.branch_id in (select scope_id from governance.user_scope"
    " where user_name = session_user and kind = 'branch')"
)
OWN = sql.SQL("base.customer_id in ({owned})")
# The numbers of those persons, for facts that keep the number that their system gave: so that an index finds them.
OWN_NUMBERS = sql.SQL(
    "base.customer_id in ("
    " select owned.customer_id from ({owned}) as owned where owned.customer_id not in"
    " (select customer_id from marts.bridge_identity where build_id = {newest})"
    " union all"
    " select linked.customer_id from marts.bridge_identity as linked where linked.build_id = {newest}"
    " and linked.linked_customer_id in ({owned}))"
)
# From the deliveries themselves: a withdrawal counts as soon as it is loaded, before any build has seen it. A grant
# from the future doesn't count yet, a withdrawal does; at the same moment the withdrawal wins. Who was erased agrees to
# nothing any more, whatever was said under the number that is anonymous now.
CONSENTING = sql.SQL(
    "select coalesce(link.linked_customer_id, said.customer_id) as customer_id"
    " from sources.consent__consent_event as said"
    " left join (select customer_id, linked_customer_id from marts.bridge_identity"
    " where build_id = {newest}) as link on said.customer_id = link.customer_id"
    " where said.purpose = {purpose} and {channel}"
    " and said.customer_id not in (select anonymous from governance.tombstone)"
    " group by 1"
    " having max(said.occurred_at) filter (where said.action = 'granted' and said.occurred_at <= now())"
    " > coalesce(max(said.occurred_at) filter (where said.action = 'withdrawn'), '-infinity')"
)
# What a model says of somebody takes this purpose: who refuses it may still be written to, as anybody else is.
PROFILING = "profiling"


def own(*, is_linked: bool) -> sql.Composed:
    """Customers of the managers and branches that governance.user_scope gives to who is logged in.

    `is_linked`: rows have a number of the person, and not the person.
    """
    return (OWN_NUMBERS if is_linked else OWN).format(owned=OWNED.format(newest=NEWEST), newest=NEWEST)


def consented(customer: sql.Composable, purpose: str, channel: str) -> sql.Composed:
    """Customers whose newest word on a purpose and channel, as of now, is yes; channel `any`: on the purpose at all."""
    return sql.SQL("{} in ({})").format(customer, _consenting(purpose, channel))


def said_by_models(manifest: dict[str, Any]) -> set[str]:
    """The names of columns that a model speaks in: scores, and tags of kind `model`."""
    return {
        name
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        for name, column in node["columns"].items()
        if (about := column["config"]["meta"]).get("class") == SCORE
        or (is_tag_model(node) and about.get("kind") == "model")
    }


def beside_profiled(customer: sql.Composable) -> sql.Composed:
    """A join after which `profiled.customer_id` is null for a customer who hasn't agreed to be profiled, as of now."""
    people = _consenting(PROFILING, "any")
    return sql.SQL(" left join ({}) as profiled on profiled.customer_id = {}").format(people, customer)


def _consenting(purpose: str, channel: str) -> sql.Composed:
    by = sql.SQL("true") if channel == "any" else sql.SQL("said.channel in ({}, 'all')").format(sql.Literal(channel))
    return CONSENTING.format(newest=NEWEST, purpose=sql.Literal(purpose), channel=by)
