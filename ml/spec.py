"""What a model's spec says: the question, the data, the baseline, the gates and the owner; nothing of how."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import ml.models
from ml.errors import ModelError

# Words of a column's name that speak of a protected attribute: models are judged by them and never learn from them.
PROTECTED = {"sex", "gender", "age", "birth", "region", "district", "marital", "ethnicity", "religion", "nationality"}


@dataclass(frozen=True)
class Population:
    """Whom the model is about: whose `column` is at least `at_least`, and below `below`, on the as-of date."""

    column: str
    at_least: float
    statement: str
    below: float | None = None


@dataclass(frozen=True)
class Economics:
    """Money of one contact, in currency units, and how many customers a branch can contact in the horizon.

    `success_value` is what finding one positive is worth on average, the chance that a contact changes it included.
    """

    contact_cost: float
    success_value: float
    capacity: int


@dataclass(frozen=True)
class Needs:
    """The fewest positives in each part of the training data below which training makes no sense."""

    train_positives: int = 50
    calibration_positives: int = 20
    test_positives: int = 20


@dataclass(frozen=True)
class Gates:
    """What a version must show on the out-of-time rows before it may become the champion.

    Of the primary `metric`, its interval must lie above the baseline's and no further than `margin` below the
    champion's. `at_most` and `at_least` bound other metrics' values. A metric that reaches its value in
    `unbelievable` speaks of leakage. `limits` are bounds by names that only the technique knows.
    """

    metric: str
    margin: float = 0.01
    minimum_rows: int = 500
    minimum_positives: int | None = 30
    at_most: Mapping[str, float] = field(default_factory=dict)
    at_least: Mapping[str, float] = field(default_factory=dict)
    unbelievable: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One model. What its technique doesn't ask for stays empty.

    `sources` are the source tables without which the question can't be put (`campaign.contact`). `unjudged_groups`
    says why a version may pass where nobody's sex, age and region are known, and why gaps between groups limit nothing
    where `gates.limits` names none. `bands` are shares of the calibration customers from the top; the rest is `low`.
    `reasons_for` are the bands that somebody acts on: at least those that a tag does (models/profile/model of the dbt
    project). `tells` is what the score tells, in zh and en, for the sentences of reasons. `params` are the technique's
    own.
    """

    name: str
    question: str
    owner: str
    technique: str
    horizon_days: int
    features_table: tuple[str, ...]
    features: tuple[str, ...]
    population: Population
    gates: Gates
    label_table: tuple[str, ...] = ()
    label: str = ""
    more_tables: tuple[tuple[str, str], ...] = ()
    sources: tuple[str, ...] = ()
    baseline_columns: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    unjudged_groups: str = ""
    bands: Mapping[str, float] = field(default_factory=lambda: {"high": 0.05, "medium": 0.15})
    reasons_for: tuple[str, ...] = ("high",)
    reason_count: int = 3
    needs: Needs = Needs()
    economics: Economics | None = None
    tells: tuple[str, str] = ("评分", "the score")
    params: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    seed: int = 20260101

    @property
    def tables(self) -> tuple[tuple[str, ...], ...]:
        """The warehouse tables that the model reads, as (schema, table)."""
        return tuple(table for table in (self.features_table, self.label_table, *self.more_tables) if table)

    def hash(self) -> str:
        """The spec's version: SHA-256 over everything it says."""
        text = json.dumps(asdict(self), sort_keys=True, default=dict)
        return hashlib.sha256(text.encode()).hexdigest()


def windows(*names: str, days: tuple[int, ...] = (30, 90)) -> tuple[str, ...]:
    """Column names by window: `windows("call_count")` → `("call_count_30d", "call_count_90d")`."""
    return tuple(f"{name}_{window}d" for name in names for window in days)


def levels(column: str, *values: str) -> tuple[str, ...]:
    """A text column as features, one a value: `levels("language", "zh")` → `("language is zh",)`.

    A value that isn't named, such as one that training never saw, is none of them; it is scored like any other.
    """
    return tuple(f"{column} is {value}" for value in values)


def model_names() -> list[str]:
    """The models there are: the modules of `ml.models`."""
    return sorted(module.name for module in pkgutil.iter_modules(ml.models.__path__))


def load_spec(name: str) -> Spec:
    """The spec of a model. Raises ModelError for a name that `ml/models` hasn't, or a protected feature."""
    if name not in model_names():
        raise ModelError(f"There is no model {name!r}. Known: {', '.join(model_names())}.")
    spec: Spec = importlib.import_module(f"ml.models.{name}").SPEC
    refuse_protected(spec)
    return spec


def protected(names: Iterable[str]) -> list[str]:
    """Those of the names that speak of a protected attribute."""
    return [name for name in names if PROTECTED & set(re.split("[^a-z]+", name.lower()))]


def refuse_protected(spec: Spec) -> None:
    """Raise ModelError where a feature or a baseline's column speaks of a protected attribute."""
    if wrong := protected((*spec.features, *spec.baseline_columns)):
        raise ModelError(
            f"{spec.name} names {', '.join(wrong)}: a protected attribute is never a feature. Models are judged by"
            " sex, age and region (features.ftr_group), and learn from neither. Take it out of the spec."
        )
