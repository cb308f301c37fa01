"""Scores of a LightGBM model: by `quickscorer` where that says to the bit what LightGBM says, else by LightGBM.

Whether it does is asked once for each model, of rows at the bounds of each of its leaves. The boosters of all the
bank's models but `recommend`, which has categories, are evaluated so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from weakref import WeakKeyDictionary

import lightgbm
import numpy as np

from ml.data.stream import CHUNK_ROWS
from ml.techniques.quickscorer import IDENTITY, SIGMOID, ZERO, Step, Trees, Unsupported

log = logging.getLogger("bankmart")

# A full chunk, after which more are to come: making the trees and asking both takes as long as LightGBM for so many
# rows. Once that is done it pays from few on.
WORTH_MAKING, WORTH_USING = CHUNK_ROWS, 500
# Leaves asked about at once.
PROBES = 1_000

_known: WeakKeyDictionary[lightgbm.Booster, Trees | None] = WeakKeyDictionary()


def raw(booster: lightgbm.Booster, numbers: np.ndarray, threads: int) -> np.ndarray:
    """`booster`'s scores (n,) before its objective's transformation, of rows (n, features); quickest by column.

    `threads` are LightGBM's, where it does the work.
    """
    trees = _trees(booster, numbers, threads)
    if trees is None:
        return np.asarray(booster.predict(numbers, raw_score=True, num_threads=threads))
    return trees.raw(numbers)


def predicted(booster: lightgbm.Booster, numbers: np.ndarray, threads: int) -> np.ndarray:
    """As `booster.predict` says it: a probability (n,), or a number."""
    trees = _trees(booster, numbers, threads)
    if trees is None or trees.objective not in (IDENTITY, SIGMOID):
        return np.asarray(booster.predict(numbers, num_threads=threads))
    return trees.predicted(numbers)


def make(booster: lightgbm.Booster, threads: int) -> Trees | None:
    """The booster's trees; None where they aren't supported or, with a warning, don't say what the booster says."""
    try:
        trees = Trees(booster.model_to_string())
        if is_same(trees, booster, threads):
            return trees
        what = "differ from LightGBM's"
    except Unsupported:
        return None
    except (ValueError, KeyError, IndexError, RecursionError) as error:
        what = f"can't be had, its text isn't as known ({error!r})"
    log.warning(
        "A model's scores by numpy %s, so LightGBM scores: the scores are right, and take longer."
        " If LightGBM was updated, ml/techniques/quickscorer.py has to be looked at.",
        what,
    )
    return None


def is_same(trees: Trees, booster: lightgbm.Booster, threads: int) -> bool:
    """Whether both say the same, to the bit, of all `probes`."""
    for at, rows in enumerate(probes(trees)):
        pairs = [(trees.raw(rows), booster.predict(rows, raw_score=True, num_threads=threads))]
        # The objective's transformation is one for all trees.
        if not at and trees.objective in (IDENTITY, SIGMOID):
            pairs.append((trees.predicted(rows), booster.predict(rows, num_threads=threads)))
        if not all(np.array_equal(ours.view(np.int64), theirs.view(np.int64)) for ours, theirs in pairs):
            return False
    return True


def _trees(booster: lightgbm.Booster, numbers: np.ndarray, threads: int) -> Trees | None:
    if len(numbers) < (WORTH_USING if booster in _known else WORTH_MAKING) or numbers.dtype != np.float64:
        return None
    if booster not in _known:
        _known[booster] = make(booster, threads)
    trees = _known[booster]
    return trees if trees is not None and trees.features == numbers.shape[1] else None


def probes(trees: Trees) -> Iterator[np.ndarray]:
    """Rows (k, features) that reach every leaf by the least numbers, by the largest, and by nulls where they lead.

    What else is in a row is drawn: thresholds, numbers next to them, nulls, zeros, infinite.
    """
    rng = np.random.default_rng(0)
    usual = [np.nan, np.nan, 0.0, -0.0, np.inf, -np.inf, ZERO, -ZERO, 1e-36, -1e-36, 1.0, -1.0]
    limits = [np.array([limit for limit, *_ in trees.splits.get(at, ())]) for at in range(trees.features)]
    pools = [np.concatenate([usual, one, np.nextafter(one, np.inf)]) for one in limits]
    paths = iter(trees.paths)
    while some := list(islice(paths, PROBES)):
        rows = np.column_stack([rng.choice(pool, 3 * len(some)) for pool in pools])
        for at, path in enumerate(some):
            for feature in {step.feature for step in path}:
                rows[3 * at : 3 * at + 3, feature] = _through([step for step in path if step.feature == feature])
        yield rows


def _through(steps: Sequence[Step]) -> tuple[float, float, float]:
    """What of a feature goes all these steps: the least, the largest, and null where it does, too."""
    above = max((step.threshold for step in steps if step.right), default=-np.inf)
    most = min((step.threshold for step in steps if not step.right), default=np.inf)
    # Where no number can, it's null that does.
    if most <= above and any(step.right for step in steps):
        return np.nan, np.nan, np.nan
    least = float(np.nextafter(above, np.inf)) if any(step.right for step in steps) else above
    return least, most, np.nan if all(step.right == step.nan_right for step in steps) else least
