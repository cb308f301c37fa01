"""How a recommender learns: collaborative filtering as of each date, then a ranker over what might be offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

from ml.data.columns import column_types
from ml.data.leakage import compared_words, refuse_changed
from ml.data.prerequisite import report
from ml.data.split import Split, buckets
from ml.data.training import as_date, as_day
from ml.errors import DataPrerequisite, LeakageFound
from ml.judging import drift
from ml.judging.metrics import auc
from ml.judging.reasons import Description, describe
from ml.spec import Spec
from ml.techniques.recommend import als, candidates
from ml.techniques.recommend.data import AFFINITY, KINDS, OfferSet, missing
from ml.techniques.recommend.model import Model
from ml.techniques.settling import settle

if TYPE_CHECKING:
    from psycopg2.extensions import connection

MAX_GROUPS = 60_000
ALS = {"factors": 8, "alpha": 10.0, "regularisation": 10.0, "sweeps": 12}
WORDS = {
    "als_score": Description("相似客户的偏好", "Liked by customers who hold and look at the same", "score"),
    "taken_share_90d": Description("近90天热销占比", "Share of all products taken in the last 90 days", "rate"),
    "product_line_code": Description("产品线", "Product line"),
    "product_risk_level": Description("产品风险等级", "Risk level of the product"),
    "product_interest_rate": Description("产品收益率", "Rate of the product", "rate"),
    "product_term_months": Description("产品期限（月）", "Term of the product in months"),
    "offer_view_count_30d": Description("近30天浏览该产品次数", "Looks at the product in the last 30 days", "pieces"),
    "offer_view_count_90d": Description("近90天浏览该产品次数", "Looks at the product in the last 90 days", "pieces"),
    "offer_application_count_90d": Description(
        "近90天申请该产品步骤数", "Steps in an application for it, last 90 days", "pieces"
    ),
    "was_held": Description("曾持有该产品", "Held the product before", "flag"),
    "line_view_count_90d": Description(
        "近90天浏览同类产品次数", "Looks at its product line in the last 90 days", "pieces"
    ),
    "line_application_count_90d": Description(
        "近90天申请同类产品步骤数", "Steps in applications for its line", "pieces"
    ),
    "line_held_count": Description("持有同类产品数", "Products of the line that are held", "pieces"),
    "invested_held_count": Description("持有理财类产品数", "Wealth products, funds and policies held", "pieces"),
    "risk_above_held": Description("比已持产品高出的风险等级", "Risk above the riskiest product ever held"),
    "view_share_90d": Description("该产品占全部浏览的比例", "Its share in all looks at products", "rate"),
}


def divide(spec: Spec, data: OfferSet) -> Split:
    """Test is the newest as-of date; train are the dates whose horizon was over on it; nothing is calibrated.

    Raises DataPrerequisite where no such date is left or too little was taken.
    """
    days = np.unique(data.day)
    usable = days[days + spec.horizon_days <= days[-1]]
    test, learn = data.day == days[-1], np.isin(data.day, usable)
    stop = learn & (buckets(data.customers, 8, "stop") == 0)
    train = learn & ~stop
    counts = {"train": int(train.sum()), "early stopping": int(stop.sum()), "test": int(test.sum())}
    needed = {"train": spec.needs.train_positives, "early stopping": 1, "test": spec.needs.test_positives}
    if short := [name for name, count in counts.items() if count < needed[name]]:
        refused = missing(
            spec,
            f"{short[0]} has {counts[short[0]]} customers who took something, needed are {needed[short[0]]};"
            f" there are {len(days)} labelled as-of dates from {as_date(days[0])} to {as_date(days[-1])}",
        )
        found = report(spec, dates=data.dates(), positives=counts["train"], build_id=data.build.build_id)
        raise DataPrerequisite(str(refused), found)
    periods = {
        "train": [as_date(day).isoformat() for day in usable],
        "calibration": [],
        "test": [as_date(days[-1]).isoformat()],
    }
    rule = f"a gap of {spec.horizon_days} days before test; rankings aren't calibrated"
    return Split(train, stop, np.zeros(data.rows, dtype=bool), test, rule, periods)


def fit(spec: Spec, data: OfferSet, split: Split) -> Model:
    """Settle the settings on an earlier date, then learn. Same input, same text."""
    settled, facts = settle(spec, data, split, lambda day, later: day + spec.horizon_days <= later, learn)
    model = learn(settled, data, split)
    model.facts = model.facts | facts
    model.facts["about"] = [*model.facts["about"], facts["settled"]]
    return model


def learn(spec: Spec, data: OfferSet, split: Split) -> Model:
    """Learn. Nothing that a training row sees was known later than its own as-of date."""
    newest = as_day(split.newest_learnt())
    shelf = data.shelves[newest]
    lines = tuple(sorted(set(shelf.lines)))
    factors = _all_factors(spec, data, split)
    taught = {
        name: _rows(data, lines, factors, _at_most(data, mask, spec.seed))
        for name, mask in (("train", split.train), ("stop", split.stop))
    }
    columns = [*candidates.PAIR, *data.features]
    params = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [7],
        "label_gain": [0, 1],
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": spec.threads,
        "seed": spec.seed,
        "verbose": -1,
        **{name: value for name, value in spec.params.items() if name not in ALS},
    }
    rounds, patience = params.pop("num_boost_round", 300), params.pop("early_stopping_rounds", 30)
    x, y, groups = taught["train"]
    fitted = lightgbm.Dataset(
        x, y, group=groups, feature_name=columns, categorical_feature=list(candidates.CATEGORICAL)
    )
    x_stop, y_stop, groups_stop = taught["stop"]
    stop = fitted.create_valid(x_stop, y_stop, group=groups_stop)
    booster = lightgbm.train(
        params,
        fitted,
        num_boost_round=rounds,
        valid_sets=[stop],
        callbacks=[lightgbm.early_stopping(patience, verbose=False)],
    )
    best = lightgbm.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))
    held = {
        "trees": best.num_trees(),
        "baseline": "popularity: what most customers took next in the training periods, if they don't hold it",
        "als_customers": len(data.everyone[newest]),
        "about": [
            f"Products, not product lines: {len(shelf)} on the shelf of {as_date(newest)},"
            f" {int(shelf.on_sale.sum())} on sale. Each date is learnt with the shelf of that date.",
            f"Implicit alternating least squares (Hu, Koren and Volinsky 2008) over holdings and looks,"
            f" {factors[newest].items.shape[1]} factors, as of {as_date(newest)}; each customer's vector is solved for"
            " anew at scoring.",
            f"LightGBM lambdarank, {best.num_trees()} trees, over products on sale that the customer doesn't hold.",
            "Only customers who took something in the horizon are learnt from and judged: the scores order products"
            " for a customer and are no probabilities.",
            "Suitability, age, consent and holdings are asked at scoring, after the ranking; past dates are judged"
            " without them.",
        ],
    }
    model = Model(
        booster=best,
        features=data.features,
        shelf=shelf,
        lines=lines,
        factors=factors[newest],
        popular=data.taken[split.train].sum(axis=0),
        share=candidates.together(data.everyone[newest]),
        null_shares=tuple(np.isnan(data.numbers[split.train]).mean(axis=0).tolist()),
        described=describe(columns, x.astype(np.float64), WORDS),
        threads=spec.threads,
        facts=held,
    )
    gains = np.asarray(best.feature_importance("gain"))
    model.baselines = drift.baselines(
        data.features,
        data.numbers[split.train],
        model.best(data, split.train & (data.day == newest)),
        gains[len(candidates.PAIR) :].tolist(),
        float(gains.sum()),
    )
    return model


def median_pair(data: OfferSet, split: Split) -> dict[str, Any]:
    """An input example that is nobody: a pair of zeros with the customers' medians."""
    numbers = data.numbers[split.train]
    middle = np.nanmedian(np.where(np.isnan(numbers).all(axis=0), 0.0, numbers), axis=0)
    return dict.fromkeys(candidates.PAIR, 0.0) | dict(zip(data.features, middle.tolist(), strict=True))


def refuse_knowing(link: connection, spec: Spec, data: OfferSet) -> str:
    """Raise LeakageFound where a feature alone tells what is taken next; else what was looked at."""
    limit = spec.gates.limits.get("leakage_auc", 0.97)
    lines = tuple(sorted(set(next(iter(data.shelves.values())).lines)))
    nothing = {day: als.Factors(np.zeros((data.taken.shape[1], 1)), 1.0, 1.0) for day in data.shelves}
    x, y, _ = _rows(data, lines, nothing, _at_most(data, np.ones(data.rows, dtype=bool), spec.seed, 2_000))
    found = {}
    for name, column in zip((*candidates.PAIR, *data.features), x.T, strict=True):
        area = auc(np.nan_to_num(column.astype(np.float64), nan=-1e30), y.astype(np.float64))
        if max(area, 1 - area) >= limit:
            found[name] = round(max(area, 1 - area), 4)
    if found:
        listed = ", ".join(f"{name} (AUC {value})" for name, value in found.items())
        raise LeakageFound(
            f"{spec.name} isn't trained: {listed} alone tell what is taken next better than {limit}. Such a feature"
            " was made from the outcome or from later data: put its as-of date right."
        )
    everybody = sum(len(one) for one in data.everyone.values())
    own = {name: data.types[name] for name in data.features}
    customers = refuse_changed(link, spec, spec.features_table, own, data.build.build_id, everybody)
    there = column_types(link, AFFINITY)
    signs = {name: there[name] for name in KINDS}
    pairs = refuse_changed(link, spec, AFFINITY, signs, data.build.build_id, everybody, "product_id")
    return (
        f"no feature alone tells what is taken next, in {len(y)} pairs of a customer and a product;"
        f" {compared_words(customers)}; {compared_words(pairs, 'pairs')}"
    )


def _all_factors(spec: Spec, data: OfferSet, split: Split) -> dict[int, als.Factors]:
    settings = {name: spec.params.get(name, value) for name, value in ALS.items()}
    return {
        int(day): als.fit(candidates.strength(data.everyone[int(day)]), seed=spec.seed, **settings)
        for day in np.unique(data.day[split.train])
    }


def _at_most(data: OfferSet, mask: np.ndarray, seed: int, most: int = MAX_GROUPS) -> np.ndarray:
    """The places of at most `most` rows of the mask, in order."""
    rows = np.flatnonzero(mask)
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _rows(
    data: OfferSet, lines: tuple[str, ...], factors: dict[int, als.Factors], rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Features (k, columns), labels (k,) and the size of each customer's group, of the candidates of some rows."""
    x, y, groups = [], [], []
    for day in np.unique(data.day[rows]):
        at, shelf = rows[data.day[rows] == day], data.shelves[int(day)]
        mask = candidates.candidates(shelf, data.cube[at])
        liking = factors[int(day)].scores(candidates.strength(data.cube[at]))
        x.append(candidates.rows(shelf, lines, liking, data.cube[at], data.numbers[at], mask))
        y.append(data.taken[at][mask])
        groups += mask.sum(axis=1).tolist()
    return np.concatenate(x), np.concatenate(y).astype(np.int8), [size for size in groups if size]
