"""The response question asked forward in time: retrained every so many contacts, and every new model serves at once.

Every contact is scored by a model that learnt from earlier contacts only, beside a model frozen at the start
and a logistic regression retrained as often. The retraining DAG waits for the month's end and for its gates, and the
platform's response model has no memory of the campaign: `ml.public.monthly` walks like that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from ml.data.leakage import UNBELIEVABLE_AUC, telling
from ml.errors import DataPrerequisite
from ml.public.contacts import Contacts
from ml.public.settling import settle
from ml.public.window import LEAST_CLASS, MOST_WINDOW, Protocol, fit, has_both, learnt_from, numbers_of
from ml.techniques.categories import memory


@dataclass(frozen=True)
class Walk:
    """Scores of the judged contacts: `rolling` and `frozen` (seeds, n), `logistic` (n,); `first` is their start.

    `forgetful` (seeds asked for beside, n) is rolling without what the campaign remembers.
    `settled` is what was tried on earlier contacts, with its AUC there; empty where the protocol says everything.
    `suspects` tell the outcome of the contacts before `first` nearly alone, with their AUC. `tuned` is what each seed's
    first training found better than the spec's parameters; nothing where it found nothing.
    """

    first: int
    window: int
    every: int
    settings: str
    settled: dict[str, float]
    retrainings: int
    rolling: np.ndarray
    forgetful: np.ndarray
    frozen: np.ndarray
    logistic: np.ndarray
    features: tuple[str, ...]
    suspects: dict[str, float]
    tuned: dict[int, dict[str, Any]]


def walk(contacts: Contacts, protocol: Protocol) -> Walk:
    """Score all contacts from the protocol's start on. Raises DataPrerequisite where there are too few."""
    first = int(len(contacts) * protocol.start)
    _require(contacts, first)
    past = memory(contacts.moment, contacts.label, protocol.delay)
    plan, settled = settle(contacts, past, protocol, first)
    shape = (len(protocol.seeds), len(contacts) - first)
    rolling, frozen, logistic = np.empty(shape), np.empty(shape), np.empty(shape[1])
    forgetful = np.empty((len(protocol.beside), shape[1]))
    given = slice(past.shape[1], None)
    names: tuple[str, ...] = ()
    tuned: dict[int, dict[str, Any]] = {}
    tuned_without: dict[int, dict[str, Any]] = {}
    starts = _starts(contacts, first, plan.every, protocol.nightly)
    for begin, end in zip(starts, [*starts[1:], len(contacts)], strict=True):
        new = np.arange(begin, end)
        place = slice(new[0] - first, new[-1] + 1 - first)
        learn = _learnable(contacts, begin, plan.window, protocol.delay)
        numbers, names = numbers_of(contacts, past, learn, new)
        known, asked = numbers[: len(learn)], numbers[len(learn) :]
        sides = [
            *((slice(None), seed, scores, tuned) for seed, scores in zip(protocol.seeds, rolling, strict=True)),
            *((given, seed, scores, tuned_without) for seed, scores in zip(protocol.beside, forgetful, strict=True)),
        ]
        for columns, seed, scores, found in sides:
            of_them, own = (contacts.label[learn], names[columns]), found.get(seed)
            model = fit(known[:, columns], *of_them, seed, plan.settings, protocol.threads, own)
            # What the trials of the first training came to holds for the later ones.
            found.setdefault(seed, model.facts.get("tuning", {}).get("params", {}))
            scores[place] = model.raw(asked[:, columns])
        logistic[place] = _logistic(known[:, given], contacts.label[learn], asked[:, given])
    # A frozen campaign has no memory: what it would remember ends with its training.
    learn = _learnable(contacts, first, MOST_WINDOW, protocol.delay)
    numbers, frozen_names = numbers_of(contacts, None, learn, np.arange(first, len(contacts)))
    for at, seed in enumerate(protocol.seeds):
        model = fit(numbers[: len(learn)], contacts.label[learn], frozen_names, seed, plan.settings, protocol.threads)
        frozen[at] = model.raw(numbers[len(learn) :])
    suspects = telling(frozen_names, numbers[: len(learn)], contacts.label[learn], UNBELIEVABLE_AUC)
    return Walk(
        *(first, plan.window, plan.every, plan.settings, settled, len(starts)),
        *(rolling, forgetful, frozen, logistic),
        *(names, suspects, tuned),
    )


def _starts(contacts: Contacts, first: int, every: int, nightly: bool) -> list[int]:
    """Where a newly trained model takes over: every so many contacts, or at the next moment's first one."""
    if not nightly:
        return list(range(first, len(contacts), every))
    starts = [first]
    for begin in (np.flatnonzero(np.diff(contacts.moment)) + 1).tolist():
        if begin >= starts[-1] + every:
            starts.append(begin)
    return starts


def _learnable(contacts: Contacts, begin: int, window: int, delay: int) -> np.ndarray:
    """As `learnt_from`. Raises DataPrerequisite where an outcome is hardly among them."""
    learn = learnt_from(contacts, begin, window, delay)
    if not has_both(contacts.label[learn]):
        rarer = int(min(contacts.label[learn].sum(), (1 - contacts.label[learn]).sum()))
        raise DataPrerequisite(
            f"At contact {begin} of {len(contacts)} the outcomes of {len(learn)} contacts are known, {rarer} of them"
            " the rarer one: too few to learn from. Give a smaller --delay, a finer --order or a larger --start.",
            {"contacts": len(contacts), "known": len(learn), "rarer_outcome": rarer},
        )
    return learn


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


def _require(contacts: Contacts, first: int) -> None:
    if len(contacts) > first and contacts.moment[0] == contacts.moment[first]:
        raise DataPrerequisite(
            f"The time of contact {first} of {len(contacts)}, the first judged one, is that of the first contact: there"
            " is nothing earlier to learn from. Give a finer --order, or a larger --start.",
            {"contacts": len(contacts), "first_judged": first},
        )
    for name, label in (("before", contacts.label[:first]), ("after", contacts.label[first:])):
        least = int(min(label.sum(), len(label) - label.sum())) if len(label) else 0
        if least < LEAST_CLASS:
            raise DataPrerequisite(
                f"There are too few contacts: {name} the first judged one (contact {first} of {len(contacts)}) the"
                f" rarer outcome is there {least} times, needed are {LEAST_CLASS}.",
                {"contacts": len(contacts), "first_judged": first, "rarer_outcome": least, "needed": LEAST_CLASS},
            )
