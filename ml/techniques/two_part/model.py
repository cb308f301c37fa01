"""A trained value model: whether a customer earns anything, how much then, and the baseline it is judged against."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

from ml.errors import ArtefactRefused, DataError
from ml.judging import drift, plots
from ml.judging.fairness import with_groups
from ml.judging.groups import groups_of
from ml.judging.judgement import Judgement
from ml.judging.kinds import value
from ml.judging.reasons import top_reasons
from ml.judging.slices import RESAMPLES, slices_by
from ml.techniques.trees import predicted
from ml.techniques.two_part.data import ValueSet, discounted_months, repeated_column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The amount's trees go by the name that MLflow's flavour knows.
ACTIVE, AMOUNT, PLAIN = "active.lgb", "model.lgb", "model.json"
ABOUT = ("客户价值", "the customer's value")
YEAR = 12
SHAP_SAMPLE = 500
SHOWN = ("spearman", "mae", "decile_error")
ABSENT = {"cost": "nobody is contacted for being valuable, and the spec states no cost of a contact"}


@dataclass(frozen=True)
class ValueJudgement(Judgement):
    """With the deciles, in Markdown."""

    section: str = ""

    def sections(self) -> list[str]:
        """For the model card."""
        return [self.section, *super().sections()]


@dataclass(frozen=True)
class Plain:
    """The few numbers beside the trees.

    The expected margin of `months` is `scale` · (p (b + s f) + (1 - p) `idle`): p and f are the two boosters', b
    the months before repeated, s the larger of |b| and `least`.
    """

    months: int
    discount_rate: float
    scale: float
    idle: float
    least: float
    typical: float
    thresholds: dict[str, float]


@dataclass
class Model:
    """Two boosters over the same features, and the numbers that join them; `baselines`: what drift is measured by."""

    active: lightgbm.Booster
    amount: lightgbm.Booster
    plain: Plain
    features: tuple[str, ...]
    null_shares: tuple[float, ...]
    described: dict[str, Any]
    threads: int
    facts: dict[str, Any]
    baselines: dict[str, drift.Baseline] = field(default_factory=dict)
    seen: drift.Watch | None = None

    @property
    def thresholds(self) -> dict[str, float]:
        """The least yearly value of each band."""
        return self.plain.thresholds

    @property
    def horizon_days(self) -> int:
        """How long the margin that was learnt takes to be earned: month ends lie no closer."""
        return 30 * self.plain.months

    @property
    def yearly(self) -> float:
        """What the margin of the horizon is worth over a year, as if it went on: 1 where it is a year."""
        rate = self.plain.discount_rate
        return discounted_months(YEAR, rate) / discounted_months(self.plain.months, rate)

    def repeated(self, numbers: np.ndarray) -> np.ndarray:
        """The months before, once more (n,), discounted like the months to come; nothing where nothing is known."""
        column = numbers[:, self.features.index(repeated_column(self.plain.months))]
        worth = discounted_months(self.plain.months, self.plain.discount_rate)
        return np.asarray(np.nan_to_num(column) / self.plain.months * worth)

    def expected(self, numbers: np.ndarray) -> np.ndarray:
        """The expected margin (n,) of the horizon for features (n, len(features))."""
        before = self.repeated(numbers)
        chance = predicted(self.active, numbers, self.threads)
        change = predicted(self.amount, numbers, self.threads)
        size = np.maximum(np.abs(before), self.plain.least)
        return np.asarray(self.plain.scale * (chance * (before + size * change) + (1 - chance) * self.plain.idle))

    def score(self, numbers: np.ndarray) -> np.ndarray:
        """The expected margin (n,) of the next 12 months, discounted, in currency units."""
        return self.expected(numbers) * self.yearly

    def bands(self, scores: np.ndarray) -> np.ndarray:
        """The band (n,) of each value: the first, from the top, whose least it reaches; else `low`."""
        names, least = list(self.thresholds), list(self.thresholds.values())
        return np.select([scores >= limit for limit in least], names, default="low")

    def contributions(self, numbers: np.ndarray) -> np.ndarray:
        """What each feature does to the yearly value (n, len(features)), in currency units.

        SHAP of the change times its size and chance; SHAP of the chance's log-odds times the derivative; the
        months before against the typical customer's.
        """
        before = self.repeated(numbers)
        chance = predicted(self.active, numbers, self.threads)
        change = predicted(self.amount, numbers, self.threads)
        size = np.maximum(np.abs(before), self.plain.least)
        of_change = np.asarray(self.amount.predict(numbers, pred_contrib=True, num_threads=self.threads))[:, :-1]
        of_chance = np.asarray(self.active.predict(numbers, pred_contrib=True, num_threads=self.threads))[:, :-1]
        slope = (before + size * change - self.plain.idle) * chance * (1 - chance)
        found = of_change * (chance * size)[:, None] + of_chance * slope[:, None]
        found[:, self.features.index(repeated_column(self.plain.months))] += before - self.plain.typical
        return np.asarray(found * self.plain.scale * self.yearly)

    def reasons(self, numbers: np.ndarray, count: int) -> list[str]:
        """Per row, as JSON, the features that raise the value most, in currency units, largest first."""
        if not len(numbers):
            return []
        return top_reasons(self.features, numbers, self.contributions(numbers), count, self.described, ABOUT)

    def _of(self, data: ValueSet, rows: np.ndarray) -> np.ndarray:
        if data.months != self.plain.months:
            raise DataError(
                f"The model looks {self.plain.months} months ahead and the data {data.months}: they can't be compared."
            )
        return np.asarray(data.columns(self.features)[rows])

    def judge(self, data: ValueSet, rows: np.ndarray, seed: int) -> ValueJudgement:
        """Against the months before, repeated, on the rows (mask (n,))."""
        numbers = self._of(data, rows)
        promised, came, before = self.expected(numbers), data.margin[rows], data.repeated[rows]
        judged = value.compare(promised, before, came, seed=seed)
        is_top = self.bands(promised * self.yearly) == next(iter(self.thresholds), "")
        measured = value.promises_by_group(promised, came, is_top)
        groups = groups_of(data, rows)

        def of(mask: np.ndarray) -> Judgement:
            return value.compare(promised[mask], before[mask], came[mask], RESAMPLES, seed)

        judged = replace(
            with_groups(judged, measured, groups, seed),
            slices=slices_by(of, groups, SHOWN),
            drift=drift.drift(self.baselines, self.features, numbers, promised * self.yearly),
            absent=ABSENT,
        )
        text = value.table(f"Promise and outcome, {self.plain.months} months", promised, came)
        return ValueJudgement(**{one.name: getattr(judged, one.name) for one in fields(Judgement)}, section=text)

    def watch(self) -> drift.Watch:
        """A new count of customers against those of training, to be fed while they are scored."""
        return drift.Watch(self.baselines, self.features)

    def against(self, rival: Model, data: ValueSet, rows: np.ndarray, seed: int) -> Judgement:
        """Another value model in the baseline's place."""
        ours, theirs = self.expected(self._of(data, rows)), rival.expected(rival._of(data, rows))
        return value.compare(ours, theirs, data.margin[rows], seed=seed)

    def figures(self, data: ValueSet, rows: np.ndarray, seed: int) -> dict[str, Figure]:
        """Promise and outcome by tenth, the margin that the first reach, and which features move the value."""
        numbers = self._of(data, rows)
        promised, came = self.expected(numbers), data.margin[rows]
        months = f"the last {self.plain.months} months' margin"
        sample = np.random.default_rng(seed).choice(len(numbers), min(SHAP_SAMPLE, len(numbers)), replace=False)
        return {
            "deciles.png": value.plot(promised, came),
            "gain.png": plots.gain(promised, data.repeated[rows], came, months, "realised margin"),
            "lift.png": plots.lift(promised, came, "mean margin"),
            "shap.png": plots.importance(
                self.features, self.contributions(numbers[np.sort(sample)]), "currency units a year"
            ),
        }

    def save(self, folder: Path, example: dict[str, Any]) -> None:
        """Write an MLflow model of plain files into the new `folder`: booster texts, JSON, MLmodel."""
        import mlflow.lightgbm
        import pandas as pd
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema

        columns = [ColSpec("double", name, required=False) for name in self.features]
        mlflow.lightgbm.save_model(
            self.amount,
            str(folder),
            signature=ModelSignature(Schema(columns), Schema([ColSpec("double")])),
            input_example=pd.DataFrame([example], columns=list(self.features), dtype="float64"),
            pip_requirements=[f"lightgbm=={lightgbm.__version__}"],
        )
        (folder / ACTIVE).write_text(self.active.model_to_string(), encoding="utf-8")
        plain = {
            "technique": "two_part",
            "plain": self.plain.__dict__,
            "features": list(self.features),
            "null_shares": list(self.null_shares),
            "described": self.described,
            "threads": self.threads,
            "facts": self.facts,
            "baselines": drift.as_plain(self.baselines),
        }
        (folder / PLAIN).write_text(json.dumps(plain, indent=1), encoding="utf-8")


def load(folder: Path) -> Model:
    """The model that `save` wrote; reads text and JSON only. Raises ArtefactRefused where they don't fit."""
    try:
        plain = json.loads((folder / PLAIN).read_text(encoding="utf-8"))
        active, amount = (
            lightgbm.Booster(model_str=(folder / name).read_text(encoding="utf-8")) for name in (ACTIVE, AMOUNT)
        )
        model = Model(
            active=active,
            amount=amount,
            plain=Plain(**plain["plain"]),
            features=tuple(plain["features"]),
            null_shares=tuple(plain["null_shares"]),
            described=plain["described"],
            threads=plain["threads"],
            facts=plain["facts"],
            baselines=drift.from_plain(plain["baselines"]),
        )
    except (OSError, ValueError, KeyError, TypeError, lightgbm.basic.LightGBMError) as error:
        raise ArtefactRefused(f"The model's files can't be read: {error}. Train and promote again.") from error
    if any(booster.feature_name() != list(model.features) for booster in (active, amount)):
        raise ArtefactRefused(f"{ACTIVE}, {AMOUNT} and {PLAIN} name different features: they aren't of one model.")
    return model
