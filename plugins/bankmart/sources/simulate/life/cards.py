"""What card payments were for: merchant category and name by taste, online, abroad."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import NEVER, Array
from bankmart.sources.simulate.life.ledger import CARD, POS, PURPOSE
from bankmart.sources.simulate.life.state import Frame
from bankmart.sources.simulate.world.accounts import CARD_BLOCKED, FIRST_CARD
from bankmart.sources.simulate.write import dates, moments, money, numbers, words

ABROAD = 3
LOST_A_MONTH = 0.012
# ISO 18245 code: (merchants, share of all payments, share online)
MERCHANTS: dict[str, tuple[tuple[str, ...], float, float]] = {
    # groceries
    "5411": (("永辉超市", "华润万家", "盒马鲜生", "社区便利店"), 0.17, 0.15),
    "5462": (("好利来", "味多美"), 0.02, 0.15),
    # dining
    "5812": (("海底捞", "老四川酒楼", "江南小馆", "兰州拉面"), 0.14, 0.1),
    "5814": (("肯德基", "瑞幸咖啡", "奶茶铺"), 0.1, 0.3),
    "5813": (("街角酒馆", "胡桃里"), 0.008, 0.05),
    # clothing and beauty
    "5651": (("优衣库", "海澜之家"), 0.05, 0.4),
    "5661": (("安踏", "百丽"), 0.018, 0.4),
    "5977": (("丝芙兰", "屈臣氏"), 0.025, 0.4),
    "5944": (("周大福", "老凤祥"), 0.006, 0.05),
    # home
    "5712": (("宜家家居", "红星美凯龙"), 0.014, 0.3),
    "5200": (("居然之家", "东方家园"), 0.01, 0.2),
    "5722": (("国美电器", "海尔专卖"), 0.014, 0.5),
    # digital
    "5732": (("苏宁电器", "数码广场"), 0.022, 0.5),
    "5816": (("腾讯游戏", "网易游戏"), 0.02, 1.0),
    "5815": (("爱奇艺", "QQ音乐"), 0.02, 1.0),
    "4814": (("中国移动", "中国联通"), 0.028, 0.8),
    # fuel and transport
    "5541": (("中国石化", "中国石油"), 0.06, 0.0),
    "4121": (("滴滴出行", "出租车"), 0.055, 0.9),
    "4111": (("地铁公司", "公交集团"), 0.035, 0.3),
    "7523": (("停车场",), 0.014, 0.4),
    # travel
    "4511": (("中国国航", "东方航空"), 0.013, 0.9),
    "4112": (("铁路12306",), 0.02, 0.9),
    "7011": (("如家酒店", "锦江之星"), 0.02, 0.6),
    "4722": (("携程", "春秋旅游"), 0.01, 0.9),
    # health
    "8062": (("人民医院", "中医院"), 0.026, 0.05),
    "5912": (("同仁堂", "老百姓大药房"), 0.026, 0.1),
    "8021": (("瑞尔齿科",), 0.005, 0.05),
    # education
    "8299": (("新东方", "学而思"), 0.016, 0.5),
    "8220": (("开放大学",), 0.005, 0.7),
    "5942": (("新华书店", "当当网"), 0.016, 0.6),
    # entertainment
    "7832": (("万达影城", "大地影院"), 0.018, 0.7),
    "7997": (("一兆韦德", "乐刻运动"), 0.01, 0.4),
    "7995": (("体育彩票",), 0.006, 0.2),
    # services
    "7230": (("文峰美发", "永琪美容"), 0.016, 0.1),
    "4900": (("国家电网", "自来水公司"), 0.02, 0.8),
    "7349": (("家政公司",), 0.006, 0.6),
    "6300": (("平安保险", "中国人寿"), 0.006, 0.8),
    # like cash
    "6051": (("礼品卡中心",), 0.004, 0.6),
    "4829": (("西联汇款",), 0.004, 0.3),
    "6540": (("预付卡充值",), 0.006, 0.9),
    # other
    "5311": (("王府井百货", "银泰百货"), 0.06, 0.1),
    "5999": (("淘宝商户", "京东商户", "拼多多商户"), 0.07, 1.0),
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


def replace_lost(frame: Frame, booked: dict[str, Array]) -> None:
    """Some cards that lay idle this month were lost: blocked, and replaced on the same day."""
    bank, month, rng = frame.bank, frame.month, frame.rng("lost cards")
    accounts = bank.accounts
    may = (accounts.card >= 0) & (accounts.closed == NEVER) & (accounts.customer < frame.count)
    may &= (accounts.opened < month.first) & frame.is_present[np.minimum(accounts.customer, frame.count - 1)]
    may[booked["account"][np.isin(booked["channel"], (POS, CARD))]] = False
    draw, day = rng.random(len(accounts)), rng.integers(month.first, month.last + 1, len(accounts))
    lost = np.flatnonzero(may & (draw < LOST_A_MONTH))
    accounts.hand_over_cards(accounts.card[lost], CARD_BLOCKED, day[lost])
    accounts.issue_cards(lost, day[lost], rng)


def hand_over_payments(frame: Frame, booked: dict[str, Array]) -> None:
    """The card payments among the month's booked transactions."""
    bank, rng = frame.bank, frame.rng("merchants")
    is_card = np.isin(booked["channel"], (POS, CARD)) & (booked["purpose"] == PURPOSE["shopping"])
    is_card &= booked["cents"] < 0
    chosen = np.flatnonzero(is_card & (bank.accounts.card[booked["account"]] >= 0))
    count = len(chosen)
    cumulative = np.cumsum(TASTES, axis=1)
    cumulative /= cumulative[:, -1:]
    cluster = bank.habits.cluster[booked["customer"][chosen]]
    # One search for all clusters: each has its own unit interval.
    edges = (cumulative + np.arange(8)[:, None]).ravel()
    code = np.minimum(np.searchsorted(edges, cluster + rng.random(count) * 0.999999), len(edges) - 1) % len(CODES)
    name = NAME_START[code] + (rng.random(count) * NAME_COUNT[code]).astype(int)
    # Some travel or buy abroad often, most hardly ever.
    abroad = 0.03 * bank.habits.luck[:, 7] ** 6
    is_abroad = (rng.random(count) < abroad[booked["customer"][chosen]]) | (booked["mark"][chosen] == ABROAD)
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
