"""Who takes an offer if contacted: a `binary` model of customer and offer; a customer's score is of the best offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.data.contacts import ContactSet, Offer, expanded, own_name, read_contacts
from ml.data.leakage import check_leakage, too_good_alone
from ml.data.split import Split
from ml.errors import ArtefactRefused, LeakageFound
from ml.judging import drift
from ml.judging.judgement import Judgement
from ml.judging.kinds.probability import ProbabilityJudgement
from ml.judging.reasons import SCORE, Description, describe, top_reasons
from ml.spec import Spec
from ml.techniques import binary

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from psycopg2.extensions import connection


@dataclass
class Model:
    """`of_offer` judges a customer and an offer; this one streams customers and looks for the best of `offers`.

    Drift is measured against `baselines`, those contacted, where contacts are judged, and against `of_everyone` where
    all customers are scored: a campaign's choice is no drift.
    """

    of_offer: binary.Model
    features: tuple[str, ...]
    own: Mapping[str, Mapping[str, str]]
    offers: tuple[Offer, ...]
    null_shares: tuple[float, ...]
    baselines: dict[str, drift.Baseline]
    of_everyone: dict[str, drift.Baseline]

    @property
    def facts(self) -> dict[str, Any]:
        """What is worth knowing of its making."""
        return self.of_offer.facts

    @facts.setter
    def facts(self, facts: dict[str, Any]) -> None:
        self.of_offer.facts = facts

    def by_offer(self, numbers: np.ndarray) -> np.ndarray:
        """Probabilities (n, offers) for customers (n, len(features))."""
        return np.column_stack([self.of_offer.score(self._with(numbers, offer)) for offer in self.offers])

    def score(self, numbers: np.ndarray) -> np.ndarray:
        """The probability (n,) that the customer takes the offer that suits best."""
        return np.asarray(self.by_offer(numbers).max(axis=1))

    def promised(self, data: ContactSet, rows: np.ndarray) -> np.ndarray:
        """The probability (k,) of each contact in the mask, for what was really offered."""
        return self.of_offer.promised(data, rows)

    def bands(self, scores: np.ndarray) -> np.ndarray:
        """The band (n,) of each score."""
        return self.of_offer.bands(scores)

    def reasons(self, numbers: np.ndarray, count: int) -> list[str]:
        """Per row, as JSON, what of the customer speaks most for the best offer (never the offer itself)."""
        if not len(numbers):
            return []
        best = self.by_offer(numbers).argmax(axis=1)
        of_customer = [at for at, name in enumerate(self.of_offer.features) if not name.startswith("offer_")]
        names = [self.of_offer.features[at] for at in of_customer]
        found: list[str] = [""] * len(numbers)
        tells, known = self.facts.get("tells", SCORE), self.facts.get("descriptions", {})
        for at, offer in enumerate(self.offers):
            rows = np.flatnonzero(best == at)
            if not len(rows):
                continue
            wide = self._with(numbers[rows], offer)
            shap = self.of_offer.shap(wide)[:, of_customer]
            said = top_reasons(names, wide[:, of_customer], shap, count, known, (tells[0], tells[1]))
            for row, text in zip(rows.tolist(), said, strict=True):
                found[row] = text
        return found

    def judge(self, data: ContactSet, rows: np.ndarray, seed: int) -> ProbabilityJudgement:
        """Of the contacts in the mask (n,), each for what was offered. Drift is of the customers, not of campaigns."""
        customers = data.columns(self.features)[rows]
        found = drift.drift(self.baselines, self.features, customers, self.score(customers))
        return replace(self.of_offer.judge(data, rows, seed), drift=found)

    def against(self, rival: Model, data: ContactSet, rows: np.ndarray, seed: int) -> Judgement:
        """As `judge`, with another model in the baseline's place."""
        return self.of_offer.against(rival.of_offer, data, rows, seed)

    def watch(self) -> drift.Watch:
        """A new count of customers against all of training's newest date, to be fed while they are scored."""
        return drift.Watch(self.of_everyone, self.features)

    def figures(self, data: ContactSet, rows: np.ndarray, seed: int) -> dict[str, Figure]:
        """File name → plot."""
        return self.of_offer.figures(data, rows, seed, "contacts")

    def save(self, folder: Path, example: dict[str, float | None]) -> None:
        """Write an MLflow model of customer and offer; what makes it one of customers is among its facts."""
        self.facts["contact"] = {
            "features": list(self.features),
            "own": {name: dict(by_line) for name, by_line in self.own.items()},
            "offers": [asdict(offer) for offer in self.offers],
            "null_shares": list(self.null_shares),
            "baselines": drift.as_plain(self.baselines),
            "of_everyone": drift.as_plain(self.of_everyone),
        }
        self.of_offer.save(folder, example)

    def _with(self, numbers: np.ndarray, offer: Offer) -> np.ndarray:
        flags = [name for name in self.of_offer.features if name.startswith("offer_")]
        return expanded(numbers, self.features, self.own, flags, offer)


def read(spec: Spec, as_of: date, build_id: int | None = None) -> ContactSet:
    """The contacts known on `as_of` with what was offered. Raises as `ml.data.training.read_training`."""
    return read_contacts(spec, as_of, build_id)


def check(link: connection, spec: Spec, data: ContactSet) -> str:
    """As `ml.data.leakage.check_leakage`: of the customers' features, and what the offer adds to them."""
    if alone := too_good_alone(spec, data):
        raise LeakageFound(f"{spec.name} isn't trained: {', '.join(alone)} alone tell the label too well to be true.")
    return check_leakage(link, spec, data.of_customers())


def train(spec: Spec, data: ContactSet, split: Split) -> Model:
    """As `binary.train`, of customer and offer. The offers to choose from are those of the contacts learnt from."""
    made = binary.train(spec, data, split)
    own = dict(data.own)
    words = {
        own_name(pattern): Description(zh, en, "pieces", window) for pattern, zh, en, window in spec.params["own_line"]
    }
    learnt = data.numbers[split.train]
    made.facts["descriptions"] = describe(data.features, learnt, words)
    weight = dict(zip(made.features, made.booster.feature_importance("gain").tolist(), strict=True))
    made.baselines = {}
    model = Model(
        of_offer=made,
        features=data.base,
        own=own,
        offers=tuple(data.known[at] for at in np.unique(data.offers[split.train | split.calibration]).tolist()),
        null_shares=tuple(np.isnan(learnt[:, : len(data.base)]).mean(axis=0).tolist()),
        baselines={},
        of_everyone={},
    )
    weights = [weight.get(name, 0.0) for name in data.base]
    model.baselines, model.of_everyone = (
        drift.baselines(data.base, customers, model.score(customers), weights)
        for customers in (learnt[:, : len(data.base)], data.everyone)
    )
    return model


def explains(model: Model) -> Model:
    """What scores a customer's features and gives reasons for them: the model itself."""
    return model


def load(folder: Path) -> Model:
    """The model that `save` wrote. Raises ArtefactRefused where its files don't fit."""
    made = binary.load(folder)
    try:
        plain = made.facts["contact"]
        return Model(
            of_offer=made,
            features=tuple(plain["features"]),
            own=plain["own"],
            offers=tuple(Offer(**offer) for offer in plain["offers"]),
            null_shares=tuple(plain["null_shares"]),
            baselines=drift.from_plain(plain["baselines"]),
            # Versions from before it was kept: those contacted stand for all.
            of_everyone=drift.from_plain(plain.get("of_everyone", plain["baselines"])),
        )
    except (KeyError, TypeError) as error:
        raise ArtefactRefused(f"The model's files lack what it offers: {error}. Train and promote again.") from error
