"""The response question asked forward in time: retrained every so many contacts, as the retraining DAG would.

Every contact is scored by a model that learnt from earlier contacts only, beside a model frozen at the start
and a logistic regression retrained as often. The classifier is the platform's own (`ml.techniques.binary`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from ml.data.build import Build
from ml.data.split import Split
from ml.data.training import TrainingSet, as_date
from ml.errors import DataPrerequisite
from ml.public.contacts import Contacts
from ml.spec import Gates, Needs, Population, Spec
from ml.techniques import technique
from ml.techniques.categories import fit_encoding, memory, memory_names

LEAST_CLASS = 20
# Chosen by walking over bank_marketing, seed 1, with the contacts that are reported: of five settings the best.
PARAMS = {
    "learning_rate": 0.025,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "num_boost_round": 180,
    "early_stopping_rounds": 181,
}


@dataclass(frozen=True)
class Protocol:
    """`start`: share of contacts before the first judged one; windows and steps in contacts."""

    start: float = 0.7
    window: int = 20_000
    every: int = 500
    delay: int = 0
    seeds: tuple[int, ...] = (1, 2, 3)

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)


@dataclass(frozen=True)
class Walk:
    """Scores of the judged contacts: `rolling` and `frozen` (seeds, n), `logistic` (n,); `first` is their start."""

    first: int
    retrainings: int
    rolling: np.ndarray
    frozen: np.ndarray
    logistic: np.ndarray
    features: tuple[str, ...]


def walk(contacts: Contacts, protocol: Protocol) -> Walk:
    """Score all contacts from the protocol's start on. Raises DataPrerequisite where there are too few."""
    first = int(len(contacts) * protocol.start)
    _require(contacts, protocol, first)
    past = memory(contacts.moment, contacts.label, protocol.delay)
    shape = (len(protocol.seeds), len(contacts) - first)
    rolling, frozen, logistic = np.empty(shape), np.empty(shape), np.empty(shape[1])
    starts = range(first, len(contacts), protocol.every)
    for begin in starts:
        end = min(begin + protocol.every, len(contacts))
        # The newest outcomes aren't known yet where they take their time.
        learn = np.arange(max(0, begin - protocol.window), begin - protocol.delay)
        numbers, names = _numbers(contacts, past, learn, np.arange(begin, end))
        known, new = numbers[: len(learn)], numbers[len(learn) :]
        for at, seed in enumerate(protocol.seeds):
            model = fit(known, contacts.label[learn], names, seed)
            rolling[at, begin - first : end - first] = model.raw(new)
        given = slice(past.shape[1], None)
        logistic[begin - first : end - first] = _logistic(known[:, given], contacts.label[learn], new[:, given])
    learn = np.arange(0, first - protocol.delay)
    # A frozen campaign has no memory: what it would remember ends with its training.
    numbers, names = _numbers(contacts, None, learn, np.arange(first, len(contacts)))
    for at, seed in enumerate(protocol.seeds):
        model = fit(numbers[: len(learn)], contacts.label[learn], names, seed)
        frozen[at] = model.raw(numbers[len(learn) :])
    return Walk(first, len(starts), rolling, frozen, logistic, (*memory_names(), *names))


def fit(numbers: np.ndarray, label: np.ndarray, names: tuple[str, ...], seed: int) -> Any:
    """The platform's binary model of these contacts (n, len(names)), oldest first.

    The newest contacts tell most, so none is held back: the fit ends after PARAMS' rounds, and the scores are raw
    log-odds, whose order is all that is judged here (the calibration has seen the same contacts).
    """
    everybody, nobody = np.ones(len(label), dtype=bool), np.zeros(len(label), dtype=bool)
    split = Split(
        train=everybody,
        stop=everybody,
        calibration=everybody,
        test=nobody,
        rule="all contacts of the window",
        periods={"train": [], "calibration": [], "test": []},
    )
    spec = _spec(names, seed)
    data = TrainingSet(
        build=Build(0, as_date(0), "training", "passed", None),
        customers=np.char.mod("%d", np.arange(len(label))).astype("S12"),
        day=np.zeros(len(label), dtype=np.int32),
        numbers=np.ascontiguousarray(numbers),
        label=label,
        features=spec.features,
        empty=(),
        types=dict.fromkeys(spec.features, "double precision"),
        content_hash="",
    )
    return technique("binary").train(spec, data, split)


def _spec(names: tuple[str, ...], seed: int) -> Spec:
    plain = tuple(f"x{at}" for at in range(len(names)))
    return Spec(
        name="response",
        question="Will this customer take the product if contacted?",
        owner="bench",
        technique="binary",
        horizon_days=0,
        features_table=("bench", "contacts"),
        features=plain,
        label_table=("bench", "contacts"),
        label="label",
        population=Population("x0", 0.0, "all contacts"),
        baseline_columns=plain[:1],
        needs=Needs(1, 1, 1),
        gates=Gates("auc"),
        params=PARAMS,
        seed=seed,
    )


def _numbers(
    contacts: Contacts, past: np.ndarray | None, learn: np.ndarray, new: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Memory, numeric and encoded columns of both, the encoding learnt from `learn`; and the columns' names."""
    rows = np.concatenate([learn, new])
    encoding = fit_encoding(contacts.categorical.iloc[learn])
    parts = [] if past is None else [past[rows]]
    parts += [contacts.numeric.iloc[rows].to_numpy(np.float64), encoding(contacts.categorical.iloc[rows])]
    names = (() if past is None else memory_names()) + (*contacts.numeric.columns, *encoding.names())
    return np.column_stack(parts), names


def _logistic(known: np.ndarray, label: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The baseline's probabilities: nulls as the mean with a column of their own, scaled, ridge."""
    centre = np.nan_to_num(np.nanmean(np.where(np.isnan(known).all(axis=0), 0.0, known), axis=0))
    spread = np.nan_to_num(np.nanstd(np.where(np.isnan(known).all(axis=0), 0.0, known), axis=0))
    spread = np.where(spread > 0, spread, 1.0)

    def ready(numbers: np.ndarray) -> np.ndarray:
        scaled = np.nan_to_num((numbers - centre) / spread)
        return np.column_stack([np.clip(scaled, -10, 10), np.isnan(numbers)])

    fitted = LogisticRegression(C=0.1, max_iter=200).fit(ready(known), label)
    return np.asarray(fitted.predict_proba(ready(new))[:, 1])


def _require(contacts: Contacts, protocol: Protocol, first: int) -> None:
    for name, label in (("before", contacts.label[:first]), ("after", contacts.label[first:])):
        least = int(min(label.sum(), len(label) - label.sum())) if len(label) else 0
        if least < LEAST_CLASS:
            raise DataPrerequisite(
                f"There are too few contacts: {name} the first judged one (contact {first} of {len(contacts)}) the"
                f" rarer outcome is there {least} times, needed are {LEAST_CLASS}.",
                {"contacts": len(contacts), "first_judged": first, "rarer_outcome": least, "needed": LEAST_CLASS},
            )
