"""Whom does a contact change? Effects of several offers, learnt from contacts that were drawn at random."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.data.leakage import compared_words, refuse_leakage
from ml.data.prerequisite import report
from ml.data.scores import Chunk, Offered, Scored, Target
from ml.data.split import Split, buckets
from ml.data.training import as_date
from ml.errors import DataPrerequisite
from ml.judging import drift
from ml.judging.gate import CALIBRATION, Check
from ml.judging.gate import checks as common_checks
from ml.judging.judgement import Judgement
from ml.spec import Gates, Spec
from ml.techniques.uplift.choice import learn_and_choose
from ml.techniques.uplift.contacts import ContactSet, read_contacts
from ml.techniques.uplift.experiment import CONTROL
from ml.techniques.uplift.learners import BOOSTERS, Arm
from ml.techniques.uplift.model import Model, load
from ml.techniques.uplift.randomised import require_randomised
from ml.techniques.uplift.randomised import told as told_randomised
from ml.techniques.uplift.seeds import by_seed, told

if TYPE_CHECKING:
    from psycopg2.extensions import connection

__all__ = ["check", "checks", "explains", "load", "more_scores", "read", "scored", "scores", "split", "train"]
scores = Offered
more_scores = (Scored,)


def read(spec: Spec, as_of: date, build_id: int | None = None) -> ContactSet:
    """The bank's contacts as of a date (see `read_contacts`)."""
    return read_contacts(spec, as_of, build_id)


def check(link: connection, spec: Spec, data: ContactSet) -> str:
    """Raise NotRandomised where covariates tell the treatment, LeakageFound as for every model."""
    drawn, names = data.experiment(data.features, data.offers()), data.campaigns()
    looked = told_randomised(drawn, data.is_given, names, require_randomised(drawn, data.is_given, names, spec.seed))
    compared = refuse_leakage(link, spec, data)  # type: ignore[arg-type]
    # The same customer's row stands for all his contacts of the date.
    return f"{looked}; no feature alone tells the outcome too well; {compared_words(compared)}"


def split(spec: Spec, data: ContactSet) -> Split:
    """Test: the contacts of the newest as-of date. Learnt from: those whose horizon was over before the first of them.

    A quarter of the customers learnt from choose the learner. Raises DataPrerequisite where there is too little.
    """
    newest = data.day.max()
    test = np.asarray(data.day == newest)
    known = ~test & (data.contact_day + spec.horizon_days < data.contact_day[test].min())
    calibration = known & (buckets(data.customers, 4, "calibration") == 0)
    train = known & ~calibration
    for name, mask, least in (
        ("train", train, spec.needs.train_positives),
        ("calibration", calibration, spec.needs.calibration_positives),
        ("test", test, spec.needs.test_positives),
    ):
        if (found := int(data.label[mask].sum())) < least:
            raise _too_little(
                spec, data, f"{name} has {found} buyers of {int(mask.sum())} contacts, needed are {least}"
            )
    dates = [as_date(day).isoformat() for day in np.unique(data.day[known])]
    return Split(
        train=train,
        stop=np.zeros(len(known), dtype=bool),
        calibration=calibration,
        test=test,
        rule=f"contacts whose {spec.horizon_days} days were over before the first test contact; a quarter of their"
        " customers choose the learner",
        periods={"train": dates, "calibration": dates, "test": [as_date(newest).isoformat()]},
    )


def train(spec: Spec, data: ContactSet, split: Split) -> Model:
    """Learn every offer that has buyers enough, choose the learner on the calibration contacts. Deterministic."""
    learnt, calibration = split.train | split.stop, split.calibration
    offers = _learnable(spec, data, learnt)
    whole = data.experiment(data.features, offers)
    params = dict(spec.params)
    value, seeds = params.pop("value", None), int(params.pop("seeds", 1))

    def learn(seed: int) -> tuple[tuple[Arm, ...], str, dict[str, float]]:
        return learn_and_choose(whole.only(learnt), whole.only(calibration), params, seed, spec.threads)

    arms, kind, qinis = learn(spec.seed)
    seen = learnt | calibration
    if value is None:
        bought = seen & (data.label == 1) & (data.margin > 0)
        value = float(data.margin[bought].mean()) if bought.any() else 1.0
    costs = tuple(float(data.cost[seen & (data.treatment == offer)].mean()) for offer in offers)
    model = Model(
        features=data.features,
        offers=offers,
        arms=arms,
        kind=kind,
        value=float(value),
        costs=costs,
        thresholds={},
        null_shares=tuple(np.isnan(data.numbers[learnt]).mean(axis=0).tolist()),
        described=_described(data, seen),
        threads=spec.threads,
        facts={},
    )
    weights = _weights(model).tolist()
    model.baselines, model.of_everyone = (
        drift.baselines(data.features, numbers, model.score(numbers), weights)
        for numbers in (data.numbers[seen], data.everyone)
    )
    best = model.score(data.numbers[calibration])
    cuts = np.cumsum(list(spec.bands.values()))
    model.thresholds = {name: float(np.quantile(best, 1 - cut)) for name, cut in zip(spec.bands, cuts, strict=True)}
    model.facts = {
        "baseline": "who responds most to the offer (a model of the outcome among those who got it)",
        "learner": kind,
        "offers": list(offers),
        "value": round(float(value), 2),
        "costs": {offer: round(cost, 4) for offer, cost in zip(offers, costs, strict=True)},
        "calibration_qini": {name: round(found, 5) for name, found in qinis.items()},
        "thresholds": model.thresholds,
        "trees": sum(getattr(arm, name).num_trees() for arm in arms for name in ("treated", "control")),
        "about": _about(model, data, offers, qinis),
    }
    if seeds > 1:
        model.facts["by_seed"] = by_seed(
            model, range(spec.seed, spec.seed + seeds), lambda seed: learn(seed)[:2], data, split.test
        )
    model.facts["about"] += told(model.facts.get("by_seed", []))
    return model


def checks(gates: Gates, judged: Judgement) -> list[Check]:
    """As for every model, with two of Qini: it must be no chance, and not below the response model's.

    And one of the effects that it promises: they aren't surely further from those observed than `limits` say.
    """
    made = [one for one in common_checks(gates, judged) if not one.name.endswith("above the baseline")]
    found, ahead = judged.model[gates.metric], judged.ahead(gates.metric)
    made.append(Check(f"{gates.metric} apart from random", found.low > 0, f"{found}", "the interval lies above 0"))
    needed = f"the difference lies above 0, and its interval above -{gates.margin}"
    better = ahead.value > 0 and ahead.low > -gates.margin
    made.append(Check(f"{gates.metric} above the response model's", better, f"difference {ahead}", needed))
    if (limit := gates.limits.get("calibration")) is not None:
        error = judged.overall["calibration"]
        right = error.low <= limit and error.high >= -limit
        needed = f"promised less observed effect not surely beyond {limit}"
        made.append(Check("promised effects as observed", right, f"{error}", needed, CALIBRATION))
    return made


def scored(link: connection, spec: Spec, model: Model, target: Target) -> Iterator[Chunk]:
    """Per customer the best effect, and per customer and offer the effect and its rank; reasons for the best offer."""
    from ml.score import scored as stream_scores

    view = _View(model)
    for chunk in stream_scores(link, spec, view, target):
        yield chunk
        count = len(model.offers)
        ranks = model.ranks(view.effects).ravel()
        reasons: list[str | None] = [None] * len(ranks)
        for at in np.flatnonzero(ranks == 1).tolist():
            reasons[at] = chunk.reasons[at // count]
        yield Offered(
            customers=np.repeat(chunk.customers, count),
            offers=np.tile(np.array(model.offers), len(chunk.customers)),
            ranks=ranks,
            scores=view.effects.ravel(),
            reasons=reasons,
            excluded=[None] * len(ranks),
        )
    model.seen = view.seen


def explains(model: Model) -> _View:
    """The model as one that scores a customer by his best offer and gives reasons for it."""
    return _View(model)


class _View:
    """The model as one that has a single score per customer; it keeps the effects of the rows scored last."""

    def __init__(self, model: Model) -> None:
        self.model, self.features, self.null_shares = model, model.features, model.null_shares
        self.watch = model.watch
        self.seen: drift.Watch | None = None
        self.effects = np.empty((0, len(model.offers)))

    def score(self, numbers: np.ndarray) -> np.ndarray:
        self.effects = self.model.effects(numbers)
        return np.asarray(self.effects[self.model.ranks(self.effects) == 1])

    def bands(self, best: np.ndarray) -> np.ndarray:
        return self.model.bands(best)

    def reasons(self, numbers: np.ndarray, count: int) -> list[str]:
        effects = self.model.effects(numbers)
        offer = (self.model.ranks(effects) == 1).argmax(axis=1) if len(effects) else np.empty(0, int)
        found = [""] * len(numbers)
        for at in range(len(self.model.offers)):
            places = np.flatnonzero(offer == at)
            for place, said in zip(places.tolist(), self.model.reasons(numbers[places], at, count), strict=True):
                found[place] = said
        return found


def _learnable(spec: Spec, data: ContactSet, rows: np.ndarray) -> tuple[str, ...]:
    """The offers with enough buyers among those who got them; raises DataPrerequisite where there is none."""
    least = spec.needs.calibration_positives
    experiment = data.experiment(data.features, data.offers()).only(rows)
    found, said = [], []
    for at, offer in enumerate(experiment.offers):
        places = experiment.places(at)
        arm, bought = experiment.arm[places], experiment.outcome[places] == 1
        with_it, without = int(bought[arm == at + 1].sum()), int(bought[arm == CONTROL].sum())
        said.append(f"{offer} {with_it} with it, {without} without")
        if with_it >= least and without > 0:
            found.append(offer)
    if not found:
        raise _too_little(
            spec, data, f"no offer has {least} buyers with it and one in its control group: {'; '.join(said)}"
        )
    return tuple(found)


def _weights(model: Model) -> np.ndarray:
    """How much of the model each feature carries (features,): its share of the gain, each booster counting alike."""
    gains = [np.asarray(getattr(arm, name).feature_importance("gain")) for arm in model.arms for name in BOOSTERS]
    return np.asarray(sum(gain / max(gain.sum(), 1e-300) for gain in gains))


def _too_little(spec: Spec, data: ContactSet, reason: str) -> DataPrerequisite:
    found = report(spec, dates=data.dates(), positives=data.positives, build_id=data.build.build_id)
    found["as_of_dates"] = {
        day.isoformat(): {"rows": int(data.on(day).sum()), "positives": int(data.label[data.on(day)].sum())}
        for day in data.dates()
    }
    said = f"Contacts of {len(data.dates())} dates over {found['history_days']} days; needed are two campaigns"
    said += f" {spec.horizon_days} days apart ({found['history_days_needed']} days of history)."
    return DataPrerequisite(f"{spec.name} is skipped: {reason}. {said}", found)


def _described(data: ContactSet, rows: np.ndarray) -> dict[str, Any]:
    from ml.judging.reasons import describe

    return describe(data.features, data.numbers[rows])


def _about(model: Model, data: ContactSet, offers: tuple[str, ...], qinis: dict[str, float]) -> list[str]:
    kinds = ", ".join(f"{name.upper()} {found:.4f}" for name, found in qinis.items())
    costs = ", ".join(f"{offer} {cost:.2f}" for offer, cost in zip(offers, model.costs, strict=True))
    left = [offer for offer in data.offers() if offer not in offers]
    return [
        f"Learner {model.kind.upper()} (T: two outcome models; X: imputed effects; TX: their mean), chosen on the"
        f" calibration contacts by Qini ({kinds}), then learnt from them too.",
        f"An outcome is worth {model.value:.2f}, a contact costs {costs} (currency, from orders and campaign costs).",
        f"Not learnt for want of buyers: {', '.join(left) or 'none'}.",
        "Nothing is tuned: the parameters are the spec's and the technique's own; only the learner is chosen.",
        f"{len(data.campaigns())} campaigns; {int(data.is_given.sum())} of {data.rows} contacts came with a propensity,"
        " the others have their treatment's share of the campaign.",
    ]
