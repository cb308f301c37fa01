"""What the Czech codes mean, in the contract's codes. A code that is not here stops the adapter."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bankmart.sources.adapters.berka_files import ORIGINAL, refuse

# VYBER as a type is not in the published description; all its lines are cash withdrawals.
DIRECTION = {"PRIJEM": "in", "VYDAJ": "out", "VYBER": "out"}
CHANNEL = {
    "VKLAD": "branch",
    "VYBER": "branch",
    "VYBER KARTOU": "card",
    "PREVOD Z UCTU": "transfer",
    "PREVOD NA UCET": "transfer",
    "": "system",
}
PURPOSE_BY_OPERATION = {
    "VKLAD": "cash",
    "VYBER": "cash",
    "VYBER KARTOU": "cash",
    "PREVOD Z UCTU": "transfer",
    "PREVOD NA UCET": "transfer",
    "": "other",
}
PURPOSE_BY_SYMBOL = {
    "DUCHOD": "pension",
    "POJISTNE": "insurance",
    "SIPO": "household",
    "UVER": "loan_repayment",
    "SLUZBY": "fee",
    "UROK": "interest",
    "SANKC. UROK": "penalty_interest",
    "": "",
}
BOOKED_BY_THE_BANK = ("SLUZBY", "UROK", "SANKC. UROK")
ORDER_PURPOSE = {
    "SIPO": "household",
    "UVER": "loan_repayment",
    "POJISTNE": "insurance",
    "LEASING": "lease",
    "": "transfer",
}
HOLDER_ROLE = {"OWNER": "owner", "DISPONENT": "authorised"}
LOAN_STATUS = {"A": "finished", "B": "finished_default", "C": "running", "D": "running_arrears"}
CARD_LEVEL = {"junior": "junior", "classic": "classic", "gold": "gold"}
PRODUCT = {
    "POPLATEK MESICNE": "current_monthly",
    "POPLATEK TYDNE": "current_weekly",
    "POPLATEK PO OBRATU": "current_per_transaction",
}
PRODUCTS = (
    ("current_monthly", "Current account, statement monthly (POPLATEK MESICNE)", "current"),
    ("current_weekly", "Current account, statement weekly (POPLATEK TYDNE)", "current"),
    ("current_per_transaction", "Current account, statement per transaction (POPLATEK PO OBRATU)", "current"),
    ("loan", "Loan", "loan"),
    ("card_junior", "Credit card, junior", "credit_card"),
    ("card_classic", "Credit card, classic", "credit_card"),
    ("card_gold", "Credit card, gold", "credit_card"),
)


def decode(name: str, values: pd.Series, codes: dict[str, str]) -> pd.Series:
    """Contract codes for raw codes; a blank counts as an empty one. Raises BerkaError for an unknown code."""
    decoded = values.str.strip().map(codes)
    known = ", ".join(repr(code) for code in codes)
    remedy = f"is not a known code ({known}). {ORIGINAL} A new code needs a line in berka_codes.py."
    refuse(name, values, decoded.isna(), remedy)
    return decoded


def born(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Birth dates and sexes from birth numbers YYMMDD, in which women have 50 added to the month."""
    month = values.str.slice(2, 4).astype(int)
    is_woman = month > 50
    plain = (month - 50 * is_woman).astype(str).str.zfill(2)
    written = "19" + values.str.slice(0, 2) + plain + values.str.slice(4)
    dates = pd.to_datetime(written, format="%Y%m%d", errors="coerce")
    refuse("client", values, dates.isna(), f"holds no date (YYMMDD, months 51 to 62 for women). {ORIGINAL}")
    return dates, is_woman.map({True: "F", False: "M"})


def channel_and_purpose(trans: pd.DataFrame, order: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Channel and purpose of each transaction, from `operation`, `k_symbol` and the standing orders.

    A transfer out is a standing order's where one has its account, other side and amount to the heller.
    """
    symbol, operation = trans["k_symbol"].str.strip(), trans["operation"].str.strip()
    ordered = order.assign(hellers=hellers(order["amount"]))
    paid = trans.assign(hellers=hellers(trans["amount"]))
    is_ordered = pd.MultiIndex.from_frame(paid[["account_id", "bank", "account", "hellers"]]).isin(
        pd.MultiIndex.from_frame(ordered[["account_id", "bank_to", "account_to", "hellers"]])
    )
    channel = decode("trans", trans["operation"], CHANNEL)
    channel = channel.mask((operation == "PREVOD NA UCET") & is_ordered, "standing_order")
    channel = channel.mask(symbol.isin(BOOKED_BY_THE_BANK), "system")
    by_operation = decode("trans", trans["operation"], PURPOSE_BY_OPERATION)
    by_symbol = decode("trans", trans["k_symbol"], PURPOSE_BY_SYMBOL)
    return channel, by_symbol.where(by_symbol != "", by_operation)


def hellers(values: pd.Series) -> pd.Series:
    """Amounts as whole hellers (1/100 CZK), so that sums are exact; `values` has at most two decimals."""
    amounts = pa.array(values, from_pandas=True).cast(pa.decimal128(18, 2))
    whole = pc.multiply(amounts, pa.scalar(Decimal(100))).cast(pa.int64())
    return pd.Series(whole.to_numpy(zero_copy_only=False), index=values.index, dtype="int64")
