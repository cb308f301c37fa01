"""The people: who they are on paper, in arrays by customer index; new customers are appended in blocks."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from bankmart.sources.simulate.calendar import NEVER, Array, Month
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.world import names
from bankmart.sources.simulate.world.places import DISTRICT_CODES, DISTRICT_PAY, DISTRICTS, Places
from bankmart.sources.simulate.write import Outbox, dates, money, numbers, words

FIRST_ID = 1_000_000_001
ID_TYPES = ("id_card", "passport", "household_register", "other")
SEXES = ("F", "M")
OCCUPATIONS = (
    "employee", "worker", "civil_servant", "professional", "manager",
    "self_employed", "farmer", "student", "retired", "unemployed",
)  # fmt: skip
OCCUPATION_SHARE = (0.34, 0.2, 0.09, 0.12, 0.06, 0.13, 0.04, 0.0, 0.0, 0.02)
OCCUPATION_PAY = np.array([1.0, 0.75, 1.05, 1.4, 2.1, 1.25, 0.5, 0.18, 0.5, 0.2])
RETIRED, STUDENT = OCCUPATIONS.index("retired"), OCCUPATIONS.index("student")
EDUCATIONS = ("primary", "secondary", "college", "bachelor", "master", "doctor")
MARITAL = ("single", "married", "divorced", "widowed")
STATUS = ("active", "closed")
TWIN_SHARE = 0.006
PLACEHOLDER = "111111111111111111"
PLACEHOLDERS = 7
JOIN_RATE = 0.012
PLACE_NAMES = np.array([district[1] + district[2] for district in DISTRICTS], object)


class People:
    """All customers there will ever be in this run; `block[i]` is the month from which i counts."""

    def __init__(self, config: SimulationConfig, places: Places) -> None:
        self.config, self.places = config, places
        self._taken: set[str] = set()
        start = config.first_month
        blocks = [self._block(0, config.customers, *self._history_days(start))]
        for month in config.calendar():
            count = round(config.customers * JOIN_RATE * (month.last - max(month.first - 1, config.go_live_day)) / 30)
            if month.last > config.go_live_day and count:
                rng = config.rng("joiners", month.serial)
                days = np.sort(rng.integers(max(month.first, config.go_live_day + 1), month.last + 1, count))
                blocks.append(self._block(month.serial, count, days, rng))
        self.columns: dict[str, Array] = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
        self.twins = self._make_twins()
        self._fill_in_placeholders()

    def __getattr__(self, name: str) -> Array:
        """Columns are attributes: `people.birth_day`."""
        try:
            values: Array = self.__dict__["columns"][name]
        except KeyError:
            raise AttributeError(name) from None
        return values

    def __len__(self) -> int:
        """All customers of all blocks."""
        return len(self.columns["open_day"])

    def count(self, month: Month) -> int:
        """Customers that count in this month (those who join later in the same month included)."""
        return int(np.searchsorted(self.columns["block"], month.serial, side="right"))

    def ids(self, index: Array) -> Array:
        """Customer numbers."""
        return FIRST_ID + np.asarray(index, np.int64)

    def age(self, day: int, count: int) -> Array:
        """Years of age on a day."""
        return (day - self.birth_day[:count]) / 365.25

    def hand_over(self, outbox: Outbox, index: Array, effective: Array) -> None:
        """Versions of these customers, true from the given days."""
        c = {name: values[index] for name, values in self.columns.items()}
        rows = {
            "customer_id": self.ids(index),
            "id_type": words(ID_TYPES, c["id_type"]),
            "id_number": pa.array(c["id_number"], pa.string()),
            "name": pa.array(c["name"], pa.string()),
            "sex": words(SEXES, c["sex"]),
            "birth_date": dates(c["birth_day"]),
            "mobile": pa.array(c["mobile"], pa.string()),
            "email": pa.array(c["email"], pa.string()),
            "address": pa.array(c["address"], pa.string()),
            "district_id": words(DISTRICT_CODES, c["district"]),
            "branch_id": words(self.places.ids, c["branch"]),
            "occupation": words(OCCUPATIONS, c["occupation_stated"]),
            "education": words(EDUCATIONS, c["education"]),
            "marital_status": words(MARITAL, c["marital"]),
            "income_amount": money(c["income"] // 1200 * 1200 * 100, c["has_income"]),
            "is_staff": numbers(c["is_staff"]),
            "open_date": dates(c["open_day"]),
            "status": words(STATUS, (c["closed_day"] <= effective).astype(int)),
            "effective_date": dates(effective),
        }
        outbox.versions("core_banking__customer", rows, effective)

    def change(self, month: Month, outbox: Outbox) -> None:
        """Some people move or change their number this month: a new version of their row."""
        rng, count = self.config.rng("changes", month.serial), self.count(month)
        draw, day = rng.random(count), rng.integers(month.first, month.last + 1, count)
        stays = (self.open_day[:count] < day - 30) & (self.closed_day[:count] > day)
        moved = np.flatnonzero((draw < 0.0035) & stays)
        switched = np.flatnonzero((draw >= 0.0035) & (draw < 0.0075) & stays)
        self.district[moved] = rng.integers(0, len(DISTRICTS), len(moved))
        self.branch[moved] = self.places.branch_of(self.district[moved], rng)
        self.address[moved] = names.addresses(rng, PLACE_NAMES[self.district[moved]])
        self.mobile[switched] = names.mobiles(rng, len(switched))
        changed = np.concatenate([moved, switched])
        self.hand_over(outbox, changed, day[changed])

    def _history_days(self, start: Month) -> tuple[Array, np.random.Generator]:
        rng, count = self.config.rng("people"), self.config.customers
        recent = round(count * min(0.35, JOIN_RATE * self.config.months))
        before = start.first - 1 - (12 * 365 * rng.random(count - recent) ** 1.3).astype(int)
        joined = rng.integers(start.first, self.config.go_live_day + 1, recent)
        return np.sort(np.concatenate([before, joined])), rng

    def _block(self, block: int, count: int, open_day: Array, rng: np.random.Generator) -> dict[str, Array]:
        age = np.clip(18.5 + rng.gamma(2.6, 10.5, count), 18.5, 93)
        birth_day = self.config.go_live_day - (age * 365.25).astype(int)
        birth_day = np.minimum(birth_day, open_day - 6580)  # of age when they joined
        now = (self.config.go_live_day - birth_day) / 365.25
        sex = rng.integers(0, 2, count)
        share = np.array([pay * (1.4 if pay > 1.2 else 1.0) for pay in DISTRICT_PAY])
        district = rng.choice(len(DISTRICTS), count, p=share / share.sum())
        job = rng.choice(len(OCCUPATIONS), count, p=OCCUPATION_SHARE)
        job = np.where(now >= 55 + 5 * sex, RETIRED, np.where((now < 23) & (rng.random(count) < 0.7), STUDENT, job))
        school = np.clip(rng.normal(2.2 - 0.02 * (now - 40), 1.1, count), 0, 5).round().astype(int)
        prime = 1 - ((np.clip(now, 22, 65) - 46) / 46) ** 2
        pay = 78_000 * DISTRICT_PAY[district] * OCCUPATION_PAY[job] * (1 + 0.14 * (school - 2))
        income = pay * (0.55 + 0.6 * prime) * rng.lognormal(0, 0.38, count)
        marital = np.where(rng.random(count) < np.clip((now - 22) / 10, 0, 0.86), 1, 0)
        marital = np.where((now > 30) & (rng.random(count) < 0.07), 2, marital)
        marital = np.where((now > 62) & (rng.random(count) < 0.2), 3, marital)
        id_type = np.where(rng.random(count) < 0.992, 0, rng.integers(1, 4, count))
        home = np.where(rng.random(count) < 0.6, district, rng.integers(0, len(DISTRICTS), count))
        id_number = names.id_numbers(rng, np.array(DISTRICT_CODES)[home], birth_day, sex, self._taken)
        foreign = np.array([f"E{n:08d}" for n in rng.integers(1, 10**8, count)], object)
        id_number = np.where(id_type == 0, id_number, foreign)
        id_number[rng.random(count) < 0.004] = None
        mobile = names.mobiles(rng, count)
        email = names.emails(rng, mobile)
        mobile[rng.random(count) < 0.01] = None
        return {
            "block": np.full(count, block),
            "open_day": open_day.astype(np.int64),
            "closed_day": np.full(count, NEVER),
            "birth_day": birth_day,
            "sex": sex,
            "district": district,
            "branch": self.places.branch_of(district, rng),
            "occupation": job,
            "occupation_stated": np.where(rng.random(count) < 0.06, -1, job),
            "education": np.where(rng.random(count) < 0.12, -1, school),
            "marital": np.where(rng.random(count) < 0.05, -1, marital),
            "income": income,
            "has_income": rng.random(count) < 0.85,
            "is_staff": rng.random(count) < 0.006,
            "id_type": id_type,
            "id_number": id_number,
            "name": names.full_names(rng, sex == 1),
            "mobile": mobile,
            "email": email,
            "address": names.addresses(rng, PLACE_NAMES[district]),
        }

    def _make_twins(self) -> Array:
        """A few people are two customers: (pairs, 2) customer indices, the second joined later at another branch.

        Half have shown the same ID document, at times with another address; the others share name, birth date
        and mobile number, their second number having been opened with another document or with none.
        """
        rng, count = self.config.rng("twins"), self.config.customers
        pairs = rng.permutation(count)[: 2 * max(2, round(count * TWIN_SHARE))].reshape(-1, 2)
        for rank, (one, two) in enumerate(np.sort(pairs, axis=1)):
            for name in ("name", "birth_day", "sex", "occupation", "occupation_stated", "education"):
                self.columns[name][two] = self.columns[name][one]
            while self.branch[two] == self.branch[one]:
                self.branch[two] = rng.integers(0, len(self.places.ids))
            if rank % 4 < 2:
                self.address[two] = self.address[one]
            if rank % 2 == 0 and self.id_number[one] is not None:
                self.id_type[two], self.id_number[two] = self.id_type[one], self.id_number[one]
            else:
                if self.mobile[one] is None:
                    self.mobile[one] = names.mobiles(rng, 1)[0]
                self.mobile[two] = self.mobile[one]
                self.id_type[two] = rng.integers(1, len(ID_TYPES))
                self.id_number[two] = f"E{rng.integers(1, 10**8):08d}" if rank % 4 == 1 else None
        return np.sort(pairs, axis=1)

    def _fill_in_placeholders(self) -> None:
        """At a bank of some size, clerks typed the same digits for several customers whose ID they hadn't seen."""
        count = self.config.customers
        if count >= 1000:
            others = np.setdiff1d(np.arange(count), self.twins)
            chosen = self.config.rng("placeholders").choice(others, PLACEHOLDERS, replace=False)
            self.id_type[chosen], self.id_number[chosen] = 0, PLACEHOLDER

    def persons(self) -> Array:
        """The index of the first customer that each customer's person is."""
        person = np.arange(len(self))
        person[self.twins[:, 1]] = self.twins[:, 0]
        return person
