from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.world.names import luhn


def test_cards_pass_the_luhn_check(whole):
    for number in whole("card__card")["card_number"]:
        digits = [int(digit) for digit in reversed(number)]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
        assert (sum(digits[::2]) + sum(doubled)) % 10 == 0
    assert luhn(np.array([401_288_888_888_188])).tolist() == [4_012_888_888_881_881]


def test_term_deposits_mature_and_close(whole):
    accounts = whole("core_banking__account").drop_duplicates("account_id", keep="last")
    terms = accounts[accounts["product_id"].str.startswith("TD")]
    assert terms["maturity_date"].notna().all()
    assert accounts.loc[~accounts.index.isin(terms.index), "maturity_date"].isna().all()
    closed = terms[terms["status"] == "closed"]
    assert len(closed) > 0
    assert (closed["close_date"] == closed["effective_date"]).all()
    assert (terms.loc[terms["status"] == "active", "maturity_date"] > "2026-10-31").all()


def test_every_account_has_its_owner(whole):
    accounts = whole("core_banking__account").drop_duplicates("account_id")
    holders = whole("core_banking__account_holder")
    owners = holders[holders["holder_role"] == "owner"][["account_id", "customer_id"]]
    both = accounts[["account_id", "customer_id"]].merge(owners, on=["account_id", "customer_id"])
    assert len(both) == len(accounts) == len(owners)
    assert (holders["holder_role"] == "authorised").any()
