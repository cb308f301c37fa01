"""The eight Berka files as the contract's extracts: one frame per table, not yet split by business date."""

from __future__ import annotations

from datetime import date

import pandas as pd

from bankmart.sources.adapters import berka_codes as codes
from bankmart.sources.adapters.berka_files import ORIGINAL, refuse, to_date

Extracts = dict[tuple[str, str], pd.DataFrame]
OWN_DATE: dict[tuple[str, str], str | None] = {
    ("core_banking", "customer"): "open_date",
    ("core_banking", "account"): "open_date",
    ("core_banking", "account_holder"): "open_date",
    ("core_banking", "standing_order"): None,
    ("loan", "contract"): "start_date",
    ("card", "card"): "issued_date",
}


def master(raw: dict[str, pd.DataFrame], go_live: date) -> Extracts:
    """All but transactions and balances; a row is true from its own date, at the latest from `go_live`."""
    account = _accounts(raw)
    district = raw["district"]
    extracts: Extracts = {
        ("core_banking", "customer"): _customers(raw["client"], raw["disp"].merge(account, on="account_id")),
        ("core_banking", "branch"): pd.DataFrame(
            {
                "branch_id": district["A1"],
                "name": "Branch " + district["A2"],
                "district_id": district["A1"],
                "region": district["A3"],
            }
        ),
        ("core_banking", "product"): pd.DataFrame(
            codes.PRODUCTS, columns=["product_id", "name", "product_line"]
        ).assign(is_on_sale=True),
        ("core_banking", "account"): pd.DataFrame(
            {
                "account_id": account["account_id"],
                "customer_id": account["owner"],
                "product_id": codes.decode("account", account["frequency"], codes.PRODUCT),
                "branch_id": account["district_id"],
                "currency": "CZK",
                "open_date": account["open_date"],
                "status": "active",
            }
        ),
        ("core_banking", "account_holder"): pd.DataFrame(
            {
                "account_id": raw["disp"]["account_id"],
                "customer_id": raw["disp"]["client_id"],
                "holder_role": codes.decode("disp", raw["disp"]["type"], codes.HOLDER_ROLE),
                "open_date": raw["disp"]["account_id"].map(account.set_index("account_id")["open_date"]),
            }
        ),
        ("core_banking", "standing_order"): _standing_orders(raw["order"]),
        ("loan", "contract"): _loans(raw["loan"], account),
        ("card", "card"): _cards(raw["card"], raw["disp"]),
        ("external", "district"): _districts(district),
    }
    start = pd.Timestamp(go_live)
    for table, own in OWN_DATE.items():
        frame = extracts[table]
        frame["effective_date"] = frame[own].where(frame[own] < start, start) if own else start
    extracts["core_banking", "account_holder"].pop("open_date")
    return extracts


def transactions(raw: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per line of trans.asc, in file order; `hellers` is the amount with its sign.

    Account "0", which only cash lines have, is nobody's and becomes null.
    """
    trans = raw["trans"]
    direction = codes.decode("trans", trans["type"], codes.DIRECTION)
    channel, purpose = codes.channel_and_purpose(trans, raw["order"])
    return pd.DataFrame(
        {
            "transaction_id": trans["trans_id"],
            "account_id": trans["account_id"],
            "transaction_date": to_date("trans", trans["date"]),
            "direction": direction,
            "amount": trans["amount"],
            "balance_amount": trans["balance"],
            "channel": channel,
            "purpose": purpose,
            "counterparty_bank": _or_null(trans["bank"]),
            "counterparty_account": _or_null(trans["account"].replace("0", "")),
            "hellers": codes.hellers(trans["amount"]) * direction.map({"in": 1, "out": -1}),
        }
    )


def balances(transaction: pd.DataFrame) -> pd.DataFrame:
    """One row per account and date with transactions: the running sum of signed amounts, in hellers.

    `gap` is its distance, in hellers, to the nearest balance that the file states for that day. That of
    the day's last line can't be taken instead: on one account-day in ten the lines are not in booking order,
    and the stated balances, rounded to tenths, drift away from the sum of the amounts.
    """
    day = transaction.groupby(["account_id", "transaction_date"], sort=True)["hellers"].sum().reset_index()
    day["balance"] = day.groupby("account_id")["hellers"].cumsum()
    stated = transaction[["account_id", "transaction_date"]].assign(stated=codes.hellers(transaction["balance_amount"]))
    both = stated.merge(day, on=["account_id", "transaction_date"])
    both["gap"] = (both["stated"] - both["balance"]).abs()
    gap = both.groupby(["account_id", "transaction_date"], sort=True)["gap"].min()
    return pd.DataFrame(
        {
            "account_id": day["account_id"],
            "balance_date": day["transaction_date"],
            "balance_amount": day["balance"],
            "gap": gap.to_numpy(),
        }
    )


def _accounts(raw: dict[str, pd.DataFrame]) -> pd.DataFrame:
    account, disp = raw["account"], raw["disp"]
    codes.decode("disp", disp["type"], codes.HOLDER_ROLE)
    pair = disp["account_id"] + "/" + disp["client_id"]
    refuse(
        "disp",
        pair.rename("account_id"),
        pair.duplicated(),
        "(account/client) is given twice. Keep one line.",
    )
    owners = disp[disp["type"].str.strip() == "OWNER"]
    remedy = "has a second OWNER. Leave one OWNER per account."
    refuse("disp", owners["account_id"], owners["account_id"].duplicated(), remedy)
    owner = account["account_id"].map(owners.set_index("account_id")["client_id"])
    remedy = "has no OWNER in disp.asc. Complete disp.asc."
    refuse("account", account["account_id"], owner.isna(), remedy)
    return account.assign(owner=owner, open_date=to_date("account", account["date"]))


def _customers(client: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    # A client is the branch's that keeps the first account, and a customer since that account was opened.
    first = held.sort_values("open_date", kind="stable").drop_duplicates("client_id").set_index("client_id")
    remedy = "has no line in disp.asc, so nobody knows since when it is a customer. Complete disp.asc."
    refuse("client", client["client_id"], ~client["client_id"].isin(first.index), remedy)
    birth_date, sex = codes.born(client["birth_number"])
    return pd.DataFrame(
        {
            "customer_id": client["client_id"],
            "sex": sex,
            "birth_date": birth_date,
            "district_id": client["district_id"],
            "branch_id": client["client_id"].map(first["district_id"]),
            "open_date": client["client_id"].map(first["open_date"]),
            "status": "active",
        }
    )


def _standing_orders(order: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "standing_order_id": order["order_id"],
            "account_id": order["account_id"],
            "counterparty_bank": _or_null(order["bank_to"]),
            "counterparty_account": _or_null(order["account_to"]),
            "amount": order["amount"],
            "purpose": codes.decode("order", order["k_symbol"], codes.ORDER_PURPOSE),
        }
    )


def _loans(loan: pd.DataFrame, account: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "contract_id": loan["loan_id"],
            "account_id": loan["account_id"],
            "customer_id": loan["account_id"].map(account.set_index("account_id")["owner"]),
            "product_id": "loan",
            "start_date": to_date("loan", loan["date"]),
            "principal_amount": loan["amount"],
            "term_months": loan["duration"],
            "payment_amount": loan["payments"],
            "status": codes.decode("loan", loan["status"], codes.LOAN_STATUS),
        }
    )


def _cards(card: pd.DataFrame, disp: pd.DataFrame) -> pd.DataFrame:
    behind = disp.set_index("disp_id")
    return pd.DataFrame(
        {
            "card_id": card["card_id"],
            "account_id": card["disp_id"].map(behind["account_id"]),
            "customer_id": card["disp_id"].map(behind["client_id"]),
            "card_type": "credit",
            "card_level": codes.decode("card", card["type"], codes.CARD_LEVEL),
            "issued_date": to_date("card", card["issued"]),
            "status": "active",
        }
    )


def _districts(district: pd.DataFrame) -> pd.DataFrame:
    known = district.mask(district == "?")
    numbers = known[[f"A{n}" for n in range(4, 17)]].astype(float)
    for column in ("A4", "A14", "A15", "A16"):
        is_whole = numbers[column].isna() | (numbers[column] % 1 == 0)
        refuse("district", district[column], ~is_whole, f"is not a whole number. {ORIGINAL}")
    for column in ("A10", "A12", "A13"):
        refuse("district", district[column], numbers[column] > 100, f"is above 100 %. {ORIGINAL}")
    return pd.DataFrame(
        {
            "district_id": district["A1"],
            "name": district["A2"],
            "region": district["A3"],
            "population": numbers["A4"],
            "urban_rate": (numbers["A10"] / 100).round(6),
            "average_salary_amount": known["A11"],
            "unemployment_rate": (numbers["A13"].fillna(numbers["A12"]) / 100).round(6),
            "entrepreneurs_per_1000": numbers["A14"],
            "crime_count": numbers["A16"].fillna(numbers["A15"]),
        }
    )


def _or_null(values: pd.Series) -> pd.Series:
    return values.mask(values.str.strip() == "")
