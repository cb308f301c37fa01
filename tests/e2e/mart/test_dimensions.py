"""What things are now, column by column against the delivered files; and whose numbers readers see."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import pytest

from bankmart import db
from tests.e2e.mart.delivered import kept, newest, sent

# Extracts that come whole, and the dimensions that they become.
WHOLE = [
    ("campaign.campaign", "marts.dim_campaign"),
    ("campaign.creative", "marts.dim_creative"),
    ("core_banking.branch", "marts.dim_branch"),
    ("core_banking.product", "marts.dim_product"),
]


def plain(value):
    """A value as text: nothing is empty, and 0.05 is 0.0500."""
    try:
        return str(Decimal(value).normalize())
    except (InvalidOperation, TypeError):
        return value or ""


def agree(line, rows, dimension):
    """A dimension has these rows and no others, with all columns of the file."""
    assert len(rows)
    columns = ", ".join(f"{name}::text" for name in rows.columns)
    got = kept(line, f"select {columns} from {dimension} where build_id = %(last)s")
    expected = rows.itertuples(index=False, name=None)
    assert sorted(tuple(map(plain, row)) for row in got) == sorted(tuple(map(plain, row)) for row in expected)


@pytest.mark.parametrize(("table", "dimension"), WHOLE)
def test_a_dimension_of_a_whole_extract_is_the_newest_file(line, table, dimension):
    agree(line, sent(line, table, line.dates[1:2]).drop(columns="delivered"), dimension)


def test_managers_are_the_newest_versions(line):
    agree(line, newest(line, "crm.manager", "manager_id").reset_index().drop(columns="delivered"), "marts.dim_manager")


def test_a_campaign_has_the_line_of_its_product(line):
    lines = sent(line, "core_banking.product", line.dates[1:2]).set_index("product_id")["product_line"]
    campaigns = sent(line, "campaign.campaign", line.dates[1:2]).set_index("campaign_id")["product_id"]
    got = kept(line, "select campaign_id, product_line from marts.dim_campaign where build_id = %(last)s")
    assert dict(got) == campaigns.map(lines).to_dict()


def test_cards_and_standing_orders_are_the_newest_versions(line):
    cards = newest(line, "card.card", "card_id")
    got = kept(line, "select card_id, status, card_level from marts.dim_card where build_id = %(last)s")
    assert {row[0]: row[1:] for row in got} == {n: (row["status"], row["card_level"]) for n, row in cards.iterrows()}
    orders, today = newest(line, "core_banking.standing_order", "standing_order_id"), str(line.dates[1])
    is_active = (orders["effective_date"] <= today) & (orders["end_date"].replace("", "9999") >= today)
    got = kept(line, "select standing_order_id, is_active from marts.dim_standing_order where build_id = %(last)s")
    assert dict(got) == is_active.to_dict()


def test_the_merge_ledger_shows_the_numbers_that_were_linked(line):
    """Elsewhere a fact shows the person; here each row would say that a number is linked to itself."""
    made = kept(
        line, "select customer_id, linked_customer_id, event from marts.fct_identity_link"
        " where build_id = any(%(builds)s)",
    )  # fmt: skip
    with db.connect("bi_reader") as link, link.cursor() as cursor:
        cursor.execute("select customer_id, linked_customer_id, event from published.fct_identity_link")
        shown = cursor.fetchall()
    assert made
    assert sorted(shown) == sorted(made)
