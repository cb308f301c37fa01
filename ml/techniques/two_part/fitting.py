"""How value is learnt: a classifier of who earns anything, and the change against the months before of those who do."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np

from ml.data.split import Split
from ml.judging import drift
from ml.judging.kinds.value import compare
from ml.judging.reasons import Description, describe
from ml.judging.rolling import origins
from ml.spec import Spec
from ml.techniques.settling import settle
from ml.techniques.two_part.data import ValueSet, discounted_months, divide
from ml.techniques.two_part.model import YEAR, Model, Plain
from ml.techniques.two_part.months import month_of

# Changes beyond these shares of the training customers are drawn in: single windfalls aren't a rule.
CLIP = (0.001, 0.999)
ORIGIN_RESAMPLES = 200
WORDS = {
    "deposit_margin_amount": Description("上月存款利差收益", "Margin of deposits last month", "currency"),
    "fee_amount": Description("上月中间业务收入", "Fees last month", "currency"),
    "loan_margin_amount": Description("上月贷款利差收益", "Margin of loans last month", "currency"),
    "card_amount": Description("上月银行卡收入", "Card income last month", "currency"),
    "service_cost_amount": Description("上月服务成本", "Cost to serve last month", "currency"),
    "expected_loss_amount": Description("上月预期损失", "Expected loss last month", "currency"),
    "margin_amount": Description("上月收益", "Margin last month", "currency"),
    "income_3m_amount": Description("近3个月收入", "Income of the last 3 months", "currency"),
    "margin_3m_amount": Description("近3个月收益", "Margin of the last 3 months", "currency"),
    "margin_6m_amount": Description("近6个月收益", "Margin of the last 6 months", "currency"),
    "margin_12m_amount": Description("近12个月收益", "Margin of the last 12 months", "currency"),
}


def fit(spec: Spec, data: ValueSet, split: Split) -> Model:
    """Settle the settings on an earlier date, then learn. Same input, same text."""

    def is_over(day: int, later: int) -> bool:
        return month_of(day) + data.months <= month_of(later)

    settled, facts = settle(spec, data, split, is_over, learn)
    model = learn(settled, data, split)
    model.facts = model.facts | facts
    model.facts["about"] = [*model.facts["about"], f"- {facts['settled']}"]
    if most := int(spec.params.get("origins", 0)):
        model.facts["rolling"] = _rolling(settled, data, most)
        model.facts["about"] += _told(model.facts["rolling"])
    return model


def _rolling(spec: Spec, data: ValueSet, most: int) -> list[dict[str, Any]]:
    """Spearman, and by how much it is ahead of the baseline's, each with its interval, at each earlier origin."""
    found = []
    for until, then in origins(spec, data, most, divide, lambda *_: True):
        made = learn(spec, until, then)
        promised, came = made.expected(until.numbers[then.test]), until.margin[then.test]
        judged = compare(promised, until.repeated[then.test], came, ORIGIN_RESAMPLES, spec.seed)
        metric, ahead = judged.model["spearman"], judged.difference["spearman"]
        found.append(
            {
                "test": then.periods["test"][0],
                "rows": judged.rows,
                "spearman": [metric.value, metric.low, metric.high],
                "ahead": [ahead.value, ahead.low, ahead.high],
            }
        )
    return found


def _told(rolling: list[dict[str, Any]]) -> list[str]:
    if not rolling:
        return ["- No earlier date could judge it beside: its months weren't over, or nothing older was."]
    return [
        *(
            f"- Learnt from what was over before {one['test']} and judged on it: spearman {one['spearman'][0]:.4f}"
            f" [{one['spearman'][1]:.4f}, {one['spearman'][2]:.4f}], {one['ahead'][0]:+.4f} against the months before"
            f" repeated ({one['rows']} rows)."
            for one in rolling
        ),
        "- Those earlier dates tell how steady the model is, not how it would have been used: its settings were settled"
        " later, and beyond 100,000 rows they are a sample of the customers.",
    ]


def learn(spec: Spec, data: ValueSet, split: Split) -> Model:
    """Learn with the spec's parameters."""
    floor = float(spec.params["active_income_amount"]) * data.months
    least = float(spec.params["least_amount"]) * data.months
    is_active = data.income >= floor
    size = np.maximum(np.abs(data.repeated), least)
    change = (data.margin - data.repeated) / size
    learnt = split.train & is_active
    low, high = np.quantile(change[learnt], CLIP)
    change = np.clip(change, low, high)
    active = _boost(spec, data, split, is_active.astype(np.float64), "binary", np.ones(data.rows, dtype=bool))
    amount = _boost(spec, data, split, change, "regression", is_active)
    idle = data.margin[split.train & ~is_active]
    model = Model(
        active=active,
        amount=amount,
        plain=Plain(
            months=data.months,
            discount_rate=data.discount_rate,
            scale=1.0,
            idle=float(idle.mean()) if len(idle) else 0.0,
            least=least,
            typical=float(np.median(data.repeated[split.train])),
            thresholds={},
        ),
        features=data.features,
        null_shares=tuple(np.isnan(data.numbers[split.train]).mean(axis=0).tolist()),
        described=describe(data.features, data.numbers[split.train], WORDS),
        threads=spec.threads,
        facts={},
    )
    promised = model.expected(data.numbers[split.calibration])
    came = data.margin[split.calibration]
    scale = float(came.sum() / promised.sum()) if promised.sum() > 0 < came.sum() else 1.0
    yearly = promised * scale * model.yearly
    shares = np.cumsum(list(spec.bands.values()))
    thresholds = {name: float(np.quantile(yearly, 1 - share)) for name, share in zip(spec.bands, shares, strict=True)}
    model.plain = Plain(**{**model.plain.__dict__, "scale": scale, "thresholds": thresholds})
    model.facts = _facts(model, data, is_active, floor)
    learnt = data.numbers[split.train]
    # Either booster is half of the model, whatever the unit of its gain.
    gains = [np.asarray(one.feature_importance("gain")) for one in (active, amount)]
    weights = sum(gain / max(gain.sum(), 1e-300) for gain in gains)
    model.baselines = drift.baselines(data.features, learnt, model.score(learnt), list(weights))
    return model


def _boost(
    spec: Spec, data: ValueSet, split: Split, target: np.ndarray, objective: str, among: np.ndarray
) -> lightgbm.Booster:
    own = ("active_income_amount", "least_amount", "origins")
    params: dict[str, Any] = {
        "objective": objective,
        "metric": "binary_logloss" if objective == "binary" else "l2",
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": spec.threads,
        "seed": spec.seed,
        "verbose": -1,
        **{name: given for name, given in spec.params.items() if name not in own},
    }
    rounds, patience = params.pop("num_boost_round", 400), params.pop("early_stopping_rounds", 40)
    train, stop = split.train & among, split.stop & among
    fitted = lightgbm.Dataset(data.numbers[train], target[train], feature_name=list(data.features))
    booster = lightgbm.train(
        params,
        fitted,
        num_boost_round=rounds,
        valid_sets=[fitted.create_valid(data.numbers[stop], target[stop])],
        callbacks=[lightgbm.early_stopping(patience, verbose=False)],
    )
    return lightgbm.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))


def _facts(model: Model, data: ValueSet, is_active: np.ndarray, floor: float) -> dict[str, Any]:
    plain = model.plain
    bands = ", ".join(f"{name} from {value:,.2f}" for name, value in plain.thresholds.items())
    scaled = (
        f"The history allows {plain.months} months ahead, not {YEAR}: the score is the margin of those months times"
        f" {model.yearly:.3f}, as if they went on at the same discount. A year itself hasn't been tested."
        if plain.months < YEAR
        else f"Judged on the whole {YEAR} months."
    )
    return {
        "trees": model.amount.num_trees(),
        "trees_active": model.active.num_trees(),
        "baseline": f"the last {plain.months} months' margin repeated",
        "months": plain.months,
        "thresholds": plain.thresholds,
        "about": [
            scaled,
            "",
            f"- Two parts: {model.active.num_trees()} trees for the chance of an income of {floor:,.2f} or more"
            f" ({is_active.mean():.1%} of the rows), {model.amount.num_trees()} for the change against the months"
            " before of those who have it.",
            f"- Discounted at {plain.discount_rate:.1%} a year: {plain.months} months count as"
            f" {discounted_months(plain.months, plain.discount_rate):.3f}; all assumptions are in margin_assumption.",
            f"- Calibrated by one factor, {plain.scale:.4f}, on the calibration customers; see `deciles.png`.",
            f"- Bands by yearly value, fixed at training: {bands}, else low.",
        ],
    }
