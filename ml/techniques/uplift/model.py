"""The trained model: each offer's effect on each customer, and which offer, if any, is worth its cost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

from ml.errors import ArtefactRefused, DataError
from ml.judging import drift
from ml.judging.fairness import Measured, of_everybody, with_groups
from ml.judging.groups import groups_of
from ml.judging.judgement import Judgement
from ml.judging.kinds.policy import Policy, choose, choose_as_many
from ml.judging.kinds.uplift import RESAMPLES, Offer, compare, effects_by_group
from ml.judging.slices import RESAMPLES as OF_SLICES
from ml.judging.slices import slices_by
from ml.techniques.uplift import plots
from ml.techniques.uplift.experiment import CONTROL, Experiment
from ml.techniques.uplift.learners import BOOSTERS, Arm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAIN = "model.json"
SHAP_SAMPLE = 500
SHOWN = ("qini", "uplift_at_30", "policy_value")
ABSENT = {
    "rolling": "an effect is seen in the buyers of a whole campaign with and without it, and what came before an"
    " earlier campaign is too little to learn it from; other seeds on the same test say how steady the model is",
    "lift": "tenths have too few buyers with and without an offer; uplift_at_10 and uplift_at_30 are the effect among"
    " the first, and `calibration.png` shows it by fifths",
    "cost": "offers differ in cost and no branch's calls limit them; policy_profit is the profit of what the model"
    " would choose, costs included",
}


@dataclass
class Model:
    """An arm per offer, the kind of learner that was chosen, what an outcome is worth and what a contact costs.

    `thresholds` are the bands' of the best effect; `null_shares` those of training, per feature; `baselines` are what
    drift is measured by where contacts are judged, `of_everyone` where all customers are scored: a campaign's choice is
    no drift.
    """

    features: tuple[str, ...]
    offers: tuple[str, ...]
    arms: tuple[Arm, ...]
    kind: str
    value: float
    costs: tuple[float, ...]
    thresholds: dict[str, float]
    null_shares: tuple[float, ...]
    described: dict[str, Any]
    threads: int
    facts: dict[str, Any]
    baselines: dict[str, drift.Baseline] = field(default_factory=dict)
    of_everyone: dict[str, drift.Baseline] = field(default_factory=dict)
    seen: drift.Watch | None = None

    def effects(self, numbers: np.ndarray) -> np.ndarray:
        """Each offer's effect on the expected outcome (n, offers) for features (n, len(features))."""
        return np.column_stack([arm.effect(numbers, self.kind, self.threads) for arm in self.arms])

    def responses(self, numbers: np.ndarray) -> np.ndarray:
        """The expected outcome with each offer (n, offers): the response model that is the baseline."""
        return np.column_stack([arm.response(numbers, self.threads) for arm in self.arms])

    def ranks(self, effects: np.ndarray) -> np.ndarray:
        """Each offer's rank (n, offers) for the customer, 1 for the highest effect × value less cost."""
        net = effects * self.value - np.array(self.costs)
        ranks = np.empty(net.shape, dtype=np.int16)
        order = np.argsort(-net, axis=1, kind="stable")
        np.put_along_axis(ranks, order, np.arange(1, net.shape[1] + 1, dtype=np.int16)[None, :], axis=1)
        return ranks

    def score(self, numbers: np.ndarray) -> np.ndarray:
        """The effect (n,) of the offer that is best for the customer."""
        return self._best(self.effects(numbers))

    def _best(self, effects: np.ndarray) -> np.ndarray:
        return np.asarray(effects[self.ranks(effects) == 1])

    def bands(self, scores: np.ndarray) -> np.ndarray:
        """The band (n,) of each best effect: the first, from the top, whose threshold it reaches; else `low`."""
        names, least = list(self.thresholds), list(self.thresholds.values())
        return np.select([scores >= limit for limit in least], names, default="low")

    def reasons(self, numbers: np.ndarray, offer: int, count: int) -> list[str]:
        """Per row, as JSON, what raises an offer's effect most (`offer` is its place)."""
        from ml.judging.reasons import top_reasons

        if not len(numbers):
            return []
        contributions = self.arms[offer].contributions(numbers, self.kind, self.threads)
        about = (f"{self.offers[offer]} 的增量效果", f"what the offer {self.offers[offer]} changes")
        return top_reasons(self.features, numbers, contributions, count, self.described, about)

    def judge(self, data: Any, rows: np.ndarray, seed: int) -> Judgement:
        """Against the response model on rows (mask (n,)): it ranks by outcome, and contacts as many."""
        experiment = self._experiment(data, rows)
        effects, responses = self.effects(experiment.numbers), self.responses(experiment.numbers)
        allowed = experiment.allowed()
        chosen = choose(effects, np.array(self.costs), self.value, allowed)
        as_many = choose_as_many(responses, int((chosen != CONTROL).sum()), allowed)
        judged = self._compared(experiment, (effects, responses), (chosen, as_many), seed)
        groups, measured = groups_of(data, rows), self._by_group(experiment, effects, chosen)

        def of(mask: np.ndarray) -> Judgement | None:
            sides = (effects[mask], responses[mask]), (chosen[mask], as_many[mask])
            try:
                return self._compared(experiment.only(mask), *sides, seed, OF_SLICES)
            except DataError:
                return None

        return replace(
            with_groups(judged, measured, groups, seed),
            slices=slices_by(of, groups, SHOWN, experiment.outcome > 0),
            drift=drift.drift(self.baselines, self.features, experiment.numbers, self._best(effects)),
            absent=ABSENT,
            overall=of_everybody(measured, seed=seed),
        )

    def watch(self) -> drift.Watch:
        """A new count of customers against all of training's newest date, to be fed while they are scored."""
        return drift.Watch(self.of_everyone, self.features)

    def against(self, rival: Model, data: Any, rows: np.ndarray, seed: int) -> Judgement:
        """Against another model, on the offers that both know, each choosing by itself."""
        experiment = self._experiment(data, rows)
        effects = self.effects(experiment.numbers)
        known = [at for at, offer in enumerate(self.offers) if offer in rival.offers]
        theirs = np.full(effects.shape, -np.inf)
        found = rival.effects(data.columns(rival.features)[rows])
        theirs[:, known] = found[:, [rival.offers.index(self.offers[at]) for at in known]]
        allowed = experiment.allowed()
        allowed_both = allowed & np.isin(np.arange(len(self.offers)), known)
        costs = np.array(self.costs)
        chosen = choose(effects, costs, self.value, allowed)
        rivals = choose(np.where(allowed_both, theirs, -1e300), costs, self.value, allowed_both)
        return self._compared(experiment, (effects, theirs), (chosen, rivals), seed)

    def figures(self, data: Any, rows: np.ndarray, seed: int) -> dict[str, Figure]:
        """File name → plot, for the rows (mask (n,))."""
        experiment = self._experiment(data, rows)
        effects, responses = self.effects(experiment.numbers), self.responses(experiment.numbers)
        made = {}
        trials = []
        sample = np.sort(
            np.random.default_rng(seed).choice(len(experiment), min(SHAP_SAMPLE, len(experiment)), replace=False)
        )
        for at, offer in enumerate(self.offers):
            places = experiment.places(at)
            trial = experiment.trial(places)
            if 0 < trial.treated.sum() < len(places):
                made[f"qini_{offer}.png"] = plots.qini_curves(
                    offer, trial, {"model": effects[places, at], "response model": responses[places, at]}
                )
                made[f"effect_{offer}.png"] = plots.promised_effects(offer, trial, effects[places, at])
                trials.append((trial, effects[places, at]))
            shap = self.arms[at].contributions(experiment.numbers[sample], self.kind, self.threads)
            made[f"shap_{offer}.png"] = plots.importance(self.features, shap, self._unit(experiment), "contacts")
        if trials:
            made["calibration.png"] = plots.promised_effects("all offers", *plots.together(trials))
        return made

    def _unit(self, experiment: Experiment) -> str:
        """Of the contributions: the outcome's, unless they are of the T-learner's models of a yes or no."""
        if "x" in self.kind:
            return "effect on the outcome, by its X part" if "t" in self.kind else "effect on the outcome"
        return "difference in log-odds" if experiment.is_binary() else "effect on the outcome"

    def save(self, folder: Path, example: dict[str, float | None]) -> None:
        """Write an MLflow model of plain files into the new `folder`: boosters' text, JSON, MLmodel."""
        from mlflow.models import Model as Packed
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema

        folder.mkdir(parents=True)
        for offer, arm in zip(self.offers, self.arms, strict=True):
            for name in BOOSTERS:
                getattr(arm, name).save_model(str(folder / _file(self.offers.index(offer), name)))
        plain = {
            "technique": "uplift",
            **{name: getattr(self, name) for name in ("features", "offers", "kind", "value", "costs", "thresholds")},
            **{name: getattr(self, name) for name in ("null_shares", "described", "threads", "facts")},
            "chances": [arm.chance for arm in self.arms],
            "baselines": drift.as_plain(self.baselines),
            "of_everyone": drift.as_plain(self.of_everyone),
        }
        (folder / PLAIN).write_text(json.dumps(plain, indent=1), encoding="utf-8")
        (folder / "input_example.json").write_text(
            json.dumps({"columns": list(self.features), "data": [[example.get(name) for name in self.features]]})
        )
        packed = Packed(
            signature=ModelSignature(
                Schema([ColSpec("double", name, required=False) for name in self.features]),
                Schema([ColSpec("double", offer) for offer in self.offers]),
            ),
            saved_input_example_info={
                "artifact_path": "input_example.json", "type": "dataframe", "pandas_orient": "split",
            },
        )  # fmt: skip
        packed.add_flavor("bankmart_uplift", learner="lightgbm", lightgbm_version=lightgbm.__version__)
        packed.save(str(folder / "MLmodel"))

    def _experiment(self, data: Any, rows: np.ndarray) -> Experiment:
        """The rows as an experiment with the model's offers and features; other offers' rows are left out."""
        experiment: Experiment = data.experiment(self.features, self.offers).only(rows)
        return experiment

    def _by_group(self, experiment: Experiment, effects: np.ndarray, chosen: np.ndarray) -> Measured:
        outcome, propensity = experiment.outcome.astype(np.float64), experiment.propensity
        policy = Policy(experiment.arm, chosen, propensity, outcome, outcome)
        promised = effects[np.arange(len(effects)), np.maximum(experiment.arm - 1, 0)]
        return effects_by_group(policy, experiment.allowed().sum(axis=1), promised)

    def _compared(
        self,
        experiment: Experiment,
        scores: tuple[np.ndarray, np.ndarray],
        chosen: tuple[np.ndarray, np.ndarray],
        seed: int,
        resamples: int = RESAMPLES,
    ) -> Judgement:
        offers = []
        for at, name in enumerate(self.offers):
            places = experiment.places(at)
            trial = experiment.trial(places)
            if 0 < trial.treated.sum() < len(places):
                offers.append(Offer(name, places, trial, scores[0][places, at], scores[1][places, at]))
        if not offers:
            raise DataError(
                "None of the model's offers was drawn against a control among these customers: nothing can be judged."
                " Wait for a campaign with a control group."
            )
        cost = np.concatenate([[0.0], np.array(self.costs)])[experiment.arm]
        gain = experiment.outcome * self.value - cost
        policies = [
            Policy(experiment.arm, one, experiment.propensity, experiment.outcome.astype(np.float64), gain)
            for one in chosen
        ]
        positives = int(experiment.outcome.sum()) if experiment.is_binary() else None
        return compare(offers, (policies[0], policies[1]), positives, resamples, seed)


def load(folder: Path) -> Model:
    """The model that `save` wrote; reads text and JSON only. Raises ArtefactRefused where they don't fit."""
    try:
        plain = json.loads((folder / PLAIN).read_text(encoding="utf-8"))
        arms = tuple(
            Arm(**{name: _booster(folder / _file(at, name)) for name in BOOSTERS}, chance=chance)
            for at, chance in enumerate(plain["chances"])
        )
        model = Model(
            arms=arms,
            features=tuple(plain["features"]),
            offers=tuple(plain["offers"]),
            costs=tuple(plain["costs"]),
            null_shares=tuple(plain["null_shares"]),
            kind=plain["kind"],
            value=plain["value"],
            thresholds=plain["thresholds"],
            described=plain["described"],
            threads=plain["threads"],
            facts=plain["facts"],
            baselines=drift.from_plain(plain["baselines"]),
            # Versions from before it was kept: those contacted stand for all.
            of_everyone=drift.from_plain(plain.get("of_everyone", plain["baselines"])),
        )
    except (OSError, ValueError, KeyError, TypeError, lightgbm.basic.LightGBMError) as error:
        raise ArtefactRefused(f"The model's files can't be read: {error}. Train and promote again.") from error
    for arm in arms:
        for name in BOOSTERS:
            if getattr(arm, name).feature_name() != list(model.features):
                raise ArtefactRefused(f"A booster and {PLAIN} name different features: they aren't of one model.")
    if len(arms) != len(model.offers):
        raise ArtefactRefused(f"{PLAIN} names {len(model.offers)} offers and {len(arms)} arms: not of one model.")
    return model


def _file(offer: int, booster: str) -> str:
    return f"offer_{offer}_{booster}.lgb"


def _booster(path: Path) -> lightgbm.Booster:
    return lightgbm.Booster(model_str=path.read_text(encoding="utf-8"))
