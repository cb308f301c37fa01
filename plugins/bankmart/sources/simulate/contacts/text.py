"""Feedback in Chinese and English: sentences put together from parts, with the slips that people make."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array

NEGATIVE, NEUTRAL, POSITIVE = range(3)
LABELS = ("negative", "neutral", "positive")
ZH_SUBJECTS = (
    "手机银行", "柜台服务", "客服电话", "理财产品", "信用卡", "转账功能", "贷款审批", "网点环境", "存款利率",
    "大堂经理", "短信通知", "积分活动", "ATM取款", "客户经理", "开户流程", "账单页面", "人脸识别", "手续费",
)  # fmt: skip
ZH_OPINIONS = {
    NEGATIVE: (
        "太慢了，等了半天没人理",
        "又出错，真让人失望",
        "态度很差，一问三不知",
        "收费不合理，感觉被坑了",
        "越来越难用",
        "总是闪退，根本打不开",
        "说好的优惠没有兑现",
        "打了三次都没解决问题",
        "流程太繁琐，跑了两趟",
        "更新以后更卡了",
        "推销太多，烦死了",
        "不如别的银行，准备把钱转走",
        "完全不专业",
        "排队一个多小时",
        "利息算得不清不楚",
    ),
    NEUTRAL: (
        "一般般吧，没什么特别",
        "想问一下怎么操作",
        "和以前差不多",
        "还可以，有待改进",
        "请问周末办理吗",
        "用得不多，不好评价",
        "希望增加一些功能",
        "和别家没有太大区别",
        "先用着看看",
        "咨询了一下，还没决定",
        "按流程办的，中规中矩",
    ),
    POSITIVE: (
        "非常方便，几分钟就办好了",
        "很耐心，解释得很清楚",
        "速度快，点赞",
        "收益不错，很满意",
        "界面清爽，老人也会用",
        "一次就解决了问题",
        "比以前好用多了",
        "态度特别好，值得推荐",
        "利率有竞争力",
        "安全又省心",
        "活动实在，换到了礼品",
        "环境干净，不用排队",
        "会继续支持",
    ),
}
ZH_OPENINGS = (
    "",
    "",
    "今天用了一下，",
    "说实话，",
    "我觉得",
    "作为老客户，",
    "上周办业务，",
    "总的来说",
    "第一次来，",
    "家里人也在用，",
)
ZH_ENDINGS = (
    "",
    "。",
    "！",
    "～",
    "，谢谢",
    "，望重视。",
    "……",
    "，就这样",
    "，请尽快回复",
    "！！",
    "，辛苦了",
)
EN_SUBJECTS = (
    "The app", "Branch service", "The hotline", "The wealth product", "My credit card", "The transfer page",
    "Loan approval", "The deposit rate", "My account manager", "The new login", "The statement", "The ATM",
)  # fmt: skip
EN_OPINIONS = {
    NEGATIVE: (
        "is far too slow",
        "keeps crashing",
        "was rude and unhelpful",
        "charged me a fee nobody explained",
        "did not solve my problem after three calls",
        "is a mess since the update",
        "made me queue for an hour",
        "is worse than at other banks, I am moving my money",
        "never works when I need it",
        "was a waste of time",
    ),
    NEUTRAL: (
        "is okay, nothing special",
        "works the same as before",
        "could have more options",
        "is what you would expect",
        "was explained, I have not decided yet",
        "does the job",
        "is average",
        "needs a few more functions",
    ),
    POSITIVE: (
        "is quick and easy",
        "was patient and clear",
        "solved it in one call",
        "is much better than before",
        "pays a fair return",
        "is simple even for my parents",
        "was excellent, I would recommend it",
        "saved me a trip",
        "is safe and reliable",
        "made my day",
    ),
}
EN_OPENINGS = (
    "",
    "",
    "Honestly, ",
    "Used it today. ",
    "As a long-time customer: ",
    "To be fair, ",
    "Last week: ",
)
EN_ENDINGS = ("", ".", "!", " :)", ". Thanks", ". Please reply", "...", ". Fix it", " tbh")
LINKS = (("，不过", "，而且", "，另外"), (", but ", ", and ", "; also "))


def write_feedback(rng: np.random.Generator, label: Array, is_english: Array) -> Array:
    """One text per label; one in six has a second clause that may say otherwise, a few have slips."""
    count = len(label)
    draws = rng.random((count, 8))
    second = np.where(rng.random(count) < 0.75, label, rng.integers(0, 3, count))
    texts = np.empty(count, object)
    for i in range(count):
        english = bool(is_english[i])
        parts = (
            (EN_OPENINGS, EN_SUBJECTS, EN_OPINIONS, EN_ENDINGS)
            if english
            else (ZH_OPENINGS, ZH_SUBJECTS, ZH_OPINIONS, ZH_ENDINGS)
        )
        openings, subjects, opinions, endings = parts
        text = _pick(openings, draws[i, 0]) + _clause(subjects, opinions[int(label[i])], draws[i, 1:3], english)
        if draws[i, 3] < 0.17:
            text += _pick(LINKS[english], draws[i, 3] / 0.17)
            text += _clause(subjects, opinions[int(second[i])], draws[i, 4:6], english)
        text += _pick(endings, draws[i, 6])
        texts[i] = _slip(text, draws[i, 7], english)
    return texts


def _pick(options: tuple[str, ...], draw: float) -> str:
    return options[int(draw * len(options))]


def _clause(subjects: tuple[str, ...], opinions: tuple[str, ...], draw: Array, english: bool) -> str:
    return _pick(subjects, draw[0]) + (" " if english else "") + _pick(opinions, draw[1])


def _slip(text: str, draw: float, english: bool) -> str:
    if draw < 0.03:
        place = int(draw / 0.03 * (len(text) - 1))
        return text[:place] + text[place + 1 :]
    if draw < 0.06:
        return text.lower() if english else text.replace("，", " ")
    if draw < 0.075:
        return text + "\n" + ("Sent from my phone" if english else "来自手机")
    return text
