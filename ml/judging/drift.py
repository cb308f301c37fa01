"""Are today's customers those the model learnt from? The population stability index of each feature and the score.

PSI = Σ (a − e) ln(a / e) over bins, e and a being the shares of training and of today (Siddiqi 2006, Credit Risk
Scorecards; the limits 0.1 and 0.25 are from there too). Without any drift it is not 0: times 1 / (1/N + 1/M) it follows
a chi-square with one degree less than bins (Yurdakul 2018), so a verdict also asks for more than that noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

WATCH, DRIFTED = 0.1, 0.25
STABLE_WORD, WATCH_WORD, DRIFTED_WORD = "stable", "watch", "drifted"
BINS = 10
CONFIDENCE = 0.999
# A model has drifted where features that carry so much of it have.
CARRIED = 0.2
SCORE = "score"
CHUNK_SAMPLE = 1_000


@dataclass(frozen=True)
class Baseline:
    """One column at training: inner edges of its bins, rows per bin (the last one: null), what it carries (0-1)."""

    edges: tuple[float, ...]
    count: tuple[int, ...]
    weight: float = 0.0


@dataclass(frozen=True)
class Shift:
    """One column's PSI against training, with what noise alone would reach once in a thousand, and the verdict."""

    name: str
    psi: float
    noise: float
    verdict: str
    weight: float


@dataclass(frozen=True)
class Drift:
    """All columns, the score first, then by PSI; `verdict` is the model's."""

    verdict: str
    rows: int
    shifts: list[Shift]

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and numbers, for JSON."""
        return asdict(self)


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """PSI of two counts by bin (bins,); half a row is added to every bin so that an empty one stays finite."""
    there = (expected + actual) > 0
    e, a = expected[there] + 0.5, actual[there] + 0.5
    e, a = e / e.sum(), a / a.sum()
    return float(np.sum((a - e) * np.log(a / e)))


def baseline(values: np.ndarray, weight: float = 0.0, edges: Sequence[float] | None = None) -> Baseline:
    """Deciles of the values (n,), or the bins between `edges`, and their rows.

    Equal values stay in one bin, null has one of its own.
    """
    if edges is not None:
        return Baseline(tuple(edges), tuple(_count(np.asarray(edges), values).tolist()), weight)
    there = values[~np.isnan(values)]
    places = np.linspace(0, 1, BINS + 1)[1:-1]
    found = np.unique(np.quantile(there, places, method="lower")) if len(there) else np.empty(0)
    kept = tuple(float(edge) for edge in found)
    return Baseline(kept, tuple(_count(np.asarray(kept), values).tolist()), weight)


def baselines(
    names: Sequence[str],
    numbers: np.ndarray,
    score: np.ndarray,
    weights: Sequence[float],
    whole: float | None = None,
) -> dict[str, Baseline]:
    """Of the score (n,) and each feature (n, len(names)); `weights` say how much of the model each carries.

    `whole` is what all of the model weighs, where it looks at more than these features.
    """
    share = np.asarray(weights, float)
    whole = float(share.sum()) if whole is None else whole
    share = share / whole if whole else share
    made = {SCORE: baseline(score, 1.0)}
    return made | {name: baseline(numbers[:, at], float(share[at])) for at, name in enumerate(names)}


def as_plain(made: Mapping[str, Baseline]) -> dict[str, Any]:
    """The baselines as plain dicts, for the model's facts."""
    return {name: asdict(one) for name, one in made.items()}


def from_plain(plain: Mapping[str, Any]) -> dict[str, Baseline]:
    """The baselines that `as_plain` made."""
    return {name: Baseline(tuple(one["edges"]), tuple(one["count"]), one["weight"]) for name, one in plain.items()}


class Watch:
    """Counts customers chunk by chunk against the baselines of training."""

    def __init__(self, made: Mapping[str, Baseline], features: Sequence[str]) -> None:
        self.made, self.features = made, features
        self.edges = {name: np.asarray(one.edges) for name, one in made.items()}
        self.count = {name: np.zeros(len(one.count), np.int64) for name, one in made.items()}

    def add(self, numbers: np.ndarray, score: np.ndarray) -> None:
        """Count a chunk: its scores (n,), and of its features (n, columns) `CHUNK_SAMPLE` evenly spaced rows."""
        self.count[SCORE] += _count(self.edges[SCORE], score)
        step = max(1, len(numbers) // CHUNK_SAMPLE)
        # Feature by feature in memory, where it is searched a third quicker.
        sample = np.ascontiguousarray(numbers[::step].T)
        for at, name in enumerate(self.features):
            self.count[name] += _count(self.edges[name], sample[at])

    @property
    def rows(self) -> int:
        """How many were counted."""
        return int(self.count[SCORE].sum())

    def report(self) -> Drift:
        """What has been counted, judged."""
        shifts = [_shift(name, self.made[name], count) for name, count in self.count.items()]
        score = next(one for one in shifts if one.name == SCORE)
        rest = sorted((one for one in shifts if one.name != SCORE), key=lambda one: -one.psi)
        carried = sum(one.weight for one in rest if one.verdict == DRIFTED_WORD)
        if score.verdict == DRIFTED_WORD or carried >= CARRIED:
            verdict = DRIFTED_WORD
        elif score.verdict == WATCH_WORD or any(one.verdict != STABLE_WORD for one in rest):
            verdict = WATCH_WORD
        else:
            verdict = STABLE_WORD
        return Drift(verdict, self.rows, [score, *rest])


def drift(made: Mapping[str, Baseline], features: Sequence[str], numbers: np.ndarray, score: np.ndarray) -> Drift:
    """The drift of customers that are in memory: features (n, columns) and their scores (n,)."""
    watch = Watch(made, features)
    for start in range(0, len(score), CHUNK_SAMPLE):
        watch.add(numbers[start : start + CHUNK_SAMPLE], score[start : start + CHUNK_SAMPLE])
    return watch.report()


def report(title: str, found: Drift, most: int = 20) -> str:
    """The drift as Markdown: the score and the features that moved most."""
    lines = [f"# {title}: {found.verdict}", "", f"{found.rows} customers against training.", ""]
    lines += ["| column | PSI | noise alone | verdict | carries |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {one.name} | {one.psi:.4f} | {one.noise:.4f} | {one.verdict} | {one.weight:.1%} |"
        for one in found.shifts[: most + 1]
    ]
    return "\n".join(lines) + "\n"


def section(found: Drift | None, unjudged: str = "", most: int = 8) -> str:
    """What a model card says of it; `unjudged` says what of it makes no sense for the technique."""
    if found is None:
        return f"## Drift\n**Not judged**: {unjudged or 'the model keeps no distributions of its training'}."
    rows = [
        f"| {one.name} | {one.psi:.3f} | {one.noise:.3f} | {one.verdict} | {one.weight:.1%} |"
        for one in found.shifts[:most]
    ]
    told = (
        "the score first, then what moved most and how much of the model it carries" if len(rows) > 1 else "the score"
    )
    return (
        f"## Drift of the test rows against training: {found.verdict}\n"
        f"Population stability index: {told}; noise alone reaches what stands beside it once in a thousand."
        f"{f' {unjudged}.' if unjudged else ''}\n\n"
        "| column | PSI | noise alone | verdict | carries |\n| --- | --- | --- | --- | --- |\n" + "\n".join(rows)
    )


def _count(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Rows per bin (len(edges) + 2,), the last being null."""
    place = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
    return np.bincount(place, minlength=len(edges) + 2)


def _shift(name: str, made: Baseline, count: np.ndarray) -> Shift:
    expected = np.asarray(made.count, float)
    rows = float(count.sum())
    value = psi(expected, count.astype(float)) if rows else 0.0
    degrees = max(1, int(((expected + count) > 0).sum()) - 1)
    noise = float(chi2.ppf(CONFIDENCE, degrees)) * (1 / max(1.0, expected.sum()) + 1 / max(1.0, rows))
    verdict = STABLE_WORD
    if value >= max(WATCH, noise):
        verdict = DRIFTED_WORD if value >= max(DRIFTED, noise) else WATCH_WORD
    return Shift(name, value, noise, verdict, made.weight)
