"""What card payments were for: merchant category and name by taste, online, abroad."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array
from bankmart.sources.simulate.life.ledger import CARD, POS, PURPOSE
from bankmart.sources.simulate.life.state import Frame
from bankmart.sources.simulate.world.accounts import FIRST_CARD
from bankmart.sources.simulate.write import dates, moments, money, numbers, words

ABROAD = 3
# ISO 18245 code: (merchants, share of all payments, share online)
MERCHANTS: dict[str, tuple[tuple[str, ...], float, float]] = {
    "5411": (("永辉超市", "华润万家", "盒马鲜生", "社区便利店"), 0.2, 0.15),
    "5812": (("海底捞", "老四川酒楼", "江南小馆", "兰州拉面"), 0.17, 0.1),
    "5814": (("肯德基", "瑞幸咖啡", "奶茶铺"), 0.12, 0.3),
    "5311": (("王府井百货", "银泰百货"), 0.07, 0.1),
    "5651": (("优衣库", "海澜之家"), 0.06, 0.4),
    "5732": (("苏宁电器", "数码广场"), 0.03, 0.5),
    "5541": (("中国石化", "中国石油"), 0.07, 0.0),
    "4121": (("滴滴出行", "出租车"), 0.06, 0.9),
    "4111": (("地铁公司", "公交集团"), 0.04, 0.3),
    "4511": (("中国国航", "东方航空"), 0.012, 0.9),
    "7011": (("如家酒店", "锦江之星"), 0.02, 0.6),
    "8062": (("人民医院", "中医院"), 0.03, 0.05),
    "5912": (("同仁堂", "老百姓大药房"), 0.03, 0.1),
    "8299": (("新东方", "学而思"), 0.02, 0.5),
    "5942": (("新华书店", "当当网"), 0.02, 0.6),
    "7832": (("万达影城", "大地影院"), 0.02, 0.7),
    "5977": (("丝芙兰", "屈臣氏"), 0.03, 0.4),
    "5944": (("周大福", "老凤祥"), 0.004, 0.05),
    "4814": (("中国移动", "中国联通"), 0.03, 0.8),
    "5999": (("淘宝商户", "京东商户", "拼多多商户"), 0.08, 1.0),
    "7995": (("体育彩票",), 0.004, 0.2),
}
CODES = list(MERCHANTS)
NAMES = [name for names, _, _ in MERCHANTS.values() for name in names]
NAME_COUNT = np.array([len(names) for names, _, _ in MERCHANTS.values()])
NAME_START = np.cumsum(NAME_COUNT) - NAME_COUNT
ONLINE = np.array([online for _, _, online in MERCHANTS.values()])
# Eight tastes: the common shares, each pulled its own way.
TASTES = np.array([share for _, share, _ in MERCHANTS.values()]) * np.random.default_rng(20).lognormal(
    0, 0.7, (8, len(MERCHANTS))
)


def hand_over_payments(frame: Frame, booked: dict[str, Array]) -> None:
    """The card payments among the month's booked transactions."""
    bank, rng = frame.bank, frame.rng("merchants")
    is_card = np.isin(booked["channel"], (POS, CARD)) & (booked["purpose"] == PURPOSE["shopping"])
    chosen = np.flatnonzero(is_card & (bank.accounts.card[booked["account"]] >= 0))
    count = len(chosen)
    cumulative = np.cumsum(TASTES, axis=1)
    cumulative /= cumulative[:, -1:]
    cluster = bank.habits.cluster[booked["customer"][chosen]]
    # One search for all clusters: each has its own unit interval.
    edges = (cumulative + np.arange(8)[:, None]).ravel()
    code = np.minimum(np.searchsorted(edges, cluster + rng.random(count) * 0.999999), len(edges) - 1) % len(CODES)
    name = NAME_START[code] + (rng.random(count) * NAME_COUNT[code]).astype(int)
    is_abroad = (rng.random(count) < 0.004) | (booked["mark"][chosen] == ABROAD)
    is_online = (booked["channel"][chosen] == CARD) & (rng.random(count) < 0.35 + 0.65 * ONLINE[code])
    day, second = booked["day"][chosen], booked["second"][chosen]
    rows = {
        "card_transaction_id": numbers(booked["transaction_id"][chosen]),
        "card_id": numbers(FIRST_CARD + bank.accounts.card[booked["account"][chosen]]),
        "transaction_date": dates(day),
        "transaction_at": moments(day, second),
        "amount": money(-booked["cents"][chosen]),
        "merchant_category_code": words(CODES, code),
        "merchant_name": words(NAMES, np.where(rng.random(count) < 0.05, -1, name)),
        "is_online": numbers(is_online),
        "is_abroad": numbers(is_abroad),
    }
    bank.outbox.events("card__card_transaction", rows, day)
