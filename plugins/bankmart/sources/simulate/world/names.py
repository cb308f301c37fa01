"""Names, numbers and addresses of invented people, valid in form."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array, to_date

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董"
    "潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金"
)
COMPOUND = ("欧阳", "司马", "上官", "诸葛")
GIVEN_M = "伟强磊军洋勇杰涛超明刚平辉鹏飞斌波宇浩凯健俊帆帅旭宁龙林阳建国志文博天昊然子轩泽睿晨逸峰海东"
GIVEN_F = "芳娜敏静丽艳娟霞秀英兰燕玲桂萍红梅莉琳洁雪倩慧颖婷佳欣怡梦琪雨涵诗若彤思语嘉瑶晓云月宁文清"
STREETS = (
    "人民路", "建设路", "解放路", "中山路", "和平路", "新华街", "文化路", "长江路", "黄河路", "学院路",
    "科技大道", "滨江路", "公园路", "迎宾大道", "朝阳街", "幸福路", "光明街", "胜利路", "青年路", "花园街",
)  # fmt: skip
ESTATES = (
    "翠苑",
    "锦绣花园",
    "阳光城",
    "碧水湾",
    "金域华府",
    "春晓小区",
    "丽景苑",
    "康乐里",
    "书香门第",
    "万和家园",
)
MOBILE_PREFIXES = (
    134, 135, 136, 137, 138, 139, 147, 150, 151, 152, 157, 158, 159, 178, 182, 183, 187, 188, 198,
    130, 131, 132, 155, 156, 176, 185, 186, 133, 153, 177, 180, 181, 189, 199,
)  # fmt: skip
MAIL_HOSTS = ("example.com", "example.net", "example.org")
ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
CHECK_DIGITS = "10X98765432"


def full_names(rng: np.random.Generator, is_male: Array) -> Array:
    """A name for each person: common surnames come more often, one given name in three has one character."""
    count = len(is_male)
    rank = (len(SURNAMES) * rng.random(count) ** 1.8).astype(int)
    first, second = rng.integers(0, 50, count), rng.integers(0, 50, count)
    is_short, is_compound = rng.random(count) < 0.3, rng.random(count) < 0.004
    names = np.empty(count, object)
    for i in range(count):
        given = GIVEN_M if is_male[i] else GIVEN_F
        surname = COMPOUND[rank[i] % 4] if is_compound[i] else SURNAMES[rank[i]]
        names[i] = surname + given[first[i] % len(given)]
        if not is_short[i]:
            names[i] += given[second[i] % len(given)]
    return names


def id_numbers(
    rng: np.random.Generator, district_codes: Array, birth_day: Array, is_male: Array, taken: set[str]
) -> Array:
    """18-digit citizen numbers: district, birth date, order number (odd for men), ISO 7064 MOD 11-2 check.

    Numbers in `taken` aren't given again; the new ones are added to it.
    """
    order = rng.integers(0, 480, len(birth_day)) * 2 + is_male
    numbers = np.empty(len(birth_day), object)
    for i, (code, day, rank) in enumerate(zip(district_codes, birth_day, order, strict=True)):
        start = f"{code}{to_date(day):%Y%m%d}"
        while (number := f"{start}{rank:03d}") in taken:
            rank = (rank + 2) % 1000
        taken.add(number)
        numbers[i] = number
    digits = np.array([list(number) for number in numbers]).astype(int)
    check = (digits @ ID_WEIGHTS) % 11
    return np.array([n + CHECK_DIGITS[c] for n, c in zip(numbers, check, strict=True)], object)


def mobiles(rng: np.random.Generator, count: int) -> Array:
    """Mobile numbers of eleven digits with a real prefix."""
    prefix = np.array(MOBILE_PREFIXES)[rng.integers(0, len(MOBILE_PREFIXES), count)]
    return (prefix * 100_000_000 + rng.integers(10_000_000, 99_999_999, count)).astype(str).astype(object)


def emails(rng: np.random.Generator, mobile: Array) -> Array:
    """E-mail addresses under the reserved example domains; two in five people gave none."""
    given, host = rng.random(len(mobile)) < 0.6, rng.integers(0, 3, len(mobile))
    drawn = [f"u{m[3:]}@{MAIL_HOSTS[h]}" if has else None for m, h, has in zip(mobile, host, given, strict=True)]
    return np.array(drawn, object)


def addresses(rng: np.random.Generator, places: Array) -> Array:
    """Addresses in the given places; one in twenty carries a full-width space, as forms leave them."""
    count = len(places)
    street, estate = rng.integers(0, len(STREETS), count), rng.integers(0, len(ESTATES), count)
    number, block, room = (
        rng.integers(1, 999, count),
        rng.integers(1, 30, count),
        rng.integers(101, 2604, count),
    )
    gap = np.where(rng.random(count) < 0.05, "\u3000", "")
    drawn = [
        f"{places[i]}{gap[i]}{STREETS[street[i]]}{number[i]}号{gap[i]}{ESTATES[estate[i]]}{block[i]}栋{room[i]}室"
        for i in range(count)
    ]
    return np.array(drawn, object)


def luhn(start: Array) -> Array:
    """Numbers with the Luhn check digit (ISO/IEC 7812-1) appended; `start` has 15 digits."""
    total, rest = np.zeros(len(start), np.int64), start.copy()
    for place in range(15):
        digit = rest % 10
        rest //= 10
        doubled = digit * 2 if place % 2 == 0 else digit
        total += np.where(doubled > 9, doubled - 9, doubled)
    return start * 10 + (10 - total % 10) % 10
