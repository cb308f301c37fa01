"""Unusual behaviour: an isolation forest and robust distances from one's own custom and one's peers, together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.data.training import median_row
from ml.errors import DataError
from ml.judging import drift, plots
from ml.judging.fairness import with_groups
from ml.judging.groups import groups_of
from ml.judging.judgement import Judgement
from ml.judging.kinds.outliers import alerts_by_group, compare_search, search_plot
from ml.judging.reasons import describe, top_reasons
from ml.judging.slices import RESAMPLES, slices_by
from ml.spec import Spec
from ml.techniques import unlabelled
from ml.techniques.outlier.evidence import Evidence, fit_evidence, strength
from ml.techniques.outlier.forest import Forest, grow
from ml.techniques.outlier.planted import plant
from ml.techniques.outlier.words import words
from ml.techniques.plain import load_plain, refused, save_plain
from ml.techniques.unlabelled import DateSplit, Unlabelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

read = unlabelled.read_unlabelled
split = unlabelled.split_newest
check = unlabelled.check_unlabelled
example = median_row
ABOUT = ("异常程度", "how unusual the month is")
FIT_ROWS = 50_000
# One customer in fifty is planted when the search is judged, at least this many.
PLANTED_SHARE, LEAST_PLANTED = 0.02, 20
ABSENT = {
    "rolling": "nobody knows which months were unusual, so an earlier date could be judged by planted cases only, which"
    " say the same of every date",
    "calibration": "the score counts robust spreads and promises no rate, and nobody knows which months were unusual",
    "cost": "nobody knows what a find is worth; how many are looked at is fixed by the bands",
    "shap": "the score isn't of boosted trees; the reasons of each alert are its strongest pieces of evidence",
}


@dataclass
class Model:
    """`scales` are middle and spread of the forest's score and of the evidence's strength at training."""

    features: tuple[str, ...]
    evidence: Evidence
    forest: Forest
    scales: tuple[float, float, float, float]
    thresholds: dict[str, float]
    rule: str
    null_shares: tuple[float, ...]
    facts: dict[str, Any]
    baselines: dict[str, drift.Baseline] = field(default_factory=dict)
    seen: drift.Watch | None = None

    def score(self, numbers: np.ndarray) -> np.ndarray:
        """Strangeness (n,), any finite number: the mean of both parts in robust spreads; 0 is the usual."""
        return _combined(*self._parts(numbers), self.scales)

    def _parts(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        places = self.evidence.places(numbers, self.features)
        return self.forest.score(places), strength(self.evidence.weighed(places))

    def bands(self, scores: np.ndarray) -> np.ndarray:
        """The band (n,) of each score: the first, from the top, whose threshold it reaches; else `low`."""
        names, least = list(self.thresholds), list(self.thresholds.values())
        return np.select([scores >= limit for limit in least], names, default="low")

    def reasons(self, numbers: np.ndarray, count: int) -> list[str]:
        """Per customer, as JSON, the features that are furthest above both his own custom and his peers'."""
        weighed = self.evidence.weighed(self.evidence.places(numbers, self.features))
        own = numbers[:, [self.features.index(name) for name in self.evidence.recent]]
        return top_reasons(self.evidence.recent, own, weighed, count, self.facts["described"], ABOUT)

    def judge(self, data: Unlabelled, rows: np.ndarray, seed: int) -> Judgement:
        """Against looking at the largest amounts first, on real customers with planted cases among them."""
        numbers, unusual = self._planted(data, rows, seed)
        scores = self.score(numbers)
        largest = self._largest(numbers)
        judged = compare_search(scores, largest, unusual, seed)
        alerts, groups = alerts_by_group(self.bands(scores) != "low", unusual), groups_of(data, rows)

        def of(mask: np.ndarray) -> Judgement:
            return compare_search(scores[mask], largest[mask], unusual[mask], seed, RESAMPLES)

        # What was planted is no drift.
        real = data.columns(self.features)[rows]
        return replace(
            with_groups(judged, alerts, groups, seed),
            slices=slices_by(of, groups, ("precision_at_k", "auc"), unusual.astype(np.float64)),
            drift=drift.drift(self.baselines, self.features, real, self.score(real)),
            absent=ABSENT,
        )

    def watch(self) -> drift.Watch:
        """A new count of customers against those of training, to be fed while they are scored."""
        return drift.Watch(self.baselines, self.features)

    def against(self, rival: Model, data: Unlabelled, rows: np.ndarray, seed: int) -> Judgement:
        """As `judge`, with another model in the baseline's place. Raises DataError where it knows other features."""
        if absent := [name for name in rival.features if name not in self.features]:
            raise DataError(f"The champion reads {', '.join(absent)}, which this data hasn't: no comparison.")
        numbers, unusual = self._planted(data, rows, seed)
        theirs = rival.score(numbers[:, [self.features.index(name) for name in rival.features]])
        return compare_search(self.score(numbers), theirs, unusual, seed)

    def _planted(self, data: Unlabelled, rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        numbers = data.columns(self.features)[rows]
        return plant(numbers, self.features, max(LEAST_PLANTED, int(PLANTED_SHARE * len(numbers))), seed)

    def _largest(self, numbers: np.ndarray) -> np.ndarray:
        return np.asarray(np.nan_to_num(numbers[:, self.features.index(self.rule)]))

    def figures(self, data: Unlabelled, rows: np.ndarray, seed: int) -> dict[str, Figure]:
        """File name → plot."""
        numbers, unusual = self._planted(data, rows, seed)
        scores = self.score(numbers)
        return {
            "search.png": search_plot(scores, self._largest(numbers), unusual, f"largest {self.rule}"),
            "lift.png": plots.lift(scores, unusual.astype(np.float64), "rate of planted cases"),
        }

    def save(self, folder: Path, example: dict[str, Any]) -> None:
        """Write an MLflow model of plain files into the new `folder`."""
        document = {
            "technique": "outlier",
            "features": list(self.features),
            "evidence": self.evidence.as_dict(),
            "forest": self.forest.as_dict(),
            "scales": list(self.scales),
            "thresholds": self.thresholds,
            "rule": self.rule,
            "null_shares": list(self.null_shares),
            "facts": self.facts,
            "baselines": drift.as_plain(self.baselines),
        }
        save_plain(folder, document, dict.fromkeys(self.features, "double"), {"score": "double"}, example)


def train(spec: Spec, data: Unlabelled, split: DateSplit) -> Model:
    """Fit on earlier dates' customers. Same input, same trees."""
    params = spec.params
    numbers = data.numbers[split.train]
    rng = np.random.default_rng(spec.seed)
    numbers = numbers[np.sort(rng.choice(len(numbers), min(FIT_ROWS, len(numbers)), replace=False))]
    rule = next((name for name in spec.baseline_columns if name in data.features), None)
    if rule is None:
        raise DataError(f"All baseline columns of {spec.name} are empty: a search can't be judged against nothing.")
    evidence = fit_evidence(numbers, data.features)
    places = evidence.places(numbers, data.features)
    forest = grow(places, params["trees"], params["sample"], spec.seed)
    parts = forest.score(places), strength(evidence.weighed(places))
    scales = (*_robust(parts[0]), *_robust(parts[1]))
    scores = _combined(*parts, scales)
    shares = np.cumsum(list(spec.bands.values()))
    thresholds = {name: float(np.quantile(scores, 1 - share)) for name, share in zip(spec.bands, shares, strict=True)}
    return Model(
        features=data.features,
        evidence=evidence,
        forest=forest,
        scales=scales,
        thresholds=thresholds,
        rule=rule,
        null_shares=tuple(np.isnan(data.numbers[split.train]).mean(axis=0).tolist()),
        facts={
            "trees": params["trees"],
            "baseline": f"largest {rule} first",
            "thresholds": thresholds,
            "described": describe(data.features, numbers, words(spec.features_table[-1])),
            "about": [
                f"An isolation forest of {params['trees']} trees on samples of {forest.sample} customers, and the three"
                " strongest pieces of evidence that a month lies above both the customer's own custom and his peers'"
                " (robust distances of log values); their mean, each in robust spreads.",
                "Nobody knows which months really were unusual. Judged by planting night bursts, cash in slices and"
                f" card bursts abroad into {PLANTED_SHARE:.0%} of real customers of a later date: k is their number.",
                "Nothing is tuned: trees and samples are the spec's.",
                "Bands, fixed at training: "
                + ", ".join(f"{name} from {value:.2f}" for name, value in thresholds.items())
                + ", else low.",
            ],
        },
        # The forest draws its features alike, and the evidence looks at all of them.
        baselines=drift.baselines(data.features, numbers, scores, [1.0] * len(data.features)),
    )


def load(folder: Path) -> Model:
    """The model that `save` wrote. Raises ArtefactRefused where the files don't fit."""
    plain = load_plain(folder, "outlier")
    try:
        features, evidence = tuple(plain["features"]), Evidence.of(plain["evidence"])
        forest = Forest.of(plain["forest"])
        if not set(evidence.features) <= set(features) or forest.feature.max() >= 2 * len(evidence.recent):
            raise ValueError("its trees or its evidence name features that it hasn't")
        return Model(
            features=features,
            evidence=evidence,
            forest=forest,
            scales=tuple(map(float, plain["scales"])),  # type: ignore[arg-type]
            thresholds=plain["thresholds"],
            rule=plain["rule"],
            null_shares=tuple(plain["null_shares"]),
            facts=plain["facts"],
            baselines=drift.from_plain(plain["baselines"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise refused(error) from error


def _combined(isolated: np.ndarray, evident: np.ndarray, scales: tuple[float, float, float, float]) -> np.ndarray:
    return np.asarray(((isolated - scales[0]) / scales[1] + (evident - scales[2]) / scales[3]) / 2)


def _robust(values: np.ndarray) -> tuple[float, float]:
    """Middle, and the spread from the middle to the upper 5 %: the part of the order that matters."""
    middle, high = np.quantile(values, [0.5, 0.95])
    return float(middle), float(max(high - middle, 1e-6))
