"""What people are like with money: hidden traits that behaviour follows, and true tastes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bankmart.sources.simulate.calendar import Array
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.world.people import RETIRED, STUDENT, People
from bankmart.sources.simulate.world.products import LINES

STAGES = ("growing", "mature", "declining", "dormant")
GROWING, MATURE, DECLINING, DORMANT = range(4)
STAGE_SHARE = (0.16, 0.56, 0.12, 0.16)
INFLOWS = ("irregular", "salary", "pension")
IRREGULAR, SALARY, PENSION = range(3)
# log-odds of taking each line: level, age (per 20 years over 42), log income, log wealth, app use, noise
TASTE = np.array(
    [
        [3.0, 0.0, 0.0, 0.0, 0.0, 0.3],
        [0.6, 0.2, 0.1, 0.3, 0.0, 0.5],
        [-1.2, 0.9, 0.0, 0.7, -0.3, 0.5],
        [-1.5, 0.1, 0.4, 0.9, 0.4, 0.5],
        [-1.8, -0.6, 0.5, 0.6, 0.9, 0.5],
        [-2.3, 0.3, 0.5, 0.3, 0.0, 0.5],
        [-1.9, -0.6, 0.6, -0.4, 0.2, 0.5],
        [-1.0, -0.8, 0.8, 0.0, 0.6, 0.5],
    ]
)


class Habits:
    """Traits by customer index; money in CNY per month where not said otherwise."""

    def __init__(self, config: SimulationConfig, people: People) -> None:
        blocks = np.unique(people.block)
        pieces = [self._block(config, people, int(block)) for block in blocks]
        self.columns = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def __getattr__(self, name: str) -> Array:
        """Columns are attributes: `habits.inflow`."""
        try:
            values: Array = self.__dict__["columns"][name]
        except KeyError:
            raise AttributeError(name) from None
        return values

    def write_truth(self, config: SimulationConfig, people: People) -> None:
        """`customer.parquet` (hidden traits, twins), `identity.parquet`, `affinity.parquet` (by product line)."""
        count, ids = len(people), people.ids(np.arange(len(people)))
        twin = np.zeros(count, np.int64)
        twin[people.twins[:, 1]] = people.ids(people.twins[:, 0])
        customers = pa.table(
            {
                "customer_id": pa.array(ids.astype(str)),
                "stage": pa.array(np.array(STAGES)[self.stage]),
                "inflow_kind": pa.array(np.array(INFLOWS)[self.kind]),
                "same_person_as": pa.array(twin.astype(str), mask=twin == 0),
            }
        )
        pq.write_table(customers, config.truth / "customer.parquet")
        person = people.ids(people.persons()).astype(str)
        identity = pa.table({"customer_id": customers["customer_id"], "person_id": pa.array(person)})
        joined = pa.array(people.open_day <= config.last_day)
        pq.write_table(identity.filter(joined), config.truth / "identity.parquet")
        affinity = pa.table(
            {
                "customer_id": pa.array(np.repeat(ids, len(LINES)).astype(str)),
                "product_line": pa.array(np.tile(np.array(LINES), count)),
                "affinity": self.affinity.ravel(),
            }
        )
        pq.write_table(affinity, config.truth / "affinity.parquet")

    @staticmethod
    def _block(config: SimulationConfig, people: People, block: int) -> dict[str, Array]:
        chosen = np.flatnonzero(people.block == block)
        rng, count = config.rng("habits", block), len(chosen)
        age = (config.go_live_day - people.birth_day[chosen]) / 365.25
        job, monthly = people.occupation[chosen], people.income[chosen] / 12
        stage = rng.choice(4, count, p=STAGE_SHARE)
        stage = np.where((people.open_day[chosen] > config.first_month.first) & (stage == DORMANT), GROWING, stage)
        is_main = (rng.random(count) < 0.62) & (stage != DORMANT)
        kind = np.where(is_main, np.where(job == RETIRED, PENSION, SALARY), IRREGULAR)
        kind = np.where((job == STUDENT) | ((kind == SALARY) & (rng.random(count) < 0.12)), IRREGULAR, kind)
        share = np.where(kind == IRREGULAR, np.where(is_main, 0.8, 0.4), 0.85)
        inflow = np.where(stage == DORMANT, 0.0, np.maximum(monthly * share, 900)) // 10 * 10
        old = np.clip((age - 20) / 40, 0.1, 1.3)
        wealth = monthly * 12 * old * rng.lognormal(-0.45, 1.15, count) * np.where(is_main, 1.0, 0.55)
        is_empty = (stage == DORMANT) & (rng.random(count) < 0.6)
        wealth = np.where(is_empty, rng.lognormal(5.0, 1.2, count), np.maximum(wealth, inflow * 1.6))
        likes_app = np.clip(1.35 - (age - 20) / 55, 0.05, 0.96)
        app_rate = np.where(rng.random(count) < likes_app, rng.gamma(3.0, 1.65, count), 0.0)
        app_rate *= np.where(stage == DORMANT, 0.06, np.where(is_main, 1.15, 0.75))
        shop_rate = rng.gamma(5.0, 2.15, count) * np.where(is_main, 1.15, 0.65)
        shop_rate *= np.where(stage == DORMANT, 0.03, 1.0) * np.clip(1.2 - np.abs(age - 33) / 80, 0.5, 1.2)
        profile = np.column_stack(
            [
                np.ones(count),
                (age - 42) / 20,
                np.log(np.maximum(monthly, 300) / 6000),
                np.log(np.maximum(wealth, 100) / 40_000) / 1.5,
                np.clip(app_rate / 4, 0, 2) - 0.7,
                np.zeros(count),
            ]
        )
        odds = profile @ TASTE.T + rng.normal(0, 1, (count, len(LINES))) * TASTE[:, 5]
        odds[(age < 20) | (age > 68), 6] -= 4
        drift = np.select([stage == GROWING, stage == DECLINING], [0.35, -0.75], 0.1)
        return {
            "stage": stage,
            "is_main": is_main,
            "kind": kind,
            "inflow": inflow,
            "pay_day": np.where(rng.random(count) < 0.6, 10, 15),
            "wealth": wealth,
            "save_rate": np.clip(rng.normal(0.06, 0.05, count), -0.02, 0.25),
            "app_rate": app_rate,
            "shop_rate": shop_rate,
            "mood_mean": rng.normal(drift, 0.35),
            "cluster": rng.integers(0, 8, count),
            "call_rate": rng.gamma(1.6, 0.035, count) * np.where(stage == DORMANT, 0.2, 1.0),
            "risk": np.clip(np.rint(3.1 - (age - 42) / 22 + 0.4 * profile[:, 3] + rng.normal(0, 0.9, count)), 1, 5),
            "luck": rng.random((count, 8)),
            "affinity": 1 / (1 + np.exp(-odds)),
        }
