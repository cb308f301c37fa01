"""The product shelf: eight lines, with risk, rate and term."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bankmart.sources.simulate.write import Outbox

LINES = ("current", "savings", "term_deposit", "wealth", "fund", "insurance", "loan", "credit_card")
CURRENT, SAVINGS, TERM_DEPOSIT, WEALTH, FUND, INSURANCE, LOAN, CREDIT_CARD = range(8)
DEPOSITS = (CURRENT, SAVINGS, TERM_DEPOSIT)


class Product(NamedTuple):
    """One product; the rate is per year (expected return where it has a risk)."""

    product_id: str
    name: str
    line: int
    risk: int
    rate: float
    term: int
    is_on_sale: bool = True


SHELF = (
    Product("CA01", "活期结算账户", CURRENT, 1, 0.0005, 0),
    Product("CA02", "代发工资账户", CURRENT, 1, 0.0005, 0),
    Product("CA03", "养老金账户", CURRENT, 1, 0.001, 0),
    Product("SA01", "储蓄账户", SAVINGS, 1, 0.0035, 0),
    Product("SA02", "添利储蓄", SAVINGS, 1, 0.0085, 0),
    Product("SA03", "零存整取", SAVINGS, 1, 0.0095, 0, False),
    Product("TD03", "三个月定期存款", TERM_DEPOSIT, 1, 0.0095, 3),
    Product("TD06", "六个月定期存款", TERM_DEPOSIT, 1, 0.0115, 6),
    Product("TD12", "一年定期存款", TERM_DEPOSIT, 1, 0.0135, 12),
    Product("TD24", "两年定期存款", TERM_DEPOSIT, 1, 0.0145, 24),
    Product("TD36", "三年大额存单", TERM_DEPOSIT, 1, 0.0175, 36),
    Product("TD60", "五年定期存款", TERM_DEPOSIT, 1, 0.018, 60, False),
    Product("WM01", "日日盈现金管理", WEALTH, 1, 0.017, 0),
    Product("WM02", "稳利固收90天", WEALTH, 2, 0.024, 3),
    Product("WM03", "稳利固收一年", WEALTH, 2, 0.028, 12),
    Product("WM04", "均衡增利", WEALTH, 3, 0.033, 6),
    Product("WM05", "私享进取", WEALTH, 4, 0.042, 24),
    Product("WM06", "安心保本", WEALTH, 1, 0.021, 12, False),
    Product("FD01", "货币基金", FUND, 1, 0.016, 0),
    Product("FD02", "纯债基金", FUND, 2, 0.028, 0),
    Product("FD03", "平衡混合基金", FUND, 3, 0.045, 0),
    Product("FD04", "沪深300指数基金", FUND, 4, 0.06, 0),
    Product("FD05", "科技创新股票基金", FUND, 5, 0.075, 0),
    Product("IN01", "重疾保障计划", INSURANCE, 1, 0.0, 240),
    Product("IN02", "年金保险", INSURANCE, 2, 0.02, 120),
    Product("IN03", "少儿教育金", INSURANCE, 2, 0.019, 120),
    Product("LN01", "个人住房贷款", LOAN, 2, 0.0345, 240),
    Product("LN02", "个人消费贷款", LOAN, 3, 0.0398, 36),
    Product("LN03", "个人经营贷款", LOAN, 3, 0.0425, 24),
    Product("CC01", "标准信用卡", CREDIT_CARD, 3, 0.18, 0),
    Product("CC02", "白金信用卡", CREDIT_CARD, 3, 0.17, 0),
    Product("CC03", "校园青年卡", CREDIT_CARD, 3, 0.18, 0, False),
)
IDS = [product.product_id for product in SHELF]
LINE = np.array([product.line for product in SHELF])
RATE = np.array([product.rate for product in SHELF])
TERM = np.array([product.term for product in SHELF])
RISK = np.array([product.risk for product in SHELF])
ON_SALE = np.array([product.is_on_sale for product in SHELF])


def number(product_id: str) -> int:
    """The index of a product on the shelf."""
    return IDS.index(product_id)


def of_line(line: int, *, on_sale: bool = True) -> np.ndarray:
    """The indices of a line's products."""
    return np.flatnonzero((line == LINE) & (ON_SALE | (not on_sale)))


def hand_over(outbox: Outbox) -> None:
    """The product table."""
    table = pa.table(
        {
            "product_id": IDS,
            "name": [product.name for product in SHELF],
            "product_line": [LINES[product.line] for product in SHELF],
            "risk_level": RISK,
            "interest_rate": RATE,
            "term_months": TERM,
            "is_on_sale": ON_SALE,
        }
    )
    outbox.full("core_banking__product", lambda _: table)
