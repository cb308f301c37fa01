"""How near the uplift model comes to the planted effects of a simulated bank, on the same customers."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from bankmart import db, settings
from ml.bench._json import as_json
from ml.bench.oracle import made_from
from ml.errors import DataError
from ml.judging.kinds.uplift import Trial
from ml.spec import Spec, load_spec
from ml.techniques.uplift.contacts import CONTROL_NAME, ContactSet
from ml.techniques.uplift.model import Model

RESAMPLES = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The truth's folder and the business date."""
    parser.add_argument("--truth", type=Path, help="folder of the truth files; default: that of the state folder")
    parser.add_argument("--as-of", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD")
    parser.add_argument("--build-id", type=int, help="this training build, not the newest that passed")


def run(args: argparse.Namespace) -> int:
    """Train the model on the training build, compare it with the truth, print JSON."""
    settings.apply_environment()
    folder = args.truth or settings.state_dir() / "truth"
    print(as_json(share_of_oracle(load_spec("uplift"), folder, args.as_of, args.build_id)))
    return 0


def share_of_oracle(spec: Spec, truth: Path, as_of: date, build_id: int | None = None) -> dict[str, Any]:
    """Per offer and on average: the Qini of model, response model and oracle on the test contacts, and the shares.

    `observed` are of what happened, with 95 % intervals of the contacts resampled; `expected` are of the planted
    effects themselves, without the luck of the draw.
    """
    from ml.techniques import technique

    how = technique(spec.technique)
    data: ContactSet = how.read(spec, as_of, build_id)
    split = how.split(spec, data)
    with db.connect("scorer") as link:
        how.check(link, spec, data)
    model: Model = how.train(spec, data, split)
    numbers = data.columns(model.features)
    scores = {"model": model.effects(numbers), "response": model.responses(numbers)}
    test = {"test": split.test, "calibration": split.calibration}
    planted = _planted(truth, data, model.offers)
    found: dict[str, Any] = {**made_from(data), "seed": spec.seed}
    found |= {part: _on(model, data, scores, planted, rows, spec.seed) for part, rows in test.items()}
    found["protocol"] = (
        f"{split.rule}; test {', '.join(split.periods['test'])}; {RESAMPLES} resamples of contacts; seed {spec.seed};"
        f" learner {model.kind}. The calibration contacts were learnt from in the end: the test is the judge."
    )
    return found


def _on(
    model: Model, data: ContactSet, scores: dict[str, np.ndarray], planted: np.ndarray, rows: np.ndarray, seed: int
) -> dict[str, Any]:
    experiment = data.experiment(model.features, model.offers)
    known = rows & ~np.isnan(planted).any(axis=1)
    label = data.label[known]
    said: dict[str, Any] = {
        "contacts": int(rows.sum()),
        "without_truth": int((rows & ~known).sum()),
        "buyers": int(label.sum()),
        "base_rate": round(float(label.mean()), 5) if len(label) else None,
    }
    areas, drawn, expected, weights = [], [], [], []
    for at, offer in enumerate(model.offers):
        places = experiment.places(at)
        places = places[known[places]]
        trial = experiment.trial(places)
        if not 0 < trial.treated.sum() < len(places):
            continue
        own = {**{name: score[places, at] for name, score in scores.items()}, "oracle": planted[places, at]}
        ordered = [trial.ordered(score) for score in own.values()]
        rng = np.random.default_rng([seed, at])
        copies = [
            np.bincount(rng.integers(0, len(places), len(places)), minlength=len(places)) for _ in range(RESAMPLES)
        ]
        areas.append([one.area() for one in ordered])
        drawn.append([[one.area(each.astype(float)) for one in ordered] for each in copies])
        expected.append([expected_area(score, planted[places, at]) for score in own.values()])
        weights.append(int(trial.treated.sum()))
        said[offer] = {
            "treated": int(trial.treated.sum()),
            "control": int((~trial.treated).sum()),
            "base_rate": round(float(trial.outcome.mean()), 5),
            "expected_share": _share(np.array(expected[-1])),
        }
    if not weights:
        return said | {"share": None}
    share = np.array(weights) / sum(weights)
    observed, resampled = share @ np.array(areas), np.tensordot(share, np.array(drawn), axes=1)
    mean = share @ np.array(expected)
    low, high = np.nanpercentile(resampled[:, 0] / resampled[:, 2], [2.5, 97.5])
    bounds = np.nanpercentile(resampled, [2.5, 97.5], axis=0)
    # An effect has no AUC, for nobody's is seen: an order is worth the area between its Qini curve and the random one.
    said["qini_area"] = {
        name: [round(float(one), 6) for one in (observed[side], *bounds[:, side])]
        for side, name in enumerate((*scores, "oracle"))
    }
    return said | {
        "observed_share_of_oracle": round(float(observed[0] / observed[2]), 4),
        "observed_share_95": [round(float(low), 4), round(float(high), 4)],
        "expected_share_of_oracle": round(float(mean[0] / mean[2]), 4),
        "response_expected_share_of_oracle": round(float(mean[1] / mean[2]), 4),
    }


def expected_area(score: np.ndarray, effect: np.ndarray) -> float:
    """The area over random of the Qini curve that the planted effects (n,) give in the score's order."""
    both = np.concatenate([np.ones(len(effect), dtype=bool), np.zeros(len(effect), dtype=bool)])
    trial = Trial(np.concatenate([effect, np.zeros(len(effect))]), both, np.ones(len(both)))
    return trial.ordered(np.tile(score, 2)).area()


def _share(areas: np.ndarray) -> dict[str, float]:
    return {"model": round(float(areas[0] / areas[2]), 4), "response": round(float(areas[1] / areas[2]), 4)}


def _planted(folder: Path, data: ContactSet, offers: tuple[str, ...]) -> np.ndarray:
    """The planted effect (n, offers) of each contact's campaign; NaN where the truth has none."""
    path = folder / "response.parquet"
    if not path.exists():
        raise DataError(f"{path} isn't there: only a simulated bank has a truth (`bankmart simulate`).")
    table = pq.read_table(path, columns=["contact_id", "treatment", "effect"]).to_pandas()
    table = table[table["treatment"] != CONTROL_NAME].pivot(index="contact_id", columns="treatment", values="effect")
    contacts = [one.decode() for one in data.contacts.tolist()]
    effect = table.reindex(index=contacts, columns=list(offers)).to_numpy(np.float64)
    # An offer that the campaign hadn't is no row of it; its effect isn't asked for.
    there = np.isfinite(effect).any(axis=1)
    return np.where(there[:, None] & ~np.isfinite(effect), 0.0, effect)
