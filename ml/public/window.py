"""What a walk over contacts is made of: its protocol, whose outcomes are known when, numbers, and the model.

The classifier is the platform's own (`ml.techniques.binary`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ml.data.build import Build
from ml.data.split import Split, buckets
from ml.data.training import TrainingSet, as_date
from ml.errors import DataPrerequisite
from ml.public.contacts import Contacts
from ml.spec import Needs, Population, Spec, load_spec
from ml.techniques import technique
from ml.techniques.categories import MOST_COLUMNS, fit_encoding, memory_names, past_rates

LEAST_CLASS = 20
# Plain, unless there are many buyers to learn from and more trees did better on earlier contacts.
USUAL, PLAIN, MORE = "usual", "plain", "more trees"
# As the spec of the `response` model says: its parameters, its trials at the first training, trees ended by contacts
# set aside, and then as many trees learnt from all.
RESPONSE = "response"
# The first one, unless settling by earlier contacts is asked for (see `settling`). It was found by walking over
# bank_marketing, seed 1, with the contacts that are reported there: the best of five settings.
_ALWAYS = {"feature_fraction": 0.4, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0}
SETTINGS: dict[str, dict[str, Any]] = {
    PLAIN: {"learning_rate": 0.025, "num_leaves": 15, "min_data_in_leaf": 50, "num_boost_round": 180},
    "small trees": {"learning_rate": 0.025, "num_leaves": 7, "min_data_in_leaf": 100, "num_boost_round": 240},
    "large trees": {"learning_rate": 0.03, "num_leaves": 31, "min_data_in_leaf": 50, "num_boost_round": 200},
    MORE: {"learning_rate": 0.03, "num_leaves": 31, "min_data_in_leaf": 100, "num_boost_round": 500},
    "random splits": {
        **{"learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 50, "num_boost_round": 250},
        "extra_trees": True,
    },
}
USUAL_WINDOW, MOST_WINDOW = 20_000, 300_000
LEAST_STEP, LEAST_STEPS, MOST_STEPS = 500, 6, 40
# All retrainings of all seeds together learn from so many contacts: some minutes.
MOST_LEARNT = 6_000_000


@dataclass(frozen=True)
class Protocol:
    """`start`: share of contacts before the first judged one; windows and steps in contacts.

    A `window` or `settings` of None is settled by the contacts before the first judged one (else one of SETTINGS,
    USUAL or RESPONSE); without `every` it is LEAST_STEP, or as many as make MOST_STEPS steps. `nightly` retrains
    between two moments only, at the first that lies `every` contacts or more after the last training: a contact's model
    knows no outcome of its own moment. With the seeds in `beside` the same contacts are walked without the campaign's
    memory, too, and as the retraining DAG would (`ml.public.monthly`): moments are days then.
    """

    start: float = 0.7
    window: int | None = None
    every: int | None = None
    delay: int = 0
    seeds: tuple[int, ...] = (1, 2, 3)
    settings: str | None = USUAL
    threads: int = 1
    nightly: bool = False
    beside: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """What a walk follows: window and step in contacts, and which of SETTINGS, or RESPONSE."""

    window: int
    every: int
    settings: str


def has_both(label: np.ndarray) -> bool:
    """Whether both outcomes are there often enough to learn from or to judge on."""
    return bool(len(label)) and min(int(label.sum()), int(len(label) - label.sum())) >= LEAST_CLASS // 2


def learnt_from(contacts: Contacts, begin: int, window: int, delay: int) -> np.ndarray:
    """The newest contacts whose outcome is known at contact `begin`: of earlier moments, `delay` ago or more.

    `window` of them, or as many more as bring LEAST_CLASS of the rarer outcome.
    """
    moment = contacts.moment
    end = max(0, min(begin - delay, int(np.searchsorted(moment, moment[begin], side="left"))))
    first = max(0, end - window)
    for outcome in (0, 1):
        there = np.flatnonzero(contacts.label[:end] == outcome)[-LEAST_CLASS:]
        first = min(first, int(there[0]) if len(there) == LEAST_CLASS else 0)
    return np.arange(first, end)


def fit(
    numbers: np.ndarray,
    label: np.ndarray,
    names: tuple[str, ...],
    seed: int,
    settings: str = PLAIN,
    threads: int = 1,
    tuned: Mapping[str, Any] | None = None,
) -> Any:
    """The platform's binary model of these contacts (n, len(names)), oldest first.

    The newest contacts tell most, so in the end none is held back: with one of SETTINGS the fit ends after its rounds,
    with RESPONSE after as many as contacts set aside asked for; `tuned` are what an earlier fit's trials came to (None:
    they are made). The scores are raw log-odds, whose order is all that is judged here.
    """
    spec = spec_of(names, seed, settings, threads, tuned)
    data = training_set(spec, numbers, label)
    return technique("binary").train(spec, data, _split(data.customers, label, settings))


def training_set(spec: Spec, numbers: np.ndarray, label: np.ndarray) -> TrainingSet:
    """The contacts (n, features of the spec) as the platform's training reads them; each is a customer of its own."""
    return TrainingSet(
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


def _split(customers: np.ndarray, label: np.ndarray, settings: str) -> Split:
    """Everybody is everything; for RESPONSE as in a short history: a quarter calibrates, an eighth of the rest ends."""
    everybody, nobody = np.ones(len(label), dtype=bool), np.zeros(len(label), dtype=bool)
    train = stop = calibration = everybody
    if settings == RESPONSE:
        calibration = buckets(customers, 4, "calibration") == 0
        stop = ~calibration & (buckets(customers, 8, "stop") == 0)
        train = ~calibration & ~stop
        if not all(has_both(label[part]) for part in (train, stop, calibration)):
            raise DataPrerequisite(
                f"Of {len(label)} contacts with {int(label.sum())} buyers too few can be set aside to end and to"
                f" calibrate the fit. Give a larger --window, or other --settings than {RESPONSE}.",
                {"contacts": len(label), "buyers": int(label.sum())},
            )
    return Split(
        train, stop, calibration, nobody, "all contacts of the window", {"train": [], "calibration": [], "test": []}
    )


def spec_of(
    names: tuple[str, ...], seed: int, settings: str, threads: int, tuned: Mapping[str, Any] | None = None
) -> Spec:
    """The `response` model's own spec for the columns that there are; other settings put their parameters in it."""
    spec = load_spec("response")
    plain = tuple(f"x{at}" for at in range(len(names)))
    if settings == RESPONSE:
        # The walk has a logistic regression and earlier dates of its own.
        params = {**spec.params, "origins": 0, "baseline": "rule"}
        params |= {} if tuned is None else {**tuned, "trials": 0}
    else:
        params = _ALWAYS | SETTINGS[settings]
        params |= {"early_stopping_rounds": params["num_boost_round"] + 1}
    return replace(
        spec,
        technique="binary",
        features_table=("bench", "contacts"),
        label_table=("bench", "contacts"),
        label="label",
        sources=(),
        features=plain,
        baseline_columns=plain[:1],
        population=Population("x0", 0.0, "all contacts"),
        needs=Needs(1, 1, 1),
        params=params,
        threads=threads,
        seed=seed,
    )


def numbers_of(
    contacts: Contacts, past: np.ndarray | None, learn: np.ndarray, new: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Memory, numeric and encoded columns of both, the encoding learnt from `learn`; and the columns' names.

    A category with more levels than get a column of their own also tells what came of its level's earlier contacts.
    """
    rows = np.concatenate([learn, new])
    categorical = contacts.categorical.iloc[rows]
    encoding = fit_encoding(categorical.iloc[: len(learn)])
    many = [name for name, levels in encoding.shares.items() if len(levels) > MOST_COLUMNS]
    known = np.arange(len(rows)) < len(learn)
    rates = [past_rates(categorical[name], contacts.moment[rows], contacts.label[rows], known) for name in many]
    parts = [] if past is None else [past[rows]]
    parts += [contacts.numeric.iloc[rows].to_numpy(np.float64), encoding(categorical), *rates]
    names = (() if past is None else memory_names()) + (*contacts.numeric.columns, *encoding.names())
    return np.column_stack(parts), (*names, *(f"earlier rate of {name}" for name in many))
