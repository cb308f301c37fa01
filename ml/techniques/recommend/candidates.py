"""What is known of a customer and a product that might be offered: the rows that the ranker reads."""

from __future__ import annotations

import numpy as np

from ml.techniques.recommend.data import HELD, STEPS_90, VIEWS_30, VIEWS_90, WAS_HELD
from ml.techniques.recommend.shelf import INVESTED, Shelf

# How strong a sign each is; looks and steps grow with their logarithm.
STRENGTH = {"held": 1.0, "was_held": 0.5, "views": 0.3, "steps": 0.5}
# Of the pair, in the order of the columns; the customer's own features come behind them.
PAIR = (
    *("als_score", "taken_share_90d", "product_line_code", "product_risk_level", "product_interest_rate"),
    *("product_term_months", "offer_view_count_30d", "offer_view_count_90d", "offer_application_count_90d", "was_held"),
    *("line_view_count_90d", "line_application_count_90d", "line_held_count", "invested_held_count"),
    *("risk_above_held", "view_share_90d"),
)
CATEGORICAL = ("product_line_code",)


def strength(cube: np.ndarray) -> np.ndarray:
    """How much each customer has shown to like each product (n, P), from the cube (n, P, 5)."""
    held, was = cube[:, :, HELD] > 0, cube[:, :, WAS_HELD] > 0
    found = STRENGTH["held"] * held + STRENGTH["was_held"] * (was & ~held)
    found = found + STRENGTH["views"] * np.log1p(cube[:, :, VIEWS_90])
    return np.asarray(found + STRENGTH["steps"] * np.log1p(cube[:, :, STEPS_90]))


def candidates(shelf: Shelf, cube: np.ndarray) -> np.ndarray:
    """(n, P): on sale and not held."""
    return np.asarray(shelf.on_sale[None, :] & (cube[:, :, HELD] == 0))


def rows(
    shelf: Shelf, lines: tuple[str, ...], als: np.ndarray, cube: np.ndarray, numbers: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """The features (k, PAIR + features) float32 of the k pairs in `mask` (n, P), customer by customer.

    `als` (n, P) are the scores of collaborative filtering, `numbers` (n, features) the customer's own; `lines`
    are those of training, a line that wasn't there then is NaN.
    """
    who, what = np.nonzero(mask)
    views, steps = cube[:, :, VIEWS_90].astype(np.float32), cube[:, :, STEPS_90].astype(np.float32)
    held = (cube[:, :, HELD] > 0).astype(np.float32)
    same_line = (shelf.line_of @ shelf.line_of.T).astype(np.float32)
    invested = np.isin(shelf.lines, INVESTED)
    risk = np.where(invested, np.nan_to_num(shelf.risk_level), 0.0)
    risk_held = ((cube[:, :, WAS_HELD] > 0) * risk[None, :]).max(axis=1, initial=0.0)
    code = np.array([lines.index(line) if line in lines else np.nan for line in shelf.lines])
    total = max(1.0, float(shelf.taken.sum()))
    looks = views.sum(axis=1)
    pair = np.column_stack(
        [
            als[who, what],
            (shelf.taken / total)[what],
            code[what],
            shelf.risk_level[what],
            shelf.interest_rate[what],
            shelf.term_months[what],
            cube[who, what, VIEWS_30],
            views[who, what],
            steps[who, what],
            cube[who, what, WAS_HELD],
            (views @ same_line)[who, what],
            (steps @ same_line)[who, what],
            (held @ same_line)[who, what],
            (held @ invested.astype(np.float32))[who],
            np.where(invested[what] & (risk_held[who] > 0), risk[what] - risk_held[who], np.nan),
            views[who, what] / np.maximum(looks[who], 1),
        ]
    ).astype(np.float32)
    return np.hstack([pair, numbers[who].astype(np.float32)])


def spread(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Values of the pairs (k,) back in their places (n, P), -inf elsewhere."""
    found = np.full(mask.shape, -np.inf)
    found[mask] = values
    return found


def popularity(taken: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The baseline: what most customers took next (n, P), of counts (P,); -inf for what is no candidate."""
    return np.where(mask, taken[None, :].astype(np.float64), -np.inf)


def together(cube: np.ndarray) -> np.ndarray:
    """(P, P): the share of the holders of the row's product that hold the column's too; 0 on the diagonal."""
    held = (cube[:, :, HELD] > 0).astype(np.float64)
    both = held.T @ held
    share = both / np.maximum(np.diag(both), 1.0)[:, None]
    np.fill_diagonal(share, 0.0)
    return np.asarray(share)


def by_rule(share: np.ndarray, cube: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A rule a bank could write by hand: what the holders of what the customer holds hold too (n, P)."""
    held = (cube[:, :, HELD] > 0).astype(np.float64)
    found = (held @ share) / np.maximum(held.sum(axis=1, keepdims=True), 1.0)
    return np.where(mask, found, -np.inf)
