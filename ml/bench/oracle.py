"""How much of what can be known does a model know? Its skill as a share of the planted probabilities' skill.

On the synthetic bank the chances that everything was drawn from are kept as truth files. Skill is AUC less 0.5, of
both on the same out-of-time customers; nothing of the truth is read before the model is trained.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bankmart import db, settings
from ml.bench._json import as_json
from ml.errors import DataError, DataPrerequisite
from ml.judging.metrics import compare
from ml.spec import Spec, load_spec

# Truth file, its probability, and the columns that name one row of the model's data.
TRUTH = {
    "churn": ("churn.parquet", "p90", ("as_of_date", "customer_id")),
    "response": ("response.parquet", "p_response", ("contact_id",)),
    "value_up": ("value_up.parquet", "p90", ("as_of_date", "customer_id")),
}
# What is planted isn't all that there is to know.
BESIDE = {
    "value_up": "planted is the chance of a rise alone; who stands just below a tier reaches it without one, and the"
    " model sees that: a share above 1 is no mistake"
}
# Models without a planted chance, and why.
WITHOUT = {
    "anomaly": "planted are transactions, not chances: who knows them finds all, so the share would be the model's own"
    " skill; it is judged on cases planted into its test rows (precision_at_k in its card)",
    "clv": "no expected margin is planted: it follows from balances, rates and what customers do",
    "recommend": "planted is a liking for product lines; the chance to take a product in 90 days, with its shelf and"
    " campaigns, isn't kept",
    "segment": "no groups are planted: there is none to find",
    "sentiment": "planted is what a text says, which is a class and not a chance; stars are drawn from it with noise",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The models, the truth's folder and the business date."""
    parser.add_argument("--models", nargs="+", default=list(TRUTH), choices=list(TRUTH))
    parser.add_argument("--truth", type=Path, help="folder of the truth files; default: that of the state folder")
    parser.add_argument("--as-of", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD")
    parser.add_argument("--build-id", type=int, help="this training build, not the newest that passed")


def run(arguments: argparse.Namespace) -> int:
    """Train each model on the training build, compare it with the truth, print JSON."""
    settings.apply_environment()
    folder = arguments.truth or settings.state_dir() / "truth"
    found: dict[str, Any] = {}
    for name in arguments.models:
        try:
            found[name] = share_of_oracle(load_spec(name), folder, arguments.as_of, arguments.build_id)
        except DataPrerequisite as missing:
            found[name] = {"skipped": str(missing)}
    print(as_json(found))
    return 0


def share_of_oracle(spec: Spec, truth: Path, as_of: date, build_id: int | None) -> dict[str, Any]:
    """AUC of model and oracle on the test customers with 95 % intervals, the share, and the base rate."""
    from ml.techniques import technique

    how = technique(spec.technique)
    data = how.read(spec, as_of, build_id)
    split = how.split(spec, data)
    with db.connect("scorer") as link:
        how.check(link, spec, data)
    model = how.train(spec, data, split)
    score = model.promised(data, split.test)
    planted = _planted(spec.name, truth, data)[split.test]
    known = ~np.isnan(planted)
    label = data.label[split.test][known].astype(np.float64)
    judged = compare(score[known], planted[known], label, seed=spec.seed)
    ours, oracles = judged.model["auc"], judged.baseline["auc"]
    return {
        **made_from(data),
        "rows": int(known.sum()),
        "rows_without_truth": int((~known).sum()),
        "positives": int(label.sum()),
        "base_rate": round(float(label.mean()), 5),
        "auc": [round(one, 4) for one in (ours.value, ours.low, ours.high)],
        "oracle_auc": [round(one, 4) for one in (oracles.value, oracles.low, oracles.high)],
        "share_of_skill": [round(one, 4) for one in shares(score[known], planted[known], label, spec.seed)],
        "expected_oracle_auc": round(expected_auc(planted[known]), 4),
        "seed": spec.seed,
        "note": BESIDE.get(spec.name),
        "protocol": f"{split.rule}; test {', '.join(split.periods['test'])}; 400 paired resamples of customers",
    }


def made_from(data: Any) -> dict[str, Any]:
    """The code and the data of a figure, so that it can be made again."""
    from ml.tracking.server import revision

    return {
        "revision": revision(),
        "build_id": data.build.build_id,
        "business_date": data.build.business_date.isoformat(),
        "content_hash": data.content_hash,
    }


def shares(score: np.ndarray, planted: np.ndarray, label: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Model's skill by oracle's, with its 95 % interval (paired resamples; arrays (n,))."""
    from ml.judging.metrics import auc

    rng, rows = np.random.default_rng(seed), len(label)
    drawn = []
    for at in (np.arange(rows), *(rng.integers(0, rows, rows) for _ in range(400))):
        drawn.append((auc(score[at], label[at]) - 0.5) / (auc(planted[at], label[at]) - 0.5))
    low, high = np.nanpercentile(drawn[1:], [2.5, 97.5])
    return float(drawn[0]), float(low), float(high)


def expected_auc(chance: np.ndarray) -> float:
    """The AUC of the chances (n,) as scores, over all outcomes they could have had: no luck of the draw in it."""
    hit = np.sort(chance)[::-1]
    miss = 1 - hit
    later = np.cumsum(miss[::-1])[::-1] - miss
    return float((hit * (later + miss / 2)).sum() / (hit.sum() * miss.sum()))


def _planted(model: str, folder: Path, data: Any) -> np.ndarray:
    """The planted probability (n,) of each row of the data; NaN where the truth has none (linked customers)."""
    file, probability, key = TRUTH[model]
    path = folder / file
    if not path.exists():
        raise DataError(f"{path} isn't there: only a simulated bank has a truth (`bankmart simulate`).")
    table = pq.read_table(path)
    if "is_received" in table.column_names:
        table = table.filter(pc.field("is_received"))
    keys = zip(*(map(str, table[name].to_pylist()) for name in key), strict=True)
    chance = dict(zip(keys, table[probability].to_pylist(), strict=True))
    return np.array([chance.get(one, np.nan) for one in _rows(data, key)])


def _rows(data: Any, key: tuple[str, ...]) -> list[tuple[str, ...]]:
    from ml.data.training import as_date

    if key == ("contact_id",):
        return [(one.decode(),) for one in data.contacts.tolist()]
    days = {day: as_date(day).isoformat() for day in np.unique(data.day).tolist()}
    return [(days[day], one.decode()) for day, one in zip(data.day.tolist(), data.customers.tolist(), strict=True)]
