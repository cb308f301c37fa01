"""What the values of a column look like: ID numbers, cards, their tracks, mobiles, mail, names. Judged by form alone.

Digits prove little: one number in ten passes Luhn, and of those of eleven digits that begin with 1 more than half begin
as a mobile does. So of the values that have a kind's shape more must pass its test than other numbers would. A card's
verification number (three digits) or a PIN has no form: such columns are known by their names (grades/secret.py).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
# The first two digits: the provinces of GB/T 2260.
PROVINCE = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
# Nine in ten people have one of these; a word that is none seldom begins with one.
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金"
    "韦贾夏付方邹熊白孟秦邱侯江尹薛阎雷龙史陶贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
MOBILE = re.compile("1(?:3[0-9]|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])")
# The card, and what follows its expiry: international or national, how it is authorised, what it may be used for.
TRACK = re.compile(r"([0-9]{12,19})(?:\^[^^]*\^|[=D])([0-9]{7,})")
SERVICE = re.compile("[12567][024][0-7]|9[024][0-7]")
COMPOUND = ("欧阳", "司马", "上官", "诸葛", "司徒", "慕容")
# More than by chance: so many standard deviations, and so much of it.
DEVIATIONS, TIMES = 5, 1.3
# Fewer hits than that are an accident.
FEW = 3


def is_id_number(text: str) -> bool:
    """A citizen's number of 18 digits (GB 11643): province, birth date, ISO 7064 MOD 11-2 check digit."""
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    check = CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(text, WEIGHTS, strict=False)) % 11]
    return PROVINCE.match(text) is not None and 1900 <= born.year <= date.today().year and text[17].upper() == check


def is_card_number(text: str) -> bool:
    """The number of a payment card (ISO/IEC 7812-1): an issuer's first digits, Luhn's check digit."""
    doubled = (int(digit) * 2 for digit in text[-2::-2])
    total = sum(map(int, text[-1::-2])) + sum(twice - 9 if twice > 9 else twice for twice in doubled)
    return text[0] in "3456" and total % 10 == 0


def is_mobile(text: str) -> bool:
    """A mobile number of the mainland: eleven digits, the first three of them given to a carrier."""
    return MOBILE.match(text) is not None


def is_track(text: str) -> bool:
    """What the magnetic stripe of a card holds (ISO/IEC 7813), track 1 or 2: card, month of expiry, service code."""
    card, after = TRACK.findall(text)[0]
    digits = re.sub("[^0-9]", "", after)
    return is_card_number(card) and 1 <= int(digits[2:4]) <= 12 and SERVICE.match(digits[4:7]) is not None


def is_name(text: str) -> bool:
    """A Chinese name by its surname."""
    return text[0] in SURNAMES or text[:2] in COMPOUND


@dataclass(frozen=True)
class Kind:
    """How values of a kind are found, the class that is theirs, and how a column of them is told from others.

    `chance`: the part of other values with the same shape that pass the test, too; `passing`: so many pass where all
    are of the kind. `warns`, `stops`: the shares of values from which on a gate does; `stops` of none: it only warns.
    `distinct`: fewer different values are a list of words, not of persons. `few`: fewer hits are an accident.
    `is_secret`: it authenticates a person (category C3), so it may be in no column at all.
    """

    name: str
    data_class: str
    grade: int
    shape: re.Pattern[str]
    test: Callable[[str], bool]
    chance: float
    passing: float = 0.5
    warns: float = 0.01
    stops: float | None = 0.1
    distinct: int = 1
    few: int = FEW
    is_secret: bool = False


def _digits(pattern: str) -> re.Pattern[str]:
    # Not in the middle of a longer number or a token.
    return re.compile(rf"(?<![0-9A-Za-z*]){pattern}(?![0-9A-Za-z*])")


KINDS = (
    Kind("ID numbers", "identity.id_number", 4, _digits("[0-9]{17}[0-9Xx]"), is_id_number, 0.001),
    Kind("card numbers", "account.card_number", 4, _digits("[0-9]{16,19}"), is_card_number, 0.1),
    Kind("mobile numbers", "contact.mobile", 3, _digits("(?:(?:\\+|00)?86[- ]?)?([0-9]{11})"), is_mobile, 0.55, 0.9),
    Kind("mail addresses", "contact.email", 3, re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), lambda _: True, 0.0),
    Kind(
        "names of persons", "identity.name", 3, re.compile(r"^\s*([\u4e00-\u9fff]{2,4})\s*$", re.MULTILINE),
        is_name, 0.5, 0.7, warns=0.5, stops=None, distinct=30,
    ),
    # With its sentinels nothing else looks like it: one is too many.
    Kind(
        "card track data", "account.card_number", 4,
        re.compile(r"%[Bb][0-9]{12,19}\^[^^\n]{2,26}\^[0-9]{7,}[^?\n]*\?|;[0-9]{12,19}=[0-9]{7,}\?"),
        is_track, 0.0, warns=0.0, stops=0.0, few=1, is_secret=True,
    ),
    Kind(
        "card track data without sentinels", "account.card_number", 4,
        _digits(r"[0-9]{12,19}(?:=|D)[0-9]{7,21}"), is_track, 0.002, warns=0.0, stops=0.0, is_secret=True,
    ),
)  # fmt: skip
# Typed in groups: 6222 0212 3456 7890.
GROUPED = re.compile(r"(?<=[0-9])[ -](?=[0-9]{4}(?:[ -]|\b))")


@dataclass(frozen=True)
class Likeness:
    """What a column looks like: the kind, the share of its values, some of them, and whether that stops a gate."""

    kind: Kind
    share: float
    count: int
    values: tuple[str, ...]

    @property
    def stops(self) -> bool:
        """Whether so large a share may not go on."""
        return self.kind.stops is not None and self.share >= self.kind.stops


def of_values(values: Sequence[str | None], kinds: Sequence[Kind] = KINDS) -> list[Likeness]:
    """The kinds that a column's values look like; nulls and empty texts are no values."""
    counts = Counter(text for text in values if text)
    texts = Counter[str]()
    for text, count in counts.items():
        texts[GROUPED.sub("", text) if text[-1].isdigit() and not text.isdigit() else text] += count
    lines = "\n".join(texts)
    # Most columns have nothing of the shape: one search says so, not one a value.
    found = [one for kind in kinds if kind.shape.search(lines) and (one := _of(kind, texts)) is not None]
    # An ID number has the shape of a card's, and one in ten its check digit, too.
    if found and found[0].kind.name == "ID numbers":
        found = [one for one in found if one.kind.name != "card numbers"]
    return found


def _of(kind: Kind, texts: Counter[str]) -> Likeness | None:
    shaped = Counter[str]()
    for text, often in texts.items():
        if match := kind.shape.search(text):
            shaped[match[match.re.groups]] += often
    hits = [value for value in shaped if kind.test(value)]
    count = sum(shaped[value] for value in hits)
    if count < kind.few or len(hits) < min(kind.distinct, count):
        return None
    # By different values: one that comes a thousand times proves as much as one that comes once.
    rate, share = len(hits) / len(shaped), count / texts.total()
    if rate < kind.passing:
        # Among other numbers: as many as chance doesn't explain.
        noise = math.sqrt(kind.chance * (1 - kind.chance) / len(shaped))
        if rate < max(kind.chance * TIMES, kind.chance + DEVIATIONS * noise):
            return None
        share = (rate - kind.chance) / (1 - kind.chance) * shaped.total() / texts.total()
    return Likeness(kind, share, count, tuple(hits[:3])) if share >= kind.warns else None
