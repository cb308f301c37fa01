"""The response question walked as the retraining DAG would: trained when it is due, and the gates say who serves.

At each month's end (`ml.cadence`) a version is made of the contacts known by then, split, trained, judged and held to
the gates as `ml.train`, `ml.compare` and `ml.promote` do, without the campaign's own past, which the platform's own
model doesn't look at either. A version that passes serves from the next day on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from ml.cadence import is_due, month_end_before
from ml.data.split import Split, split_by_time
from ml.data.training import TrainingSet, as_date, as_day
from ml.errors import DataPrerequisite
from ml.judging.gate import FAIRNESS, Check, champion_check, checks
from ml.public.contacts import Contacts
from ml.public.window import RESPONSE, Protocol, numbers_of, spec_of, training_set
from ml.spec import Spec, load_spec
from ml.techniques import technique

# Outcomes are known overnight, so those of a month are complete at the next month's end, whatever the month.
MONTH_DAYS = 28


@dataclass(frozen=True)
class Monthly:
    """Scores of the judged contacts (seeds, n): by each newest version, and by the champion that the gates let be.

    Per seed `trained`, `skipped` and `passed` count month ends, `refused` how often each gate said no.
    """

    newest: np.ndarray
    champion: np.ndarray
    trained: list[int]
    skipped: list[int]
    passed: list[int]
    refused: list[dict[str, int]]

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        return {
            "trained": self.trained,
            "skipped": self.skipped,
            "passed": self.passed,
            "refused": self.refused,
            "says": "trained at month ends by the rule of train_monthly (ml.cadence), without the campaign's own past;"
            " split, judged and compared with the champion on the newest known month as ml.train and ml.compare do, by"
            " the response spec's gates but fairness (these contacts have no groups); where none has passed yet the"
            " first one serves, and nobody is asked for his yes",
        }


def walk_monthly(contacts: Contacts, protocol: Protocol, first: int, window: int) -> Monthly:
    """Score all contacts from `first` on; `moment` is a day (since 1970). Raises DataPrerequisite as training does."""
    shape = (len(protocol.beside), len(contacts) - first)
    made = Monthly(np.empty(shape), np.empty(shape), [], [], [], [])
    numbers, names = _numbers(contacts, first, window)
    for at, seed in enumerate(protocol.beside):
        spec = _spec(names, seed, protocol.threads)
        counts: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        newest = champion = None
        for end, begin, until in _months(contacts, first):
            # Where nothing can be learnt on the first date, the version that serves is that of a month's end before it.
            ends = [end] if newest else _earlier(contacts, end)
            data, split = _trainable(contacts, numbers, spec, ends, window)
            if data is None or split is None:
                counts["skipped"] += 1
            else:
                newest = technique(spec.technique).train(spec, data, split)
                counts["trained"] += 1
                wrong = [one.name for one in _checks(spec, newest, champion, data, split.test) if not one.passed]
                refused.update(wrong)
                counts["passed"] += not wrong
                champion = champion if champion and wrong else newest
            if newest is None or champion is None:
                raise DataPrerequisite(
                    f"At no month's end before {end} the contacts known by then suffice to train on: give a larger"
                    " --start.",
                    {"contacts": len(contacts), "first_judged": first},
                )
            asked, place = numbers[begin:until], slice(begin - first, until - first)
            made.newest[at, place], made.champion[at, place] = newest.score(asked), champion.score(asked)
        made.trained.append(counts["trained"])
        made.skipped.append(counts["skipped"])
        made.passed.append(counts["passed"])
        made.refused.append(dict(refused))
    return made


def _earlier(contacts: Contacts, end: date) -> list[date]:
    """The month's end and those before it, the newest first, as far as contacts go back."""
    ends = [end]
    while as_day(ends[-1]) > contacts.moment[0]:
        ends.append(month_end_before(ends[-1]))
    return ends


def _trainable(
    contacts: Contacts, numbers: np.ndarray, spec: Spec, ends: list[date], window: int
) -> tuple[TrainingSet, Split] | tuple[None, None]:
    """What is known and its split, at the first of the dates where it suffices."""
    for end in ends:
        data = known_at(contacts, numbers, spec, end, window)
        if not data.rows:
            continue
        try:
            return data, split_by_time(spec, data)
        except DataPrerequisite:
            continue
    return None, None


def known_at(contacts: Contacts, numbers: np.ndarray, spec: Spec, end: date, window: int) -> TrainingSet:
    """The newest `window` contacts up to the end of a day, each with the month's end before it as its as-of date."""
    if not is_due(end):
        raise ValueError(f"training isn't due on {end}")
    known = int(np.searchsorted(contacts.moment, as_day(end), side="right"))
    rows = np.arange(max(0, known - window), known)
    days = [as_day(month_end_before(as_date(moment))) for moment in contacts.moment[rows]]
    return replace(training_set(spec, numbers[rows], contacts.label[rows]), day=np.array(days, dtype=np.int32))


def _months(contacts: Contacts, first: int) -> list[tuple[date, int, int]]:
    """Each month's end that a judged contact follows, with the contacts (begin, end) up to the next one's."""
    found = []
    begin = first
    while begin < len(contacts):
        end = month_end_before(as_date(contacts.moment[begin]))
        ends = [month_end_before(as_date(moment)) for moment in contacts.moment[begin:]]
        until = begin + next((at for at, one in enumerate(ends) if one != end), len(ends))
        found.append((end, begin, until))
        begin = until
    return found


def _numbers(contacts: Contacts, first: int, window: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """All contacts as numbers: as a spec names its features once, categories are those of the first training."""
    known = int(np.searchsorted(contacts.moment, as_day(month_end_before(as_date(contacts.moment[first]))), "right"))
    learn = np.arange(max(0, known - window), known)
    numbers, names = numbers_of(contacts, None, learn, np.arange(len(contacts)))
    return numbers[len(learn) :], names


def _spec(names: tuple[str, ...], seed: int, threads: int) -> Spec:
    """The response model's spec, its gates, needs and baseline too, for the columns that there are."""
    own = load_spec("response")
    made = spec_of(names, seed, RESPONSE, threads)
    params = {**made.params, "baseline": own.params["baseline"]}
    return replace(made, params=params, needs=own.needs, horizon_days=MONTH_DAYS)


def _checks(spec: Spec, version: Any, champion: Any, data: TrainingSet, test: np.ndarray) -> list[Check]:
    made = [one for one in checks(spec.gates, version.judge(data, test, spec.seed)) if one.kind != FAIRNESS]
    if champion is not None:
        made.append(champion_check(spec.gates, "", version.against(champion, data, test, spec.seed)))
    return made
