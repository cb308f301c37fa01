"""What campaigns say: a few texts per campaign, channel and language."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bankmart.sources.simulate.calendar import Array
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.write import dates

CHANNELS = ("sms", "call", "app_push", "email", "manager")
LANGUAGES = ("zh", "en")
VARIANTS = 2
DAYS_BEFORE = 9
# Of each line: what it is called, what it offers, what must be said with it; Chinese and English.
LINES: dict[int, tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    shelf.TERM_DEPOSIT: (
        ("定期存款", "到期还本付息，起存一万元", "利率以办理当日公布为准。"),
        ("term deposit", "fixed rate, from CNY 10,000", "The rate published on the day applies."),
    ),
    shelf.WEALTH: (
        ("理财产品", "期限灵活，手机即可购买", "理财非存款，产品有风险，投资须谨慎。"),
        ("wealth product", "flexible terms, bought in the app", "Not a deposit. Investments carry risk."),
    ),
    shelf.FUND: (
        ("基金", "每月定投，百元起步", "基金有风险，过往业绩不预示未来表现。"),
        ("fund", "a monthly plan from CNY 100", "Funds carry risk; past returns do not predict future ones."),
    ),
    shelf.INSURANCE: (
        ("年金保险", "按月领取，规划养老", "保险产品由合作保险公司承保，详见条款。"),
        ("annuity", "a monthly income in retirement", "Underwritten by our partner insurer; see the terms."),
    ),
    shelf.LOAN: (
        ("消费贷款", "线上申请，按需使用", "贷款须经审批，请理性借贷。"),
        ("personal loan", "apply online, use what you need", "Subject to approval. Borrow responsibly."),
    ),
    shelf.CREDIT_CARD: (
        ("信用卡", "首年免年费，消费积分", "请理性消费，按时还款。"),
        ("credit card", "no fee in the first year, points on purchases", "Spend within your means and pay on time."),
    ),
}
GREETINGS = {
    "sms": ("【银行】尊敬的客户，", "[Bank] Dear customer, "),
    "call": ("您好，这里是银行客服，向您介绍", "Good day, this is your bank calling about "),
    "app_push": ("为您推荐：", "For you: "),
    "email": ("尊敬的客户：您好！", "Dear customer, "),
    "manager": ("您好，我是您的客户经理，想和您聊聊", "Hello, this is your account manager, may I tell you about "),
}
ENDINGS = {
    "sms": ("回复TD退订。", "Reply TD to stop."),
    "call": ("如不便接听，我们将不再来电。", "If you would rather not be called, just tell us."),
    "app_push": ("点击查看详情。", "Tap for details."),
    "email": ("如不愿再收到此类邮件，请点击退订。", "Use the link below to unsubscribe."),
    "manager": ("欢迎随时联系我。", "Call me any time."),
}
OFFERS = (
    ("{line}专享活动，{what}。", "our {line} offer: {what}. "),
    ("{what}，{line}限时参与。", "{what}: our {line}, for a short time. "),
)
# A compliance review has something to find: a promise, and a text that says nothing of the risk.
PROMISE = ("收益稳赚不赔，", "Guaranteed return. ")
PROMISE_EVERY, SILENT_EVERY = 37, 23


class Subject(NamedTuple):
    """A campaign as its texts see it; `start` is a day number."""

    campaign: int
    name: str
    line: int
    start: int


def count_per_campaign() -> int:
    """How many creatives each campaign has."""
    return len(CHANNELS) * len(LANGUAGES) * VARIANTS


def choose(campaign: int, channel: Array, is_english: Array, draw: Array) -> Array:
    """The creative's number within all, for contacts by channel (an index into CHANNELS); `draw` is 0 to 1."""
    variant = (draw * VARIANTS).astype(np.int64)
    within = (channel * len(LANGUAGES) + is_english) * VARIANTS + variant
    chosen: Array = campaign * count_per_campaign() + within
    return chosen


def identifiers(number: Array) -> pa.Array:
    """Creative numbers as the campaign system writes them; null for a negative number."""
    return pa.array([f"CR{n + 1:05d}" if n >= 0 else None for n in number.tolist()], pa.string())


def table(subjects: list[Subject], campaign_ids: pa.Array) -> pa.Table:
    """The creative table of these campaigns, whose identifiers come in the same order."""
    rows: list[dict[str, object]] = []
    for subject, campaign_id in zip(subjects, campaign_ids.to_pylist(), strict=True):
        for within in range(count_per_campaign()):
            rest, variant = divmod(within, VARIANTS)
            channel, language = divmod(rest, len(LANGUAGES))
            number = subject.campaign * count_per_campaign() + within
            title, text = _write(subject, CHANNELS[channel], language, variant, number)
            rows.append(
                {
                    "creative_id": identifiers(np.array([number]))[0].as_py(),
                    "campaign_id": campaign_id,
                    "channel": CHANNELS[channel],
                    "title": title,
                    "creative_text": text,
                    "language": LANGUAGES[language],
                }
            )
    names = ("creative_id", "campaign_id", "channel", "title", "creative_text", "language")
    made = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))
    created = np.repeat(np.array([subject.start - DAYS_BEFORE for subject in subjects], np.int64), count_per_campaign())
    return made.append_column("created_date", dates(created))


def _write(subject: Subject, channel: str, language: int, variant: int, number: int) -> tuple[str, str]:
    line, what, warning = LINES[subject.line][language]
    title = subject.name if language == 0 else f"{line.capitalize()} campaign"
    offer = OFFERS[variant][language].format(line=line, what=what)
    promise = PROMISE[language] if number % PROMISE_EVERY == 5 else ""
    said = "" if number % SILENT_EVERY == 7 else warning + " " * language
    return title, GREETINGS[channel][language] + promise + offer + said + ENDINGS[channel][language]
