"""Window and settings of a walk, settled by a walk over the contacts before the first judged one.

Another choice than the usual one is taken only where it is better beyond chance there: the best of several tries is
mostly luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ml.judging.metrics import auc
from ml.public.contacts import Contacts
from ml.public.window import (
    LEAST_STEP,
    LEAST_STEPS,
    MORE,
    MOST_LEARNT,
    MOST_STEPS,
    MOST_WINDOW,
    PLAIN,
    SETTINGS,
    USUAL,
    USUAL_WINDOW,
    Plan,
    Protocol,
    fit,
    has_both,
    learnt_from,
    numbers_of,
)

SETTLED_SHARE, SETTLED_STEPS = 0.7, 4
RESAMPLES, CHANCE = 200, 1.0
# By how much another choice's AUC has to be higher, too. Settings are settled only where asked for: campaigns change,
# and on bank_marketing the earlier contacts prefer more trees by 0.037, with which the later ones are judged 0.03 worse
# than with the plain setting (which was chosen on those, of five). A longer window is less of a risk.
SETTINGS_MARGIN, WINDOW_MARGIN = 0.02, 0.005
# So many of the rarer outcome bear more trees than plain: on invented contacts their AUC was higher by 0.007 and 0.008
# with 15,000 in windows of 80,000 and 300,000, by 0.001 to 0.006 with 2,500 to 5,000.
MANY, MANY_MARGIN = 10_000, 0.002
_Choice = TypeVar("_Choice", bound=str | int)


def settle(contacts: Contacts, past: np.ndarray, protocol: Protocol, first: int) -> tuple[Plan, dict[str, float]]:
    """What the protocol leaves open, and the AUC that each choice had on the last contacts before `first`.

    The usual window with each of the settings, then with the chosen one the longer windows that there is history for.
    No contact from `first` on is looked at.
    """
    judged = len(contacts) - first
    usual = protocol.window or USUAL_WINDOW
    begin = int(first * SETTLED_SHARE)
    label = contacts.label[begin:first]
    named = PLAIN if protocol.settings == USUAL else protocol.settings
    given = [named] if named else list(SETTINGS)
    longer = [usual * 4, usual * 15] if protocol.window is None else []
    wider = [min(window, MOST_WINDOW) for window in longer if window <= 2 * begin]
    bears_more = protocol.settings == USUAL and _rarer(contacts, protocol, first, max([usual, *wider])) >= MANY
    if (len(given) == 1 and not wider and not bears_more) or not has_both(label):
        return Plan(usual, _step(protocol, judged, usual), given[0]), {}
    scores = {name: _walked(contacts, past, protocol, (begin, first), usual, name) for name in given}
    name = _chosen(given, scores, label, SETTINGS_MARGIN)
    windows = {usual: scores[name]}
    windows |= {window: _walked(contacts, past, protocol, (begin, first), window, name) for window in wider}
    window = _chosen(list(windows), windows, label, WINDOW_MARGIN)
    said = {f"{one}, last {usual}": _auc(score, label) for one, score in scores.items()}
    said |= {f"{name}, last {one}": _auc(score, label) for one, score in windows.items()}
    if bears_more and _rarer(contacts, protocol, first, window) >= MANY:
        more = {name: windows[window], MORE: _walked(contacts, past, protocol, (begin, first), window, MORE)}
        said[f"{MORE}, last {window}"] = _auc(more[MORE], label)
        name = _chosen(list(more), more, label, MANY_MARGIN)
    return Plan(window, _step(protocol, judged, window), name), said


def _rarer(contacts: Contacts, protocol: Protocol, first: int, window: int) -> int:
    """How often the rarer outcome is among the contacts that the first judged one's model learns from."""
    label = contacts.label[learnt_from(contacts, first, window, protocol.delay)]
    return int(min(label.sum(), len(label) - label.sum()))


def _step(protocol: Protocol, judged: int, window: int) -> int:
    """Contacts between two retrainings: as asked, else LEAST_STEP, or more to keep within MOST_LEARNT."""
    affordable = MOST_LEARNT // (window * len(protocol.seeds))
    steps = max(LEAST_STEPS, min(MOST_STEPS, affordable))
    return protocol.every or max(LEAST_STEP, -(-judged // steps))


def _walked(
    contacts: Contacts, past: np.ndarray, protocol: Protocol, span: tuple[int, int], window: int, name: str
) -> np.ndarray:
    """Scores of the contacts from span[0] to span[1], by a few models; NaN where there was nothing to learn."""
    begin, end = span
    score = np.full(end - begin, np.nan)
    step = -(-(end - begin) // SETTLED_STEPS)
    for at in range(begin, end, step):
        new, learn = np.arange(at, min(at + step, end)), learnt_from(contacts, at, window, protocol.delay)
        label = contacts.label[learn]
        if has_both(label):
            numbers, columns = numbers_of(contacts, past, learn, new)
            model = fit(numbers[: len(learn)], label, columns, protocol.seeds[0], name, protocol.threads)
            score[new - begin] = model.raw(numbers[len(learn) :])
    return score


def _chosen(order: Sequence[_Choice], scores: dict[_Choice, np.ndarray], label: np.ndarray, margin: float) -> _Choice:
    """The first, unless another one's AUC is higher by `margin`, and in all but CHANCE % of the resamples at all."""
    usual, best, ahead = order[0], order[0], margin
    rng = np.random.default_rng(0)
    drawn: list[np.ndarray] = [rng.integers(0, len(label), len(label)) for _ in range(RESAMPLES)]
    for other in order[1:]:
        there: np.ndarray = ~np.isnan(scores[usual]) & ~np.isnan(scores[other])
        if not has_both(label[there]):
            continue
        both = np.flatnonzero(there)
        parts = [both, *(sample[there[sample]] for sample in drawn)]
        differences = [auc(scores[other][part], label[part]) - auc(scores[usual][part], label[part]) for part in parts]
        if np.nanpercentile(differences[1:], CHANCE) > 0 and differences[0] > ahead:
            best, ahead = other, differences[0]
    return best


def _auc(score: np.ndarray, label: np.ndarray) -> float:
    there = ~np.isnan(score)
    return round(auc(score[there], label[there]), 5) if has_both(label[there]) else float("nan")
