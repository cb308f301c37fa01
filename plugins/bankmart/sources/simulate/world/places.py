"""Districts and branches of the bank, and the public figures about them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from bankmart.sources.simulate.calendar import Array, day_number, to_date
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.write import Outbox, dates, money

# province and city as in an address, region, pay relative to the mean, districts by their GB/T 2260 code
CITIES: tuple[tuple[str, str, float, dict[str, str]], ...] = (
    ("北京市", "华北", 1.45, {"110101": "东城区", "110102": "西城区", "110105": "朝阳区",
                           "110106": "丰台区", "110108": "海淀区"}),
    ("上海市", "华东", 1.42, {"310101": "黄浦区", "310104": "徐汇区", "310105": "长宁区",
                           "310112": "闵行区", "310115": "浦东新区"}),
    ("广东省广州市", "华南", 1.2, {"440103": "荔湾区", "440104": "越秀区",
                        "440105": "海珠区", "440106": "天河区"}),
    ("广东省深圳市", "华南", 1.3, {"440303": "罗湖区", "440304": "福田区",
                        "440305": "南山区", "440306": "宝安区"}),
    ("浙江省杭州市", "华东", 1.22, {"330102": "上城区", "330106": "西湖区",
                        "330108": "滨江区", "330109": "萧山区"}),
    ("江苏省南京市", "华东", 1.15, {"320102": "玄武区", "320104": "秦淮区",
                        "320105": "建邺区", "320106": "鼓楼区"}),
    ("江苏省苏州市", "华东", 1.12, {"320505": "虎丘区", "320506": "吴中区", "320508": "姑苏区"}),
    ("四川省成都市", "西南", 0.98, {"510104": "锦江区", "510105": "青羊区",
                        "510107": "武侯区", "510108": "成华区"}),
    ("重庆市", "西南", 0.92, {"500103": "渝中区", "500105": "江北区", "500106": "沙坪坝区"}),
    ("湖北省武汉市", "华中", 0.95, {"420102": "江岸区", "420106": "武昌区", "420111": "洪山区"}),
    ("湖南省长沙市", "华中", 0.93, {"430102": "芙蓉区", "430104": "岳麓区"}),
    ("河南省郑州市", "华中", 0.82, {"410102": "中原区", "410105": "金水区"}),
    ("陕西省西安市", "西北", 0.88, {"610102": "新城区", "610103": "碑林区", "610113": "雁塔区"}),
    ("山东省济南市", "华东", 0.92, {"370102": "历下区", "370103": "市中区"}),
    ("山东省青岛市", "华东", 0.98, {"370202": "市南区", "370203": "市北区"}),
    ("福建省厦门市", "华东", 1.02, {"350203": "思明区", "350206": "湖里区"}),
    ("辽宁省沈阳市", "东北", 0.78, {"210102": "和平区", "210103": "沈河区"}),
    ("辽宁省大连市", "东北", 0.83, {"210202": "中山区"}),
)  # fmt: skip
DISTRICTS = [
    (code, city, name, region, pay) for city, region, pay, districts in CITIES for code, name in districts.items()
]
DISTRICT_CODES = [district[0] for district in DISTRICTS]
DISTRICT_PAY = np.array([district[4] for district in DISTRICTS])
BRANCH_PLACES = ("中心", "广场", "大学城", "科技园", "人民路", "解放路", "新城", "火车站")
INDICATORS = {
    "cpi_yoy": (0.4, 0.35),
    "lpr_1y": (3.0, 0.05),
    "lpr_5y": (3.5, 0.05),
    "m2_yoy": (8.1, 0.4),
    "pmi_manufacturing": (49.8, 0.5),
    "unemployment_urban": (5.2, 0.12),
}


class Places:
    """Branches by number: `district[i]` is the index of branch i's district; `of_district` lists them."""

    def __init__(self, config: SimulationConfig) -> None:
        rng = config.rng("places")
        per_district = rng.integers(1, 4, len(DISTRICTS))
        self.config = config
        self.district = np.repeat(np.arange(len(DISTRICTS)), per_district)
        self.first = np.cumsum(per_district) - per_district
        self.per_district = per_district
        self.opened = rng.integers(day_number_of(1996), day_number_of(2018), len(self.district))
        names = rng.integers(0, len(BRANCH_PLACES), len(DISTRICTS))
        self.ids = [f"{DISTRICT_CODES[d]}{i:03d}" for i, d in enumerate(self.district)]
        self.names = [
            f"{DISTRICTS[d][1][-3:]}{DISTRICTS[d][2]}{BRANCH_PLACES[(names[d] + i) % 8]}支行"
            for i, d in enumerate(self.district)
        ]

    def branch_of(self, district: Array, rng: np.random.Generator) -> Array:
        """A branch of each district, drawn evenly."""
        rank = (rng.random(len(district)) * self.per_district[district]).astype(int)
        branch: Array = self.first[district] + rank
        return branch

    def hand_over(self, outbox: Outbox) -> None:
        """The branch and district tables."""
        branches = pa.table(
            {
                "branch_id": self.ids,
                "name": self.names,
                "district_id": [DISTRICT_CODES[d] for d in self.district],
                "region": [DISTRICTS[d][3] for d in self.district],
                "opened_date": dates(self.opened),
            }
        )
        districts = _district_table(self.config)
        outbox.full("core_banking__branch", lambda _: branches)
        outbox.full("external__district", lambda _: districts)


def indicators(config: SimulationConfig, outbox: Outbox, serial: int, last_day: int) -> None:
    """The month's macro indicators, published on its last day; each wanders about its own level."""
    noise = config.rng("macro", serial).normal(0, 1, len(INDICATORS))
    levels = [round(m + s * e, 2) for (m, s), e in zip(INDICATORS.values(), noise, strict=True)]
    day = np.full(len(levels), last_day)
    rows = {"indicator_code": list(INDICATORS), "period_date": dates(day), "indicator_value": levels}
    outbox.events("external__macro_indicator", rows, day)


def day_number_of(year: int) -> int:
    """The day number of 1 January."""
    return day_number(to_date(0).replace(year=year))


def _district_table(config: SimulationConfig) -> pa.Table:
    rng = config.rng("districts")
    count = len(DISTRICTS)
    crime = rng.integers(300, 9000, count)
    crime[rng.random(count) < 0.04] = -1
    return pa.table(
        {
            "district_id": DISTRICT_CODES,
            "name": [district[1] + district[2] for district in DISTRICTS],
            "region": [district[3] for district in DISTRICTS],
            "population": rng.integers(180_000, 3_200_000, count),
            "urban_rate": np.round(rng.uniform(0.72, 1.0, count), 3),
            "average_salary_amount": money(np.rint(DISTRICT_PAY * rng.uniform(7600, 9400, count)) * 100),
            "unemployment_rate": np.round(rng.uniform(0.028, 0.066, count), 4),
            "entrepreneurs_per_1000": rng.integers(28, 190, count),
            "crime_count": pa.array(crime, mask=crime < 0),
        }
    )
