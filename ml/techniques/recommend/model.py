"""A trained recommender: item factors, a ranker over candidates, and what it is judged against."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

from ml.errors import ArtefactRefused
from ml.judging import drift, plots
from ml.judging.fairness import with_groups
from ml.judging.groups import groups_of
from ml.judging.judgement import Judgement
from ml.judging.kinds import ranking
from ml.judging.reasons import top_reasons
from ml.judging.slices import RESAMPLES, slices_by
from ml.techniques.recommend import als, candidates
from ml.techniques.recommend.data import OfferSet
from ml.techniques.recommend.shelf import Shelf
from ml.techniques.recommend.shelf import from_plain as shelf_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOOSTER, PLAIN = "model.lgb", "model.json"
ABOUT = ("推荐度", "the recommendation")
SHAP_SAMPLE = 500
PAIRS = "pairs of a customer and a product"
RIVALS = ("popularity", "rules", "als")
ABSENT = {
    "rolling": "factors, candidates and ranker would be learnt anew on each date, the costliest training of all;"
    " `evaluate` judges the champion on each later date",
    "calibration": "the scores order a customer's products and promise no rate",
    "lift": "products are ordered for one customer, so customers have no tenths; `gain.png` shows it by place",
    "cost": "the spec states neither what an offer costs nor what a product that is taken is worth",
}
UNDRIFTED = (
    "The score is each customer's best on the shelf of the newest date that was learnt from, whatever lies on today's:"
    " a ranker's scores hang on the season's shelf, which changes by the bank's own doing. Features of a customer and a"
    " product together follow it too, so only the customer's own are compared. A day's customers are not: it learns"
    " from those who took something, and everybody else always was different"
)


@dataclass(frozen=True)
class OfferJudgement(Judgement):
    """Against popularity; `section` says it of the other rivals, in Markdown."""

    section: str = ""

    def has_both_classes(self) -> bool:
        """Whether anything was taken: a customer may take several products, so that there are more than rows."""
        return bool(self.rows and self.positives)

    def sections(self) -> list[str]:
        """For the model card."""
        return [self.section, *super().sections()]


@dataclass
class Model:
    """`shelf` is that of the newest date that was learnt from. Its products are in the order of the factors, of
    `popular` (P,), how often each was taken in the training periods, and of `share` (P, P), the rule's table.
    `null_shares` are those of the features at training."""

    booster: lightgbm.Booster
    features: tuple[str, ...]
    shelf: Shelf
    lines: tuple[str, ...]
    factors: als.Factors
    popular: np.ndarray
    share: np.ndarray
    null_shares: tuple[float, ...]
    described: dict[str, Any]
    threads: int
    facts: dict[str, Any]
    baselines: dict[str, drift.Baseline] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """What the ranker reads: of the pair, then of the customer."""
        return (*candidates.PAIR, *self.features)

    @property
    def ids(self) -> tuple[str, ...]:
        """The products of training."""
        return self.shelf.ids

    @property
    def shelf_null_shares(self) -> tuple[float, ...]:
        """Those of TOLD among the products of training."""
        return tuple(np.isnan(self.shelf.numbers).mean(axis=0).tolist())

    def rank(self, numbers: np.ndarray) -> np.ndarray:
        """The ranker's scores (k,) of candidate rows (k, columns): they order products within a customer."""
        if not len(numbers):
            return np.empty(0)
        return np.asarray(self.booster.predict(numbers, num_threads=self.threads))

    def known(self, shelf: Shelf) -> np.ndarray:
        """(P,): whether the model has learnt of the product."""
        return np.isin(shelf.ids, self.ids)

    def liking(self, cube: np.ndarray, shelf: Shelf) -> np.ndarray:
        """The scores of collaborative filtering (n, P) in the shelf's order; 0 for a product it doesn't know."""
        place = self.shelf.places(shelf)
        strength = np.zeros((len(cube), len(self.ids)))
        own = candidates.strength(cube)
        for at, to in enumerate(place):
            if to >= 0:
                strength[:, to] = own[:, at]
        scores = np.hstack([self.factors.scores(strength), np.zeros((len(cube), 1))])
        return np.asarray(scores[:, place])

    def pairs(self, shelf: Shelf, cube: np.ndarray, numbers: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The ranker's rows (k, columns) of the pairs in `mask` (n, P)."""
        return candidates.rows(shelf, self.lines, self.liking(cube, shelf), cube, numbers, mask)

    def offered(self, shelf: Shelf, cube: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """The ranker's scores (n, P) of what the customers might be offered; -inf for no candidate."""
        mask = candidates.candidates(shelf, cube)
        return candidates.spread(self.rank(self.pairs(shelf, cube, numbers, mask)), mask)

    def reasons(self, rows: np.ndarray, count: int) -> list[str]:
        """Per row (k, columns), as JSON, what raises the product's place most (SHAP, largest first)."""
        if not len(rows):
            return []
        contributions = self.shap(rows)
        # A line's number says nothing to a person, and the offer names its product.
        contributions[:, [self.columns.index(name) for name in candidates.CATEGORICAL]] = 0
        return top_reasons(self.columns, rows, contributions, count, self.described, ABOUT)

    def shap(self, rows: np.ndarray) -> np.ndarray:
        """TreeSHAP contributions (k, columns) in the ranker's scores (Lundberg et al. 2020), less the base."""
        return np.asarray(self.booster.predict(rows, pred_contrib=True, num_threads=self.threads))[:, :-1]

    def rankings(self, data: OfferSet, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Scores (n, P) of the model and its rivals for the rows (mask) of a data set, -inf for no candidate."""
        chosen = np.flatnonzero(rows)
        found = {name: np.full((len(chosen), data.taken.shape[1]), -np.inf) for name in ("model", *RIVALS)}
        numbers = data.columns(self.features)
        for day in np.unique(data.day[chosen]):
            mine = data.day[chosen] == day
            at, shelf = chosen[mine], data.shelves[int(day)]
            mask = candidates.candidates(shelf, data.cube[at])
            # A product that came after the training: nobody ever took it, and nothing is held together with it.
            place = self.shelf.places(shelf)
            popular = np.append(self.popular, 0)[place]
            share = np.pad(self.share, (0, 1))[np.ix_(place, place)]
            found["model"][mine] = self.offered(shelf, data.cube[at], numbers[at])
            found["popularity"][mine] = candidates.popularity(popular, mask)
            found["rules"][mine] = candidates.by_rule(share, data.cube[at], mask)
            found["als"][mine] = np.where(mask, self.liking(data.cube[at], shelf), -np.inf)
        return found

    def best(self, data: OfferSet, rows: np.ndarray) -> np.ndarray:
        """The best score (n,) of each row (mask) on the shelf of training; NaN where nothing there is a candidate."""
        chosen = np.flatnonzero(rows)
        found, numbers = np.full(len(chosen), np.nan), data.columns(self.features)
        for day in np.unique(data.day[chosen]):
            mine = data.day[chosen] == day
            at, shelf = chosen[mine], self.shelf.held_by(data.shelves[int(day)])
            best = self.offered(shelf, data.cube[at], numbers[at]).max(axis=1)
            found[mine] = np.where(np.isneginf(best), np.nan, best)
        return found

    def judge(self, data: OfferSet, rows: np.ndarray, seed: int) -> OfferJudgement:
        """Against popularity, and beside it against the rules and collaborative filtering alone."""
        found, taken = self.rankings(data, rows), data.taken[rows]
        judged = {name: ranking.compare(found["model"], found[name], taken, seed=seed) for name in RIVALS}
        shown = {name: ranking.coverage(scores) for name, scores in found.items()}
        named = {"popularity": "popularity", "rules": "rules (held together)", "als": "collaborative filtering alone"}
        text = ranking.table(
            "Rankings out of time",
            {named[name]: one for name, one in judged.items()},
            {"model": shown["model"], **{named[name]: shown[name] for name in RIVALS}},
        )
        # Only who took something is judged, and all of a row's date are on one shelf with the same products.
        some = data.taken[rows].any(axis=1)
        lines = next(iter(data.shelves.values())).lines
        measured = ranking.shown_by_group(found["model"][some], taken[some], lines)
        groups = {name: one[some] for name, one in groups_of(data, rows).items()}

        def of(mask: np.ndarray) -> Judgement:
            ours, theirs = (found[name][some][mask] for name in ("model", "popularity"))
            return ranking.compare(ours, theirs, taken[some][mask], RESAMPLES, seed)

        first = replace(
            with_groups(judged["popularity"], measured, groups, seed),
            slices=slices_by(of, groups, ("ndcg_3", "map", "recall_7")),
            drift=drift.drift(self.baselines, self.features, data.columns(self.features)[rows], self.best(data, rows)),
            undrifted=UNDRIFTED,
            absent=ABSENT,
        )
        return OfferJudgement(**{one.name: getattr(first, one.name) for one in fields(Judgement)}, section=text)

    def against(self, rival: Model, data: OfferSet, rows: np.ndarray, seed: int) -> Judgement:
        """Another recommender in the baseline's place."""
        ours, theirs = (one.rankings(data, rows)["model"] for one in (self, rival))
        return ranking.compare(ours, theirs, data.taken[rows], seed=seed)

    def figures(self, data: OfferSet, rows: np.ndarray, seed: int) -> dict[str, Figure]:
        """What is found by place, and which features move products up or down, on a sample of customers."""
        chosen = np.flatnonzero(rows)
        sample = np.random.default_rng(seed).choice(chosen, min(SHAP_SAMPLE // 10, len(chosen)), replace=False)
        newest = data.day[sample] == data.day[sample].max()
        at, shelf = np.sort(sample[newest]), data.shelves[int(data.day[sample].max())]
        mask = candidates.candidates(shelf, data.cube[at])
        numbers = data.columns(self.features)
        return {
            "gain.png": ranking.gain_plot(self.rankings(data, rows), data.taken[rows]),
            "shap.png": plots.importance(
                self.columns, self.shap(self.pairs(shelf, data.cube[at], numbers[at], mask)), "ranker's score", PAIRS
            ),
        }

    def save(self, folder: Path, example: dict[str, Any]) -> None:
        """Write an MLflow model of plain files into the new `folder`: booster text, JSON, MLmodel."""
        import mlflow.lightgbm
        import pandas as pd
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema

        columns = [ColSpec("double", name, required=False) for name in self.columns]
        mlflow.lightgbm.save_model(
            self.booster,
            str(folder),
            signature=ModelSignature(Schema(columns), Schema([ColSpec("double")])),
            input_example=pd.DataFrame([example], columns=list(self.columns), dtype="float64"),
            pip_requirements=[f"lightgbm=={lightgbm.__version__}"],
        )
        plain = {
            "technique": "recommend",
            "features": list(self.features),
            "shelf": self.shelf.as_plain(),
            "lines": list(self.lines),
            "factors": {**asdict(self.factors), "items": self.factors.items.tolist()},
            "popular": self.popular.tolist(),
            "share": self.share.tolist(),
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
        booster = lightgbm.Booster(model_str=(folder / BOOSTER).read_text(encoding="utf-8"))
        factors = plain["factors"]
        model = Model(
            booster=booster,
            features=tuple(plain["features"]),
            shelf=shelf_of(plain["shelf"]),
            lines=tuple(plain["lines"]),
            factors=als.Factors(np.array(factors["items"]), factors["alpha"], factors["regularisation"]),
            popular=np.array(plain["popular"]),
            share=np.array(plain["share"]),
            null_shares=tuple(plain["null_shares"]),
            described=plain["described"],
            threads=plain["threads"],
            facts=plain["facts"],
            baselines=drift.from_plain(plain["baselines"]),
        )
        fits = len(model.ids) == len(model.factors.items) == len(model.popular) == len(model.share)
        fits = fits and len(model.null_shares) == len(model.features)
    except (OSError, ValueError, KeyError, TypeError, lightgbm.basic.LightGBMError) as error:
        raise ArtefactRefused(f"The model's files can't be read: {error}. Train and promote again.") from error
    if not fits or booster.feature_name() != list(model.columns):
        raise ArtefactRefused(f"{BOOSTER} and {PLAIN} don't fit each other: they aren't of one model.")
    return model
