"""Natural groups of customers: K-means on scaled features, numbered as the champion numbers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from ml import score
from ml.data.scores import Scored, Target
from ml.data.training import median_row
from ml.errors import ArtefactRefused, DataError
from ml.judging import drift
from ml.judging.fairness import with_groups
from ml.judging.groups import groups_of
from ml.judging.judgement import Judgement
from ml.judging.kinds.clusters import compare_groups, profile_plot, shares_by_group
from ml.judging.reasons import describe, top_reasons
from ml.judging.slices import slices_of
from ml.spec import Spec
from ml.techniques import unlabelled
from ml.techniques.cluster.fit import (
    RESAMPLES,
    SILHOUETTE_ROWS,
    STABILITY_ROWS,
    centroids,
    choose,
    distances,
    kept_shares,
    nearest,
    numbered,
    rand_indices,
    silhouettes,
    tried_text,
)
from ml.techniques.cluster.profile import profile, profile_lines
from ml.techniques.cluster.space import Space, fit_space
from ml.techniques.plain import load_plain, refused, save_plain
from ml.techniques.unlabelled import DateSplit, Unlabelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from psycopg2.extensions import connection

read = unlabelled.read_unlabelled
split = unlabelled.split_newest
check = unlabelled.check_unlabelled
example = median_row
FIT_ROWS = 50_000
_UNRANKED = "nobody is chosen or ranked by a group"
ABSENT = {
    "rolling": "nothing comes later that could judge groups at an earlier date; stability says who stays in his when"
    " they are learnt anew",
    "calibration": "a group promises nothing that could come or not come; stability says how sure it is",
    **dict.fromkeys(("gain", "lift", "cost"), _UNRANKED),
    "shap": "groups aren't of boosted trees; `profile.png` shows which features tell them apart",
}


@dataclass
class Model:
    """The space, the groups' centres (k, m) in it and their keys; `tier_edges` cut the baseline's column."""

    features: tuple[str, ...]
    space: Space
    centres: np.ndarray
    keys: tuple[str, ...]
    highest: int
    tier: str
    tier_edges: np.ndarray
    null_shares: tuple[float, ...]
    seed: int
    facts: dict[str, Any]
    baselines: dict[str, drift.Baseline] = field(default_factory=dict)
    seen: drift.Watch | None = None

    def score(self, numbers: np.ndarray) -> np.ndarray:
        """How clearly each customer belongs to the nearest group (n,): 0 half-way to the next one, 1 at its centre."""
        two = np.sort(distances(self.space(numbers), self.centres), axis=1)[:, :2]
        return np.asarray(1 - two[:, 0] / np.maximum(two[:, 1], 1e-12))

    def groups(self, numbers: np.ndarray) -> np.ndarray:
        """The group (n,) of each customer, as a place in `keys`."""
        return nearest(self.space(numbers), self.centres)

    def tiers(self, data: Unlabelled, rows: np.ndarray) -> np.ndarray:
        """The baseline's division (n,): equal tiers of one column."""
        values = np.nan_to_num(data.columns((self.tier,))[rows, 0])
        return np.asarray(np.searchsorted(self.tier_edges, values, side="right"))

    def judge(self, data: Unlabelled, rows: np.ndarray, seed: int) -> Judgement:
        """Against as many equal tiers of assets, on the same customers in the same space."""
        judged = self._compared(data, rows, self.tiers(data, rows), None, seed)
        groups = groups_of(data, rows)
        numbers = data.columns(self.features)[rows]
        places = self.space(numbers)
        own = nearest(places, self.centres)
        few = np.sort(np.random.default_rng(seed).choice(len(places), min(STABILITY_ROWS, len(places)), replace=False))
        kept = kept_shares(places[few], places, own, self.centres, seed) if groups else np.ones(len(own))
        measured = shares_by_group(own, self.keys, kept)
        return replace(
            with_groups(judged, measured, groups, seed),
            slices=slices_of(measured, groups, seed=seed),
            drift=drift.drift(self.baselines, self.features, numbers, self.score(numbers)),
            absent=ABSENT,
        )

    def watch(self) -> drift.Watch:
        """A new count of customers against those of training, to be fed while they are scored."""
        return drift.Watch(self.baselines, self.features)

    def against(self, rival: Model, data: Unlabelled, rows: np.ndarray, seed: int) -> Judgement:
        """As `judge`, with another model's groups in the baseline's place."""
        return self._compared(data, rows, rival.groups(data.columns(rival.features)[rows]), rival, seed)

    def _compared(
        self, data: Unlabelled, rows: np.ndarray, other: np.ndarray, rival: Model | None, seed: int
    ) -> Judgement:
        places = self.space(data.columns(self.features)[rows])
        rng = np.random.default_rng(seed)
        part = np.sort(rng.choice(len(places), min(STABILITY_ROWS, len(places)), replace=False))
        few = np.sort(rng.choice(len(places), min(SILHOUETTE_ROWS, len(places)), replace=False))
        own = nearest(places, self.centres)
        stable = rand_indices(places[part], own[part], len(self.keys), seed)
        theirs = np.ones(RESAMPLES)
        if rival is not None:
            theirs = rand_indices(places[part], other[part], len(rival.keys), seed)
        widths = silhouettes(places[few], own[few]), silhouettes(places[few], other[few])
        return compare_groups(places, (own, other), widths, few, (stable, theirs), seed)

    def figures(self, data: Unlabelled, rows: np.ndarray, seed: int) -> dict[str, Figure]:
        """File name → plot."""
        return {"profile.png": profile_plot(self.centres, self.keys, self.features)}

    def save(self, folder: Path, example: dict[str, Any]) -> None:
        """Write an MLflow model of plain files into the new `folder`."""
        document = {
            "technique": "cluster",
            "features": list(self.features),
            "space": self.space.as_dict(),
            "centres": self.centres.tolist(),
            "keys": list(self.keys),
            "highest": self.highest,
            "tier": self.tier,
            "tier_edges": self.tier_edges.tolist(),
            "null_shares": list(self.null_shares),
            "seed": self.seed,
            "facts": self.facts,
            "baselines": drift.as_plain(self.baselines),
        }
        save_plain(
            folder, document, dict.fromkeys(self.features, "double"), {"score": "double", "band": "string"}, example
        )

    def reasons(self, numbers: np.ndarray, count: int) -> list[str]:
        """Per customer, as JSON, the features in which he is furthest from everybody's mean, towards his group's."""
        places = self.space(numbers)
        towards = np.sign(self.centres[nearest(places, self.centres)]) * places
        return top_reasons(
            self.features,
            numbers,
            towards,
            count,
            self.facts["described"],
            ("归入该客群的把握", "how clearly the group fits"),
        )


def train(spec: Spec, data: Unlabelled, split: DateSplit) -> Model:
    """Choose k, fit, number the groups as the champion does. Same input and champion, same model."""
    params = spec.params
    numbers = data.numbers[split.train]
    rng = np.random.default_rng(spec.seed)
    numbers = numbers[np.sort(rng.choice(len(numbers), min(FIT_ROWS, len(numbers)), replace=False))]
    space = fit_space(numbers)
    places = space(numbers)
    k, tried = choose(places, tuple(params["candidates"]), params["stable"], spec.seed)
    centres = centroids(places, k, spec.seed)
    group = nearest(places, centres)
    champion = _champion(spec)
    earlier: np.ndarray | None = None
    keys: tuple[str, ...] = ()
    highest = 0
    if champion is not None and set(champion.features) <= set(data.features):
        own = [data.features.index(name) for name in champion.features]
        earlier, keys, highest = champion.groups(numbers[:, own]), champion.keys, champion.highest
    given = numbered(group, k, earlier, keys, highest)
    order = np.argsort([int(key[1:]) for key in given])
    centres, given = centres[order], tuple(given[at] for at in order)
    tier = next((name for name in spec.baseline_columns if name in data.features), None)
    if tier is None:
        raise DataError(f"All baseline columns of {spec.name} are empty: groups can't be compared with tiers.")
    described = describe(data.features, numbers)
    shown = "; ".join(f"{one.k}: {one.silhouette:.3f}, {one.stability:.2f}" for one in tried)
    profiles = profile(numbers, nearest(places, centres), centres, given, data.features, described)
    kept = None if earlier is None else adjusted_rand_score(earlier, group)
    edges = np.quantile(np.nan_to_num(numbers[:, data.features.index(tier)]), np.linspace(0, 1, k + 1)[1:-1])
    model = Model(
        features=data.features,
        space=space,
        centres=centres,
        keys=given,
        highest=max([highest, *(int(key[1:]) for key in given)]),
        tier=tier,
        tier_edges=np.asarray(edges),
        null_shares=tuple(np.isnan(data.numbers[split.train]).mean(axis=0).tolist()),
        seed=spec.seed,
        facts={
            "groups": k,
            "baseline": f"{k} equal tiers of {tier}",
            "tried": tried_text(tried),
            "profiles": profiles,
            "described": described,
            "same_as_champion": None if kept is None else round(float(kept), 4),
            "about": [
                f"K-means with {k} groups on {len(data.features)} features (signed logarithm where skewed, scaled,"
                " bounded at three spreads).",
                "k was chosen by silhouette among those stable under bootstrap (adjusted Rand index at least"
                f" {params['stable']}): {shown}. Nothing else is tuned.",
                "Numbers are new: there was no champion to take them from."
                if kept is None
                else f"Numbers are the champion's; adjusted Rand index with its groups {kept:.3f}.",
                "",
                *profile_lines(profiles),
            ],
        },
    )
    # Every feature is scaled, so each carries as much of the distances as any other.
    model.baselines = drift.baselines(data.features, numbers, model.score(numbers), [1.0] * len(data.features))
    return model


def load(folder: Path) -> Model:
    """The model that `save` wrote. Raises ArtefactRefused where the files don't fit."""
    plain = load_plain(folder, "cluster")
    try:
        model = Model(
            features=tuple(plain["features"]),
            space=Space.of(plain["space"]),
            centres=np.array(plain["centres"], dtype=np.float64),
            keys=tuple(plain["keys"]),
            highest=int(plain["highest"]),
            tier=plain["tier"],
            tier_edges=np.array(plain["tier_edges"], dtype=np.float64),
            null_shares=tuple(plain["null_shares"]),
            seed=int(plain["seed"]),
            facts=plain["facts"],
            baselines=drift.from_plain(plain["baselines"]),
        )
        if model.centres.shape != (len(model.keys), len(model.features)):
            raise ValueError("its centres and its keys or features are of different numbers")
    except (ValueError, KeyError, TypeError) as error:
        raise refused(error) from error
    return model


def scored(reader: connection, spec: Spec, model: Model, target: Target) -> Iterator[Scored]:
    """Every customer of the population, chunk by chunk; the band is the group's key."""
    view = _Scoring(model)
    yield from score.scored(reader, spec, view, target)
    model.seen = view.seen


class _Scoring:
    """The model as `ml.score.scored` wants it, which asks for the bands of the chunk that it has just scored."""

    def __init__(self, model: Model) -> None:
        self.model, self.features, self.null_shares = model, model.features, model.null_shares
        self.reasons, self.watch = model.reasons, model.watch
        self.seen: drift.Watch | None = None
        self._groups = np.empty(0, dtype=np.int64)

    def score(self, numbers: np.ndarray) -> np.ndarray:
        self._groups = self.model.groups(numbers)
        return self.model.score(numbers)

    def bands(self, scores: np.ndarray) -> np.ndarray:
        return np.array(self.model.keys)[self._groups]


def _champion(spec: Spec) -> Model | None:
    """The champion, where there is one that can be read; its numbers are kept."""
    from ml.tracking import registry

    version = registry.by_alias(spec.name)
    if version is None:
        return None
    try:
        loaded: Model = registry.load(spec, version)
    except ArtefactRefused:
        return None
    return loaded
